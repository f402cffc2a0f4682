package health_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/health"
)

// Each line is an object's kind, the rest of it, its health, and what is in the message; an empty message is wanted empty
// where the object is healthy.
func TestOf(t *testing.T) {
	const (
		deployment = "apps/v1 Deployment"
		stateful   = "apps/v1 StatefulSet"
		replicaSet = "apps/v1 ReplicaSet"
		daemon     = "apps/v1 DaemonSet"
		claim      = "v1 PersistentVolumeClaim"
		hpa        = "autoscaling/v2 HorizontalPodAutoscaler"
		crd        = "apiextensions.k8s.io/v1 CustomResourceDefinition"
		rollout    = "argoproj.io/v1alpha1 Rollout"
		analysis   = "argoproj.io/v1alpha1 AnalysisRun"
		custom     = "example.com/v1 Widget"
		unseen     = "has not seen"
	)
	const healthy, progressing, degraded, suspended, unknown, none = v1alpha1.HealthHealthy, v1alpha1.HealthProgressing, v1alpha1.HealthDegraded, v1alpha1.HealthSuspended, v1alpha1.HealthUnknown, v1alpha1.HealthStatusCode("")
	for _, c := range []struct {
		kind, rest string
		want       v1alpha1.HealthStatusCode
		says       string
	}{
		{deployment, "spec: {replicas: 2}, status: {replicas: 2, updatedReplicas: 2, availableReplicas: 2}", healthy, ""},
		{deployment, "metadata: {generation: 2}, status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1}", progressing, unseen},
		{deployment, "spec: {replicas: 2}, status: {replicas: 2, updatedReplicas: 1, availableReplicas: 2}", progressing, "1 of 2 replicas are updated"},
		{deployment, "status: {replicas: 2, updatedReplicas: 1, availableReplicas: 1}", progressing, "1 old replicas"},
		{deployment, "status: {replicas: 1, updatedReplicas: 1}", progressing, "0 of 1 updated replicas are available"},
		{deployment, "spec: {paused: true}", suspended, "paused"},
		{deployment, "status: {conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded, message: too long}]}", degraded, "too long"},
		{deployment, "status: {replicas: 1, updatedReplicas: 1, availableReplicas: 1, conditions: [{type: Progressing, status: 'True', reason: NewReplicaSetAvailable}]}", healthy, ""},
		{deployment, "status: {replicas: 1, updatedReplicas: 1, availableReplicas: 1, conditions: [{type: Available, status: 'False', reason: ProgressDeadlineExceeded}]}", healthy, ""},
		{deployment, "status: {replicas: 1, updatedReplicas: 1, availableReplicas: 1, conditions: [{type: ReplicaFailure, status: 'False', message: quota}]}", healthy, ""},
		{deployment, "status: {replicas: 1, updatedReplicas: 1, availableReplicas: 1, conditions: [{type: Available, status: 'True', message: well}]}", healthy, ""},
		{deployment, "status: {conditions: [{type: ReplicaFailure, status: 'True', message: quota}]}", degraded, "quota"},
		{deployment, "spec: {replicas: 0}", healthy, ""},
		{deployment, "spec: {replicas: many}", unknown, "reading Deployment"},
		{stateful, "status: {readyReplicas: 1, currentRevision: a, updateRevision: a}", healthy, ""},
		{stateful, "metadata: {generation: 2}, status: {observedGeneration: 1}", progressing, unseen},
		{stateful, "spec: {replicas: 3}, status: {readyReplicas: 1}", progressing, "1 of 3"},
		{stateful, "status: {readyReplicas: 1, currentRevision: a, updateRevision: b}", progressing, "updated"},
		{stateful, "spec: {updateStrategy: {type: OnDelete}}, status: {readyReplicas: 1, currentRevision: a, updateRevision: b}", healthy, ""},
		{stateful, "spec: {replicas: 3, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}}, status: {readyReplicas: 3, updatedReplicas: 0}", progressing, "0 of 1"},
		{stateful, "spec: {replicas: 3, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}}, status: {readyReplicas: 3, updatedReplicas: 1}", healthy, ""},
		{stateful, "spec: {updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 0}}}, status: {readyReplicas: 1, updatedReplicas: 1, currentRevision: a, updateRevision: b}", progressing, "1 of 1 replicas are updated"},
		{stateful, "spec: {updateStrategy: {type: RollingUpdate, rollingUpdate: {}}}, status: {readyReplicas: 1, currentRevision: a, updateRevision: b}", progressing, "0 of 1 replicas are updated"},
		{stateful, "spec: {replicas: 0}", healthy, ""},
		{replicaSet, "status: {availableReplicas: 1}", healthy, ""},
		{replicaSet, "metadata: {generation: 2}, status: {observedGeneration: 1, availableReplicas: 1}", progressing, unseen},
		{replicaSet, "spec: {replicas: 4}, status: {availableReplicas: 1}", progressing, "1 of 4"},
		{replicaSet, "status: {conditions: [{type: ReplicaFailure, status: 'True', message: quota}]}", degraded, "quota"},
		{replicaSet, "status: {availableReplicas: 1, conditions: [{type: ReplicaFailure, status: 'False', message: quota}]}", healthy, ""},
		{replicaSet, "status: {availableReplicas: 1, conditions: [{type: Other, status: 'True', message: well}]}", healthy, ""},
		{replicaSet, "spec: {replicas: 0}", healthy, ""},
		{"v1 ReplicationController", "status: {availableReplicas: 1}", healthy, ""},
		{"v1 ReplicationController", "status: {availableReplicas: 0}", progressing, "0 of 1"},
		{"v1 ReplicationController", "status: {conditions: [{type: ReplicaFailure, status: 'True', message: quota}]}", degraded, "quota"},
		{daemon, "status: {desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2}", healthy, ""},
		{daemon, "metadata: {generation: 2}, status: {observedGeneration: 1}", progressing, unseen},
		{daemon, "status: {desiredNumberScheduled: 2, updatedNumberScheduled: 1, numberAvailable: 2}", progressing, "1 of 2 pods are updated"},
		{daemon, "spec: {updateStrategy: {type: OnDelete}}, status: {desiredNumberScheduled: 2, updatedNumberScheduled: 1, numberAvailable: 2}", healthy, ""},
		{daemon, "status: {desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1}", progressing, "1 of 2 pods are available"},
		{"v1 Pod", "status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}", healthy, ""},
		{"v1 Pod", "status: {phase: Running, conditions: [{type: Ready, status: 'False'}]}", progressing, "not ready"},
		{"v1 Pod", "spec: {restartPolicy: Never}, status: {phase: Running}", progressing, "to its end"},
		{"v1 Pod", "status: {phase: Succeeded}", healthy, "completed"},
		{"v1 Pod", "status: {phase: Failed, containerStatuses: [{name: web, state: {terminated: {exitCode: 3}}}]}", degraded, "container web exited with 3"},
		{"v1 Pod", "status: {phase: Failed, message: evicted}", degraded, "evicted"},
		{"v1 Pod", "status: {phase: Failed, containerStatuses: [{name: side, state: {terminated: {exitCode: 0}}}, {name: web, state: {terminated: {exitCode: 3, message: killed}}}]}", degraded, "container web exited with 3 killed"},
		{"v1 Pod", "status: {phase: Failed, containerStatuses: [{name: web, state: {running: {}}}]}", degraded, "failed"},
		{"v1 Pod", "status: {phase: Failed}", degraded, "failed"},
		{"v1 Pod", "spec: {restartPolicy: OnFailure}, status: {phase: Running}", progressing, "to its end"},
		{"v1 Pod", "spec: {restartPolicy: Always}, status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}", healthy, ""},
		{"v1 Pod", "status: {phase: Running, conditions: [{type: PodScheduled, status: 'True'}]}", progressing, "not ready"},
		{"v1 Pod", "status: {phase: Pending, message: no node}", progressing, "no node"},
		{"v1 Pod", "status: {phase: Unknown}", progressing, ""},
		{"v1 Pod", "status: {phase: Pending, containerStatuses: [{name: web, state: {waiting: {reason: CrashLoopBackOff, message: m}}}]}", degraded, "container web: CrashLoopBackOff: m"},
		{"v1 Pod", "status: {phase: Pending, containerStatuses: [{name: web, state: {waiting: {reason: ErrImagePull, message: m}}}]}", degraded, "container web: ErrImagePull: m"},
		{"v1 Pod", "status: {phase: Pending, containerStatuses: [{name: web, state: {waiting: {reason: InvalidImageName, message: m}}}]}", degraded, "container web: InvalidImageName: m"},
		{"v1 Pod", "status: {phase: Pending, containerStatuses: [{name: web, state: {waiting: {reason: ErrImageNeverPull, message: m}}}]}", degraded, "container web: ErrImageNeverPull: m"},
		{"v1 Pod", "status: {phase: Pending, containerStatuses: [{name: web, state: {waiting: {reason: CreateContainerConfigError, message: m}}}]}", degraded, "container web: CreateContainerConfigError: m"},
		{"v1 Pod", "status: {phase: Pending, containerStatuses: [{name: web, state: {waiting: {reason: CreateContainerError, message: m}}}]}", degraded, "container web: CreateContainerError: m"},
		{"v1 Pod", "status: {phase: Pending, containerStatuses: [{name: web, state: {waiting: {reason: RunContainerError, message: m}}}]}", degraded, "container web: RunContainerError: m"},
		{"v1 Pod", "status: {phase: Pending, containerStatuses: [{name: web, state: {waiting: {reason: ImagePullBackOff, message: not found}}}]}", degraded, "container web: ImagePullBackOff: not found"},
		{"v1 Pod", "status: {phase: Pending, initContainerStatuses: [{name: init, state: {waiting: {reason: CrashLoopBackOff}}}]}", degraded, "container init"},
		{"v1 Pod", "status: {phase: Pending, containerStatuses: [{name: web, state: {waiting: {reason: ContainerCreating}}}]}", progressing, ""},
		{"v1 Service", "spec: {type: ClusterIP}", healthy, ""},
		{"v1 Service", "spec: {type: NodePort}", healthy, ""},
		{"v1 Service", "spec: {type: LoadBalancer}", progressing, "no load balancer address"},
		{"v1 Service", "spec: {type: LoadBalancer}, status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}", healthy, ""},
		{"networking.k8s.io/v1 Ingress", "spec: {}", progressing, "no load balancer address"},
		{"networking.k8s.io/v1 Ingress", "status: {loadBalancer: {ingress: [{hostname: lb.example}]}}", healthy, ""},
		{claim, "status: {phase: Bound}", healthy, ""},
		{claim, "status: {phase: Pending}", progressing, "not bound"},
		{claim, "status: {phase: Lost}", degraded, "lost"},
		{claim, "spec: {}", progressing, "not bound"},
		{"v1 PersistentVolume", "status: {phase: Available}", healthy, ""},
		{"v1 PersistentVolume", "status: {phase: Pending}", progressing, ""},
		{"v1 PersistentVolume", "spec: {}", progressing, "not available"},
		{"v1 PersistentVolume", "status: {phase: Bound}", healthy, ""},
		{"v1 PersistentVolume", "status: {phase: Released}", healthy, ""},
		{"v1 PersistentVolume", "status: {phase: Failed, reason: Recycle, message: disk gone}", degraded, "disk gone"},
		{"v1 Namespace", "status: {phase: Active}", healthy, ""},
		{"v1 Namespace", "metadata: {}", healthy, ""},
		{"v1 Namespace", "status: {phase: Terminating}", progressing, "deleted"},
		{"batch/v1 Job", "status: {active: 1}", progressing, "running"},
		{"batch/v1 Job", "status: {conditions: [{type: Complete, status: 'True', message: done}]}", healthy, "done"},
		{"batch/v1 Job", "status: {conditions: [{type: Failed, status: 'True', message: three times}]}", degraded, "three times"},
		{"batch/v1 Job", "status: {conditions: [{type: Failed, status: 'False'}]}", progressing, ""},
		{"batch/v1 Job", "status: {conditions: [{type: Suspended, status: 'False'}, {type: FailureTarget, status: 'True', message: soon}, {type: Failed, status: 'True', message: late}]}", degraded, "late"},
		{"batch/v1 Job", "status: {conditions: [{type: SuccessCriteriaMet, status: 'True', message: soon}]}", progressing, "running"},
		{"batch/v1 Job", "status: {conditions: [{type: Suspended, status: 'True'}]}", suspended, ""},
		{"batch/v1 CronJob", "spec: {schedule: '* * * * *'}", healthy, ""},
		{hpa, "status: {}", progressing, "waiting"},
		{hpa, "status: {conditions: [{type: AbleToScale, status: 'True', message: ready}]}", healthy, "ready"},
		{hpa, "status: {conditions: [{type: AbleToScale, status: 'False', reason: FailedGetScale, message: no target}]}", degraded, "no target"},
		{hpa, "status: {conditions: [{type: AbleToScale, status: 'False', reason: FailedUpdateScale, message: no leave}]}", degraded, "no leave"},
		{hpa, "status: {conditions: [{type: ScalingActive, status: 'False', reason: InvalidSelector, message: no selector}]}", degraded, "no selector"},
		{hpa, "status: {conditions: [{type: ScalingLimited, status: 'True', message: at the limit}]}", healthy, "at the limit"},
		{hpa, "status: {conditions: [{type: ScalingLimited, status: 'False', message: within}, {type: AbleToScale, status: 'False', message: held}]}", progressing, "waiting"},
		{hpa, "status: {conditions: [{type: ScalingActive, status: 'True', reason: InvalidSelector, message: odd}]}", progressing, "waiting"},
		{hpa, "status: {conditions: [{type: ScalingActive, status: 'False', reason: ScalingDisabled, message: switched off}]}", progressing, "waiting"},
		{hpa, "status: {conditions: [{type: ScalingActive, status: 'True', message: valid}]}", progressing, "waiting"},
		{"policy/v1 PodDisruptionBudget", "metadata: {generation: 1}, status: {observedGeneration: 1, currentHealthy: 2, desiredHealthy: 1, conditions: [{type: DisruptionAllowed, status: 'True'}]}", healthy, ""},
		{"apiregistration.k8s.io/v1 APIService", "status: {conditions: [{type: Available, status: 'True'}]}", healthy, ""},
		{"apiregistration.k8s.io/v1 APIService", "status: {conditions: [{type: Available, status: 'False', reason: MissingEndpoints, message: none}]}", progressing, "MissingEndpoints"},
		{crd, "status: {conditions: [{type: NamesAccepted, status: 'True'}, {type: Established, status: 'True'}]}", healthy, ""},
		{crd, "status: {}", progressing, "not served"},
		{crd, "status: {conditions: [odd, {type: Established, status: 'True'}, {type: Terminating, status: 'False'}]}", healthy, ""},
		{crd, "status: {conditions: [{type: NamesAccepted, status: 'True'}, {type: Established, status: 'False'}]}", progressing, "not served"},
		{crd, "status: {conditions: [{type: NamesAccepted, status: 'False', message: name taken}]}", degraded, "name taken"},
		{rollout, "metadata: {generation: 2}, status: {phase: Healthy, observedGeneration: '2'}", healthy, ""},
		{rollout, "metadata: {generation: 2}, status: {phase: Healthy, observedGeneration: '1'}", progressing, unseen},
		{rollout, "metadata: {generation: 2}, status: {phase: Healthy, observedGeneration: 5f6d}", progressing, unseen},
		{rollout, "metadata: {generation: 2}, status: {phase: Paused, observedGeneration: '2', message: BlueGreenPause}", suspended, "BlueGreenPause"},
		{rollout, "metadata: {generation: 2}, status: {phase: Degraded, observedGeneration: '3', message: aborted}", degraded, "aborted"},
		{rollout, "metadata: {generation: 2}, status: {phase: Progressing, observedGeneration: 2}", progressing, ""},
		{rollout, "metadata: {generation: 2}, status: {phase: Healthy, observedGeneration: 2}", healthy, ""},
		{rollout, "metadata: {generation: 2}, status: {phase: Healthy, observedGeneration: 1}", progressing, unseen},
		{rollout, "metadata: {generation: 2}, status: {phase: Healthy, observedGeneration: 2.0}", healthy, ""},
		{rollout, "metadata: {generation: 3}, status: {phase: Healthy, observedGeneration: 2.5}", progressing, unseen},
		{rollout, "metadata: {generation: 2}, status: {phase: Healthy, observedGeneration: [2]}", progressing, unseen},
		{rollout, "metadata: {generation: 0}, status: {phase: Healthy, observedGeneration: [2]}", progressing, unseen},
		{rollout, "metadata: {generation: 0}, status: {phase: Healthy, observedGeneration: ''}", progressing, unseen},
		{rollout, "metadata: {generation: 0}, status: {phase: Healthy, observedGeneration: x}", progressing, unseen},
		{rollout, "metadata: {generation: 0}, status: {phase: Healthy}", progressing, unseen},
		{rollout, "metadata: {generation: 10}, status: {phase: Healthy, observedGeneration: '10'}", healthy, ""},
		{rollout, "metadata: {generation: 19}, status: {phase: Healthy, observedGeneration: '19'}", healthy, ""},
		{rollout, "metadata: {generation: 1}, status: {phase: Healthy, observedGeneration: '9999999999999999999999999999'}", progressing, unseen},
		{rollout, "metadata: {generation: 1}, status: {phase: Progressing, observedGeneration: '1', message: more replicas}", progressing, "more replicas"},
		{rollout, "metadata: {generation: 1}, status: {phase: Healthy, observedGeneration: '1', message: done}", healthy, "done"},
		{rollout, "metadata: {generation: 2}", progressing, unseen},
		{analysis, "status: {phase: Successful}", healthy, ""},
		{analysis, "status: {phase: Failed, message: 3 > 2}", degraded, "3 > 2"},
		{analysis, "status: {phase: Inconclusive}", unknown, ""},
		{analysis, "status: {phase: Inconclusive, message: 1 of 3}", unknown, "1 of 3"},
		{analysis, "status: {phase: Error, message: no answer}", degraded, "no answer"},
		{analysis, "status: {phase: Successful, message: all well}", healthy, "all well"},
		{analysis, "spec: {}", progressing, ""},
		{"argoproj.io/v1alpha1 Experiment", "status: {phase: Failed, message: lost}", degraded, "lost"},
		{"argoproj.io/v1alpha1 Experiment", "status: {phase: Running, message: at work}", progressing, "at work"},
		{"argoproj.io/v1alpha1 Experiment", "status: {phase: Running}", progressing, ""},
		{"argoproj.io/v1alpha1 Application", "status: {health: {status: Degraded, message: web}}", degraded, "web"},
		{"argoproj.io/v1alpha1 Application", "status: {health: {status: Healthy}}", healthy, ""},
		{"argoproj.io/v1alpha1 Application", "spec: {}", progressing, "not looked at"},
		{"v1 ConfigMap", "data: {a: b}", none, ""},
		{"rbac.authorization.k8s.io/v1 Role", "rules: []", none, ""},
		{custom, "spec: {}", none, ""},
		{custom, "metadata: {generation: 2}, status: {observedGeneration: 1}", progressing, ""},
		{custom, "metadata: {generation: 2}, status: {observedGeneration: 2, conditions: [{type: Ready, status: 'True'}]}", healthy, ""},
		{custom, "metadata: {generation: 2}, status: {observedGeneration: 2, conditions: [{type: Ready, status: 'False', message: soon}]}", progressing, "soon"},
		{custom, "status: {conditions: [{type: Stalled, status: 'True', message: no licence}]}", degraded, "no licence"},
		{custom, "status: {conditions: [{type: Reconciling, status: 'True', message: at work}]}", progressing, "at work"},
		{custom, "metadata: {generation: 2}, status: {observedGeneration: two}", unknown, "observedGeneration"},
		{custom, "status: {replicas: 1}", healthy, ""},
		{"v1 ConfigMap", "metadata: {deletionTimestamp: '2026-05-01T12:00:00Z'}", progressing, "being deleted"},
	} {
		version, kind, _ := strings.Cut(c.kind, " ")
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte("{apiVersion: "+version+", kind: "+kind+", "+c.rest+"}"), &object.Object); err != nil {
			t.Fatalf("%s: %v", c.rest, err)
		}
		got := v1alpha1.HealthStatus{}
		if h := health.Of(object); h != nil {
			got = *h
		}
		if got.Status != c.want || !strings.Contains(got.Message, c.says) {
			t.Errorf("%s, %s: %s %q, want %s %q", c.kind, c.rest, got.Status, got.Message, c.want, c.says)
		}
	}
}

// Kinds that are as good as they are written have no health, even if something writes a status into them.
func TestOfKindsWithoutHealth(t *testing.T) {
	for _, name := range []string{
		"v1 ConfigMap", "v1 Secret", "v1 ServiceAccount", "v1 LimitRange", "v1 ResourceQuota", "v1 Endpoints", "v1 PodTemplate",
		"v1 Event", "rbac.authorization.k8s.io/v1 Role", "rbac.authorization.k8s.io/v1 RoleBinding",
		"rbac.authorization.k8s.io/v1 ClusterRole", "rbac.authorization.k8s.io/v1 ClusterRoleBinding",
		"networking.k8s.io/v1 NetworkPolicy", "networking.k8s.io/v1 IngressClass", "storage.k8s.io/v1 StorageClass",
		"scheduling.k8s.io/v1 PriorityClass", "coordination.k8s.io/v1 Lease", "discovery.k8s.io/v1 EndpointSlice",
		"argoproj.io/v1alpha1 AppProject",
	} {
		version, kind, _ := strings.Cut(name, " ")
		object := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": version, "kind": kind, "status": map[string]any{"observedGeneration": int64(1)},
		}}
		if got := health.Of(object); got != nil {
			t.Errorf("%s: %s %q, want no health", name, got.Status, got.Message)
		}
		object.SetAPIVersion("example.com/v1")
		if got := health.Of(object); got == nil {
			t.Errorf("%s of another group: no health, want one by convention", kind)
		}
	}
}

func TestWorse(t *testing.T) {
	order := []v1alpha1.HealthStatusCode{"", v1alpha1.HealthHealthy, v1alpha1.HealthSuspended, v1alpha1.HealthProgressing, v1alpha1.HealthMissing, v1alpha1.HealthDegraded, v1alpha1.HealthUnknown}
	for i, x := range order {
		for j, y := range order {
			if got := health.Worse(x, y); got != order[max(i, j)] {
				t.Errorf("of %q and %q, %q is said to be worse", x, y, got)
			}
		}
	}
}
