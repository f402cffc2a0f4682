package render

import (
	"fmt"
	"strings"
)

// Error is a source that cannot be rendered, or must not be.
type Error struct {
	// File is where the cause is, and Line where in it, from 1; both may be missing.
	File string
	Line int
	// Problem is what is wrong, and Remedy what to do about it.
	Problem string
	Remedy  string
}

// Error is one line: file:line: problem; remedy.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Problem)
	if e.Remedy != "" {
		b.WriteString("; ")
		b.WriteString(e.Remedy)
	}
	return b.String()
}
