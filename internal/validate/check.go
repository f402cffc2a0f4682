package validate

import (
	"cmp"
	"slices"

	"go.yaml.in/yaml/v3"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/render"
)

// Known is what is known of the cluster that the objects are for. It is data: nothing is asked of the cluster.
type Known struct {
	// Kinds are those that the cluster serves; true for those that live in a namespace. A kind that is neither here nor defined by the objects themselves is a finding.
	Kinds map[schema.GroupVersionKind]bool
	// CRDs are the definitions of the cluster, for the custom kinds among Kinds. A kind without one is only checked for being served.
	CRDs []apiextensionsv1.CustomResourceDefinition
	// Namespaces are those that exist, or will by the time the objects are applied. When it is nil, namespaces are not checked.
	Namespaces map[string]bool
	// DefaultNamespace is where objects go that name none; "default" when it is empty.
	DefaultNamespace string
}

// Check judges the objects by the rules by which an API server would take them. known is nil when there is no cluster at hand: then the kinds of Kubernetes, those that the objects
// define, and Cyan's own are known. An empty result means that all of them would be taken, as far as that can be told without the objects that exist already.
//
// Findings come in the order of files and lines. Objects are not changed.
func Check(objs []render.Rendered, known *Known) []Finding {
	if len(objs) == 0 {
		return []Finding{{Problem: "there is not one object to validate", Remedy: "check the path and the revision of the source, and what it includes and excludes"}}
	}
	kinds := newKinds(known)
	subjects := make([]*subject, len(objs))
	// Definitions first: what they say of their kinds counts only if an API server would take them.
	for i, o := range objs {
		subjects[i] = &subject{rendered: o}
		kinds.note(o.Object)
		if o.Object.GroupVersionKind() == crdKind {
			subjects[i].check(kinds)
			kinds.define(o.Object, len(subjects[i].findings) == 0)
		}
	}
	var findings []Finding
	for _, s := range subjects {
		if s.rendered.Object.GroupVersionKind() != crdKind {
			s.check(kinds)
		}
		findings = append(findings, s.findings...)
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return withoutRepeated(findings)
}

// withoutRepeated keeps the last of the findings that say the same: where the rules refuse a value twice, the second time they are more exact.
func withoutRepeated(findings []Finding) []Finding {
	said := map[Finding]int{}
	kept := findings[:0]
	for _, f := range findings {
		key := f
		key.Remedy = ""
		if i, repeated := said[key]; repeated {
			kept[i] = f
			continue
		}
		said[key] = len(kept)
		kept = append(kept, f)
	}
	return kept
}

func (s *subject) check(kinds *kinds) {
	s.checkRepeatedKeys(s.rendered.Source, "", map[*yaml.Node]bool{})
	gvk := s.rendered.Object.GroupVersionKind()
	switch kind := kinds.find(gvk); {
	case kind.problem != "":
		s.add(kind.field, kind.problem, kind.remedy)
	case kind.builtin != nil:
		s.checkBuiltin(*kind.builtin, gvk, kinds.namespace)
	case kind.custom != nil:
		s.checkCustom(kind.custom, kinds.namespace)
	}
	s.checkNamespace(kinds)
}

// checkNamespace finds a namespace that will not be there, and says so at the first object that is for it.
func (s *subject) checkNamespace(kinds *kinds) {
	ns, field := s.rendered.Object.GetNamespace(), "metadata.namespace"
	if ns == "" {
		ns, field = kinds.namespace, ""
	}
	if kinds.namespaces == nil || kinds.namespaces[ns] || !kinds.namespaced(s.rendered.Object.GroupVersionKind()) {
		return
	}
	kinds.namespaces[ns] = true
	s.add(field, "the namespace "+ns+" does not exist", "add a Namespace, or create it before")
}

// checkRepeatedKeys finds keys that a mapping of the file has twice: the last one counts, which is hardly what was meant.
func (s *subject) checkRepeatedKeys(n *yaml.Node, path string, seen map[*yaml.Node]bool) {
	if n == nil || seen[n] {
		return
	}
	seen[n] = true
	if n.Kind == yaml.AliasNode {
		s.checkRepeatedKeys(n.Alias, path, seen)
		return
	}
	if n.Kind != yaml.MappingNode {
		for i, c := range n.Content {
			s.checkRepeatedKeys(c, indexPath(path, i), seen)
		}
		return
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		field := joinPath(path, key.Value)
		if first, repeated := lines[key.Value]; repeated && key.Value != "<<" {
			s.addAt(key.Line, field, "this key is here for the second time: the first is in line "+itoa(first), "remove one of them")
		}
		lines[key.Value] = key.Line
		s.checkRepeatedKeys(n.Content[i+1], field, seen)
	}
}
