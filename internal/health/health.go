// Package health computes the health of an object from the object alone, as Argo CD defines it.
package health

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// IgnoreAnnotation with the value "true" keeps an object's health out of its Application's.
const IgnoreAnnotation = "argocd.argoproj.io/ignore-healthcheck"

// RunsOnAnnotation is on a pod that is not restarted by itself and runs on all the same, as a proxy may: it is healthy
// while it runs, whatever its value.
const RunsOnAnnotation = "argocd.argoproj.io/ignore-restart-policy"

// rank orders the codes from best to worst.
var rank = map[v1alpha1.HealthStatusCode]int{
	v1alpha1.HealthHealthy: 0, v1alpha1.HealthSuspended: 1, v1alpha1.HealthProgressing: 2,
	v1alpha1.HealthMissing: 3, v1alpha1.HealthDegraded: 4, v1alpha1.HealthUnknown: 5,
}

// Worse returns the worse of two codes. An empty code is better than any.
func Worse(a, b v1alpha1.HealthStatusCode) v1alpha1.HealthStatusCode {
	if a == "" || (b != "" && rank[b] > rank[a]) {
		return b
	}
	return a
}

// Of returns the health of an object; nil for kinds that have none, such as ConfigMaps.
func Of(object *unstructured.Unstructured) *v1alpha1.HealthStatus {
	if object.GetDeletionTimestamp() != nil {
		return progressing("being deleted")
	}
	kind := object.GroupVersionKind().GroupKind()
	if check, ok := builtIn[kind]; ok {
		return check(object)
	}
	if _, known := withoutHealth[kind]; known {
		return nil
	}
	return byConvention(object)
}

// Judge returns the health of an object as people want it judged. The nil Judge judges as [Of] does.
type Judge func(*unstructured.Unstructured) *v1alpha1.HealthStatus

// Of returns the health of an object; nil for one that has none.
func (j Judge) Of(object *unstructured.Unstructured) *v1alpha1.HealthStatus {
	if j == nil {
		return Of(object)
	}
	return j(object)
}

type check func(*unstructured.Unstructured) *v1alpha1.HealthStatus

var builtIn = map[schema.GroupKind]check{
	{Group: "apps", Kind: "Deployment"}:                               typed(deployment),
	{Group: "apps", Kind: "StatefulSet"}:                              typed(statefulSet),
	{Group: "apps", Kind: "ReplicaSet"}:                               typed(replicaSet),
	{Group: "apps", Kind: "DaemonSet"}:                                typed(daemonSet),
	{Group: "", Kind: "Pod"}:                                          typed(pod),
	{Group: "", Kind: "Service"}:                                      typed(service),
	{Group: "", Kind: "PersistentVolumeClaim"}:                        typed(claim),
	{Group: "", Kind: "PersistentVolume"}:                             typed(volume),
	{Group: "", Kind: "ReplicationController"}:                        typed(replicaSet),
	{Group: "", Kind: "Namespace"}:                                    typed(namespace),
	{Group: "networking.k8s.io", Kind: "Ingress"}:                     typed(ingress),
	{Group: "batch", Kind: "Job"}:                                     typed(job),
	{Group: "batch", Kind: "CronJob"}:                                 func(*unstructured.Unstructured) *v1alpha1.HealthStatus { return healthy("") },
	{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}:           typed(autoscaler),
	{Group: "apiregistration.k8s.io", Kind: "APIService"}:             apiService,
	{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: definition,
	{Group: "argoproj.io", Kind: "Rollout"}:                           rollout,
	{Group: "argoproj.io", Kind: "AnalysisRun"}:                       analysis,
	{Group: "argoproj.io", Kind: "Experiment"}:                        analysis,
	{Group: "argoproj.io", Kind: "Application"}:                       application,
	{Group: "argoproj.io", Kind: "Workflow"}:                          workflow,
	{Group: "tekton.dev", Kind: "PipelineRun"}:                        tektonRun,
	{Group: "tekton.dev", Kind: "TaskRun"}:                            tektonRun,
}

// withoutHealth are kinds that are as good as they are written.
var withoutHealth = map[schema.GroupKind]struct{}{
	{Kind: "ConfigMap"}: {}, {Kind: "Secret"}: {}, {Kind: "ServiceAccount"}: {}, {Kind: "LimitRange"}: {}, {Kind: "ResourceQuota"}: {},
	{Kind: "Endpoints"}: {}, {Kind: "PodTemplate"}: {}, {Kind: "Event"}: {},
	{Group: "rbac.authorization.k8s.io", Kind: "Role"}: {}, {Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"}: {},
	{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}: {}, {Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding"}: {},
	{Group: "networking.k8s.io", Kind: "NetworkPolicy"}: {}, {Group: "networking.k8s.io", Kind: "IngressClass"}: {},
	{Group: "storage.k8s.io", Kind: "StorageClass"}: {}, {Group: "scheduling.k8s.io", Kind: "PriorityClass"}: {},
	{Group: "coordination.k8s.io", Kind: "Lease"}: {}, {Group: "discovery.k8s.io", Kind: "EndpointSlice"}: {},
	{Group: "argoproj.io", Kind: "AppProject"}: {},
}

func status(code v1alpha1.HealthStatusCode, format string, args ...any) *v1alpha1.HealthStatus {
	return &v1alpha1.HealthStatus{Status: code, Message: fmt.Sprintf(format, args...)}
}

func healthy(format string, args ...any) *v1alpha1.HealthStatus {
	return status(v1alpha1.HealthHealthy, format, args...)
}

func progressing(format string, args ...any) *v1alpha1.HealthStatus {
	return status(v1alpha1.HealthProgressing, format, args...)
}

func degraded(format string, args ...any) *v1alpha1.HealthStatus {
	return status(v1alpha1.HealthDegraded, format, args...)
}

func suspended(format string, args ...any) *v1alpha1.HealthStatus {
	return status(v1alpha1.HealthSuspended, format, args...)
}

// joined joins what is not empty.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ": ")
}

// typed returns a check that reads an object into its Go type first.
func typed[T any](check func(*T) *v1alpha1.HealthStatus) check {
	return func(object *unstructured.Unstructured) *v1alpha1.HealthStatus {
		into := new(T)
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, into); err != nil {
			return unknown(fmt.Sprintf("%s: %v", strings.TrimSpace(object.GetKind()+" "+object.GetName()), err))
		}
		return check(into)
	}
}

func deployment(d *appsv1.Deployment) *v1alpha1.HealthStatus {
	if d.Spec.Paused {
		return suspended("paused")
	}
	if d.Status.ObservedGeneration < d.Generation {
		return progressing("the controller has not seen the last change yet")
	}
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing && c.Reason == "ProgressDeadlineExceeded" {
			return degraded("%s", c.Message)
		}
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			return degraded("%s", c.Message)
		}
	}
	want := ptr.Deref(d.Spec.Replicas, 1)
	switch {
	case d.Status.UpdatedReplicas < want:
		return progressing("%d of %d replicas are updated", d.Status.UpdatedReplicas, want)
	case d.Status.Replicas > d.Status.UpdatedReplicas:
		return progressing("%d old replicas are going", d.Status.Replicas-d.Status.UpdatedReplicas)
	case d.Status.AvailableReplicas < d.Status.UpdatedReplicas:
		return progressing("%d of %d updated replicas are available", d.Status.AvailableReplicas, d.Status.UpdatedReplicas)
	}
	return healthy("")
}

func statefulSet(s *appsv1.StatefulSet) *v1alpha1.HealthStatus {
	want := ptr.Deref(s.Spec.Replicas, 1)
	switch {
	case s.Status.ObservedGeneration < s.Generation:
		return progressing("the controller has not seen the last change yet")
	case s.Status.ReadyReplicas < want:
		return progressing("%d of %d replicas are ready", s.Status.ReadyReplicas, want)
	case s.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType:
		return healthy("")
	}
	if r := s.Spec.UpdateStrategy.RollingUpdate; r != nil && ptr.Deref(r.Partition, 0) > 0 {
		if updated := want - *r.Partition; s.Status.UpdatedReplicas < updated {
			return progressing("%d of %d replicas above the partition are updated", s.Status.UpdatedReplicas, updated)
		}
		return healthy("")
	}
	if s.Status.UpdateRevision != s.Status.CurrentRevision {
		return progressing("%d of %d replicas are updated", s.Status.UpdatedReplicas, want)
	}
	return healthy("")
}

// replicaSet serves ReplicationControllers as well, which report the same.
func replicaSet(r *appsv1.ReplicaSet) *v1alpha1.HealthStatus {
	if r.Status.ObservedGeneration < r.Generation {
		return progressing("the controller has not seen the last change yet")
	}
	for _, c := range r.Status.Conditions {
		if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
			return degraded("%s", c.Message)
		}
	}
	if want := ptr.Deref(r.Spec.Replicas, 1); r.Status.AvailableReplicas < want {
		return progressing("%d of %d replicas are available", r.Status.AvailableReplicas, want)
	}
	return healthy("")
}

func daemonSet(d *appsv1.DaemonSet) *v1alpha1.HealthStatus {
	want := d.Status.DesiredNumberScheduled
	switch {
	case d.Status.ObservedGeneration < d.Generation:
		return progressing("the controller has not seen the last change yet")
	case d.Spec.UpdateStrategy.Type != appsv1.OnDeleteDaemonSetStrategyType && d.Status.UpdatedNumberScheduled < want:
		return progressing("%d of %d pods are updated", d.Status.UpdatedNumberScheduled, want)
	case d.Status.NumberAvailable < want:
		return progressing("%d of %d pods are available", d.Status.NumberAvailable, want)
	}
	return healthy("")
}

// permanentReasons are the reasons of a waiting container that do not pass by themselves.
var permanentReasons = map[string]bool{
	"CrashLoopBackOff": true, "ImagePullBackOff": true, "ErrImagePull": true, "InvalidImageName": true, "ErrImageNeverPull": true,
	"CreateContainerConfigError": true, "CreateContainerError": true, "RunContainerError": true,
}

func pod(p *corev1.Pod) *v1alpha1.HealthStatus {
	for _, c := range append(append([]corev1.ContainerStatus{}, p.Status.InitContainerStatuses...), p.Status.ContainerStatuses...) {
		if w := c.State.Waiting; w != nil && permanentReasons[w.Reason] {
			return degraded("%s", joined("container "+c.Name, w.Reason, w.Message))
		}
	}
	switch p.Status.Phase {
	case corev1.PodSucceeded:
		return healthy("")
	case corev1.PodFailed:
		return degraded("%s", podFailure(p))
	case corev1.PodRunning:
		if p.Spec.RestartPolicy != corev1.RestartPolicyAlways && p.Spec.RestartPolicy != "" {
			if _, runsOn := p.Annotations[RunsOnAnnotation]; runsOn {
				return healthy("")
			}
			return progressing("running to its end")
		}
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				return healthy("")
			}
		}
		return progressing("not ready yet")
	}
	return progressing("%s", p.Status.Message)
}

func podFailure(p *corev1.Pod) string {
	if p.Status.Message != "" {
		return p.Status.Message
	}
	for _, c := range p.Status.ContainerStatuses {
		if t := c.State.Terminated; t != nil && t.ExitCode != 0 {
			return joined(fmt.Sprintf("container %q failed with exit code %d", c.Name, t.ExitCode), t.Message)
		}
	}
	return "failed"
}

func service(s *corev1.Service) *v1alpha1.HealthStatus {
	if s.Spec.Type == corev1.ServiceTypeLoadBalancer && len(s.Status.LoadBalancer.Ingress) == 0 {
		return progressing("no load balancer address yet")
	}
	return healthy("")
}

func claim(c *corev1.PersistentVolumeClaim) *v1alpha1.HealthStatus {
	switch c.Status.Phase {
	case corev1.ClaimBound:
		return healthy("")
	case corev1.ClaimLost:
		return degraded("volume lost")
	}
	return progressing("not bound yet")
}

func volume(v *corev1.PersistentVolume) *v1alpha1.HealthStatus {
	switch v.Status.Phase {
	case corev1.VolumeFailed:
		return degraded("%s", joined(v.Status.Reason, v.Status.Message))
	case corev1.VolumePending, "":
		return progressing("not available yet")
	}
	return healthy("")
}

func namespace(n *corev1.Namespace) *v1alpha1.HealthStatus {
	if n.Status.Phase == corev1.NamespaceTerminating {
		return progressing("being deleted")
	}
	return healthy("")
}

func ingress(i *networkingv1.Ingress) *v1alpha1.HealthStatus {
	if len(i.Status.LoadBalancer.Ingress) == 0 {
		return progressing("no load balancer address yet")
	}
	return healthy("")
}

func job(j *batchv1.Job) *v1alpha1.HealthStatus {
	for _, c := range j.Status.Conditions {
		if c.Status != corev1.ConditionTrue {
			continue
		}
		switch c.Type {
		case batchv1.JobFailed:
			return degraded("%s", c.Message)
		case batchv1.JobComplete:
			return healthy("%s", c.Message)
		case batchv1.JobSuspended:
			return suspended("%s", c.Message)
		}
	}
	return progressing("running")
}

// autoscaler goes by what fails before anything that works: one that can change the size of its target may know no
// metric by which to.
func autoscaler(a *autoscalingv2.HorizontalPodAutoscaler) *v1alpha1.HealthStatus {
	var works, blind *autoscalingv2.HorizontalPodAutoscalerCondition
	for i, c := range a.Status.Conditions {
		failing := c.Reason == "FailedGetScale" || c.Reason == "FailedUpdateScale" || c.Reason == "InvalidSelector"
		ableTo := c.Type == autoscalingv2.AbleToScale || c.Type == autoscalingv2.ScalingLimited
		switch {
		case c.Status == corev1.ConditionFalse && failing:
			return degraded("%s", c.Message)
		case c.Status == corev1.ConditionFalse && c.Type == autoscalingv2.ScalingActive && strings.HasPrefix(c.Reason, "Failed"):
			blind = &a.Status.Conditions[i]
		case c.Status == corev1.ConditionTrue && ableTo && works == nil:
			works = &a.Status.Conditions[i]
		}
	}
	switch {
	case blind != nil:
		// Metrics of new pods come late.
		return progressing("%s", joined(blind.Reason, blind.Message))
	case works != nil:
		return healthy("%s", works.Message)
	}
	return progressing("waiting to autoscale")
}
