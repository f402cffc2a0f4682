package compare

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

// TestRefuseInvalid: each object is refused for what was found in it, and what belongs to none is left over.
func TestRefuseInvalid(t *testing.T) {
	object := func(kind, name, file, hook string) render.Rendered {
		o := &unstructured.Unstructured{Object: map[string]any{"kind": kind, "metadata": map[string]any{"namespace": "d"}}}
		o.SetName(name)
		if hook != "" {
			o.SetAnnotations(map[string]string{"argocd.argoproj.io/hook": hook})
		}
		r := render.Rendered{Object: o}
		r.Origin.File = file
		return r
	}
	objects := []render.Rendered{object("Service", "web", "a.yaml", ""), object("Service", "web", "b.yaml", ""), object("Job", "", "c.yaml", "PreSync"), object("Secret", "key", "", "")}
	many := make([]*problem.Error, 12)
	for i := range many {
		many[i] = &problem.Error{File: "a.yaml", Object: "Service d/web", Cause: "no"}
	}
	for _, c := range []struct {
		name     string
		findings []*problem.Error
		want     []string
		rest     int
	}{
		{"nothing", nil, []string{"", "", "", ""}, 0},
		{"two of one object", []*problem.Error{{File: "a.yaml", Object: "Service d/web", Cause: "x"}, {File: "a.yaml", Object: "Service d/web", Cause: "y"}},
			[]string{`Service "web" is invalid: x (a.yaml); y (a.yaml)`, "", "", ""}, 0},
		{"the same name in another file", []*problem.Error{{File: "b.yaml", Line: 3, Object: "Service d/web", Cause: "x"}}, []string{"", `Service "web" is invalid: x (b.yaml:3)`, "", ""}, 0},
		{"a hook without a name", []*problem.Error{{File: "c.yaml", Object: "Job d/hook-…", Cause: "x"}}, []string{"", "", `Job "hook-" is invalid: x (c.yaml)`, ""}, 0},
		{"an object of no file", []*problem.Error{{Object: "Secret d/key", Field: "metadata.labels", Cause: "x", Remedy: "shorten it"}}, []string{"", "", "", `Secret "key" is invalid: metadata.labels: x; shorten it`}, 0},
		{"no object's", []*problem.Error{{Cause: "x"}, {File: "c.yaml", Object: "Service d/web", Cause: "y"}}, []string{"", "", "", ""}, 2},
		{"more than a message holds", many, []string{`Service "web" is invalid: ` + strings.Repeat("no (a.yaml); ", 10) + "and 2 more", "", "", ""}, 0},
	} {
		desired := make([]plan.Desired, len(objects))
		if rest := refuseInvalid(desired, objects, c.findings); len(rest) != c.rest {
			t.Errorf("%s: left over: got %v, want %d", c.name, rest, c.rest)
		}
		for i, d := range desired {
			if d.Refused != c.want[i] {
				t.Errorf("%s: object %d: got %q, want %q", c.name, i, d.Refused, c.want[i])
			}
		}
	}
}

// servedKinds are kinds that a cluster serves: true for those that live in namespaces.
type servedKinds map[string]bool

func (k servedKinds) Resource(kind schema.GroupVersionKind) (schema.GroupVersionResource, bool, bool) {
	namespaced, served := k[kind.Kind]
	return schema.GroupVersionResource{}, namespaced, served
}

func (k servedKinds) Served(schema.GroupKind) []string { return nil }

// TestRefuseHomeless: objects that live in a namespace and have none are refused, each by itself; others are left.
func TestRefuseHomeless(t *testing.T) {
	object := func(kind, namespace string) plan.Desired {
		o := &unstructured.Unstructured{}
		o.SetAPIVersion("v1")
		o.SetKind(kind)
		o.SetNamespace(namespace)
		o.SetName("web")
		return plan.Desired{Object: o}
	}
	c := Comparison{Desired: []plan.Desired{object("Service", ""), object("Service", "d"), object("Node", ""), object("Unserved", ""), object("Service", "")}}
	c.Desired[4].Refused = "forbidden"
	c.refuseHomeless(servedKinds{"Service": true, "Node": false})
	const why = "Namespace for web /v1, Kind=Service is missing; set spec.destination.namespace, or metadata.namespace in the manifest"
	for i, want := range []string{why, "", "", "", "forbidden; " + why} {
		if got := c.Desired[i].Refused; got != want {
			t.Errorf("object %d: got %q, want %q", i, got, want)
		}
	}
	if len(c.Problems) != 2 || c.Problems[0].Condition != v1alpha1.ConditionInvalidSpecError || !c.Problems[0].OfObjects {
		t.Errorf("got problems %+v, want one of each refused object", c.Problems)
	}
}
