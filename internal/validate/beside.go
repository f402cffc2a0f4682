package validate

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/render"
)

// Beside returns what an API server would take and does not do what was meant, as far as the objects alone show it:
// what stands beside [Check]. Unlike for [Inspect], the objects are a part of what a cluster has: what is not among
// them is taken to be there. Nothing that is found weighs less than a warning.
func Beside(result *render.Result, known *Known) []Finding {
	var all []Finding
	for _, o := range result.Objects {
		s, gvk := &subject{rendered: o}, o.Object.GroupVersionKind()
		if !known.mayKnowNothingLater(gvk) {
			checkDeprecated(s, gvk, known.minor())
		}
		for _, w := range s.warnings {
			all = append(all, Finding{w, SeverityWarning})
		}
	}
	for _, f := range repeatedInPatches(result.Objects) {
		all = append(all, Finding{f, SeverityError})
	}
	g := newGraph(result.Objects, known)
	g.isPart = true
	all = append(all, atLeast(SeverityWarning, admitted(result.Objects))...)
	// What may be right with what is elsewhere is right.
	all = append(all, atLeast(SeverityError, g.inVain())...)
	all = append(all, atLeast(SeverityWarning, imageEntries(result))...)
	sortByPlace(all)
	return withoutRepeated(all)
}

func atLeast(severity Severity, findings []Finding) []Finding {
	return slices.DeleteFunc(findings, func(f Finding) bool { return !f.Severity.AtLeast(severity) })
}

// minor is the minor version of Kubernetes that objects are for.
func (k *Known) minor() int {
	if k == nil {
		return NewestMinor
	}
	return cmp.Or(k.Minor, NewestMinor)
}

// mayKnowNothingLater reports whether a cluster is known that does not serve what replaces a version of a kind: it is
// older than the deprecation.
func (k *Known) mayKnowNothingLater(gvk schema.GroupVersionKind) bool {
	if k == nil || k.Kinds == nil || k.Minor != 0 {
		return false
	}
	_, serves := k.Kinds[replacedBy(gvk, NewestMinor)]
	return !serves
}
