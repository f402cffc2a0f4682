// Package problem is the one error that people read: the object, the cause, the remedy, and a kind from which the
// exit code of a command follows.
//
// An error on its way up is wrapped with fmt.Errorf as usual. An [Error] is made where cause and remedy are known,
// and [Of] finds it again.
package problem

import (
	"errors"
	"fmt"
	"strings"
)

// Kind is what may be done about a problem.
type Kind int

// The kinds of problems.
const (
	// Failed is a problem about which nothing more is known.
	Failed Kind = iota
	// Negative is the answer no to a question that was asked: there is a difference, a deadline has passed, an object is
	// degraded.
	Negative
	// Usage is a command line, a field or a file that is invalid as it was written.
	Usage
	// Unreachable is a server that does not answer. It passes by itself.
	Unreachable
	// Absent is an object, a file or a revision that was not found.
	Absent
	// Refused is a request that was understood and is not carried out.
	Refused
	// Interrupted is a command that its user has ended; there is nothing to say about it.
	Interrupted
)

// exitCodes are those that scripts round the argocd program know, and what shells have for a command that Ctrl-C ended.
var exitCodes = map[Kind]int{Failed: 1, Negative: 1, Usage: 2, Unreachable: 11, Absent: 13, Refused: 20, Interrupted: 130}

// Error is a problem for a person: object: field: cause; remedy.
type Error struct {
	Kind Kind
	// File and Line are where the cause stands, Line from 1; both may be missing.
	File string
	Line int
	// Column is where it stands in the line, from 1; 0 when it is not known. Error does not show it.
	Column int
	// Rule names what was broken, for programs; it may be empty. Error does not show it.
	Rule string
	// Object is a kind and a name such as "Application shop", and Field a path in it such as spec.source.path; both may
	// be missing.
	Object, Field string
	// Cause is what is wrong, in a few words that begin with neither object nor field.
	Cause string
	// Remedy is what to do about it, as an imperative; empty when nothing is known to help.
	Remedy string
	// Reported is set when the output has shown the problem already, so that only the exit code is left.
	Reported bool
	// Err is where it comes from, for errors.Is and errors.As; it may be nil. Its text is not shown.
	Err error
}

// Error returns one line: file:line: object: field: cause; remedy.
func (e *Error) Error() string {
	parts := make([]string, 0, 4)
	if e.File != "" && e.Line > 0 {
		parts = append(parts, fmt.Sprintf("%s:%d", e.File, e.Line))
	} else if e.File != "" {
		parts = append(parts, e.File)
	}
	for _, part := range []string{e.Object, e.Field, e.Cause} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	line := strings.TrimRight(strings.Join(parts, ": "), "\n")
	if e.Remedy != "" {
		line += "; " + e.Remedy
	}
	return line
}

// Invalid is the object of a problem whose fields the API server refuses, as it says that itself and as tools read it.
func Invalid(kind, name string) string { return fmt.Sprintf("%s %q is invalid", kind, name) }

// Unwrap returns what the problem comes from, or nil.
func (e *Error) Unwrap() error { return e.Err }

// Of returns the outermost Error in the chain of err, or nil.
func Of(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// KindOf returns the kind of the outermost Error in the chain of err; Failed when there is none.
func KindOf(err error) Kind {
	if e := Of(err); e != nil {
		return e.Kind
	}
	return Failed
}

// IsTemporary reports whether an error passes by itself, so that trying again with nothing changed makes sense.
func IsTemporary(err error) bool { return KindOf(err) == Unreachable }

// ExitCode returns what a program ends with after an error; 0 for nil.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	return exitCodes[KindOf(err)]
}

// Message returns what a program prints about an error; empty when there is nothing more to say.
func Message(err error) string {
	e := Of(err)
	if err == nil || e != nil && (e.Reported || e.Kind == Interrupted) {
		return ""
	}
	return "Error: " + err.Error()
}
