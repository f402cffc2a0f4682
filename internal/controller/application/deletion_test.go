package application_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// remove deletes an Application without waiting for its end.
func (w *world) remove(name types.NamespacedName) {
	w.Helper()
	if err := w.Delete(context.Background(), &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}); err != nil {
		w.Fatal(err)
	}
}

func (w *world) untilGone(name types.NamespacedName) {
	w.Helper()
	w.until("Application "+name.Name+" to be gone", func(ctx context.Context) (bool, error) {
		err := w.Get(ctx, name, &v1alpha1.Application{})
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
}

// confirm annotates an Application as a person does who confirms a deletion.
func (w *world) confirm(name types.NamespacedName, at string) {
	w.Helper()
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{v1alpha1.DeletionApprovedAnnotation: at}}})
	if err == nil {
		err = w.Patch(context.Background(), &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}, client.RawPatch(types.MergePatchType, body))
	}
	if err != nil {
		w.Fatal(err)
	}
}

// cascading is an automated Application that takes its objects with it, with sync options.
func cascading(options ...string) func(*v1alpha1.Application) {
	return func(app *v1alpha1.Application) {
		automated(app)
		app.Spec.SyncPolicy.SyncOptions = options
		app.Finalizers = []string{v1alpha1.ResourcesFinalizer}
	}
}

func TestDeletion(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/kept.yaml": configMap("kept", "green", "argocd.argoproj.io/sync-options: Delete=false")})
	sparing := w.app("sparing", automated)
	w.eventually(sparing, "the sync", syncedTo(sha))
	w.remove(sparing)
	w.untilGone(sparing)
	if w.data("a") == nil {
		t.Error("a was deleted; want it kept without the finalizer")
	}
	app := w.app("cascading", cascading())
	w.eventually(app, "the sync", syncedTo(sha))
	w.remove(app)
	w.untilGone(app)
	if w.data("a") != nil {
		t.Error("a is still there; want it deleted with its Application")
	}
	if w.data("kept") == nil {
		t.Error("an object with Delete=false was deleted")
	}
}

func TestDeleteFalseOfTheApplicationKeepsItsObjects(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/b.yaml": configMap("b", "green", "argocd.argoproj.io/sync-options: Delete=true")})
	app := w.app("shop", cascading("Delete=false"))
	w.eventually(app, "the sync", syncedTo(sha))
	w.remove(app)
	w.untilGone(app)
	if w.data("a") == nil {
		t.Error("a was deleted; want it kept by the Application's Delete=false")
	}
	if w.data("b") != nil {
		t.Error("b is still there; want its own Delete=true to count")
	}
}

func TestDeleteConfirmWaitsForAPerson(t *testing.T) {
	for _, c := range []struct {
		name, ofObject string
		ofApplication  []string
	}{
		{name: "asked by the Application", ofApplication: []string{"Delete=confirm"}, ofObject: "note: plain"},
		{name: "asked by an object", ofObject: "argocd.argoproj.io/sync-options: Delete=confirm"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/data.yaml": configMap("data", "green", c.ofObject)})
			app := w.app("shop", cascading(c.ofApplication...))
			w.eventually(app, "the sync", syncedTo(sha))
			w.confirm(app, "2020-01-01T00:00:00Z")
			w.remove(app)
			got := w.eventually(app, "a condition that names what the deletion waits for", func(a *v1alpha1.Application) bool {
				return strings.Contains(condition(a, v1alpha1.ConditionDeletionError), "ConfigMap "+w.to+"/data")
			})
			if m := condition(got, v1alpha1.ConditionDeletionError); !strings.Contains(m, v1alpha1.DeletionApprovedAnnotation) {
				t.Errorf("condition is %q; want it to name the annotation", m)
			}
			if w.data("a") == nil || w.data("data") == nil {
				t.Errorf("a is %v, data is %v; want both before the confirmation", w.data("a"), w.data("data"))
			}
			w.confirm(app, time.Now().UTC().Format(time.RFC3339))
			w.untilGone(app)
			if w.data("a") != nil || w.data("data") != nil {
				t.Errorf("a is %v, data is %v; want neither after the confirmation", w.data("a"), w.data("data"))
			}
		})
	}
}
