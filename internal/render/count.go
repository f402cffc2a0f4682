package render

import (
	"io/fs"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Outcome is how a rendering has ended.
type Outcome string

// The outcomes of a rendering.
const (
	// OutcomeRendered has objects.
	OutcomeRendered Outcome = "rendered"
	// OutcomeRefused is that of a source that is wrong.
	OutcomeRefused Outcome = "refused"
	// OutcomeFailed is that of a source that could not be read, or of a rendering that was stopped.
	OutcomeFailed Outcome = "failed"
)

// Counted returns a Func that renders by next and passes each outcome to count, which is safe for concurrent use.
func Counted(next Func, count func(Outcome)) Func {
	return func(tree fs.FS, src v1alpha1.ApplicationSource, opts Options) (*Result, error) {
		result, err := next(tree, src, opts)
		switch {
		case err == nil:
			count(OutcomeRendered)
		case IsRefusal(err):
			count(OutcomeRefused)
		default:
			count(OutcomeFailed)
		}
		return result, err
	}
}
