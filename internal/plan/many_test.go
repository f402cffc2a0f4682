package plan_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// TestResultsOfManyTasks: where there are many tasks, objects that are as desired already and well leave no result;
// what is written, what is not well and what is replaced does.
func TestResultsOfManyTasks(t *testing.T) {
	policy := plan.Policy{Instance: "shop", Namespace: "d", Health: func(o *unstructured.Unstructured) *v1alpha1.HealthStatus {
		return &v1alpha1.HealthStatus{Status: v1alpha1.HealthStatusCode(o.GetLabels()["health"])}
	}}
	for _, c := range []struct {
		name string
		n    int
		// labels are those of the last object, and late has another one come after it.
		health, options string
		late            bool
		results, writes int
	}{
		{"fewer than many", 999, "Healthy", "", false, 999, 0},
		{"many", 1000, "Healthy", "", false, 0, 0},
		{"one is degraded", 1000, "Degraded", "", false, 1, 0},
		{"one is degraded, and something comes after it", 1000, "Degraded", "", true, 1, 0},
		{"one is progressing, and something comes after it", 1000, "Progressing", "", true, 1, 0},
		{"one is replaced each time", 1000, "Healthy", "Replace=true", false, 0, 1},
	} {
		var rendered []plan.Desired
		for i := range c.n {
			o := configMap(i, "x")
			o.SetLabels(map[string]string{"health": string(v1alpha1.HealthHealthy)})
			if i == c.n-1 {
				o.SetLabels(map[string]string{"health": c.health})
				if c.options != "" {
					o.SetAnnotations(map[string]string{v1alpha1.SyncOptionsAnnotation: c.options})
				}
			}
			rendered = append(rendered, plan.Desired{Object: o})
		}
		if c.late {
			rendered = append(rendered, plan.Desired{Object: object(t, named("Secret", "late", "argocd.argoproj.io/sync-wave: '1'"))})
		}
		desired, _ := plan.Prepare(rendered, policy)
		progress := plan.Progress{Tried: true, Live: map[plan.Key]*unstructured.Unstructured{}, Results: map[plan.ID]v1alpha1.ResourceResult{}}
		var live []plan.Live
		for _, d := range desired[:c.n] {
			live = append(live, plan.Live{Object: d.Object.DeepCopy()})
			progress.Live[plan.KeyOf(d.Object)] = live[len(live)-1].Object
		}
		step := plan.Build(desired, live, policy).Next(progress)
		if len(step.Results) != c.results || len(step.Actions) != c.writes {
			t.Errorf("%s: got %d results and %d writes, want %d and %d", c.name, len(step.Results), len(step.Actions), c.results, c.writes)
		}
	}
}
