package application_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// teamProject makes a project that is bound to the destination, to the world's repository, and to kinds that live in
// namespaces, Secrets excepted.
func (w *world) teamProject(change func(*v1alpha1.AppProject)) {
	w.Helper()
	p := &v1alpha1.AppProject{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "team"},
		Spec: v1alpha1.AppProjectSpec{
			SourceRepos: []string{w.repo.URL}, Destinations: []v1alpha1.ApplicationDestination{{Server: "*", Namespace: w.to}},
			NamespaceResourceBlacklist: []v1alpha1.GroupKindPattern{{Kind: "Secret"}},
		},
	}
	if change != nil {
		change(p)
	}
	if err := w.Create(context.Background(), p); err != nil {
		w.Fatal(err)
	}
}

// marked is the metadata of an object that carries the mark of Application shop.
func marked(kind, namespace, name string) metav1.ObjectMeta {
	id := fmt.Sprintf("shop:%s:%s/%s", kind, namespace, name)
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: map[string]string{v1alpha1.TrackingIDAnnotation: id}}
}

// forged are objects outside the bounds of the project that carry the Application's mark, as somebody else can write
// it.
func (w *world) forged() []client.Object {
	w.Helper()
	foreign := w.cluster.Namespace(w)
	held := marked("/ConfigMap", foreign, "held")
	held.Finalizers = []string{"example.com/held"}
	hook := marked("/ConfigMap", foreign, "hook")
	hook.Annotations[v1alpha1.HookAnnotation] = "PreSync"
	hook.Finalizers = []string{v1alpha1.HookFinalizer}
	role := marked("rbac.authorization.k8s.io/ClusterRole", "", foreign)
	role.Annotations[v1alpha1.TrackingIDAnnotation] = "shop:rbac.authorization.k8s.io/ClusterRole:" + w.to + "/" + foreign
	all := []client.Object{
		&corev1.ConfigMap{ObjectMeta: marked("/ConfigMap", foreign, "precious")},
		&corev1.ConfigMap{ObjectMeta: held},
		&corev1.ConfigMap{ObjectMeta: hook},
		&corev1.Secret{ObjectMeta: marked("/Secret", w.to, "key")},
		&rbacv1.ClusterRole{ObjectMeta: role},
	}
	for _, o := range all {
		if err := w.Create(context.Background(), o); err != nil {
			w.Fatal(err)
		}
	}
	w.Cleanup(func() {
		for _, o := range all {
			_ = w.Patch(context.Background(), o, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`)))
			_ = w.Delete(context.Background(), o)
		}
	})
	// One is held in its deletion, which nothing must wait for.
	if err := w.Delete(context.Background(), all[1]); err != nil {
		w.Fatal(err)
	}
	return all
}

// untouched checks that objects are as they were made.
func (w *world) untouched(after string, objects []client.Object) {
	w.Helper()
	for _, o := range objects {
		now := o.DeepCopyObject().(client.Object)
		if err := w.Get(context.Background(), client.ObjectKeyFromObject(o), now); err != nil {
			w.Errorf("after %s: %T %s: %v", after, o, o.GetName(), err)
			continue
		}
		if len(now.GetFinalizers()) != len(o.GetFinalizers()) || now.GetDeletionTimestamp() != nil && o.GetName() != "held" {
			w.Errorf("after %s: %T %s has finalizers %v and is deleted at %v, want it untouched", after, o, o.GetName(), now.GetFinalizers(), now.GetDeletionTimestamp())
		}
	}
}

// Whatever mark an object outside the bounds carries, and whatever the status says of it: it is neither listed, pruned,
// waited for, released nor deleted.
func TestForeignObjectsAreLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.teamProject(nil)
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/b.yaml": configMap("b", "green"), "k8s/account.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot}\n"})
	app := w.app("shop", func(a *v1alpha1.Application) {
		automated(a)
		a.Spec.Project, a.Finalizers = "team", []string{v1alpha1.ResourcesFinalizer}
	})
	w.eventually(app, "the sync", syncedTo(sha))
	foreign := w.forged()
	w.claimInStatus(app, foreign)

	// b goes, and a second wave has to be reached.
	sha = w.push(map[string]string{"k8s/b.yaml": "", "k8s/c.yaml": configMap("c", "green", `argocd.argoproj.io/sync-wave: "1"`)})
	got := w.eventually(app, "the second sync", syncedTo(sha))
	if w.data("b") != nil || w.data("c") == nil {
		t.Errorf("b is %v, c is %v; want what git says", w.data("b"), w.data("c"))
	}
	if len(got.Status.Resources) != 3 {
		t.Errorf("listed are %v, want a, c and robot", got.Status.Resources)
	}
	w.untouched("the sync", foreign)

	w.claimInStatus(app, foreign)
	w.remove(app)
	w.untilGone(app)
	if w.data("a") != nil {
		t.Error("a is still there after the deletion")
	}
	w.untouched("the deletion", foreign)
}

// claimInStatus has the Application's status list objects, as somebody may write it.
func (w *world) claimInStatus(name types.NamespacedName, objects []client.Object) {
	w.Helper()
	text := ""
	for i, o := range objects {
		kind, err := w.GroupVersionKindFor(o)
		if err != nil {
			w.Fatal(err)
		}
		if i > 0 {
			text += ","
		}
		text += fmt.Sprintf(`{"group":%q,"version":%q,"kind":%q,"namespace":%q,"name":%q,"status":"Synced"}`, kind.Group, kind.Version, kind.Kind, o.GetNamespace(), o.GetName())
	}
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
	if err := w.Patch(context.Background(), app, client.RawPatch(types.MergePatchType, []byte(`{"status":{"resources":[`+text+`]}}`))); err != nil {
		w.Fatal(err)
	}
}

// A source is judged in whichever field of an operation it comes.
func TestAnOperationCannotBringAForeignSource(t *testing.T) {
	for field, sources := range map[string]func(v1alpha1.ApplicationSource) *v1alpha1.SyncOperation{
		"source": func(s v1alpha1.ApplicationSource) *v1alpha1.SyncOperation { return &v1alpha1.SyncOperation{Source: &s} },
		"sources": func(s v1alpha1.ApplicationSource) *v1alpha1.SyncOperation {
			return &v1alpha1.SyncOperation{Sources: []v1alpha1.ApplicationSource{s}}
		},
	} {
		t.Run(field, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			w.teamProject(nil)
			evil := testkit.GitRepo(t)
			evil.Commit(map[string]string{"k8s/a.yaml": configMap("a", "evil")})
			sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
			app := w.app("shop", func(a *v1alpha1.Application) { automated(a); a.Spec.Project = "team" })
			w.eventually(app, "the sync", syncedTo(sha))
			w.operate(app, sources(v1alpha1.ApplicationSource{RepoURL: evil.URL, Path: "k8s", TargetRevision: "main"}))
			got := w.eventually(app, "the operation to fail", func(a *v1alpha1.Application) bool {
				return a.Operation == nil && a.Status.OperationState != nil && a.Status.OperationState.Phase == v1alpha1.OperationFailed
			})
			want := fmt.Sprintf("operation.sync.source: repository %s is not permitted in project team", strings.TrimSuffix(evil.URL, ".git"))
			if m := got.Status.OperationState.Message; !strings.Contains(m, want) {
				t.Errorf("the operation failed with %q, want %q", m, want)
			}
			if w.data("a")["colour"] != "green" {
				t.Errorf("a is %v, want it as the project's own source has it", w.data("a"))
			}
		})
	}
}
