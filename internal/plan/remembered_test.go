package plan_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// there is a cluster in which prepared objects are as they were prepared.
func there(prepared []plan.Desired) (all []plan.Live, byKey map[plan.Key]*unstructured.Unstructured) {
	byKey = map[plan.Key]*unstructured.Unstructured{}
	for _, d := range prepared {
		live := d.Object.DeepCopy()
		live.SetResourceVersion("7")
		byKey[d.Key()] = live
		all = append(all, plan.Live{Object: live})
	}
	return all, byKey
}

// TestWhatIsRemembered: a second look at the same finds nothing anew, and what is gone is forgotten.
func TestWhatIsRemembered(t *testing.T) {
	judged := 0
	policy := plan.Policy{
		Instance: "shop", Namespace: "d", Options: plan.Options{}, Memory: plan.NewMemory(),
		Health: func(*unstructured.Unstructured) *v1alpha1.HealthStatus { judged++; return nil },
	}
	rendered := []plan.Desired{{Object: configMap(1, "x")}, {Object: object(t, named("ConfigMap", "z", "argocd.argoproj.io/sync-wave: '1'"))}}
	first, _ := plan.Prepare(rendered, policy)
	live, byKey := there(first)
	for look := range 3 {
		prepared, _ := plan.Prepare(rendered, policy)
		for i, d := range prepared {
			if d.Object != first[i].Object {
				t.Errorf("look %d: %s was prepared anew", look, d.Key())
			}
		}
		writes, err := plan.Writes(prepared, byKey, policy)
		if err != nil || len(writes) != 2 {
			t.Fatalf("look %d: %d writes, %v", look, len(writes), err)
		}
		plan.Build(prepared, live, policy).ResourceStatuses()
		if judged != 2 {
			t.Errorf("look %d: health was judged %d times, want once for each of two objects", look, judged)
		}
		if instructed := plan.FactsUnder(policy).Instructed(prepared); len(instructed) != 1 || instructed[0].Key().Name != "z" {
			t.Errorf("look %d: instructed: got %v, want z", look, instructed)
		}
		policy.Memory.EndLook()
		if got := policy.Memory.Len(); got != 6 {
			t.Errorf("look %d: %d objects remembered, want two as rendered, as prepared and as live", look, got)
		}
	}
	prepared, _ := plan.Prepare(rendered[:1], policy)
	plan.Build(prepared, live[:1], policy)
	policy.Memory.EndLook()
	if got := policy.Memory.Len(); got != 3 {
		t.Errorf("after one is gone, %d objects are remembered, want 3", got)
	}
}

// TestDriftIsRemembered: it is found once for what is applied, what is live and what is predicted.
func TestDriftIsRemembered(t *testing.T) {
	policy := plan.Policy{Instance: "shop", Options: plan.Options{}, Memory: plan.NewMemory()}
	prepared, _ := plan.Prepare([]plan.Desired{{Object: configMap(1, "x")}}, policy)
	live, _ := there(prepared)
	live[0].Object.Object["data"] = map[string]any{"own": "y"}
	drift := func() *plan.Difference { return &plan.Build(prepared, live, policy).Resources[0].Drift[0] }
	first := drift()
	if drift() != first {
		t.Error("the same drift was found anew")
	}
	live[0].Predicted = prepared[0].Object.DeepCopy()
	if drift() == first {
		t.Error("the drift against another prediction was taken from memory")
	}
}

// TestScaledWorkloadIsRemembered: what is applied of a Deployment changes with the Rollout that scales it down, though
// neither the one in git nor the live one does.
func TestScaledWorkloadIsRemembered(t *testing.T) {
	policy := plan.Policy{Instance: "shop", Namespace: "d", Options: plan.Options{}, Memory: plan.NewMemory()}
	rollout := func(scaleDown string) plan.Desired {
		return plan.Desired{Object: object(t, "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: r}, spec: {workloadRef: {kind: Deployment, name: web, scaleDown: "+scaleDown+"}}}")}
	}
	web := plan.Desired{Object: object(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 3}}")}
	prepared, _ := plan.Prepare([]plan.Desired{web}, policy)
	_, byKey := there(prepared)
	for _, c := range []struct{ scaleDown, basis string }{{"never", ""}, {"onsuccess", "7"}, {"onsuccess", "7"}, {"never", ""}} {
		desired, _ := plan.Prepare([]plan.Desired{web, rollout(c.scaleDown)}, policy)
		writes, err := plan.Writes(desired, byKey, policy)
		if err != nil || len(writes) != 1 || writes[0].Basis != c.basis {
			t.Errorf("scaleDown %s: got %+v, %v; want the basis %q", c.scaleDown, writes, err, c.basis)
		}
	}
}

// TestWhatIsNotKnownIsNotRemembered: a rule that could not be evaluated is evaluated again.
func TestWhatIsNotKnownIsNotRemembered(t *testing.T) {
	const slow = `.. | .. | .. | .. | .. | select(false)`
	deep := strings.Repeat("{d: ", 200) + "1" + strings.Repeat("}", 200)
	git := object(t, "{apiVersion: x/v1, kind: Gadget, metadata: {name: g}, spec: "+deep+"}")
	for _, respected := range []string{"true", "false"} {
		policy := plan.Policy{
			Instance: "slow", Namespace: "d", Options: plan.Options{"RespectIgnoreDifferences": respected}, Memory: plan.NewMemory(),
			IgnoreDifferences: []v1alpha1.IgnoreDifference{{Group: "x", Kind: "Gadget", JQPathExpressions: []string{slow}}},
		}
		prepared, _ := plan.Prepare([]plan.Desired{{Object: git}}, policy)
		live, byKey := there(prepared)
		for look := range 2 {
			var err error
			if respected == "true" {
				_, err = plan.Writes(prepared, byKey, policy)
			} else {
				err = plan.Build(prepared, live, policy).Err
			}
			if err == nil {
				t.Errorf("RespectIgnoreDifferences=%s, look %d: no error", respected, look)
			}
		}
	}
}
