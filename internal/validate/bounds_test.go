package validate

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
)

// many repeats a text n times, with a number in it.
func many(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// Objects with any number of faults have a bounded number of findings of bounded length, and each object that is
// refused has one.
func TestFindingsAreBounded(t *testing.T) {
	const n = 40_000
	const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	const custom = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nspec:\n"
	long := strings.Repeat("x", 100_000)
	for _, c := range []struct{ rule, manifest string }{
		{"fields that are unknown", configMap + many(n, "f%d: a\n")},
		{"values of a wrong type", configMap + "data:\n" + many(n, "  f%[1]d: %[1]d\n")},
		{"keys that are invalid", configMap + "data:\n" + many(n, "  'f %d': a\n")},
		{"duplicate keys", configMap + "data:\n" + many(n, "  a: b%d\n")},
		{"elements of a wrong type", "apiVersion: v1\nkind: ConfigMapList\nmetadata: {}\nitems: []\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a, finalizers: [" + many(n, "%d, ") + "]}\nspec: {containers: [{name: a, image: a}]}\n"},
		{"elements that are refused", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n" + many(n/10, "  - {name: 'X %d', image: a}\n")},
		{"unknown fields of a custom object", custom + many(n, "  f%d: a\n")},
		{"unknown fields in the template of a custom object", custom + "  template:\n    spec:\n" + many(n, "      f%d: a\n")},
		{"long names of unknown fields", configMap + many(50, "? "+long+"%d\n: a\n")},
		{"long values", configMap + "data:\n" + many(50, "  k%d: ["+long+"]\n")},
		{"a long name", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + long + "}\n"},
		{"a long kind", "apiVersion: v1\nkind: " + long + "\nmetadata: {name: a}\n"},
	} {
		tree := fstest.MapFS{"a.yaml": {Data: []byte(c.manifest), Mode: 0o644}}
		result, err := renderers.Render(tree, v1alpha1.ApplicationSource{}, render.Options{Namespace: "default"})
		if err != nil {
			t.Fatalf("%s: %v", c.rule, err)
		}
		findings := Check(result.Objects, nil)
		if len(findings) == 0 || len(findings) > maxOfObject {
			t.Errorf("%s: %d findings, want 1 to %d", c.rule, len(findings), maxOfObject)
		}
		for _, f := range findings {
			if len(f.Error()) > 5*maxText {
				t.Errorf("%s: a finding of %d bytes, want at most %d", c.rule, len(f.Error()), 5*maxText)
				break
			}
		}
	}

	var objects []render.Rendered
	for i := range 2000 {
		objects = append(objects, object(t, fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: c%d}, a: 1, b: 2, c: 3}", i)))
	}
	refused := map[string]int{}
	for _, f := range Check(objects, nil) {
		refused[f.Object]++
	}
	if first, last := refused["ConfigMap c0"], refused["ConfigMap c1999"]; len(refused) != len(objects) || first != 3 || last != 1 {
		t.Errorf("%d of %d objects are refused, the first by %d findings, the last by %d; want all, 3 and 1", len(refused), len(objects), first, last)
	}
}

// Many selectors that no pod matches are compared with many pods in an instant: what a source holds is somebody else's.
func TestSelectorsAreIndexed(t *testing.T) {
	const n = 3000
	pods := many(n, "{apiVersion: v1, kind: Pod, metadata: {name: p%[1]d, labels: {app: web, of: a%[1]d}}, spec: {containers: [{name: a, image: a}]}}\n---\n")
	services := many(n, "{apiVersion: v1, kind: Service, metadata: {name: s%[1]d}, spec: {selector: {app: web, of: b%[1]d}, ports: [{port: 80}]}}\n---\n")
	result := rendered(t, map[string]string{"a.yaml": pods + services})
	g := newGraph(result.Objects, nil)
	found := g.inVain()
	if len(found) != n {
		t.Errorf("%d findings, want %d", len(found), n)
	}
	if looked := strings.Count(texts(found), "those of Pod"); looked != mostCompared {
		t.Errorf("%d selectors were compared with all pods, want %d", looked, mostCompared)
	}
	if others := strings.Count(texts(found), "; correct the selector, or the labels of the pods\n"); others != n-mostCompared {
		t.Errorf("%d selectors have a remedy without pods, want %d", others, n-mostCompared)
	}
	if with := g.labelled[label{"default", "of", "a7"}]; len(with) != 1 {
		t.Errorf("%d pods with a label that one has", len(with))
	}
}
