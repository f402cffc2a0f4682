package renderers

import (
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
)

// FuzzRender: whatever a repository has, rendering ends with objects or a refusal, the same ones twice, and
// fetches and executes nothing.
func FuzzRender(f *testing.F) {
	noMore := guard(f)
	for _, seed := range []string{
		"resources: [cm.yaml, ../base]\nnamePrefix: a-\n",
		"resources: ['https://example.com/x']\n",
		"resources: [cm.yaml]\npatches: [{patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {x: y}}'}]\n",
		"configMapGenerator: [{name: c, files: [k=cm.yaml], literals: [a=b]}]\ncommonLabels: {a: b}\n",
		"resources: [cm.yaml]\ntransformers:\n- |\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: p}\n  path: cm.yaml\n",
		"resources: [cm.yaml]\nreplacements: [{source: {kind: ConfigMap, fieldPath: metadata.name}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.x], options: {create: true}}]}]\n",
		"resources: [cm.yaml]\nvars: [{name: V, objref: {kind: ConfigMap, name: a, apiVersion: v1}}]\n",
		"resources: [cm.yaml]\nlabels: [{pairs: {a: b}, includeSelectors: true}]\nimages: [{name: x, newTag: y}]\nreplicas: [{name: a, count: 3}]\n",
		"resources: &r [cm.yaml]\ncomponents: *r\n",
		"resources: [cm.yaml]\ncrds: [cm.yaml]\nconfigurations: [cm.yaml]\n",
		"resources: [cm.yaml]\nconfigMapGenerator: [{name: a, behavior: merge, literals: [a=b]}]\ngeneratorOptions: {labels: {a: b}, immutable: true}\n",
		"resources: [cm.yaml]\npatchesJson6902: [{target: {version: v1, kind: ConfigMap, name: a}, patch: '[{op: add, path: /data, value: {}}]'}]\n",
		"resources: [cm.yaml]\ngenerators:\n- |\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n  metadata: {name: g}\n  literals: [a=b]\nvalidators: []\n",
		"resources: [cm.yaml]\nopenapi: {version: v1.20.4}\nsortOptions: {order: fifo}\n",
	} {
		f.Add([]byte(seed), []byte(configMap))
	}
	f.Fuzz(func(t *testing.T, kustomization, manifest []byte) {
		tree := fstest.MapFS{
			"app/kustomization.yaml":  {Data: kustomization},
			"app/cm.yaml":             {Data: manifest},
			"base/kustomization.yaml": {Data: []byte("resources: [b.yaml]\n")},
			"base/b.yaml":             {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n")},
		}
		for _, src := range []v1alpha1.ApplicationSource{{Path: "app"}, {Path: ".", Directory: &v1alpha1.DirectorySource{Recurse: true}}} {
			first, err := Render(tree, src, render.Options{})
			noMore(t)
			if err != nil && !render.IsRefusal(err) {
				t.Errorf("%v is no refusal", err)
			}
			if !first.ReadSet.Unchanged(render.Hashed(tree)) {
				t.Error("the tree counts as changed")
			}
			if err != nil {
				continue
			}
			second, err := Render(tree, src, render.Options{})
			if err != nil {
				t.Fatalf("the second time: %v", err)
			}
			one, err := render.Encode(first.Objects)
			if err != nil {
				t.Fatal(err)
			}
			if two, err := render.Encode(second.Objects); err != nil || string(one) != string(two) {
				t.Errorf("the second time it is\n%s\nafter\n%s (%v)", two, one, err)
			}
		}
	})
}
