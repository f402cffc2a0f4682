package apply_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/apply"
)

const (
	service = `{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{name: http, port: 80}]}}`
	twice   = `{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{name: http, port: 80}, {name: metrics, port: 90}]}}`
	pods    = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 0, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [CONTAINERS]}}}}`
)

func deployment(containers string) string { return strings.Replace(pods, "CONTAINERS", containers, 1) }

// What git has in a list is git's, whatever was written into it by hand; and a dry run foresees what comes of it.
func TestListsAreGits(t *testing.T) {
	c, kube, namespace := setup(t)
	for i, test := range []struct {
		name string
		// git is applied, edit is a patch by hand, and git is applied again, or then, if it is given. path leads to the list.
		git, edit, then string
		path            []string
		want            string
	}{
		{"a port was renumbered", service, `[{"op": "replace", "path": "/spec/ports/0/port", "value": 83}]`, "", []string{"spec", "ports"}, `[{"name":"http","port":80,"protocol":"TCP","targetPort":80}]`},
		{"a port of two was renumbered", twice, `[{"op": "replace", "path": "/spec/ports/1/port", "value": 83}]`, "", []string{"spec", "ports"},
			`[{"name":"http","port":80,"protocol":"TCP","targetPort":80},{"name":"metrics","port":90,"protocol":"TCP","targetPort":90}]`},
		{"a port of a container was renumbered", deployment(`{name: a, image: "a:1", ports: [{name: http, containerPort: 80}]}`), `[{"op": "replace", "path": "/spec/template/spec/containers/0/ports/0/containerPort", "value": 83}]`, "",
			[]string{"spec", "template", "spec", "containers", "0", "ports"}, `[{"containerPort":80,"name":"http","protocol":"TCP"}]`},
		{"a repeated variable", deployment(`{name: a, image: "a:1", env: [{name: X, value: one}, {name: X, value: two}]}`), "", "",
			[]string{"spec", "template", "spec", "containers", "0", "env"}, `[{"name":"X","value":"one"},{"name":"X","value":"two"}]`},
		{"a repeated variable goes", deployment(`{name: a, image: "a:1", env: [{name: X, value: one}, {name: X, value: two}]}`), "", deployment(`{name: a, image: "a:1", env: [{name: X, value: one}]}`),
			[]string{"spec", "template", "spec", "containers", "0", "env"}, `[{"name":"X","value":"one"}]`},
		{"a repeated variable comes", deployment(`{name: a, image: "a:1", env: [{name: X, value: one}]}`), "", deployment(`{name: a, image: "a:1", env: [{name: X, value: one}, {name: X, value: two}]}`),
			[]string{"spec", "template", "spec", "containers", "0", "env"}, `[{"name":"X","value":"one"},{"name":"X","value":"two"}]`},
		{"a field goes from beside a repeated variable", deployment(`{name: a, image: "a:1", args: [x], env: [{name: X}, {name: X}]}`), "", deployment(`{name: a, image: "a:1", env: [{name: X}, {name: X}]}`),
			[]string{"spec", "template", "spec", "containers", "0", "args"}, `null`},
		{"one number under two names", deployment(`{name: a, image: "a:1", ports: [{name: http, containerPort: 80}, {name: web, containerPort: 80}]}`), "", "",
			[]string{"spec", "template", "spec", "containers", "0", "ports"}, `[{"containerPort":80,"name":"http","protocol":"TCP"},{"containerPort":80,"name":"web","protocol":"TCP"}]`},
		{"what others keep beside a repeated variable", deployment(`{name: a, image: "a:1", env: [{name: X}, {name: X}]}`), `[{"op": "add", "path": "/metadata/labels", "value": {"theirs": "yes"}}]`, "",
			[]string{"metadata", "labels"}, `{"theirs":"yes"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := fmt.Sprintf("web-%d", i)
			git := object(t, namespace, test.git)
			git.SetName(name)
			if _, err := c.Apply(t.Context(), git, nil, apply.How{Trial: apply.DryRun}); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Apply(t.Context(), git, nil, apply.How{}); err != nil {
				t.Fatal(err)
			}
			if test.edit != "" {
				if err := kube.Patch(t.Context(), git.DeepCopy(), client.RawPatch(types.JSONPatchType, []byte(test.edit)), client.FieldOwner("kubectl-edit")); err != nil {
					t.Fatal(err)
				}
			}
			if test.then != "" {
				git = object(t, namespace, test.then)
				git.SetName(name)
			}
			live := read(t, c, git)
			tried, err := c.Apply(t.Context(), git, live, apply.How{Trial: apply.DryRun})
			if err != nil {
				t.Fatal(err)
			}
			checkAt(t, "the dry run", tried.Object, test.path, test.want)
			done, err := c.Apply(t.Context(), git, live, apply.How{})
			if err != nil {
				t.Fatal(err)
			}
			checkAt(t, "the apply", done.Object, test.path, test.want)
			// Controllers may write in between.
			again, err := c.Apply(t.Context(), git, read(t, c, git), apply.How{})
			for range 20 {
				if err != nil || again.Change == apply.Unchanged {
					break
				}
				again, err = c.Apply(t.Context(), git, read(t, c, git), apply.How{})
			}
			if err != nil || again.Change != apply.Unchanged {
				t.Errorf("applying again: %s, %v; want it unchanged", again.Change, err)
			}
		})
	}
}

func checkAt(t *testing.T, what string, o *unstructured.Unstructured, path []string, want string) {
	t.Helper()
	var at any = o.Object
	for _, step := range path {
		if list, ok := at.([]any); ok {
			at = list[0]
			continue
		}
		at = at.(map[string]any)[step]
	}
	got, err := json.Marshal(at)
	if err != nil || string(got) != want {
		t.Errorf("%s: %s is %s, want %s", what, strings.Join(path, "."), got, want)
	}
}

// A key that git drops of a Secret goes, however it was written.
func TestKeysOfSecretsGo(t *testing.T) {
	c, kube, namespace := setup(t)
	for _, c2 := range []struct{ name, before, owner string }{
		{"applied as data", "{data: {a: eA==, b: eA==}}", ""},
		{"created by who applied it before", "{stringData: {a: x, b: x}}", "argocd-controller"},
	} {
		t.Run(c2.name, func(t *testing.T) {
			before := object(t, namespace, "{apiVersion: v1, kind: Secret, metadata: {name: s}}")
			var fields map[string]any
			if err := yaml.Unmarshal([]byte(c2.before), &fields); err != nil {
				t.Fatal(err)
			}
			for key, value := range fields {
				before.Object[key] = value
			}
			before.SetName("s-" + strings.ToLower(strings.ReplaceAll(c2.name, " ", "-")))
			if c2.owner != "" {
				if err := kube.Create(t.Context(), before.DeepCopy(), client.FieldOwner(c2.owner)); err != nil {
					t.Fatal(err)
				}
			} else if _, err := c.Apply(t.Context(), before, nil, apply.How{}); err != nil {
				t.Fatal(err)
			}
			git := object(t, namespace, "{apiVersion: v1, kind: Secret, data: {a: eA==}}")
			git.SetName(before.GetName())
			for _, trial := range []apply.Trial{apply.DryRun, apply.Real} {
				done, err := c.Apply(t.Context(), git, read(t, c, git), apply.How{Trial: trial})
				if err != nil {
					t.Fatal(err)
				}
				checkAt(t, "after "+string(trial), done.Object, []string{"data"}, `{"a":"eA=="}`)
			}
		})
	}
}
