package settings

import "github.com/cyan-cd/cyan/internal/problem"

// Verdict is what becomes of a field, a key, an annotation or an option.
type Verdict string

// The verdicts.
const (
	// Honoured is what is done as it is written.
	Honoured Verdict = "honoured"
	// Named is what is not done, and is said to be not done; the rest is.
	Named Verdict = "named"
	// Refused is what is not done, and keeps the object from being worked on, since passing it over would be less safe.
	Refused Verdict = "refused"
	// Harmless is what concerns a part that Cyan does not have, such as the colours of a page.
	Harmless Verdict = "harmless"
)

// Finding is something that was written and is not honoured.
type Finding struct {
	// Object is a kind and a name, such as ConfigMap argocd-cm.
	Object string
	// Field is the path or key.
	Field   string
	Verdict Verdict
	// Meant is the path of the field that was probably meant; empty when there is none.
	Meant string
	// Cause and Remedy are as in problem.Error.
	Cause, Remedy string
}

// Problem returns the finding as an error for people.
func (f Finding) Problem() *problem.Error {
	kind := problem.Usage
	if f.Verdict == Refused {
		kind = problem.Refused
	}
	return &problem.Error{Kind: kind, Object: f.Object, Field: f.Field, Cause: f.Cause, Remedy: f.Remedy}
}

// String returns the finding without its object, for a condition of that object.
func (f Finding) String() string {
	return (&problem.Error{Field: f.Field, Cause: f.Cause, Remedy: f.Remedy}).Error()
}
