package application_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/testkit"
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

// endDeletionHook ends a Job of the destination once it is there.
func (w *world) endDeletionHook(name string, conditions ...batchv1.JobConditionType) {
	w.Helper()
	w.until("the end of hook "+name, func(ctx context.Context) (bool, error) {
		job, err := w.hook(ctx, name)
		if job == nil || job.DeletionTimestamp != nil || err != nil {
			return false, err
		}
		now := metav1.Now()
		job.Status.Active, job.Status.Ready = 0, nil
		if job.Status.StartTime == nil {
			job.Status.StartTime = &now
		}
		for _, kind := range conditions {
			job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{Type: kind, Status: corev1.ConditionTrue, Reason: "Test", Message: "as the test wants", LastTransitionTime: now})
			if kind == batchv1.JobComplete {
				job.Status.CompletionTime = &now
			}
		}
		if err = w.Status().Update(ctx, job); apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
			return false, nil
		}
		return err == nil, err
	})
}

// TestDeletionHooks: hooks before the deletion run while every object is there, those after it when all are gone, and
// one that fails holds the deletion until it succeeds.
func TestDeletionHooks(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{
		"k8s/a.yaml": configMap("a", "green"), "k8s/pre.yaml": job("name: before", "PreDelete", "HookSucceeded"),
		"k8s/post.yaml": job("name: after", "PostDelete", "HookSucceeded"), "k8s/helm.yaml": configMap("later", "green", "helm.sh/hook: post-delete", "helm.sh/hook-weight: '5'"),
	})
	app := w.app("shop", cascading())
	w.eventually(app, "the sync", syncedTo(sha))
	got := w.eventually(app, "the finalizers", func(a *v1alpha1.Application) bool { return len(a.Finalizers) == 5 })
	if job, err := w.hook(t.Context(), "before"); job != nil || err != nil || w.data("later") != nil || len(got.Status.Resources) != 1 {
		t.Errorf("hook is %v, %v, resources are %v; want hooks of the deletion neither run nor listed", job, err, got.Status.Resources)
	}
	w.remove(app)
	w.endDeletionHook("before", batchv1.JobFailureTarget, batchv1.JobFailed)
	w.eventually(app, "a condition that names the hook", func(a *v1alpha1.Application) bool {
		return strings.Contains(condition(a, v1alpha1.ConditionDeletionError), "PreDelete hook Job "+w.to+"/before: failed")
	})
	if w.data("a") == nil {
		t.Error("a was deleted; want it kept while a PreDelete hook has failed")
	}
	w.refresh(app)
	w.eventually(app, "the look that was asked for", func(a *v1alpha1.Application) bool { return a.Annotations[v1alpha1.RefreshAnnotation] == "" })
	w.deleteHook("before")
	w.until("the hook to run again", func(ctx context.Context) (bool, error) {
		job, err := w.hook(ctx, "before")
		return job != nil && job.DeletionTimestamp == nil && len(job.Status.Conditions) == 0, err
	})
	w.endDeletionHook("before", batchv1.JobSuccessCriteriaMet, batchv1.JobComplete)
	w.eventually(app, "the status to tell of the deletion", func(a *v1alpha1.Application) bool {
		return a.Status.Health.Status == v1alpha1.HealthMissing && a.Status.Sync.Status == v1alpha1.OutOfSync
	})
	w.until("the hook after", func(ctx context.Context) (bool, error) {
		job, err := w.hook(ctx, "after")
		return job != nil, err
	})
	if w.data("a") != nil || w.data("later") != nil {
		t.Errorf("a is %v, later is %v; want neither while the first PostDelete hook runs", w.data("a"), w.data("later"))
	}
	w.endDeletionHook("after", batchv1.JobSuccessCriteriaMet, batchv1.JobComplete)
	w.untilGone(app)
	for _, name := range []string{"before", "after"} {
		w.until("hook "+name+" to be gone", func(ctx context.Context) (bool, error) {
			job, err := w.hook(ctx, name)
			return job == nil, err
		})
	}
	if w.data("later") == nil {
		t.Error("later is not there; want the hook of the second wave run, and left as its policy says")
	}
}

// TestDeletionHooksStayWithinTheProject: what the project forbids is not made by a deletion either, and is named.
func TestDeletionHooksStayWithinTheProject(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/pre.yaml": job("name: before", "PreDelete", "HookSucceeded")})
	app := w.app("shop", cascading())
	w.eventually(app, "the sync", syncedTo(sha))
	mine := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: v1alpha1.DefaultProject}}
	testkit.Edit(t, w.Client, mine, func(mine *v1alpha1.AppProject) {
		mine.Spec.NamespaceResourceBlacklist = []v1alpha1.GroupKindPattern{{Group: "batch", Kind: "Job"}}
	})
	w.eventually(app, "the refusal", func(a *v1alpha1.Application) bool { return condition(a, v1alpha1.ConditionInvalidSpecError) != "" })
	w.remove(app)
	w.eventually(app, "a condition that names the hook", func(a *v1alpha1.Application) bool {
		return strings.Contains(condition(a, v1alpha1.ConditionDeletionError), "Job "+w.to+"/before")
	})
	if job, err := w.hook(t.Context(), "before"); job != nil || err != nil || w.data("a") == nil {
		t.Errorf("hook is %v, %v, a is %v; want no hook, and nothing deleted", job, err, w.data("a"))
	}
}

// TestDeletionHooksRunWhereTheObjectsStay: whoever leaves the objects running has the hooks run all the same, since
// their finalizers ask for them.
func TestDeletionHooksRunWhereTheObjectsStay(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/pre.yaml": job("name: before", "PreDelete", "HookSucceeded"), "k8s/post.yaml": job("name: after", "PostDelete", "HookSucceeded")})
	app := w.app("shop", automated)
	w.eventually(app, "the sync", syncedTo(sha))
	w.eventually(app, "the finalizers", func(a *v1alpha1.Application) bool { return len(a.Finalizers) == 4 })
	w.remove(app)
	w.endDeletionHook("before", batchv1.JobSuccessCriteriaMet, batchv1.JobComplete)
	w.endDeletionHook("after", batchv1.JobSuccessCriteriaMet, batchv1.JobComplete)
	w.untilGone(app)
	if w.data("a") == nil {
		t.Error("a was deleted, want it kept")
	}
	for _, name := range []string{"before", "after"} {
		w.until("hook "+name+" to be gone", func(ctx context.Context) (bool, error) {
			job, err := w.hook(ctx, name)
			return job == nil, err
		})
	}
}

// TestFinalizersThatNobodyServes: they are named.
func TestFinalizersThatNobodyServes(t *testing.T) {
	const unknown = "mid-delete-finalizer.argocd.argoproj.io"
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", func(a *v1alpha1.Application) {
		automated(a)
		a.Finalizers = []string{unknown}
	})
	w.eventually(app, "the sync", syncedTo(sha))
	w.remove(app)
	w.eventually(app, "a condition that names the finalizer", func(a *v1alpha1.Application) bool {
		return strings.Contains(condition(a, v1alpha1.ConditionDeletionError), unknown)
	})
	if w.data("a") == nil {
		t.Error("a was deleted, want it kept")
	}
}
