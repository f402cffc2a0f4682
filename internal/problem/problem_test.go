package problem_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cyan-cd/cyan/internal/problem"
)

func TestAnErrorIsOneLineOfObjectCauseRemedy(t *testing.T) {
	for name, c := range map[string]struct {
		err  problem.Error
		want string
	}{
		"cause alone":         {problem.Error{Cause: "disk full"}, "disk full"},
		"object and cause":    {problem.Error{Object: "Application shop", Cause: "not found"}, "Application shop: not found"},
		"field":               {problem.Error{Object: "Rollout shop", Field: "spec.replicas", Cause: "-1 is negative"}, "Rollout shop: spec.replicas: -1 is negative"},
		"file":                {problem.Error{File: "app.yaml", Cause: "not YAML"}, "app.yaml: not YAML"},
		"file and line":       {problem.Error{File: "app.yaml", Line: 7, Cause: "unknown field"}, "app.yaml:7: unknown field"},
		"line without a file": {problem.Error{Line: 7, Cause: "unknown field"}, "unknown field"},
		"remedy":              {problem.Error{Object: "port 80", Cause: "in use\n", Remedy: "choose another"}, "port 80: in use; choose another"},
		"where it comes from": {problem.Error{Cause: "push refused", Err: errors.New("exit status 1")}, "push refused"},
		"everything": {
			problem.Error{File: "a.yaml", Line: 1, Object: "Service shop", Field: "spec", Cause: "empty", Remedy: "fill it"},
			"a.yaml:1: Service shop: spec: empty; fill it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.err.Error(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestExitCodesAndMessages(t *testing.T) {
	of := func(kind problem.Kind) error {
		return fmt.Errorf("syncing: %w", &problem.Error{Kind: kind, Cause: "broken"})
	}
	for name, c := range map[string]struct {
		err     error
		code    int
		message string
	}{
		"success":     {nil, 0, ""},
		"no kind":     {errors.New("broken"), 1, "Error: broken"},
		"failed":      {of(problem.Failed), 1, "Error: syncing: broken"},
		"negative":    {of(problem.Negative), 1, "Error: syncing: broken"},
		"usage":       {of(problem.Usage), 2, "Error: syncing: broken"},
		"unreachable": {of(problem.Unreachable), 11, "Error: syncing: broken"},
		"absent":      {of(problem.Absent), 13, "Error: syncing: broken"},
		"refused":     {of(problem.Refused), 20, "Error: syncing: broken"},
		"interrupted": {of(problem.Interrupted), 130, ""},
		"reported":    {fmt.Errorf("waiting: %w", &problem.Error{Kind: problem.Negative, Cause: "degraded", Reported: true}), 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := problem.ExitCode(c.err); got != c.code {
				t.Errorf("exit code: got %d, want %d", got, c.code)
			}
			if got := problem.Message(c.err); got != c.message {
				t.Errorf("message: got %q, want %q", got, c.message)
			}
		})
	}
}

func TestTheOutermostProblemCounts(t *testing.T) {
	inner := &problem.Error{Kind: problem.Unreachable, Cause: "connection refused"}
	outer := &problem.Error{Kind: problem.Refused, Cause: "not now", Err: inner}
	if got := problem.Of(fmt.Errorf("reading: %w", outer)); got != outer {
		t.Errorf("Of: got %v, want %v", got, outer)
	}
	if problem.Of(errors.New("x")) != nil {
		t.Error("Of: a problem was found in an error that has none")
	}
	if problem.IsTemporary(outer) || !problem.IsTemporary(fmt.Errorf("reading: %w", inner)) {
		t.Error("IsTemporary does not follow the kind of the outermost problem")
	}
	if !errors.Is(outer, error(inner)) {
		t.Error("errors.Is does not find where a problem comes from")
	}
}
