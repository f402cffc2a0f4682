package kit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/spelling"
)

// Usage returns the problem of a command line, a file or a value that is invalid as it was written.
func Usage(object, cause, remedy string) *problem.Error {
	return &problem.Error{Kind: problem.Usage, Object: object, Cause: cause, Remedy: remedy}
}

// Exit ends a command with an exit code of the person's choice; the output has told why.
type Exit struct{ Code int }

// Error is not shown.
func (e *Exit) Error() string { return fmt.Sprintf("ends with %d", e.Code) }

// ExitCode returns what the program ends with after an error; 130 for a command that was interrupted.
func ExitCode(err error) int {
	var exit *Exit
	if errors.As(err, &exit) {
		return exit.Code
	}
	return problem.ExitCode(interrupted(err))
}

// Message returns what is printed about an error; empty when all has been shown already. What is foreign in it steers
// no terminal.
func Message(err error) string {
	var exit *Exit
	if errors.As(err, &exit) {
		return ""
	}
	return term.Shown(problem.Message(interrupted(err)))
}

// interrupted is err, made a problem when it comes from the end of the command's context alone.
func interrupted(err error) error {
	if errors.Is(err, context.Canceled) && problem.Of(err) == nil {
		return &problem.Error{Kind: problem.Interrupted, Cause: "interrupted", Err: err}
	}
	return err
}

// Missing returns the problem of an object that was not found: the name that was probably meant, those that there
// are, or else a remedy.
func Missing(kind, namespace, name string, there []string, remedy string) *problem.Error {
	e := &problem.Error{Kind: problem.Absent, Object: fmt.Sprintf("%s %q", kind, name), Cause: fmt.Sprintf("not found in namespace %q", namespace), Remedy: remedy}
	switch near := Closest(name, there); {
	case near != "":
		e.Remedy = fmt.Sprintf("did you mean %q?", near)
	case len(there) > 0:
		e.Remedy = "there are: " + Choices(there)
	}
	return e
}

// mostChoices bounds how many names an error lists.
const mostChoices = 8

// Choices lists names, each once, in order and not too many.
func Choices(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) > mostChoices {
		return strings.Join(names[:mostChoices], ", ") + fmt.Sprintf(" and %d more", len(names)-mostChoices)
	}
	return strings.Join(names, ", ")
}

// Closest returns the name that was probably meant: one with few letters other, or one that begins with what was typed.
func Closest(name string, there []string) string {
	if best := spelling.Closest(name, there); best != "" {
		return best
	}
	for _, candidate := range there {
		if len(name) > 2 && strings.HasPrefix(candidate, name) {
			return candidate
		}
	}
	return ""
}

// FirstWithRest keeps the exit code of the first error while showing all.
func FirstWithRest(all []error) error {
	if len(all) < 2 {
		return errors.Join(all...)
	}
	var lines []string
	for _, err := range all {
		if line := Message(err); line != "" {
			lines = append(lines, strings.TrimPrefix(line, "Error: "))
		}
	}
	return &problem.Error{Kind: problem.KindOf(interrupted(all[0])), Cause: strings.Join(lines, "\n"), Reported: len(lines) == 0, Err: all[0]}
}
