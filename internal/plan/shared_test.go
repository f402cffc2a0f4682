package plan_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

const (
	service     = "{apiVersion: v1, kind: Service, metadata: {name: active, namespace: d}, spec: {selector: {app: a}, type: ClusterIP}}"
	liveService = "{apiVersion: v1, kind: Service, metadata: {name: active, namespace: d, resourceVersion: '7', annotations: {argo-rollouts.argoproj.io/managed-by-rollouts: app}}," +
		" spec: {selector: {app: a, rollouts-pod-template-hash: abc}, type: ClusterIP}}"
	deployment     = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: app, namespace: d}, spec: {replicas: 3}}"
	liveDeployment = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: app, namespace: d, resourceVersion: '7'}, spec: {replicas: 0}}"
	rolloutOf      = "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: app, namespace: d}, spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: app, scaleDown: onsuccess}}}"
)

// What a Rollout decides is neither drift nor overwritten.
func TestRolloutsKeepWhatTheyDecide(t *testing.T) {
	for _, c := range []struct {
		name          string
		desired, live []string
		status        v1alpha1.SyncStatusCode
		basis         string
		path          []string
		value         any
	}{
		{"the version that a Service selects", []string{service}, []string{liveService}, v1alpha1.Synced, "7", []string{"spec", "selector", "rollouts-pod-template-hash"}, "abc"},
		{"a Service that no Rollout switches", []string{service}, []string{"{apiVersion: v1, kind: Service, metadata: {name: active, namespace: d, resourceVersion: '7'}, spec: {selector: {app: b}, type: ClusterIP}}"},
			v1alpha1.OutOfSync, "", []string{"spec", "selector", "app"}, "a"},
		{"a Service whose other fields drift", []string{"{apiVersion: v1, kind: Service, metadata: {name: active, namespace: d}, spec: {selector: {app: a}, type: NodePort}}"}, []string{liveService},
			v1alpha1.OutOfSync, "7", []string{"spec", "selector", "rollouts-pod-template-hash"}, "abc"},
		{"a Service that is new", []string{service}, nil, v1alpha1.OutOfSync, "", []string{"spec", "selector", "app"}, "a"},
		{"the size of a workload that a Rollout replaces", []string{deployment, rolloutOf}, []string{liveDeployment}, v1alpha1.Synced, "7", []string{"spec", "replicas"}, int64(0)},
		{"a Service that a Rollout has not switched yet", []string{service}, []string{"{apiVersion: v1, kind: Service, metadata: {name: active, namespace: d, resourceVersion: '7', annotations: {argo-rollouts.argoproj.io/managed-by-rollouts: app}}, spec: {selector: {app: b}, type: ClusterIP}}"},
			v1alpha1.OutOfSync, "", []string{"spec", "selector", "app"}, "a"},
		{"a Service whose selector git has as something else", []string{"{apiVersion: v1, kind: Service, metadata: {name: active, namespace: d}, spec: {selector: none}}"}, []string{liveService},
			v1alpha1.OutOfSync, "", []string{"spec", "selector"}, "none"},
		{"the size of a workload that a Rollout only points at", []string{deployment, strings.Replace(rolloutOf, "onsuccess", "never", 1)}, []string{liveDeployment}, v1alpha1.OutOfSync, "", []string{"spec", "replicas"}, float64(3)},
		{"the size of a workload that a Rollout of another namespace replaces", []string{deployment, strings.Replace(rolloutOf, "namespace: d", "namespace: x", 1)}, []string{liveDeployment}, v1alpha1.OutOfSync, "", []string{"spec", "replicas"}, float64(3)},
		{"the size of a workload that another kind of the Rollouts' group names", []string{deployment, strings.Replace(rolloutOf, "kind: Rollout", "kind: Experiment", 1)}, []string{liveDeployment}, v1alpha1.OutOfSync, "", []string{"spec", "replicas"}, float64(3)},
		{"the size of a workload that a Rollout of another group names", []string{deployment, strings.Replace(rolloutOf, "argoproj.io", "example.com", 1)}, []string{liveDeployment}, v1alpha1.OutOfSync, "", []string{"spec", "replicas"}, float64(3)},
		{"a Service that no Rollout switches any more", []string{service}, []string{strings.Replace(liveService, "argo-rollouts.argoproj.io/managed-by-rollouts: app", "x: y", 1)},
			v1alpha1.Synced, "", []string{"spec", "selector", "rollouts-pod-template-hash"}, nil},
		{"another kind that carries a Rollout's mark", []string{strings.Replace(service, "kind: Service", "kind: Gadget", 1)}, []string{strings.Replace(liveService, "kind: Service", "kind: Gadget", 1)},
			v1alpha1.Synced, "", []string{"spec", "selector", "app"}, "a"},
		{"the size of a workload that a Rollout does not say to scale down", []string{deployment, strings.Replace(rolloutOf, ", scaleDown: onsuccess", "", 1)}, []string{liveDeployment}, v1alpha1.OutOfSync, "", []string{"spec", "replicas"}, float64(3)},
		{"the size of a workload of another kind", []string{strings.Replace(deployment, "kind: Deployment", "kind: StatefulSet", 1), strings.Replace(rolloutOf, "kind: Deployment", "kind: StatefulSet", 1)},
			[]string{strings.Replace(liveDeployment, "kind: Deployment", "kind: StatefulSet", 1)}, v1alpha1.OutOfSync, "", []string{"spec", "replicas"}, float64(3)},
		{"the size of any other", []string{deployment}, []string{liveDeployment}, v1alpha1.OutOfSync, "", []string{"spec", "replicas"}, float64(3)},
	} {
		var desired []plan.Desired
		for _, d := range c.desired {
			desired = append(desired, plan.Desired{Object: object(t, d)})
		}
		var live []plan.Live
		for _, l := range c.live {
			live = append(live, plan.Live{Object: object(t, l)})
		}
		p := plan.Build(desired, live, plan.Policy{Instance: "x"})
		key := plan.KeyOf(desired[0].Object)
		for _, r := range p.Resources {
			if r.Key == key && r.Status != c.status {
				t.Errorf("%s: %s, %v", c.name, r.Status, r.Drift)
			}
		}
		for _, task := range p.Tasks {
			if task.Key != key {
				continue
			}
			value, _, _ := unstructured.NestedFieldNoCopy(task.Object.Object, c.path...)
			if numeric(value) != numeric(c.value) || task.Basis != c.basis {
				t.Errorf("%s: %v (%T) on %q", c.name, value, value, task.Basis)
			}
		}
	}
}

func numeric(v any) any {
	if f, ok := v.(float64); ok {
		return int64(f)
	}
	return v
}
