package application_test

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Two Applications with one object are both told, and do not undo each other's work for ever: the last commit stands.
func TestTwoApplicationsWithOneObject(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	first := w.app("first", automated)
	w.eventually(first, "the sync", syncedTo(sha))
	second := w.app("second", automated)
	w.eventually(second, "the sync", syncedTo(sha))
	told := func(other string) func(*v1alpha1.Application) bool {
		return func(a *v1alpha1.Application) bool {
			return strings.Contains(condition(a, v1alpha1.ConditionSharedResourceWarning), other)
		}
	}
	got := w.eventually(first, "a warning", told("second"))
	if got.Status.Sync.Status != v1alpha1.OutOfSync {
		t.Error(got.Status.Sync.Status)
	}
	w.refresh(first)
	w.eventually(first, "a fresh look", func(a *v1alpha1.Application) bool { return a.Annotations[v1alpha1.RefreshAnnotation] == "" })
	if owner := w.owner("a"); !strings.HasPrefix(owner, "second:") {
		t.Errorf("a belongs to %q", owner)
	}
	w.push(map[string]string{"k8s/a.yaml": configMap("a", "blue")})
	w.until("either to bring the commit", func(context.Context) (bool, error) { return w.data("a")["colour"] == "blue", nil })

	sparing := w.app("third", func(a *v1alpha1.Application) {
		automated(a)
		a.Spec.SyncPolicy.SyncOptions = []string{"FailOnSharedResource=true", "Replacee=true"}
	})
	got = w.eventually(sparing, "a refusal", func(a *v1alpha1.Application) bool {
		return a.Status.OperationState != nil && strings.Contains(a.Status.OperationState.Message, "FailOnSharedResource")
	})
	if len(got.Status.History) > 0 || strings.HasPrefix(w.owner("a"), "third:") {
		t.Error("it took the object nevertheless")
	}
	if said := condition(got, v1alpha1.ConditionSyncOptionWarning); !strings.Contains(said, "did you mean Replace?") {
		t.Errorf("%q", said)
	}
}

// owner is the mark of a ConfigMap.
func (w *world) owner(name string) string {
	w.Helper()
	found := &corev1.ConfigMap{}
	if err := w.Get(context.Background(), client.ObjectKey{Namespace: w.to, Name: name}, found); err != nil {
		w.Fatal(err)
	}
	return found.Annotations[v1alpha1.TrackingIDAnnotation]
}

// With RespectIgnoreDifferences, what others have set stays when git's own fields are brought.
func TestIgnoredFieldsStay(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green") + "  size: small\n"})
	app := w.app("shop", func(a *v1alpha1.Application) {
		automated(a)
		a.Spec.SyncPolicy.SyncOptions = []string{"RespectIgnoreDifferences=true"}
		a.Spec.IgnoreDifferences = []v1alpha1.IgnoreDifference{{Kind: "ConfigMap", JSONPointers: []string{"/data/size"}}}
	})
	w.eventually(app, "the sync", syncedTo(sha))
	if err := w.Patch(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: "a"}}, client.RawPatch("application/merge-patch+json", []byte(`{"data":{"size":"large"}}`))); err != nil {
		t.Fatal(err)
	}
	sha = w.push(map[string]string{"k8s/a.yaml": configMap("a", "blue") + "  size: small\n"})
	w.eventually(app, "the sync", syncedTo(sha))
	if got := w.data("a"); got["colour"] != "blue" || got["size"] != "large" {
		t.Error(got)
	}
	// Without it, a person's sync brings git's fields, though nothing that counts differs.
	ask := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"syncPolicy":null},"operation":{"sync":{}}}`))
	if err := w.Patch(t.Context(), &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, Name: app.Name}}, ask); err != nil {
		t.Fatal(err)
	}
	w.eventually(app, "the sync that was asked for", func(a *v1alpha1.Application) bool {
		return a.Operation == nil && a.Status.OperationState.Phase == v1alpha1.OperationSucceeded && !a.Status.OperationState.Operation.InitiatedBy.Automated
	})
	if got := w.data("a"); got["colour"] != "blue" || got["size"] != "small" {
		t.Errorf("after a sync that a person asked for: %v", got)
	}
}
