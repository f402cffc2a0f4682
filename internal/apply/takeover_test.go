package apply_test

import (
	"slices"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/internal/apply"
)

// A dry run foresees what goes when the fields of former appliers are taken over, and nothing else goes: not what the
// server fills in, nor what others have set.
func TestATakeOverIsForeseen(t *testing.T) {
	c, kube, namespace := setup(t)
	container := `{name: a, image: "a:1", args: [x], env: [{name: X, value: one}, {name: Z, value: two}]}`
	for _, test := range []struct {
		name, before, git string
		theirs            string
		path              []string
		want              string
		same              bool
	}{
		{"nothing differs", deployment(container), deployment(container), "", []string{"spec", "replicas"}, "0", true},
		{"a field goes", deployment(container), deployment(`{name: a, image: "a:1", env: [{name: X, value: one}, {name: Z, value: two}]}`), "", []string{"spec", "template", "spec", "containers", "0", "args"}, "null", false},
		{"an element goes", deployment(container), deployment(`{name: a, image: "a:1", args: [x], env: [{name: X, value: one}]}`), "", []string{"spec", "template", "spec", "containers", "0", "env"}, `[{"name":"X","value":"one"}]`, false},
		{"a list goes", deployment(container), deployment(`{name: a, image: "a:1", args: [x]}`), "", []string{"spec", "template", "spec", "containers", "0", "env"}, "null", false},
		{"what others have set stays", deployment(container), deployment(container), `[{"op": "add", "path": "/metadata/annotations", "value": {"theirs": "yes"}}]`, []string{"metadata", "annotations", "theirs"}, `"yes"`, true},
		{"a container goes", deployment(container + `, {name: b, image: "b:1"}`), deployment(container), "", []string{"spec", "template", "spec", "containers", "0", "image"}, `"a:1"`, false},
	} {
		for _, former := range []string{"argocd-controller", "kubectl-client-side-apply"} {
			t.Run(test.name+" of "+former, func(t *testing.T) {
				before := object(t, namespace, test.before)
				before.SetName("")
				before.SetGenerateName("web-")
				if err := kube.Create(t.Context(), before, client.FieldOwner(former)); err != nil {
					t.Fatal(err)
				}
				if test.theirs != "" {
					if err := kube.Patch(t.Context(), before.DeepCopy(), client.RawPatch(types.JSONPatchType, []byte(test.theirs)), client.FieldOwner("theirs")); err != nil {
						t.Fatal(err)
					}
				}
				git := object(t, namespace, test.git)
				git.SetName(before.GetName())
				live := read(t, c, git)
				if !slices.Equal(apply.Inherited(live), []string{former}) {
					t.Fatalf("inherited from %v", apply.Inherited(live))
				}
				tried, err := c.Apply(t.Context(), git, live, apply.How{Trial: apply.DryRun})
				if err != nil {
					t.Fatal(err)
				}
				checkAt(t, "the dry run", tried.Object, test.path, test.want)
				if same := tried.Object.GetGeneration() == live.GetGeneration(); same != test.same {
					t.Errorf("the dry run foresees generation %d of %d; want the same %v", tried.Object.GetGeneration(), live.GetGeneration(), test.same)
				}
				done, err := c.Apply(t.Context(), git, live, apply.How{})
				if err != nil {
					t.Fatal(err)
				}
				checkAt(t, "the apply", done.Object, test.path, test.want)
			})
		}
	}
}
