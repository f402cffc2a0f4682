package operation_test

import (
	"testing"

	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/plan"
)

// TestUnrecorded: an operation may be carried on before it is written where automation begins it and doing it again
// comes to the same.
func TestUnrecorded(t *testing.T) {
	hook := func(l *look) { l.seen.Plan.Tasks = append(l.seen.Plan.Tasks, plan.Task{Verb: plan.Hook}) }
	for _, c := range []struct {
		name string
		set  func(*look)
		want bool
	}{
		{"automation's own", func(*look) {}, true},
		{"with a hook", hook, false},
		{"a person's", func(l *look) { l.asked() }, false},
		{"one that goes on", func(l *look) { l.automated() }, false},
		{"one that is tried again", func(l *look) { l.tried(1, 0) }, false},
		{"none", func(l *look) { l.app.Spec.SyncPolicy = nil }, false},
		{"one of which nothing was recorded", func(l *look) { l.found(noon) }, true},
	} {
		l := outOfSync()
		c.set(l)
		if got := operation.Decide(l.app, l.seen).Unrecorded; got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
