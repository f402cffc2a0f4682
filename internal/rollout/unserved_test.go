package rollout_test

import (
	"testing"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
)

// What is not served is named in a condition, which goes with it; a misspelt field is a problem of the spec.
func TestUnservedIsNamed(t *testing.T) {
	c := newController(exampleRollout())
	c.addServices()
	c.runUntil(began.Add(5 * time.Second))
	decide := func(change func(*rollout.Observation)) rollout.Decision {
		seen := c.observation()
		change(&seen)
		d := strategy.Decide(seen, c.now)
		c.rollout.Status = stored(d.Status)
		return d
	}
	for _, step := range []struct {
		name     string
		change   func(*rollout.Observation)
		kind     v1alpha1.RolloutConditionType
		message  string
		problems bool
	}{
		{"nothing", func(*rollout.Observation) {}, v1alpha1.RolloutConditionUnsupported, "", false},
		{"two fields", func(o *rollout.Observation) { o.Unserved = []string{"spec.a: unknown field", "spec.b: unknown field"} },
			v1alpha1.RolloutConditionUnsupported, "spec.a: unknown field; spec.b: unknown field", false},
		{"a misspelt one", func(o *rollout.Observation) {
			o.Misspelt = []*problem.Error{rollout.Invalid("spec.strategy.c", "unknown field", "did you mean spec.strategy.d?")}
		}, v1alpha1.RolloutConditionInvalidSpec, "spec.strategy.c: unknown field; did you mean spec.strategy.d?", true},
		{"nothing again", func(*rollout.Observation) {}, v1alpha1.RolloutConditionUnsupported, "", false},
		{"nor a misspelt one", func(*rollout.Observation) {}, v1alpha1.RolloutConditionInvalidSpec, "", false},
	} {
		d := decide(step.change)
		got := ""
		for _, c := range d.Status.Conditions {
			if c.Type == step.kind {
				got = c.Message
			}
		}
		if want := map[bool]v1alpha1.RolloutPhase{true: v1alpha1.RolloutDegraded, false: v1alpha1.RolloutHealthy}[step.problems]; got != step.message || d.Status.Phase != want {
			t.Errorf("%s: got %q, phase %s, want %q, phase %s", step.name, got, d.Status.Phase, step.message, want)
		}
	}
}
