package validate

import (
	"cmp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/secret"
)

// What a stranger's objects can make of findings is bounded. Each object that is refused keeps one at least.
const (
	// maxOfObject is how many findings one object has at most, and maxDetailed how many all objects have together before
	// each further one has a single one.
	maxOfObject = 50
	maxDetailed = 1000
	// maxText is how long a text of a finding may be, in bytes.
	maxText = 1000
)

// allowance is how many findings an object may have, after so many of the objects before it.
func allowance(before int) int {
	if before >= maxDetailed {
		return 1
	}
	return maxOfObject
}

// shortened cuts a text that is too long to be read.
func shortened(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "…"
}

// ObjectName returns what findings call an object: kind, namespace and name.
func ObjectName(u *unstructured.Unstructured) string {
	name := u.GetName()
	if name == "" {
		name = u.GetGenerateName() + "…"
	}
	if ns := u.GetNamespace(); ns != "" {
		name = ns + "/" + name
	}
	return shortened(u.GetKind() + " " + name)
}

// subject is the object that is being checked, and collects what is found. The place of a finding is that of its field,
// in the file or the patch that has it; where none has it, that of what is around it.
type subject struct {
	rendered render.Rendered
	findings []*problem.Error
	// warnings are about what an API server takes all the same.
	warnings []*problem.Error
	// allowed is how many findings there may be; 0 for the most that one object may have.
	allowed int
}

// full reports whether there are as many findings as there may be, so that nothing more has to be looked for.
func (s *subject) full() bool { return len(s.findings) >= cmp.Or(s.allowed, maxOfObject) }

func (s *subject) add(rule, field, cause, remedy string) {
	if s.full() {
		return
	}
	f := findingOf(s.rendered, rule, field, cause, remedy)
	s.findings = append(s.findings, f)
	if s.full() {
		f.Remedy += "; this object may have more findings, which are not looked for"
	}
}

// warn adds what an API server takes all the same.
func (s *subject) warn(rule, field, cause, remedy string) {
	if len(s.warnings) < cmp.Or(s.allowed, maxOfObject) {
		s.warnings = append(s.warnings, findingOf(s.rendered, rule, field, cause, remedy))
	}
}

// findingOf is one at the place of a field of an object.
func findingOf(o render.Rendered, rule, field, cause, remedy string) *problem.Error {
	at, inFile := o.Place(field)
	f := &problem.Error{
		Kind: problem.Usage, File: at.File, Line: at.Line, Column: at.Column, Rule: rule, Object: ObjectName(o.Object), Field: shortened(field),
		Cause: shortened(secret.Redact(cause, o.Object)), Remedy: shortened(secret.Redact(remedy, o.Object)),
	}
	if field != "" && !inFile && o.Has(field) && o.Source != nil {
		f.Remedy += " (set by an option of the source, or by a transformer)"
	}
	return f
}

// addAt is add for a place that is known.
func (s *subject) addAt(rule string, at render.Place, field, cause, remedy string) {
	before := len(s.findings)
	s.add(rule, field, cause, remedy)
	if len(s.findings) > before {
		f := s.findings[before]
		f.File, f.Line, f.Column = at.File, at.Line, at.Column
	}
}
