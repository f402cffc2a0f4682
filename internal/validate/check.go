package validate

import (
	"cmp"
	"slices"

	"go.yaml.in/yaml/v3"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

// Known is what is known of the cluster that the objects are for. It is data: nothing is asked of the cluster.
type Known struct {
	// Kinds are those that the cluster serves; true for those that live in a namespace. A kind that is neither here nor
	// defined by the objects themselves is a finding. Nil when there is no cluster at hand: then CRDs are those that it
	// will have.
	Kinds map[schema.GroupVersionKind]bool
	// CRDs are the definitions of the cluster, for the custom kinds among Kinds. A kind without one is only checked for
	// being served.
	CRDs []apiextensionsv1.CustomResourceDefinition
	// Skip are kinds that are not checked when they are unknown: Kind, GROUP/Kind or GROUP/VERSION/Kind. With
	// IgnoreMissing that is any.
	Skip          []string
	IgnoreMissing bool
	// Minor is the minor version of Kubernetes that the objects are for; 0 for the newest. What was removed and deprecated
	// by then is known; fields are checked by the rules of the newest.
	Minor int
	// Exists are objects of the cluster that the objects refer to, and whether they are there; nil where no cluster is
	// asked.
	Exists map[Ref]bool
	// DefaultNamespace is where objects go that name none; "default" when it is empty.
	DefaultNamespace string
}

// Check returns why an API server would refuse the objects. known is nil when there is no cluster at hand: then the
// kinds of Kubernetes, those that the objects define, and Cyan's own are known. An empty result means that all of
// them would be admitted, as far as that is known without the objects that exist already.
//
// Findings come in the order of files and lines, and are bounded: an object that is refused has one at least. Objects
// are not changed.
func Check(objs []render.Rendered, known *Known) []*problem.Error {
	return CheckBut(&Good{}, objs, known)
}

// Good are objects that nothing was found wrong with, by which objects they are: they are not changed once they are
// made. The zero value has none.
type Good struct {
	objects map[*unstructured.Unstructured]bool
	// definitions are those that were among the objects.
	definitions []*unstructured.Unstructured
}

// Len returns the number of the objects.
func (g *Good) Len() int { return len(g.objects) }

// CheckBut is [Check], but for the objects that are good by the same knowledge already. Afterwards, good are those of
// objs that are.
func CheckBut(good *Good, objs []render.Rendered, known *Known) []*problem.Error {
	findings, _ := check(good, objs, known)
	return findings
}

// check is CheckBut, and returns what an API server warns of in the objects that are checked.
func check(good *Good, objs []render.Rendered, known *Known) (findings, warnings []*problem.Error) {
	if len(objs) == 0 {
		*good = Good{}
		return []*problem.Error{{Kind: problem.Usage, Rule: RuleNothing, Cause: "no objects to validate", Remedy: "check the path and the revision of the source, and what it includes and excludes"}}, nil
	}
	subjects := checkAll(good, objs, newKinds(known))
	for _, s := range subjects {
		if s != nil {
			findings, warnings = append(findings, s.findings...), append(warnings, s.warnings...)
		}
	}
	return ordered(findings), warnings
}

// Checked is what was found wrong with one object. Unknown is true where nothing is known of its kind, so that its
// fields are not checked.
type Checked struct {
	Findings []*problem.Error
	Unknown  bool
}

// CheckEach is [Check], with what it finds of each object by itself: the definitions among all of them count, and are
// read once.
func CheckEach(objs []render.Rendered, known *Known) []Checked {
	kinds := newKinds(known)
	all := make([]Checked, len(objs))
	for i, s := range checkAll(&Good{}, objs, kinds) {
		found := kinds.find(objs[i].Object.GroupVersionKind())
		all[i] = Checked{Findings: ordered(s.findings), Unknown: found.builtin == nil && found.custom == nil}
	}
	return all
}

// checkAll checks the objects that are not good, which are nil in the result, and leaves in good those that are now.
func checkAll(good *Good, objs []render.Rendered, kinds *kinds) []*subject {
	now := Good{objects: make(map[*unstructured.Unstructured]bool, len(objs))}
	subjects := make([]*subject, len(objs))
	count := 0
	one := func(s *subject) {
		s.allowed = allowance(count)
		s.check(kinds)
		count += len(s.findings)
	}
	// Definitions first: their schemas count only if an API server would admit them.
	for i, o := range objs {
		if o.Object.GroupVersionKind() == crdKind {
			subjects[i] = &subject{rendered: o}
			one(subjects[i])
			kinds.define(o.Object, len(subjects[i].findings) == 0)
			now.definitions = append(now.definitions, o.Object)
		}
	}
	sameKinds := slices.Equal(good.definitions, now.definitions)
	for i, o := range objs {
		switch {
		case subjects[i] != nil:
		case sameKinds && good.objects[o.Object]:
			now.objects[o.Object] = true
		default:
			subjects[i] = &subject{rendered: o}
			if one(subjects[i]); len(subjects[i].findings) == 0 {
				now.objects[o.Object] = true
			}
		}
	}
	*good = now
	return subjects
}

// ordered are the findings in the order of files and lines, each once.
func ordered(findings []*problem.Error) []*problem.Error {
	slices.SortStableFunc(findings, func(a, b *problem.Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Cause, b.Cause))
	})
	all := make([]Finding, 0, len(findings))
	for _, f := range findings {
		all = append(all, Finding{f, SeverityError})
	}
	return Errors(withoutRepeated(all))
}

// withoutRepeated keeps the last of the findings that differ in nothing but the remedy: where the rules refuse a
// value twice, the second remedy is more exact.
func withoutRepeated(findings []Finding) []Finding {
	type key struct {
		problem  problem.Error
		severity Severity
	}
	index := map[key]int{}
	kept := findings[:0]
	for _, f := range findings {
		k := key{*f.Error, f.Severity}
		k.problem.Remedy, k.problem.Rule = "", ""
		if i, repeated := index[k]; repeated {
			kept[i] = f
			continue
		}
		index[k] = len(kept)
		kept = append(kept, f)
	}
	return kept
}

func (s *subject) check(kinds *kinds) {
	s.checkRepeatedKeys(s.rendered.Source, "", map[*yaml.Node]bool{})
	gvk := s.rendered.Object.GroupVersionKind()
	switch kind := kinds.find(gvk); {
	case kind.problem != "":
		s.add(kind.rule, kind.field, kind.problem+kinds.discovered(s.rendered.Object), kind.remedy)
	case kind.builtin != nil:
		s.checkBuiltin(*kind.builtin, cmp.Or(kind.as, gvk), kinds.namespace)
		checkDeprecated(s, gvk, kinds.minor)
	case kind.custom != nil:
		s.checkCustom(kind.custom, kinds.namespace)
	}
}

// checkRepeatedKeys finds keys that a mapping of the file has twice: the last one counts, which is hardly what was
// meant.
func (s *subject) checkRepeatedKeys(n *yaml.Node, path string, seen map[*yaml.Node]bool) {
	if n == nil || seen[n] || s.full() {
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
	for i := 0; i+1 < len(n.Content) && !s.full(); i += 2 {
		key := n.Content[i]
		field := joinPath(path, key.Value)
		if first, repeated := lines[key.Value]; repeated && key.Value != "<<" {
			s.addAt(RuleDuplicateKey, render.Place{File: s.rendered.Origin.File, Line: key.Line, Column: key.Column}, field, "duplicate key: the first is in line "+itoa(first), "remove one of them")
		}
		lines[key.Value] = key.Line
		s.checkRepeatedKeys(n.Content[i+1], field, seen)
	}
}
