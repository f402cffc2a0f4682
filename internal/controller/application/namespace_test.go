package application_test

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

func (w *world) namespace(name string) *corev1.Namespace {
	w.Helper()
	found := &corev1.Namespace{}
	err := w.Get(context.Background(), client.ObjectKey{Name: name}, found)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		w.Fatal(err)
	}
	return found
}

// untilWaiting waits until an operation waits for a confirmation of the deletion of a namespace.
func (w *world) untilWaiting(app types.NamespacedName, what string) {
	w.Helper()
	w.eventually(app, "the sync to wait for the confirmation of "+what, func(a *v1alpha1.Application) bool {
		if a.Operation == nil || a.Status.OperationState == nil {
			return false
		}
		m := a.Status.OperationState.Message
		return strings.Contains(m, what) && strings.Contains(m, "to be confirmed") && strings.Contains(m, v1alpha1.DeletionApprovedAnnotation)
	})
}

// A namespace whose manifest git no longer has is not pruned with what is in it, unless a person confirms it.
func TestNamespaceWithObjectsIsNotPruned(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.to += "-own"
	t.Cleanup(func() {
		_ = w.Delete(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.to}})
	})
	manifest := "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: " + w.to + "\n"
	sha := w.push(map[string]string{"k8s/namespace.yaml": manifest, "k8s/a.yaml": configMap("a", "green"), "k8s/b.yaml": configMap("b", "green")})
	app := w.app("shop", automated)
	w.eventually(app, "the first sync", syncedTo(sha))
	// Objects that git still has.
	w.push(map[string]string{"k8s/namespace.yaml": "", "k8s/b.yaml": "", "k8s/c.yaml": configMap("c", "green")})
	w.untilWaiting(app, "Namespace "+w.to+" (holds ConfigMap a")
	if w.data("b") != nil || w.data("c") == nil {
		t.Errorf("b is %v, c is %v; want what needs no confirmation done", w.data("b"), w.data("c"))
	}
	// What git has is kept in step all the while.
	w.patchMap("c", `{"data":{"colour":"red"}}`)
	w.until("c to be healed while a person is waited for", func(context.Context) (bool, error) { return w.data("c")["colour"] == "green", nil })
	w.untilWaiting(app, "Namespace "+w.to+" (holds ConfigMap a")
	// Objects of somebody else.
	if err := w.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: "foreign"}}); err != nil {
		t.Fatal(err)
	}
	w.push(map[string]string{"k8s/a.yaml": "", "k8s/c.yaml": "", "k8s/else.yaml": strings.Replace(configMap("else", "green"), "name: else", "name: else\n  namespace: "+w.control, 1)})
	w.untilWaiting(app, "Namespace "+w.to+" (holds Secret foreign)")
	if n := w.namespace(w.to); n == nil || n.DeletionTimestamp != nil {
		t.Fatalf("namespace is %v; want it kept", n)
	}
	w.confirm(app, time.Now().UTC().Format(time.RFC3339))
	w.until("the namespace to go", func(context.Context) (bool, error) {
		n := w.namespace(w.to)
		return n == nil || n.DeletionTimestamp != nil, nil
	})
}

// The destination's namespace to which the spec gives metadata is managed: it stays when its manifest leaves git, and
// the Application is in sync.
func TestManagedNamespaceOutlivesItsManifest(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.to += "-managed"
	t.Cleanup(func() {
		_ = w.Delete(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.to}})
	})
	sha := w.push(map[string]string{"k8s/namespace.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: " + w.to + "\n", "k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", func(a *v1alpha1.Application) {
		automated(a)
		a.Spec.SyncPolicy.ManagedNamespaceMetadata = &v1alpha1.ManagedNamespaceMetadata{Labels: map[string]string{"team": "a"}}
	})
	w.eventually(app, "the first sync", syncedTo(sha))
	sha = w.push(map[string]string{"k8s/namespace.yaml": "", "k8s/a.yaml": configMap("a", "blue")})
	w.eventually(app, "the sync without the manifest", func(a *v1alpha1.Application) bool {
		return syncedTo(sha)(a) && a.Status.Sync.Status == v1alpha1.Synced
	})
	if n := w.namespace(w.to); n == nil || n.DeletionTimestamp != nil {
		t.Errorf("namespace is %v; want it kept", n)
	}
}

// A namespace with nothing in it but what goes as well needs no confirmation.
func TestEmptyNamespaceIsPruned(t *testing.T) {
	w := newWorld(t)
	w.start()
	name := w.to + "-empty"
	t.Cleanup(func() {
		_ = w.Delete(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	})
	inside := strings.Replace(configMap("inside", "green"), "name: inside", "name: inside\n  namespace: "+name, 1)
	sha := w.push(map[string]string{"k8s/namespace.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: " + name + "\n", "k8s/inside.yaml": inside, "k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", automated)
	w.eventually(app, "the first sync", syncedTo(sha))
	w.push(map[string]string{"k8s/namespace.yaml": "", "k8s/inside.yaml": ""})
	w.until("the namespace to go", func(context.Context) (bool, error) {
		n := w.namespace(name)
		return n == nil || n.DeletionTimestamp != nil, nil
	})
}

// An Application that is deleted does not take the objects of others with its namespace, unless a person confirms it.
func TestDeletionAsksForNamespacesWithObjectsOfOthers(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.to += "-shared"
	t.Cleanup(func() {
		_ = w.Delete(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.to}})
	})
	sha := w.push(map[string]string{"k8s/namespace.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: " + w.to + "\n", "other/a.yaml": configMap("a", "green")})
	owner := w.app("owner", cascading())
	w.eventually(owner, "the sync", syncedTo(sha))
	guest := w.app("guest", func(a *v1alpha1.Application) { automated(a); a.Spec.Source.Path = "other" })
	w.eventually(guest, "the guest's sync", syncedTo(sha))
	// One that may have nothing there only claims to.
	w.teamProject(func(p *v1alpha1.AppProject) { p.Spec.Destinations[0].Namespace = w.control })
	liar := w.app("liar", func(a *v1alpha1.Application) { a.Spec.Project, a.Spec.Destination.Namespace = "team", w.control })
	w.claimInStatus(liar, []client.Object{&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: "aaa"}}})
	w.remove(owner)
	w.eventually(owner, "a condition that names the guest's object", func(a *v1alpha1.Application) bool {
		return strings.Contains(condition(a, v1alpha1.ConditionDeletionError), "Namespace "+w.to+" (holds ConfigMap a)")
	})
	if w.data("a") == nil {
		t.Error("a is gone; want it kept before the confirmation")
	}
	w.confirm(owner, time.Now().UTC().Format(time.RFC3339))
	w.until("the namespace to go", func(context.Context) (bool, error) {
		n := w.namespace(w.to)
		return n == nil || n.DeletionTimestamp != nil, nil
	})
}
