package plan_test

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// While a deletion waits for a person, what differs from git is written again, from a time on; else it is not.
func TestHealingWhileAPersonIsWaitedFor(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	kept := liveNamed("ConfigMap", "kept", "argocd.argoproj.io/sync-options: Prune=confirm")
	for _, c := range []struct {
		name   string
		live   []string
		change func(*plan.Plan, *plan.Progress)
		// heals is whether the object is written again, and at when to look again, after now.
		heals bool
		at    time.Duration
	}{
		{"an object that is gone", []string{kept}, nil, true, 0},
		{"as desired", []string{kept, liveNamed("ConfigMap", "a", "")}, nil, false, 0},
		{"nobody heals", []string{kept}, func(_ *plan.Plan, p *plan.Progress) { p.Heal = false }, false, 0},
		{"too soon", []string{kept}, func(_ *plan.Plan, p *plan.Progress) { p.HealAt = now.Add(time.Second) }, false, time.Second},
		{"at the time", []string{kept}, func(_ *plan.Plan, p *plan.Progress) { p.HealAt = now }, true, 0},
		{"nobody is waited for", nil, nil, false, 0},
		{"refused", []string{kept}, func(p *plan.Plan, _ *plan.Progress) { p.Tasks[0].Refused = "no" }, false, 0},
		{"skipped", []string{kept}, func(p *plan.Plan, _ *plan.Progress) { p.Tasks[0].Skip = "no" }, false, 0},
		{"failed", []string{kept}, func(_ *plan.Plan, p *plan.Progress) {
			for id, r := range p.Results {
				r.HookPhase = v1alpha1.OperationFailed
				p.Results[id] = r
			}
		}, false, 0},
	} {
		p, _ := given{plan.Policy{Prune: true}, []string{named("ConfigMap", "a", "")}, c.live}.build(t)
		seen := plan.Progress{Tried: true, Results: map[plan.ID]v1alpha1.ResourceResult{}, Recorded: map[plan.ID]bool{}, Live: map[plan.Key]*unstructured.Unstructured{}, Now: now, Since: now, Heal: true}
		for _, task := range p.Tasks {
			if task.Live != nil {
				seen.Live[task.Key] = task.Live
			}
			if task.Verb == plan.Apply {
				r := plan.Begun(task, "created")
				r.HookPhase = v1alpha1.OperationSucceeded
				seen.Results[task.ID()] = r
			}
		}
		if c.change != nil {
			c.change(&p, &seen)
		}
		step := p.Next(seen)
		heals := step.Heals && len(step.Actions) == 1 && step.Actions[0].String() == "apply ConfigMap d/a"
		at := time.Duration(0)
		if !step.Until.IsZero() {
			at = step.Until.Sub(now)
		}
		if heals != c.heals || step.Heals != c.heals || at != c.at {
			t.Errorf("%s: got %v (%v), looks again after %s; want healing %v, after %s", c.name, step.Heals, step.Actions, at, c.heals, c.at)
		}
	}
}
