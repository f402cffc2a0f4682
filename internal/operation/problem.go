package operation

import (
	"slices"

	"github.com/cyan-cd/cyan/internal/problem"
)

// Problem is why the picture of an Application is not whole, or must not be acted on.
type Problem struct {
	// Condition is the type of the condition that tells people of it.
	Condition string
	Err       error
	Effect    Effect
}

// Message returns what people are told of a problem. Of one that passes by itself they learn that it does: a command
// that meets the same ends with it.
func (p Problem) Message() string {
	if p.Effect == Waits || problem.IsTemporary(p.Err) {
		return p.Err.Error() + "; tried again by itself"
	}
	return p.Err.Error()
}

// Effect is what a problem does to comparing and syncing.
type Effect int

// The effects of problems.
const (
	// Warns is the effect of what people should know of, and nothing waits for.
	Warns Effect = iota
	// Waits is the effect of what passes by itself, such as a repository that does not answer. A sync that a person
	// asked for waits.
	Waits
	// Blocks is the effect of what somebody has to change. Nothing is compared, and a sync fails.
	Blocks
)

// isHeld reports whether any problem keeps a sync from going on.
func isHeld(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return p.Effect != Warns })
}
