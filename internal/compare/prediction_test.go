package compare

import (
	"errors"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/plan"
)

// TestPredictionIsOf: the answer to a dry run is that to another one of the same on the same, whatever a status says.
func TestPredictionIsOf(t *testing.T) {
	object := func() *unstructured.Unstructured {
		o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"a": "1"}, "status": map[string]any{"b": "1"}}}
		o.SetName("x")
		o.SetUID("1")
		o.SetResourceVersion("1")
		o.SetLabels(map[string]string{"l": "1"})
		return o
	}
	now := metav1.Now()
	for _, c := range []struct {
		name string
		set  func(p *Prediction, w *plan.Write)
		want bool
	}{
		{"nothing changes", func(*Prediction, *plan.Write) {}, true},
		{"the same was rendered anew", func(_ *Prediction, w *plan.Write) { w.Object = w.Object.DeepCopy() }, true},
		{"live: read anew", func(_ *Prediction, w *plan.Write) { w.Live = w.Live.DeepCopy() }, true},
		{"live: status", func(_ *Prediction, w *plan.Write) {
			w.Live = object()
			w.Live.Object["status"] = map[string]any{"b": "2"}
		}, true},
		{"live: resourceVersion", func(_ *Prediction, w *plan.Write) { w.Live = object(); w.Live.SetResourceVersion("2") }, true},
		{"live: another object", func(_ *Prediction, w *plan.Write) { w.Live = object(); w.Live.SetUID("2") }, false},
		{"live: a field", func(_ *Prediction, w *plan.Write) {
			w.Live = object()
			w.Live.Object["data"] = map[string]any{"a": "2"}
		}, false},
		{"live: a new field", func(_ *Prediction, w *plan.Write) { w.Live = object(); w.Live.Object["more"] = "2" }, false},
		{"live: a label", func(_ *Prediction, w *plan.Write) { w.Live = object(); w.Live.SetLabels(map[string]string{"l": "2"}) }, false},
		{"live: an annotation", func(_ *Prediction, w *plan.Write) {
			w.Live = object()
			w.Live.SetAnnotations(map[string]string{"l": "2"})
		}, false},
		{"live: a finalizer", func(_ *Prediction, w *plan.Write) { w.Live = object(); w.Live.SetFinalizers([]string{"l"}) }, false},
		{"live: an owner", func(_ *Prediction, w *plan.Write) {
			w.Live = object()
			w.Live.SetOwnerReferences([]metav1.OwnerReference{{Name: "o"}})
		}, false},
		{"live: being deleted", func(_ *Prediction, w *plan.Write) { w.Live = object(); w.Live.SetDeletionTimestamp(&now) }, false},
		{"live: fields of a former applier", func(_ *Prediction, w *plan.Write) {
			w.Live = object()
			w.Live.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: "kubectl-create", Operation: "Update"}})
		}, false},
		{"desired: a field", func(_ *Prediction, w *plan.Write) {
			w.Object = object()
			w.Object.Object["data"] = map[string]any{"a": "2"}
		}, false},
		{"manner: by replacing", func(_ *Prediction, w *plan.Write) { w.Options = plan.Options{"Replace": "true"} }, false},
		{"manner: on the client's side", func(_ *Prediction, w *plan.Write) { w.Options = plan.Options{"ServerSideApply": "false"} }, false},
		{"manner: without validation", func(_ *Prediction, w *plan.Write) { w.Options = plan.Options{"Validate": "false"} }, false},
		{"manner: by force", func(_ *Prediction, w *plan.Write) { w.Force = true }, false},
		{"manner: an option that is none of it", func(_ *Prediction, w *plan.Write) { w.Options = plan.Options{"Prune": "false"} }, true},
		{"nothing was asked before", func(p *Prediction, _ *plan.Write) { *p = Prediction{} }, false},
		{"a refusal is asked for again", func(p *Prediction, _ *plan.Write) { p.Err = errors.New("no") }, false},
	} {
		desired, live := object(), object()
		p, w := Prediction{Object: object(), of: &trial{desired: desired, live: live, how: apply.How{}}}, plan.Write{Object: desired, Live: live}
		c.set(&p, &w)
		if got := p.isOf(w); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// TestMemoriesAreBounded: of more objects than are remembered together, those of the Applications that were looked at
// last are.
func TestMemoriesAreBounded(t *testing.T) {
	c := New()
	large := func(name string) *memory {
		m := newMemory()
		for range maxRemembered/2 - 1 {
			m.unserved[&unstructured.Unstructured{}] = nil
		}
		desired := make([]plan.Desired, 0, len(m.unserved))
		for o := range m.unserved {
			desired = append(desired, plan.Desired{Object: o})
		}
		c.endLook(types.NamespacedName{Name: name}, m, desired)
		return m
	}
	first, second, third := large("a"), large("b"), large("c")
	if c.memoryOf(types.NamespacedName{Name: "a"}) == first || c.memoryOf(types.NamespacedName{Name: "b"}) != second || c.memoryOf(types.NamespacedName{Name: "c"}) != third {
		t.Error("want what is remembered of the last two of three, which are as large as two may be")
	}
	c.Forget(types.NamespacedName{Name: "c"})
	if c.memoryOf(types.NamespacedName{Name: "c"}) == third {
		t.Error("remembered although it was to be forgotten")
	}
}
