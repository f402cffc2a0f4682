package api

import (
	"context"
	"net/http"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// A sync and a rollback are the operations that the commands begin.
func TestOperations(t *testing.T) {
	automated := func(app *v1alpha1.Application) {
		app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.AutomatedSync{}}
	}
	threeDeployments := func(app *v1alpha1.Application) {
		app.Status.History = append([]v1alpha1.RevisionHistory{{ID: 0, Revision: "zero"}}, app.Status.History...)
	}
	for _, c := range []struct {
		name, call, body string
		change           func(*v1alpha1.Application)
		status           int
		want             func(*v1alpha1.Application) bool
	}{
		{"a sync", "sync", `{}`, nil, 200, func(a *v1alpha1.Application) bool { return a.Operation.Sync.Revision == "" && !a.Operation.Sync.Prune }},
		{"a sync by a name", "sync", `{}`, nil, 200, func(a *v1alpha1.Application) bool { return a.Operation.InitiatedBy.Username == "deployer" }},
		{"a sync with choices", "sync", `{"prune":true,"dryRun":true,"strategy":{"hook":{"force":true}},"resources":[{"kind":"Service","name":"web"}],"infos":[{"name":"why","value":"x"}]}`, nil, 200,
			func(a *v1alpha1.Application) bool {
				s := a.Operation.Sync
				return s.Prune && s.DryRun && s.SyncStrategy.Hook.Force && len(s.Resources) == 1 && a.Operation.Info[0].Name == "why"
			}},
		{"a sync with options", "sync", `{"syncOptions":{"items":["PruneLast=true"]}}`, nil, 200, func(a *v1alpha1.Application) bool { return a.Operation.Sync.SyncOptions[0] == "PruneLast=true" }},
		{"a sync that is tried again", "sync", `{"retryStrategy":{"limit":3,"backoff":{"duration":"5s"}}}`, nil, 200,
			func(a *v1alpha1.Application) bool {
				return a.Operation.Retry.Limit == 3 && a.Operation.Retry.Backoff.Duration == "5s"
			}},
		{"another revision", "sync", `{"revision":"three"}`, nil, 200, func(a *v1alpha1.Application) bool { return a.Operation.Sync.Revision == "three" }},
		{"another revision, which automated sync would undo", "sync", `{"revision":"three"}`, automated, 400, nil},
		{"another revision, tried, while automated sync is on", "sync", `{"revision":"three","dryRun":true}`, automated, 200, func(a *v1alpha1.Application) bool { return a.Operation.Sync.DryRun }},
		{"the revision that is synced, while automated sync is on", "sync", `{"revision":"two"}`, automated, 200, func(a *v1alpha1.Application) bool { return a.Operation.Sync.Revision == "two" }},
		{"a rollback", "rollback", `{"id":1}`, nil, 200, func(a *v1alpha1.Application) bool {
			return a.Operation.Sync.Revision == "one" && a.Annotations[v1alpha1.RollbackPinAnnotation] == ""
		}},
		{"a rollback to the deployment before", "rollback", `{}`, nil, 200, func(a *v1alpha1.Application) bool { return a.Operation.Sync.Revision == "one" }},
		{"a rollback to the first deployment of all", "rollback", `{"id":0}`, threeDeployments, 200, func(a *v1alpha1.Application) bool { return a.Operation.Sync.Revision == "zero" }},
		{"a rollback to a deployment that the history has forgotten", "rollback", `{"id":0}`, nil, 400, nil},
		{"a rollback that automated sync would undo", "rollback", `{"id":1}`, automated, 200, func(a *v1alpha1.Application) bool { return a.Annotations[v1alpha1.RollbackPinAnnotation] == "two" }},
		{"a rollback that is only tried", "rollback", `{"id":1,"dryRun":true}`, automated, 200, func(a *v1alpha1.Application) bool {
			return a.Operation.Sync.DryRun && a.Annotations[v1alpha1.RollbackPinAnnotation] == ""
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if c.change != nil {
				app := w.app("shop-web")
				c.change(app)
				if err := w.Update(t.Context(), app); err != nil {
					t.Fatal(err)
				}
			}
			status, answer := w.call("deployer", http.MethodPost, "/api/v1/applications/shop-web/"+c.call, c.body)
			if status != c.status {
				t.Fatalf("got %d %v, want %d", status, answer, c.status)
			}
			app := w.app("shop-web")
			if c.want == nil {
				if app.Operation != nil {
					t.Errorf("an operation has begun: %+v", app.Operation)
				}
				return
			}
			if app.Operation == nil || !c.want(app) {
				t.Errorf("the operation is %+v, annotations %v", app.Operation, app.Annotations)
			}
		})
	}
}

// What is asked of an Application is decided of it as the API server has it, not of what a cache has or a controller
// has just overwritten.
func TestOperationsOfWhatHasChanged(t *testing.T) {
	begun := func(app *v1alpha1.Application) {
		app.Operation = &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{}}
		app.Status.OperationState = &v1alpha1.OperationState{Phase: v1alpha1.OperationRunning}
	}
	labelled := func(app *v1alpha1.Application) { app.Labels = map[string]string{"by": "a controller"} }
	moved := func(app *v1alpha1.Application) { app.Spec.Project = "bank" }
	started := func(a *v1alpha1.Application) bool { return a.Operation != nil && a.Operation.Sync != nil }
	for _, c := range []struct {
		name, method, call string
		// cached is changed after the cache has seen it, and meanwhile as often as times before a write arrives.
		cached, meanwhile func(*v1alpha1.Application)
		times             int
		status            int
		want              func(*v1alpha1.Application) bool
	}{
		{"the cache is behind", http.MethodPost, "sync", labelled, nil, 0, 200, started},
		{"a sync that the cache does not have yet", http.MethodPost, "sync", begun, nil, 0, 400, started},
		{"a controller writes meanwhile", http.MethodPost, "sync", nil, labelled, 1, 200, started},
		{"a controller writes meanwhile, again and again", http.MethodPost, "sync", nil, labelled, 3, 200, started},
		{"a controller never stops writing", http.MethodPost, "sync", nil, labelled, 100, 409, func(a *v1alpha1.Application) bool { return a.Operation == nil }},
		{"somebody else syncs meanwhile", http.MethodPost, "sync", nil, begun, 1, 400, func(a *v1alpha1.Application) bool { return a.Operation.InitiatedBy.Username == "" }},
		{"moved into a project without a right", http.MethodPost, "sync", moved, nil, 0, 403, func(a *v1alpha1.Application) bool { return a.Operation == nil }},
		{"moved meanwhile into a project without a right", http.MethodPost, "sync", nil, moved, 1, 403, func(a *v1alpha1.Application) bool { return a.Operation == nil }},
		{"a rollback while a controller writes", http.MethodPost, "rollback", nil, labelled, 2, 200, started},
		{"an end of an operation that the cache does not have yet", http.MethodDelete, "operation", begun, nil, 0, 200, func(a *v1alpha1.Application) bool {
			return a.Status.OperationState.Phase == v1alpha1.OperationTerminating
		}},
		{"an end while a controller writes", http.MethodDelete, "operation", begun, labelled, 2, 200, func(a *v1alpha1.Application) bool {
			return a.Status.OperationState.Phase == v1alpha1.OperationTerminating
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			change := func(how func(*v1alpha1.Application)) {
				app := w.app("shop-web")
				how(app)
				if err := w.Update(t.Context(), app); err != nil {
					t.Fatal(err)
				}
			}
			w.options.Reader = behind{w.Client, w.app("shop-web")}
			if c.cached != nil {
				change(c.cached)
			}
			w.options.Writer = interceptor.NewClient(w.Client.(client.WithWatch), interceptor.Funcs{
				Patch: func(ctx context.Context, to client.WithWatch, o client.Object, patch client.Patch, options ...client.PatchOption) error {
					if c.times--; c.times >= 0 {
						change(c.meanwhile)
					}
					return to.Patch(ctx, o, patch, options...)
				},
			})
			w.handler = Handler(w.options)
			body := "{}"
			if c.method == http.MethodDelete {
				body = ""
			}
			status, answer := w.call("shopper", c.method, "/api/v1/applications/shop-web/"+c.call, body)
			if status != c.status {
				t.Fatalf("got %d %v, want %d", status, answer, c.status)
			}
			if app := w.app("shop-web"); !c.want(app) {
				t.Errorf("the operation is %+v, its state %+v", app.Operation, app.Status.OperationState)
			}
		})
	}
}

// behind is a cache that has one Application as it was.
type behind struct {
	client.Reader
	was *v1alpha1.Application
}

func (b behind) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	if app, ok := into.(*v1alpha1.Application); ok && key == client.ObjectKeyFromObject(b.was) {
		b.was.DeepCopyInto(app)
		return nil
	}
	return b.Reader.Get(ctx, key, into, options...)
}
