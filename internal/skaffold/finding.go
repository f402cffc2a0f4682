package skaffold

import (
	"cmp"
	"slices"

	"github.com/cyan-cd/cyan/internal/problem"
)

// Severity is how much a finding weighs.
type Severity string

// The severities.
const (
	// Error is what has to be corrected before anything is built.
	Error Severity = "error"
	// Warning is what is not done as it is written, while the rest is.
	Warning Severity = "warning"
	// Note is what is done in another way, to the same end, or what has to be known.
	Note Severity = "note"
)

// Finding is what there is to say about a place in a file.
type Finding struct {
	Position
	Severity Severity
	// Rule is a name for programs, such as unknown-field.
	Rule string
	// Object is a field or an object, Cause what is wrong with it, and Remedy what to do about it.
	Object, Cause, Remedy string
}

// String returns file:line: object: cause; remedy.
func (f Finding) String() string { return f.Problem().Error() }

// Problem returns the finding as an error for people.
func (f Finding) Problem() *problem.Error {
	return &problem.Error{Kind: problem.Usage, File: f.File, Line: f.Line, Object: f.Object, Cause: f.Cause, Remedy: f.Remedy}
}

// Errors returns the findings that have to be corrected.
func Errors(findings []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return f.Severity != Error })
}

// sorted returns the findings in the order of their places, each once.
func sorted(findings []Finding) []Finding {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Cause, b.Cause))
	})
	return slices.Compact(findings)
}
