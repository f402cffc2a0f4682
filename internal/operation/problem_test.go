package operation_test

import (
	"errors"
	"testing"

	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/problem"
)

// TestMessagesOfProblems: who reads of a problem that passes learns that nothing has to be done.
func TestMessagesOfProblems(t *testing.T) {
	away := &problem.Error{Kind: problem.Unreachable, Object: "cluster a", Cause: "cannot be reached", Remedy: "check the network"}
	own := errors.New("own")
	for _, c := range []struct {
		name string
		of   operation.Problem
		want string
	}{
		{"waits", operation.Problem{Err: own, Effect: operation.Waits}, "own; tried again by itself"},
		{"blocks", operation.Problem{Err: own, Effect: operation.Blocks}, "own"},
		{"warns", operation.Problem{Err: own, Effect: operation.Warns}, "own"},
		{"warns of what passes", operation.Problem{Err: away, Effect: operation.Warns}, "cluster a: cannot be reached; check the network; tried again by itself"},
	} {
		if got := c.of.Message(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
