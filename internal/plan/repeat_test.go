package plan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/plan"
)

// TestIsRepeatable: which plans come to the same when they are carried out again.
func TestIsRepeatable(t *testing.T) {
	many := func(n int) []string {
		var all []string
		for i := range n {
			all = append(all, named("ConfigMap", fmt.Sprintf("m%d", i), ""))
		}
		return all
	}
	a := named("ConfigMap", "a", "")
	for _, c := range []struct {
		name string
		given
		want bool
	}{
		{"new objects", given{git: []string{a, named("Deployment", "web", "")}}, true},
		{"nothing", given{}, true},
		{"waves", given{git: []string{a, named("ConfigMap", "z", "argocd.argoproj.io/sync-wave: '5'")}}, true},
		{"a hook", given{git: []string{a, named("Job", "j", "argocd.argoproj.io/hook: PreSync")}}, false},
		{"a deletion", given{git: []string{a}, live: []string{liveNamed("ConfigMap", "old", "")}, policy: plan.Policy{Prune: true}}, false},
		{"force", given{git: []string{named("ConfigMap", "a", "argocd.argoproj.io/sync-options: Force=true")}}, false},
		{"replacement", given{git: []string{named("ConfigMap", "a", "argocd.argoproj.io/sync-options: Replace=true")}}, false},
		{"as many as are written at once", given{git: many(16)}, true},
		{"more than are written at once", given{git: many(17)}, false},
	} {
		p, _ := c.build(t)
		if got := p.IsRepeatable(); got != c.want {
			t.Errorf("%s: got %v, want %v, of %+v", c.name, got, c.want, p.Tasks)
		}
	}
	refused := plan.Plan{Tasks: []plan.Task{{Verb: plan.Apply, Refused: "no"}}}
	if refused.IsRepeatable() {
		t.Error("a plan with a refused object is repeatable")
	}
	unchanged := plan.Plan{Tasks: make([]plan.Task, 100)}
	for i := range unchanged.Tasks {
		unchanged.Tasks[i] = plan.Task{Verb: plan.Apply, Unchanged: i%2 == 0}
		if i%2 != 0 {
			unchanged.Tasks[i].Skip = "no need"
		}
	}
	if !unchanged.IsRepeatable() {
		t.Error("a plan that writes nothing is not repeatable")
	}
}

// TestLastApplied: the newest apply of a manager to an object that git has.
func TestLastApplied(t *testing.T) {
	live := func(name, manager, operation, at string) string {
		return fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, namespace: d, managedFields: [{manager: %s, operation: %s, apiVersion: v1, time: '2026-05-01T%sZ'}]}}", name, manager, operation, at)
	}
	a, b := named("ConfigMap", "a", ""), named("ConfigMap", "b", "")
	for _, c := range []struct {
		name string
		given
		want string
	}{
		{"nothing is there", given{git: []string{a}}, ""},
		{"the newest of two", given{git: []string{a, b}, live: []string{live("a", "cyan", "Apply", "12:00:00"), live("b", "cyan", "Apply", "11:00:00")}}, "12:00:00"},
		{"not another manager's", given{git: []string{a}, live: []string{live("a", "kubectl", "Apply", "12:00:00")}}, ""},
		{"not an update", given{git: []string{a}, live: []string{live("a", "cyan", "Update", "12:00:00")}}, ""},
	} {
		p, _ := c.build(t)
		got := ""
		if at := p.LastApplied("cyan"); !at.IsZero() {
			got = at.UTC().Format(time.TimeOnly)
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
