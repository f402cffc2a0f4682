package validate

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/render"
)

// Finding is one thing that keeps rendered objects from being applied.
type Finding struct {
	// File and Line are where it stands in the repository, Line from 1. When the file does not have the field,
	// because a patch or an option brought it in, Line is where the object starts. Both are empty when there is no
	// such place.
	File string
	Line int
	// Object is kind, namespace and name, such as "Deployment default/app".
	Object string
	// Field is the path of the field, such as spec.template.spec.containers[0].image; "" when the whole object is
	// meant.
	Field string
	// Problem is what is wrong.
	Problem string
	// Remedy is what to do about it.
	Remedy string
}

// String is one line: file:line: object: field: problem; remedy.
func (f Finding) String() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File)
		if f.Line > 0 {
			fmt.Fprintf(&b, ":%d", f.Line)
		}
		b.WriteString(": ")
	}
	for _, part := range []string{f.Object, f.Field} {
		if part != "" {
			b.WriteString(part + ": ")
		}
	}
	b.WriteString(f.Problem)
	if f.Remedy != "" {
		b.WriteString("; " + f.Remedy)
	}
	return b.String()
}

// Error is a finding as an error.
func (f Finding) Error() string { return f.String() }

func objectName(u *unstructured.Unstructured) string {
	name := u.GetName()
	if name == "" {
		name = u.GetGenerateName() + "…"
	}
	if ns := u.GetNamespace(); ns != "" {
		name = ns + "/" + name
	}
	return u.GetKind() + " " + name
}

// subject is the object that is being checked, and collects what is found.
type subject struct {
	rendered render.Rendered
	findings []Finding
}

func (s *subject) add(field, problem, remedy string) {
	f := Finding{File: s.rendered.Origin.File, Object: objectName(s.rendered.Object), Field: field, Problem: problem, Remedy: remedy}
	line, inFile := s.rendered.Line(field)
	f.Line = line
	if field != "" && !inFile && s.rendered.Has(field) && s.rendered.Source != nil {
		f.Remedy += " (set by a patch or an option, not by this file)"
	}
	s.findings = append(s.findings, f)
}

// addAt is add for a place in the file that is known.
func (s *subject) addAt(line int, field, problem, remedy string) {
	s.add(field, problem, remedy)
	s.findings[len(s.findings)-1].Line = line
}
