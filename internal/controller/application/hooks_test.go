package application_test

import (
	"context"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// hook reads a Job of the destination; nil when there is none.
func (w *world) hook(ctx context.Context, name string) (*batchv1.Job, error) {
	found := &batchv1.Job{}
	err := w.Get(ctx, client.ObjectKey{Namespace: w.to, Name: name}, found)
	if err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return found, nil
}

func isHeld(job *batchv1.Job) bool {
	return job != nil && strings.Contains(strings.Join(job.Finalizers, " "), v1alpha1.HookFinalizer)
}

func (w *world) untilHeld(name string) {
	w.Helper()
	w.until("hook "+name+" to be held", func(ctx context.Context) (bool, error) {
		job, err := w.hook(ctx, name)
		return isHeld(job), err
	})
}

func (w *world) untilFree(name string) {
	w.Helper()
	w.until("hook "+name+" to be let go", func(ctx context.Context) (bool, error) {
		job, err := w.hook(ctx, name)
		return !isHeld(job), err
	})
}

func (w *world) deleteHook(name string) {
	w.Helper()
	if err := w.Delete(context.Background(), &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: name}}, client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
		w.Fatal(err)
	}
}

// ended waits for the end of an operation.
func (w *world) ended(app types.NamespacedName) *v1alpha1.Application {
	w.Helper()
	return w.eventually(app, "the end of the sync", func(a *v1alpha1.Application) bool {
		return a.Operation == nil && a.Status.OperationState != nil && a.Status.OperationState.FinishedAt != nil
	})
}

// askOnce asks for a sync of an Application that was looked at.
func (w *world) askOnce(app types.NamespacedName) {
	w.Helper()
	w.eventually(app, "a look", func(a *v1alpha1.Application) bool { return a.Status.Sync.Status == v1alpha1.OutOfSync })
	w.operate(app, &v1alpha1.SyncOperation{})
}

// A hook that takes itself away at its end counts by how it ended, not as a success because it is gone.
func TestHooksThatTakeThemselvesAway(t *testing.T) {
	for _, c := range []struct {
		name string
		want v1alpha1.OperationPhase
	}{{"failing-and-gone", v1alpha1.OperationFailed}, {"done-and-gone", v1alpha1.OperationSucceeded}} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			go w.endJobs(t.Context())
			quick := strings.Replace(job("name: "+c.name, "PreSync", "BeforeHookCreation"), "backoffLimit: 0", "backoffLimit: 0\n  ttlSecondsAfterFinished: 0", 1)
			w.push(map[string]string{"k8s/pre.yaml": quick, "k8s/a.yaml": configMap("a", "green")})
			app := w.app("shop", nil)
			w.askOnce(app)
			if got := w.ended(app).Status.OperationState; got.Phase != c.want {
				t.Errorf("the sync is %s: %s; want %s", got.Phase, got.Message, c.want)
			}
			w.untilFree(c.name)
		})
	}
}

// A hook that is deleted by hand while it runs has failed.
func TestHookDeletedWhileItRuns(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.push(map[string]string{"k8s/pre.yaml": job("name: endless", "PreSync", "BeforeHookCreation"), "k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", nil)
	w.askOnce(app)
	w.untilHeld("endless")
	w.deleteHook("endless")
	got := w.ended(app).Status.OperationState
	if got.Phase != v1alpha1.OperationFailed || !strings.Contains(got.Message, "Job "+w.to+"/endless: deleted while it ran") {
		t.Errorf("the sync is %s: %s; want it failed by the deleted hook", got.Phase, got.Message)
	}
	if w.data("a") != nil {
		t.Error("a was applied after its hook was deleted")
	}
	w.untilFree("endless")
}

// Whatever becomes of an operation, the hooks that it made are let go.
func TestHooksAreLetGo(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*world, types.NamespacedName)
	}{
		{"a newer commit without the hook supersedes", func(w *world, _ types.NamespacedName) { w.push(map[string]string{"k8s/pre.yaml": ""}) }},
		{"the Application is deleted and asks for nothing", func(w *world, app types.NamespacedName) { w.remove(app) }},
		{"the Application is deleted with its objects", func(w *world, app types.NamespacedName) {
			got := w.eventually(app, "the Application", func(*v1alpha1.Application) bool { return true })
			testkit.Edit(w, w.Client, got, func(got *v1alpha1.Application) { got.Finalizers = []string{v1alpha1.ResourcesFinalizer} })
			w.remove(app)
			w.untilGone(app)
		}},
		{"a person terminates", func(w *world, app types.NamespacedName) {
			body := []byte(`{"status":{"operationState":{"phase":"Terminating"}}}`)
			named := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, Name: app.Name}}
			if err := w.Patch(context.Background(), named, client.RawPatch(types.MergePatchType, body)); err != nil {
				w.Fatal(err)
			}
		}},
		{"a person takes the operation back", func(w *world, app types.NamespacedName) {
			got := w.eventually(app, "the operation", func(a *v1alpha1.Application) bool { return a.Operation != nil })
			patch := client.RawPatch(types.MergePatchType, []byte(`{"operation":null,"spec":{"syncPolicy":null}}`))
			if err := w.Patch(context.Background(), got, patch); err != nil {
				w.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			w.push(map[string]string{"k8s/pre.yaml": job("name: endless", "PreSync", "BeforeHookCreation"), "k8s/a.yaml": configMap("a", "green")})
			app := w.app("shop", automated)
			w.untilHeld("endless")
			w.eventually(app, "the hook to be recorded", func(a *v1alpha1.Application) bool {
				return a.Status.OperationState != nil && strings.Contains(a.Status.OperationState.Message, "waiting for completion of hook")
			})
			c.do(w, app)
			w.untilFree("endless")
		})
	}
}

// A controller that is started anew lets go of a hook that ended meanwhile.
func TestHookEndsWhileTheControllerIsAway(t *testing.T) {
	w := newWorld(t)
	stop := w.start()
	sha := w.push(map[string]string{"k8s/pre.yaml": job("name: slow", "PreSync", "BeforeHookCreation"), "k8s/a.yaml": configMap("a", "green")})
	app := w.app("shop", automated)
	w.eventually(app, "the hook to be recorded", func(a *v1alpha1.Application) bool {
		return a.Status.OperationState != nil && strings.Contains(a.Status.OperationState.Message, "waiting for completion of hook")
	})
	stop()
	ctx, end := context.WithCancel(t.Context())
	go w.endJobs(ctx)
	w.until("the hook to end", func(ctx context.Context) (bool, error) {
		job, err := w.hook(ctx, "slow")
		return job != nil && len(job.Status.Conditions) > 0, err
	})
	end()
	w.deleteHook("slow")
	w.start()
	w.eventually(app, "the sync", syncedTo(sha))
	w.untilFree("slow")
}
