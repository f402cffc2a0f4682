package validate

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/secret"
)

// ObjectName returns what findings call an object: kind, namespace and name.
func ObjectName(u *unstructured.Unstructured) string {
	name := u.GetName()
	if name == "" {
		name = u.GetGenerateName() + "…"
	}
	if ns := u.GetNamespace(); ns != "" {
		name = ns + "/" + name
	}
	return u.GetKind() + " " + name
}

// subject is the object that is being checked, and collects what is found. The line of a finding is that of its field;
// where the file does not have the field, because a patch or an option brought it in, it is where the object starts.
type subject struct {
	rendered render.Rendered
	findings []*problem.Error
}

func (s *subject) add(field, cause, remedy string) {
	f := &problem.Error{
		Kind: problem.Usage, File: s.rendered.Origin.File, Object: ObjectName(s.rendered.Object), Field: field,
		Cause: secret.Redact(cause, s.rendered.Object), Remedy: secret.Redact(remedy, s.rendered.Object),
	}
	line, inFile := s.rendered.Line(field)
	f.Line = line
	if field != "" && !inFile && s.rendered.Has(field) && s.rendered.Source != nil {
		f.Remedy += " (set by a patch or an option, not by this file)"
	}
	s.findings = append(s.findings, f)
}

// addAt is add for a place in the file that is known.
func (s *subject) addAt(line int, field, cause, remedy string) {
	s.add(field, cause, remedy)
	s.findings[len(s.findings)-1].Line = line
}
