package rollout_test

import (
	"context"
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/testkit"
)

// A Rollout as another program left it: fields named x are those that Cyan's types do not have.
const specFromElsewhere = `
x: kept
spec:
  x: {a: [{b: c}]}
  selector: {x: kept}
  template: {x: kept, metadata: {x: kept}, spec: {x: kept, securityContext: {x: kept}}}
  strategy: {x: kept, blueGreen: {x: kept, activeMetadata: {x: kept, labels: {role: active}}}}
`

const statusFromElsewhere = `
status:
  x: {a: [{b: c}]}
  canary: {weights: {canary: {weight: 10}}}
  alb: {loadBalancer: {name: a}}
  blueGreen: {x: kept}
  conditions: [{type: Progressing, status: "True", reason: NewReplicaSetAvailable, message: m, x: kept}, {type: Available, status: "True", reason: r, message: m, x: kept}]
`

func TestRolloutKeepsFieldsOfOtherPrograms(t *testing.T) {
	w := newWorld(t)
	w.create(app())
	w.serves("v1")
	spec, status := map[string]any{}, map[string]any{}
	for text, into := range map[string]*map[string]any{specFromElsewhere: &spec, statusFromElsewhere: &status} {
		if err := yaml.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	w.stop()
	w.merge(spec, w.client.Patch)
	w.merge(status, func(ctx context.Context, o client.Object, p client.Patch, _ ...client.PatchOption) error {
		return w.client.Status().Patch(ctx, o, p)
	})
	w.start()
	for _, version := range []string{"v2", "v3"} {
		w.image(version)
		w.serves(version)
		after := w.stored()
		for _, field := range []map[string]any{spec, status} {
			for _, lost := range testkit.MissingFields(field, after.Object) {
				t.Errorf("after the rollout of %s the Rollout has no %s", version, lost)
			}
		}
	}
}

// merge patches the Rollout with fields that the typed one does not have.
func (w *world) merge(fields map[string]any, patch func(context.Context, client.Object, client.Patch, ...client.PatchOption) error) {
	w.Helper()
	body, err := json.Marshal(fields)
	if err != nil {
		w.Fatal(err)
	}
	if err := patch(context.Background(), w.stored(), client.RawPatch(types.MergePatchType, body)); err != nil {
		w.Fatal(err)
	}
}

// stored is the Rollout with every field that it has.
func (w *world) stored() *unstructured.Unstructured {
	w.Helper()
	ro := &unstructured.Unstructured{}
	ro.SetAPIVersion("argoproj.io/v1alpha1")
	ro.SetKind("Rollout")
	if err := w.client.Get(context.Background(), client.ObjectKey{Namespace: w.namespace, Name: "app"}, ro); err != nil {
		w.Fatal(err)
	}
	return ro
}
