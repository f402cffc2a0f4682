package validate

import (
	"fmt"
	"strings"
	"testing"
)

const widgetsCRD = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
`

// What is found of each object is what is found of all, object by object; definitions count wherever they stand.
func TestEachObjectHasItsFindings(t *testing.T) {
	objects := fromManifest(t, `apiVersion: example.com/v1
kind: Widget
metadata: {name: bad}
spec: {size: big}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: good}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: twice}
data: {a: 1, b: 2}
---
apiVersion: example.org/v1
kind: Gadget
metadata: {name: unknown}
---
`+widgetsCRD)
	known := &Known{IgnoreMissing: true}
	var got []string
	for i, c := range CheckEach(objects, known) {
		line := objects[i].Object.GetName() + ":"
		for _, f := range c.Findings {
			line += " " + f.Field
		}
		if c.Unknown {
			line += " unknown"
		}
		got = append(got, line)
	}
	if got, want := strings.Join(got, "\n"), "bad: spec.size\ngood:\ntwice: data[a] data[b]\nunknown: unknown\nwidgets.example.com:"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if n := len(Check(objects, known)); n != 3 {
		t.Errorf("%d findings of all", n)
	}
}

// A definition is read once, however many objects there are.
func TestDefinitionsAreReadOnce(t *testing.T) {
	one := fromManifest(t, widgetsCRD)
	definition := testing.AllocsPerRun(3, func() { CheckEach(one, nil) })
	const more = 200
	with := func(n int) float64 {
		objects := fromManifest(t, widgetsCRD)
		for i := range n {
			objects = append(objects, object(t, fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: c%d}}", i)))
		}
		return testing.AllocsPerRun(3, func() { CheckEach(objects, nil) })
	}
	if plain := (with(more) - with(0)) / more; plain > definition/4 {
		t.Errorf("%.0f allocations for each further object, where a definition costs %.0f", plain, definition)
	}
}
