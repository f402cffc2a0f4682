package devloop

import (
	"context"
	"strings"
	"testing"
)

// A task that panics ends the loop with what it panicked with; the others are waited for.
func TestTasksThatPanic(t *testing.T) {
	ctx, end := context.WithCancelCause(t.Context())
	all := tasks{end: end}
	ended := false
	all.Go(func() {
		<-ctx.Done()
		ended = true
	})
	all.Go(func() { panic("on purpose") })
	all.Wait()
	if err := context.Cause(ctx); !ended || err == nil || !strings.HasPrefix(err.Error(), "panic: on purpose\n") || !strings.Contains(err.Error(), "tasks_test.go") {
		t.Errorf("got %v, the others ended: %v", context.Cause(ctx), ended)
	}
}

// So does what runs in the loop's own goroutine.
func TestGuardedPanic(t *testing.T) {
	ctx, end := context.WithCancelCause(t.Context())
	all := tasks{end: end}
	all.guard(func() { panic("on purpose") })
	if err := context.Cause(ctx); err == nil || !strings.HasPrefix(err.Error(), "panic: on purpose\n") {
		t.Errorf("got %v", err)
	}
}
