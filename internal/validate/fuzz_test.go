package validate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
)

// FuzzCheck: whatever an object says, checking it ends, says the same twice, and says in one line each where and what.
func FuzzCheck(f *testing.F) {
	for _, seed := range manifestsOfTests(f) {
		f.Add([]byte(seed))
	}
	f.Fuzz(isChecked)
}

// manifestsOfTests are all manifests that tests have.
func manifestsOfTests(f testing.TB) (all []string) {
	f.Helper()
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(data).Files {
			if strings.HasPrefix(file.Name, "tree/") {
				all = append(all, strings.Split(string(file.Data), "\n---\n")...)
			}
		}
	}
	for _, row := range oracle {
		all = append(all, row.manifest)
	}
	for _, row := range lateKinds {
		all = append(all, row.manifest)
	}
	for _, s := range corpus(f) {
		if data, err := sigsyaml.Marshal(s.object.Object.Object); err == nil {
			all = append(all, string(data))
		}
	}
	return all
}

// isChecked holds what is found of a manifest to its form.
func isChecked(t *testing.T, manifest []byte) {
	t.Helper()
	result, err := renderers.Render(fstest.MapFS{"m.yaml": {Data: manifest}}, v1alpha1.ApplicationSource{Directory: &v1alpha1.DirectorySource{Recurse: true}}, render.Options{})
	if err != nil {
		return
	}
	first := Check(result.Objects, nil)
	if second := Check(result.Objects, nil); lines(first) != lines(second) {
		t.Errorf("the second time it found\n%s\nafter\n%s", lines(second), lines(first))
	}
	inspected := Inspect(nil, result, nil)
	for _, finding := range append(inspected, Beside(result, nil)...) {
		if finding.Cause == "" || finding.Remedy == "" || strings.Contains(finding.Error.Error(), "break down") {
			t.Errorf("%q says too little", finding.Error)
		}
	}
	for _, finding := range first {
		if finding.Cause == "" || finding.Remedy == "" {
			t.Errorf("%q says too little", finding)
		}
		if strings.Contains(finding.Error(), "break down") {
			t.Errorf("%s", finding)
		}
		if len(result.Objects) > 0 && (finding.File != "m.yaml" || finding.Line < 1) {
			t.Errorf("%q does not say where", finding)
		}
	}
}

// What an API server appends to a name that it makes is the same each time in what is found.
func TestFindingsOfAGeneratedName(t *testing.T) {
	isChecked(t, []byte("apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: a b}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}\n"))
}

// TestFindingsAtOnePlaceHaveAnOrder holds what is found in a schema, whose properties are looked at in any order.
func TestFindingsAtOnePlaceHaveAnOrder(t *testing.T) {
	const manifest = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: houses.example.com}
spec:
  group: example.com
  names: {kind: House, plural: houses, singular: house, listKind: HouseList}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {a: {type: nothing}, b: {type: nothing}, c: {type: nothing}, doors: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name]}}}}
`
	result, err := renderers.Render(fstest.MapFS{"m.yaml": {Data: []byte(manifest)}}, v1alpha1.ApplicationSource{Directory: &v1alpha1.DirectorySource{Recurse: true}}, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	first := lines(Check(result.Objects, nil))
	if strings.Count(first, "\n") < 3 {
		t.Fatalf("found too little to have an order:\n%s", first)
	}
	for range 20 {
		if again := lines(Check(result.Objects, nil)); again != first {
			t.Fatalf("found\n%s\nafter\n%s", again, first)
		}
	}
}
