package api

import (
	"net/http"
	"testing"

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
