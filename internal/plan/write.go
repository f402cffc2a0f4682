package plan

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// Write is how an object that git has is written over the live one.
type Write struct {
	Key Key
	// Object is what is written, and Live what is there; nil when there is nothing.
	Object, Live *unstructured.Unstructured
	// Basis is the resourceVersion that Live must still have, since Object holds values of it; "" for any.
	Basis   string
	Options Options
	Force   bool
}

// Writes returns how each desired object that is live already would be written. Hooks are not among them. An error
// means that it is not known which fields are to be left as they are.
func Writes(desired []Desired, live map[Key]*unstructured.Unstructured, policy Policy) ([]Write, error) {
	of := FactsUnder(policy)
	all := make([]Write, 0, len(live))
	shared := SharedWith(desired, policy)
	for _, d := range desired {
		about := of.of(d.Object)
		if len(about.phases) > 0 {
			continue
		}
		if there := live[about.key]; there != nil && !policy.leavesNamespace(d, there) {
			all = append(all, writeOf(about, d, there, shared, policy.Force))
		}
	}
	return all, shared.respected.err
}

// writeOf is how a desired object is written, by what follows from it.
func writeOf(about *about, d Desired, live *unstructured.Unstructured, shared Shared, force bool) Write {
	w := Write{Key: about.key, Live: live, Options: about.options, Force: force || about.options.Force()}
	w.Object, w.Basis = about.keep(shared, d.Object, live)
	return w
}
