package renderers

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
)

const placed = `
-- base/kustomization.yaml --
resources: [all.yaml]
commonLabels:
  team: shop
-- base/all.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  ports:
  - port: 80
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web
        env:
        - {name: A, value: a}
        ports:
        - containerPort: 80
      - name: proxy
        image: nginx:1.19
-- component/kustomization.yaml --
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
- target: {kind: Service}
  patch: |-
    - op: add
      path: /spec/type
      value: NodePort
    - op: add
      path: /spec/ports/-
      value: {name: more, port: 81}
- patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: web
      spec:
        paused: true
-- overlay/kustomization.yaml --
resources: [../base]
components: [../component]
namePrefix: blue-
namespace: shop
patches:
- path: patch.yaml
- target: {kind: Deployment, name: web}
  patch: '[{"op": "replace", "path": "/spec/template/spec/containers/1/env/1/value", "value": "z"}]'
replicas:
- {name: web, count: 3}
images:
- name: web
  newName: registry.example/web
  newTag: v2
- name: nginx
  newTag: "1.20"
configMapGenerator:
- name: settings
  literals: [a=b]
  files:
  - c=c.txt
  - d.txt
  envs: [vars.env]
-- overlay/c.txt --
c
-- overlay/d.txt --
d
-- overlay/vars.env --
# variables
X=1
Y=2
-- overlay/patch.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: sidecar
        image: sidecar
        args: [x]
      - name: web
        env:
        - name: B
          value: b
`

// A field stands in the file that has brought it in, whatever way it went since.
func TestPlaces(t *testing.T) {
	tree := txtarTree(t, placed)
	result, err := Render(tree, v1alpha1.ApplicationSource{Path: "overlay"}, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]render.Rendered{}
	for _, o := range result.Objects {
		objects[o.Object.GetKind()] = o
	}
	for _, c := range []struct {
		rule, kind, field string
		file              string
		line, column      int
		inFile            bool
	}{
		{"a field of the base", "Deployment", "spec.selector.matchLabels.app", "base/all.yaml", 14, 28, true},
		{"a field of a container that a patch has moved", "Deployment", "spec.template.spec.containers[1].ports[0].containerPort", "base/all.yaml", 24, 11, true},
		{"a variable that a patch has moved", "Deployment", "spec.template.spec.containers[1].env[1].name", "base/all.yaml", 22, 12, true},
		{"a container of a patch", "Deployment", "spec.template.spec.containers[0].args[0]", "overlay/patch.yaml", 11, 16, true},
		{"a variable of a patch", "Deployment", "spec.template.spec.containers[1].env[0].value", "overlay/patch.yaml", 15, 11, true},
		{"a field that is missing in a container of a patch", "Deployment", "spec.template.spec.containers[0].imagePullPolicy", "overlay/patch.yaml", 9, 9, false},
		{"a field that is missing in one of the base", "Deployment", "spec.template.spec.containers[1].workingDir", "base/all.yaml", 19, 9, false},
		{"a value of an operation", "Service", "spec.type", "component/kustomization.yaml", 8, 14, true},
		{"an element that an operation adds", "Service", "spec.ports[1].port", "component/kustomization.yaml", 11, 27, true},
		{"a field of a patch in a component", "Deployment", "spec.paused", "component/kustomization.yaml", 18, 9, true},
		{"a value of an operation in quotes", "Deployment", "spec.template.spec.containers[1].env[1].value", "overlay/kustomization.yaml", 8, 95, true},
		{"an image with a new name and tag", "Deployment", "spec.template.spec.containers[1].image", "overlay/kustomization.yaml", 14, 11, true},
		{"an image with a new tag", "Deployment", "spec.template.spec.containers[2].image", "overlay/kustomization.yaml", 16, 11, true},
		{"an image of a patch", "Deployment", "spec.template.spec.containers[0].image", "overlay/patch.yaml", 10, 9, true},
		{"replicas", "Deployment", "spec.replicas", "overlay/kustomization.yaml", 10, 22, true},
		{"a namespace", "Deployment", "metadata.namespace", "overlay/kustomization.yaml", 4, 12, true},
		{"a prefix", "Deployment", "metadata.name", "overlay/kustomization.yaml", 3, 13, true},
		{"a label of all objects", "Deployment", "spec.template.metadata.labels[team]", "base/kustomization.yaml", 3, 9, true},
		{"a literal", "ConfigMap", "data.a", "overlay/kustomization.yaml", 19, 14, true},
		{"a file", "ConfigMap", "data.c", "overlay/kustomization.yaml", 21, 5, true},
		{"a file by its own name", "ConfigMap", "data[d.txt]", "overlay/kustomization.yaml", 22, 5, true},
		{"a variable of a file", "ConfigMap", "data.Y", "overlay/vars.env", 3, 1, true},
		{"an object", "Deployment", "", "base/all.yaml", 9, 1, false},
	} {
		at, inFile := objects[c.kind].Place(c.field)
		if want := (render.Place{File: c.file, Line: c.line, Column: c.column}); at != want || inFile != c.inFile {
			t.Errorf("%s, %s: got %v, %v, want %v, %v", c.rule, c.field, at, inFile, want, c.inFile)
		}
		if !objects[c.kind].Touches(at.File) {
			t.Errorf("%s: %s does not touch %s", c.rule, c.kind, at.File)
		}
	}
	if objects["Service"].Touches("overlay/patch.yaml") {
		t.Error("a patch of the Deployment touches the Service")
	}
}

// A field of a mapping that is merged into another stands where that has it; its own stand in place of those.
func TestPlacesOfMergedMappings(t *testing.T) {
	const merged = `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  nodeSelector: &one {a: b, c: d}
  initContainers:
  - &two
    name: a
    image: b
    tty: true
  containers:
  - <<: *two
    image: c
  - <<: [{stdin: true}, *two]
    name: e
    resources:
      limits: {<<: *one, e: f}
`
	for field, want := range map[string][2]int{
		"spec.containers[0].image":               {13, 5},
		"spec.containers[0].tty":                 {10, 5},
		"spec.containers[0].name":                {8, 5},
		"spec.containers[1].name":                {15, 5},
		"spec.containers[1].stdin":               {14, 11},
		"spec.containers[1].image":               {9, 5},
		"spec.containers[1].resources.limits[c]": {5, 29},
		"spec.containers[1].resources.limits[e]": {17, 26},
	} {
		for _, tree := range []fs.FS{
			fstest.MapFS{"m.yaml": {Data: []byte(merged)}},
			fstest.MapFS{"m.yaml": {Data: []byte(merged)}, "kustomization.yaml": {Data: []byte("resources: [m.yaml]\n")}},
		} {
			result, err := Render(tree, v1alpha1.ApplicationSource{}, render.Options{})
			if err != nil {
				t.Fatal(err)
			}
			at, inFile := result.Objects[0].Place(field)
			if at != (render.Place{File: "m.yaml", Line: want[0], Column: want[1]}) || !inFile {
				t.Errorf("%s: got %v, %v, want %v", field, at, inFile, want)
			}
		}
	}
}

// txtarTree makes a tree of an archive.
func txtarTree(t *testing.T, text string) fs.FS {
	t.Helper()
	archive := txtar.Parse([]byte(strings.TrimPrefix(text, "\n")))
	files := fstest.MapFS{}
	for _, f := range archive.Files {
		files[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
	}
	return files
}
