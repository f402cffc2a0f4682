package problem_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/problem"
)

// A panic is an error with its stack; every other end is left as it is.
func TestGuard(t *testing.T) {
	own := errors.New("own")
	if err := problem.Guard(func() error { return own })(); !errors.Is(err, own) {
		t.Errorf("an error: got %v, want it", err)
	}
	if err := problem.Guard(func() error { return nil })(); err != nil {
		t.Errorf("nothing: got %v", err)
	}
	err := problem.Guard(func() error { var none map[string]int; none["x"] = 1; return nil })() //nolint:staticcheck // it is to panic
	var fault *problem.Panic
	if !errors.As(err, &fault) || !strings.Contains(err.Error(), "nil map") || !strings.Contains(string(fault.Stack), "guard_test.go") {
		t.Errorf("a panic: got %v, want what it said and where it was", err)
	}
}
