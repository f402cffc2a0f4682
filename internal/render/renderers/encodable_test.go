package renderers

import (
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
)

// What kustomize cannot encode is refused with file and line, whatever kustomize would make of it: it ends the whole
// program when it tries to show such an object in an error.
func TestWhatKustomizeCannotEncode(t *testing.T) {
	const head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	refer := func(more string) map[string]string {
		// Two maps of one name may be meant, which kustomize shows together with who refers to them.
		return map[string]string{
			"a/kustomization.yaml": "resources: [../cm]\nnamePrefix: a-\n", "b/kustomization.yaml": "resources: [../cm]\nnamePrefix: b-\n",
			"cm/kustomization.yaml": "resources: [cm.yaml]\n", "cm/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\n",
			"k/kustomization.yaml": "resources: [../a, ../b, pod.yaml]\nnamePrefix: c-\n",
			"k/pod.yaml":           "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  volumes: [{name: v, configMap: {name: cm}}]\n  containers: []\n" + more,
		}
	}
	one := func(manifest string) map[string]string {
		return map[string]string{"k/kustomization.yaml": "resources: [a.yaml]\n", "k/a.yaml": manifest}
	}
	patch := func(patch string) map[string]string {
		return map[string]string{"k/kustomization.yaml": "resources: [a.yaml]\npatches: [{path: p.yaml}]\n", "k/a.yaml": head + "data: {x: y}\n", "k/p.yaml": patch}
	}
	for _, c := range []struct {
		rule  string
		files map[string]string
		want  string // "" when it is rendered
	}{
		{"a number as a key", one(head + "data:\n  8080: a\n"), "k/a.yaml:5: ConfigMap a: data.8080: the key is a number, and kustomize takes only text; put it in quotes"},
		{"a fraction as a key", one(head + "data:\n  1.5: a\n"), "k/a.yaml:5: ConfigMap a: data.1.5: the key is a number, and kustomize takes only text; put it in quotes"},
		{"a truth as a key", one(head + "data:\n  true: a\n"), "k/a.yaml:5: ConfigMap a: data.true: the key is true or false, and kustomize takes only text; put it in quotes"},
		{"null as a key", one(head + "data:\n  ~: a\n"), "k/a.yaml:5: ConfigMap a: data.~: the key is null, and kustomize takes only text; put it in quotes"},
		{"a list as a key", one(head + "data:\n  [a]: a\n"), "k/a.yaml:5: ConfigMap a: data.: the key is a list, and kustomize takes only text; put it in quotes"},
		{"a number as a key in quotes", one(head + "data:\n  '8080': a\n"), ""},
		{"a number as a key, by an alias", one(head + "data:\n  x: &n 8080\nmore:\n  *n : a\n"), "k/a.yaml:7: ConfigMap a: more.8080: the key is a number, and kustomize takes only text; put it in quotes"},
		{"a duplicate key", one(head + "data:\n  a: b\n  a: c\n"), "k/a.yaml:6: ConfigMap a: data.a: duplicate key: the first is in line 5; remove one of them"},
		{"a duplicate key in a list", one(head + "data:\n  a: b\nlist:\n- {a: b, a: c}\n"), "k/a.yaml:7: ConfigMap a: list[0].a: duplicate key: the first is in line 7; remove one of them"},
		{"not a number", one(head + "data:\n  a: .nan\n"), "k/a.yaml:5: ConfigMap a: data.a: the number .nan has no form in JSON; write a number, or put it in quotes"},
		{"an infinite number", one(head + "data:\n  a: -.Inf\n"), "k/a.yaml:5: ConfigMap a: data.a: the number -.Inf has no form in JSON; write a number, or put it in quotes"},
		{"a number as a key in the second document", one(head + "---\n" + head + "data:\n  1: a\n"), "k/a.yaml:9: ConfigMap a: data.1: the key is a number, and kustomize takes only text; put it in quotes"},
		{"a number as a key in a patch", patch(head + "data:\n  1: a\n"), "k/p.yaml:5: ConfigMap a: data.1: the key is a number, and kustomize takes only text; put it in quotes"},
		{"not a number in a patch", patch(head + "data:\n  x: .nan\n"), "k/p.yaml:5: ConfigMap a: data.x: the number .nan has no form in JSON; write a number, or put it in quotes"},
		{"a number as a key in the operations of a patch", map[string]string{
			"k/kustomization.yaml": "resources: [a.yaml]\npatches: [{target: {kind: ConfigMap}, path: p.yaml}]\n", "k/a.yaml": head,
			"k/p.yaml": "- op: add\n  path: /data\n  value: {1: a}\n",
		}, "k/p.yaml:3: [0].value.1: the key is a number, and kustomize takes only text; put it in quotes"},
		{"an object that an error would show, with a number as a key", refer("status:\n  1: a\n"), "k/pod.yaml:8: Pod p: status.1: the key is a number, and kustomize takes only text; put it in quotes"},
		{"an object that an error would show, with a duplicate key", refer("status: {a: b, a: c}\n"), "k/pod.yaml:7: Pod p: status.a: duplicate key: the first is in line 7; remove one of them"},
		{"an object that an error would show, with no number", refer("status: {a: .nan}\n"), "k/pod.yaml:7: Pod p: status.a: the number .nan has no form in JSON; write a number, or put it in quotes"},
	} {
		tree := fstest.MapFS{}
		for name, content := range c.files {
			tree[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
		}
		_, err := Render(tree, v1alpha1.ApplicationSource{Path: "k"}, render.Options{Namespace: "default"})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.rule, got, c.want)
		}
	}
}
