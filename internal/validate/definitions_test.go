package validate

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
)

// Custom kinds are known by definitions that stand elsewhere in the tree than what is rendered.
func TestDefinitionsInTheTree(t *testing.T) {
	const definition = `apiVersion: v1
kind: ConfigMap
metadata: {name: before}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}}
`
	const unknown = "unknown kind example.com/v1 Widget"
	for _, c := range []struct {
		rule  string
		files map[string]string
		known *Known
		want  string
	}{
		{"in another folder", map[string]string{"crds/deep/widget.yaml": definition}, nil, "spec.size: must be of type integer"},
		{"beside other knowledge", map[string]string{"crds/widget.yaml": definition}, &Known{Skip: []string{"Gadget"}}, "spec.size: must be of type integer"},
		{"nowhere", nil, nil, unknown},
		{"of another kind", map[string]string{"crds/widget.yaml": strings.ReplaceAll(definition, "Widget", "Gadget")}, nil, unknown},
		{"of another version", map[string]string{"crds/widget.yaml": strings.ReplaceAll(definition, "name: v1,", "name: v2,")}, nil, "example.com/v1 Widget is not served; use example.com/v2"},
		{"in a hidden folder", map[string]string{".cache/widget.yaml": definition}, nil, unknown},
		{"in a file that is no manifest", map[string]string{"crds/widget.md": definition}, nil, unknown},
		{"in a file that is no YAML", map[string]string{"crds/widget.yaml": "a: b: CustomResourceDefinition"}, nil, unknown},
		{"in a file that is too large", map[string]string{"crds/widget.yaml": strings.Repeat("#\n", maxSchemaFile/2) + "---\n" + definition}, nil, unknown},
	} {
		tree := fstest.MapFS{"app/widget.yaml": {Data: []byte("apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: big}\n"), Mode: 0o644}}
		for name, content := range c.files {
			tree[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
		}
		result, err := renderers.Render(tree, v1alpha1.ApplicationSource{Path: "app"}, render.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := lines(CheckIn(tree, result.Objects, c.known)); !strings.Contains(got, c.want) || strings.Count(got, "\n") != 1 {
			t.Errorf("%s: found %q, want %q", c.rule, got, c.want)
		}
	}
}
