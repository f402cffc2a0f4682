package application_test

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// uid is that of a ConfigMap of the destination; "" when it is not there.
func (w *world) uid(name string) types.UID {
	w.Helper()
	found := &corev1.ConfigMap{}
	if err := w.Get(context.Background(), client.ObjectKey{Namespace: w.to, Name: name}, found); client.IgnoreNotFound(err) != nil {
		w.Fatal(err)
	}
	return found.UID
}

// What a commit moves from one Application to another is handed over and never deleted, whichever is looked at first,
// and also where the other one is not synced by itself, or the first one goes.
func TestWhatMovesToAnotherApplicationIsHandedOver(t *testing.T) {
	w := newWorld(t)
	w.start()
	moved := configMap("moved", "green")
	sha := w.push(map[string]string{"a/a.yaml": configMap("a", "green"), "b/b.yaml": configMap("b", "green"), "a/moved.yaml": moved})
	at := func(path string) func(*v1alpha1.Application) {
		return func(a *v1alpha1.Application) {
			cascading()(a)
			a.Spec.Source.Path = path
		}
	}
	apps := map[string]types.NamespacedName{"a": w.app("first", at("a")), "b": w.app("second", at("b"))}
	w.eventually(apps["a"], "the first sync", syncedTo(sha))
	w.eventually(apps["b"], "the first sync", syncedTo(sha))
	before := w.uid("moved")
	from, to := "a", "b"
	for range 4 {
		sha = w.push(map[string]string{from + "/moved.yaml": "", to + "/moved.yaml": moved})
		w.eventually(apps[from], "the sync that gives it away", syncedTo(sha))
		w.eventually(apps[to], "the sync that takes it", func(a *v1alpha1.Application) bool {
			return syncedTo(sha)(a) && condition(a, v1alpha1.ConditionSharedResourceWarning) == ""
		})
		if now := w.uid("moved"); now != before {
			t.Fatalf("moved from %s to %s: its UID is %q, and was %q; want it handed over", from, to, now, before)
		}
		from, to = to, from
	}

	// The second one is synced by people alone: it is left to it, and told.
	if err := w.Patch(t.Context(), &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "second"}}, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"syncPolicy":null}}`))); err != nil {
		t.Fatal(err)
	}
	sha = w.push(map[string]string{"a/moved.yaml": "", "b/moved.yaml": moved})
	w.eventually(apps["a"], "a word of it", func(a *v1alpha1.Application) bool {
		return syncedTo(sha)(a) && strings.Contains(condition(a, v1alpha1.ConditionSharedResourceWarning), "/moved: not pruned, since Application second has it in git by now")
	})
	w.remove(apps["a"])
	w.untilGone(apps["a"])
	if now := w.uid("moved"); now != before || w.uid("a") != "" {
		t.Errorf("after the deletion, moved has UID %q, and had %q; a has %q, want it gone", now, before, w.uid("a"))
	}
}

// Of two Applications that ask for metadata of one namespace, one has it, and the other is told; when that one asks no
// longer, the other has it.
func TestMetadataOfANamespaceIsOneApplications(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.to += "-own"
	t.Cleanup(func() {
		_ = w.Delete(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.to}})
	})
	sha := w.push(map[string]string{"a/a.yaml": configMap("a", "green"), "b/b.yaml": configMap("b", "green")})
	asks := func(path string) func(*v1alpha1.Application) {
		return func(a *v1alpha1.Application) {
			automated(a)
			a.Spec.Source.Path = path
			a.Spec.SyncPolicy.SyncOptions = []string{"CreateNamespace=true"}
			a.Spec.SyncPolicy.ManagedNamespaceMetadata = &v1alpha1.ManagedNamespaceMetadata{Labels: map[string]string{"team": path}}
		}
	}
	first := w.app("first", asks("a"))
	w.eventually(first, "the first sync", syncedTo(sha))
	second := w.app("second", asks("b"))
	w.eventually(second, "a word of the other", func(a *v1alpha1.Application) bool {
		return syncedTo(sha)(a) && strings.Contains(condition(a, v1alpha1.ConditionSharedResourceWarning), "Namespace "+w.to+": has the metadata of Application first")
	})
	sha = w.push(map[string]string{"a/a.yaml": configMap("a", "blue"), "b/b.yaml": configMap("b", "blue")})
	w.eventually(first, "the second sync", syncedTo(sha))
	w.eventually(second, "the second sync", syncedTo(sha))
	if got := w.namespace(w.to).Labels["team"]; got != "a" {
		t.Errorf("the namespace is of team %q, want that of the first Application", got)
	}
	if err := w.Patch(t.Context(), &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "first"}}, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"syncPolicy":{"managedNamespaceMetadata":null}}}`))); err != nil {
		t.Fatal(err)
	}
	w.refresh(second)
	w.until("the second's metadata", func(context.Context) (bool, error) { return w.namespace(w.to).Labels["team"] == "b", nil })
	w.eventually(second, "no word of the other", func(a *v1alpha1.Application) bool { return condition(a, v1alpha1.ConditionSharedResourceWarning) == "" })
}
