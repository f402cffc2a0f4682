package action_test

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/problem"
)

// lines are the patches of a request as text: the subresource, and the body.
func lines(r action.Request) []string {
	var all []string
	for _, p := range r.Patches {
		line := string(p.Body)
		if p.Type != types.MergePatchType {
			line = string(p.Type) + " " + line
		}
		if p.Subresource != "" {
			line = p.Subresource + " " + line
		}
		all = append(all, line)
	}
	return all
}

func check(t *testing.T, r action.Request, outcome string, want ...string) {
	t.Helper()
	if r.Outcome != outcome {
		t.Errorf("outcome: got %q, want %q", r.Outcome, outcome)
	}
	if got := lines(r); !equality.Semantic.DeepEqual(got, want) {
		t.Errorf("patches: got %q, want %q", got, want)
	}
}

// TestRolloutRequests holds the patches to those that existing tools send.
func TestRolloutRequests(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rollout := func(change func(*v1alpha1.Rollout)) *v1alpha1.Rollout {
		ro := &v1alpha1.Rollout{Status: v1alpha1.RolloutStatus{CurrentPodHash: "new", StableRS: "old"}}
		if change != nil {
			change(ro)
		}
		return ro
	}
	paused := func(ro *v1alpha1.Rollout) { ro.Spec.Paused = true }
	waits := func(ro *v1alpha1.Rollout) {
		ro.Status.PauseConditions = []v1alpha1.PauseCondition{{Reason: v1alpha1.PauseBlueGreen}}
	}
	done := func(ro *v1alpha1.Rollout) { ro.Status.StableRS = "new" }
	aborted := func(ro *v1alpha1.Rollout) { ro.Status.Abort = true }
	for name, c := range map[string]struct {
		request action.Request
		outcome string
		patches []string
	}{
		"promote at a pause":           {action.Promote(rollout(waits)), "promoted", []string{`status {"status":{"pauseConditions":null}}`}},
		"promote without a pause":      {action.Promote(rollout(nil)), "promoted (it was not waiting for that)", []string{`status {"status":{"pauseConditions":null}}`}},
		"promote one paused by hand":   {action.Promote(rollout(paused)), "promoted", []string{`status {"status":{"pauseConditions":null}}`, `{"spec":{"paused":false}}`}},
		"promote fully":                {action.PromoteFully(rollout(nil)), "fully promoted", []string{`status {"status":{"promoteFull":true}}`}},
		"promote fully, by hand":       {action.PromoteFully(rollout(paused)), "fully promoted", []string{`status {"status":{"promoteFull":true}}`, `{"spec":{"paused":false}}`}},
		"promote fully what is":        {action.PromoteFully(rollout(done)), "is fully promoted already", nil},
		"abort":                        {action.Abort(rollout(nil)), "aborted", []string{`status {"status":{"abort":true}}`}},
		"retry":                        {action.Retry(rollout(aborted)), "retried", []string{`status {"status":{"abort":false}}`}},
		"retry what is not aborted":    {action.Retry(rollout(nil)), "is not aborted: there is nothing to try again", []string{`status {"status":{"abort":false}}`}},
		"pause":                        {action.Pause(rollout(nil)), "paused", []string{`{"spec":{"paused":true}}`}},
		"pause what is paused":         {action.Pause(rollout(paused)), "was paused already", []string{`{"spec":{"paused":true}}`}},
		"restart now":                  {action.Restart(now, now), "restarts now", []string{`{"spec":{"restartAt":"2026-03-01T12:00:00Z"}}`}},
		"restart later, in UTC":        {action.Restart(now, now.Add(time.Minute).In(time.FixedZone("", 3600))), "restarts in 1m0s", []string{`{"spec":{"restartAt":"2026-03-01T12:01:00Z"}}`}},
		"refresh":                      {action.Refresh(action.RefreshNormal), "refreshed", []string{`{"metadata":{"annotations":{"argocd.argoproj.io/refresh":"normal"}}}`}},
		"refresh, as if for the first": {action.Refresh(action.RefreshHard), "refreshed", []string{`{"metadata":{"annotations":{"argocd.argoproj.io/refresh":"hard"}}}`}},
	} {
		t.Run(name, func(t *testing.T) { check(t, c.request, c.outcome, c.patches...) })
	}
}

func application(change ...func(*v1alpha1.Application)) *v1alpha1.Application {
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: "shop", ResourceVersion: "7"}}
	for _, c := range change {
		c(app)
	}
	return app
}

func busy(app *v1alpha1.Application) { app.Operation = &v1alpha1.Operation{} }

func begun(app *v1alpha1.Application) {
	app.Status.OperationState = &v1alpha1.OperationState{Phase: v1alpha1.OperationRunning}
}

func TestAnOperationIsStartedOnTheObjectAsItWasRead(t *testing.T) {
	operation := &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Revision: "abc"}}
	r, err := action.Start(application(begun), operation, map[string]string{"pin": "def"})
	if err != nil {
		t.Fatal(err)
	}
	check(t, r, "operation started",
		`{"metadata":{"annotations":{"pin":"def"},"resourceVersion":"7"},"operation":{"sync":{"revision":"abc"},"initiatedBy":{},"retry":{}},"status":{"operationState":null}}`)
}

func TestAnOperationIsTerminated(t *testing.T) {
	r, err := action.Terminate(application(busy, begun))
	if err != nil {
		t.Fatal(err)
	}
	check(t, r, "operation terminating", `{"metadata":{"resourceVersion":"7"},"status":{"operationState":{"phase":"Terminating"}}}`)
	if r, err = action.Terminate(application(busy)); err != nil {
		t.Fatal(err)
	}
	check(t, r, "operation terminating", `{"metadata":{"resourceVersion":"7"},"operation":null}`)
}

func TestRequestsThatAreRefused(t *testing.T) {
	deleted := func(app *v1alpha1.Application) { app.DeletionTimestamp = &metav1.Time{} }
	for name, c := range map[string]struct {
		ask  func() (action.Request, error)
		want string
	}{
		"start on one that is being deleted": {
			func() (action.Request, error) { return action.Start(application(deleted), &v1alpha1.Operation{}, nil) },
			`Application "shop": being deleted`,
		},
		"start beside another operation": {
			func() (action.Request, error) { return action.Start(application(busy), &v1alpha1.Operation{}, nil) },
			`Application "shop": another operation is in progress; wait until it has ended, or terminate it`,
		},
		"terminate where nothing runs": {
			func() (action.Request, error) { return action.Terminate(application(begun)) },
			`Application "shop": no operation is in progress`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := c.ask()
			if err == nil || err.Error() != c.want || problem.KindOf(err) != problem.Refused {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if len(r.Patches) > 0 {
				t.Errorf("patches in spite of it: %q", lines(r))
			}
		})
	}
}

func TestARollBack(t *testing.T) {
	automated := func(app *v1alpha1.Application) {
		app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.AutomatedSync{}, SyncOptions: []string{"Prune=false"}}
		app.Status.Sync.Revision = "new"
	}
	manual := func(app *v1alpha1.Application) { app.Status.Sync.Revision = "new" }
	to := v1alpha1.RevisionHistory{Revision: "old", Source: &v1alpha1.ApplicationSource{RepoURL: "r"}}
	want := &v1alpha1.Operation{InitiatedBy: v1alpha1.OperationInitiator{Username: "eve"}, Sync: &v1alpha1.SyncOperation{
		Revision: "old", Source: &v1alpha1.ApplicationSource{RepoURL: "r"}, SyncOptions: []string{"Prune=false"},
		SyncStrategy: &v1alpha1.SyncStrategy{Apply: &v1alpha1.SyncStrategyApply{}},
	}}
	if got := action.RollBack(application(automated), to, v1alpha1.OperationInitiator{Username: "eve"}); !equality.Semantic.DeepEqual(got, want) {
		t.Errorf("operation: got %+v, want %+v", got, want)
	}
	for name, c := range map[string]struct {
		app  *v1alpha1.Application
		to   string
		want string
	}{
		"automation would bring the commit back": {application(automated), "old", "new"},
		"nothing is automated":                   {application(manual), "old", ""},
		"the commit is the one to return to":     {application(automated), "new", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := action.RollBackLeaves(c.app, v1alpha1.RevisionHistory{Revision: c.to}); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
