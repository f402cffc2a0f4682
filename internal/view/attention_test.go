package view

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func before(d time.Duration) metav1.Time { return metav1.NewTime(noon.Add(-d)) }

func at(d time.Duration) *metav1.Time { t := before(d); return &t }

func shop(change ...func(*v1alpha1.Application)) *v1alpha1.Application {
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "shop", CreationTimestamp: before(time.Hour)}}
	app.Status.Sync.Status, app.Status.Health.Status = v1alpha1.Synced, v1alpha1.HealthHealthy
	for _, c := range change {
		c(app)
	}
	return app
}

func withCondition(kind, message string) func(*v1alpha1.Application) {
	return func(a *v1alpha1.Application) {
		a.Status.Conditions = append(a.Status.Conditions, v1alpha1.ApplicationCondition{Type: kind, Message: message, LastTransitionTime: at(time.Minute)})
	}
}

func withOperation(phase v1alpha1.OperationPhase, message string, results ...*v1alpha1.ResourceResult) func(*v1alpha1.Application) {
	return func(a *v1alpha1.Application) {
		a.Status.OperationState = &v1alpha1.OperationState{
			Operation: v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{}}, Phase: phase, Message: message, StartedAt: before(20 * time.Minute), FinishedAt: at(time.Minute),
			SyncResult: &v1alpha1.SyncOperationResult{Resources: results},
		}
	}
}

func withHealth(h v1alpha1.HealthStatusCode, message string, since time.Duration) func(*v1alpha1.Application) {
	return func(a *v1alpha1.Application) {
		a.Status.Health = v1alpha1.AppHealthStatus{Status: h, LastTransitionTime: at(since)}
		a.Status.Resources = []v1alpha1.ResourceStatus{
			{Kind: "Service", Name: "web", Health: &v1alpha1.HealthStatus{Status: v1alpha1.HealthHealthy}}, {Kind: "ConfigMap", Name: "settings"},
			{Group: "apps", Kind: "Deployment", Name: "web", Health: &v1alpha1.HealthStatus{Status: h, Message: message}},
		}
	}
}

func web(change func(*v1alpha1.Rollout)) []*v1alpha1.Rollout {
	ro := &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	ro.Spec.Strategy.BlueGreen = &v1alpha1.BlueGreenStrategy{}
	ro.Status.Phase = v1alpha1.RolloutPaused
	change(ro)
	return []*v1alpha1.Rollout{{ObjectMeta: metav1.ObjectMeta{Name: "quiet"}, Status: v1alpha1.RolloutStatus{Phase: v1alpha1.RolloutHealthy}}, ro}
}

func rolloutCondition(kind v1alpha1.RolloutConditionType, status metav1.ConditionStatus, message string) func(*v1alpha1.Rollout) {
	return func(ro *v1alpha1.Rollout) {
		c := v1alpha1.RolloutCondition{Type: kind, Message: message, LastTransitionTime: before(time.Minute)}
		c.Status = "True"
		if status != metav1.ConditionTrue {
			c.Status = "False"
		}
		ro.Status.Conditions = append(ro.Status.Conditions, c)
	}
}

func waiting(ro *v1alpha1.Rollout) {
	ro.Status.PauseConditions = []v1alpha1.PauseCondition{{Reason: v1alpha1.PauseBlueGreen, StartTime: before(time.Minute)}}
}

// What needs somebody, and in which words.
func TestWhatNeedsSomebody(t *testing.T) {
	const minute = "2026-11-26T11:59:00Z"
	finished := func(a *v1alpha1.Application) { a.Status.OperationState.FinishedAt = nil }
	for _, c := range []struct {
		name     string
		app      *v1alpha1.Application
		rollouts []*v1alpha1.Rollout
		want     Attention
	}{
		{"nothing", shop(), nil, Attention{}},
		{"a warning", shop(withCondition(v1alpha1.ConditionUnsupportedWarning, "spec.source.helm: not served")), nil, Attention{}},
		{"an invalid field", shop(withCondition(v1alpha1.ConditionInvalidSpecError, "spec.project: AppProject x: not found")), nil,
			needs(ReasonInvalidSpec, "Application shop: spec.project: AppProject x: not found; correct the field of the Application", minute)},
		{"an invalid field before a failure", shop(withCondition(v1alpha1.ConditionSyncError, "no"), withCondition(v1alpha1.ConditionInvalidSpecError, "spec: missing; write it")), nil,
			needs(ReasonInvalidSpec, "Application shop: spec: missing; write it", minute)},
		{"a failed sync, by its condition", shop(withCondition(v1alpha1.ConditionSyncError, "Service web: port 0 is invalid; correct it")), nil,
			needs(ReasonFailed, "Service web: port 0 is invalid; correct it", minute)},
		{"a condition that names the Application", shop(withCondition(v1alpha1.ConditionSyncError, "Application shop: refused")), nil,
			needs(ReasonFailed, "Application shop: refused; correct it in git, or sync again", minute)},
		{"a deletion that fails", shop(withCondition(v1alpha1.ConditionDeletionError, "cluster gone")), nil, needs(ReasonFailed, "Application shop: cluster gone; remove what holds the objects", minute)},
		{"an unknown error", shop(withCondition(v1alpha1.ConditionUnknownError, "oops.")), nil, needs(ReasonFailed, "Application shop: oops; read the server's log", minute)},
		{"a repository that does not answer", shop(withCondition(v1alpha1.ConditionComparisonError, "repository https://git.example: no answer; tried again by itself")), nil,
			needs(ReasonUnreachable, "Application shop: repository https://git.example: no answer; tried again by itself", minute)},
		{"manifests that cannot be rendered", shop(withCondition(v1alpha1.ConditionComparisonError, "k8s/web.yaml:3: not YAML")), nil,
			needs(ReasonFailed, "Application shop: k8s/web.yaml:3: not YAML; correct it in git; the next commit is looked at by itself", minute)},
		{"a failed operation", shop(withOperation(v1alpha1.OperationFailed, "one object failed")), nil, needs(ReasonFailed, "Application shop: one object failed; correct it in git, or sync again", minute)},
		{"an operation that ended with an error", shop(withOperation(v1alpha1.OperationError, "")), nil, needs(ReasonFailed, "Application shop: the sync failed; correct it in git, or sync again", minute)},
		{"a failed object", shop(withOperation(v1alpha1.OperationFailed, "one object failed", &v1alpha1.ResourceResult{Kind: "Secret", Name: "ok", Status: v1alpha1.ResultSynced}, &v1alpha1.ResourceResult{Kind: "Service", Name: "web", Status: v1alpha1.ResultSyncFailed, Message: "port: invalid"})), nil,
			needs(ReasonFailed, "Service web: port: invalid; correct it in git, or sync again", minute)},
		{"a failed operation that has done nothing", shop(withOperation(v1alpha1.OperationFailed, "the repository is empty"), func(a *v1alpha1.Application) { a.Status.OperationState.SyncResult = nil }), nil,
			needs(ReasonFailed, "Application shop: the repository is empty; correct it in git, or sync again", minute)},
		{"a failed hook", shop(withOperation(v1alpha1.OperationFailed, "a hook failed", &v1alpha1.ResourceResult{Kind: "Job", Name: "migrate", Status: v1alpha1.ResultSynced, HookPhase: v1alpha1.OperationFailed})), nil,
			needs(ReasonFailed, "Job migrate: a hook failed; correct it in git, or sync again", minute)},
		{"a hook with an error", shop(withOperation(v1alpha1.OperationFailed, "", &v1alpha1.ResourceResult{Kind: "Job", Name: "migrate", HookPhase: v1alpha1.OperationError, Message: "exit 1"})), nil,
			needs(ReasonFailed, "Job migrate: exit 1; correct it in git, or sync again", minute)},
		{"a failed operation, and the next is asked for", shop(withOperation(v1alpha1.OperationFailed, "x"), func(a *v1alpha1.Application) { a.Operation = &v1alpha1.Operation{} }), nil, Attention{}},
		{"a failed dry run", shop(withOperation(v1alpha1.OperationFailed, "x"), func(a *v1alpha1.Application) { a.Status.OperationState.Operation.Sync.DryRun = true }), nil, Attention{}},
		{"a failed operation of another kind", shop(withOperation(v1alpha1.OperationFailed, "x"), func(a *v1alpha1.Application) { a.Status.OperationState.Operation.Sync = nil }), nil, Attention{}},
		{"a failed operation, and in sync since", shop(withOperation(v1alpha1.OperationFailed, "x"), func(a *v1alpha1.Application) { a.Status.ReconciledAt = at(time.Minute) }), nil, Attention{}},
		{"a failed operation, and in sync before", shop(withOperation(v1alpha1.OperationFailed, "x"), func(a *v1alpha1.Application) { a.Status.ReconciledAt = at(time.Hour) }), nil,
			needs(ReasonFailed, "Application shop: x; correct it in git, or sync again", minute)},
		{"a failed operation without an end", shop(withOperation(v1alpha1.OperationFailed, "x"), finished, func(a *v1alpha1.Application) { a.Status.ReconciledAt = at(0) }), nil,
			needs(ReasonFailed, "Application shop: x; correct it in git, or sync again", "")},
		{"a failed operation, and out of sync", shop(withOperation(v1alpha1.OperationFailed, "x"), func(a *v1alpha1.Application) {
			a.Status.ReconciledAt, a.Status.Sync.Status = at(0), v1alpha1.OutOfSync
		}), nil, needs(ReasonFailed, "Application shop: x; correct it in git, or sync again", minute)},
		{"an operation that goes on", shop(withOperation(v1alpha1.OperationRunning, "x"), func(a *v1alpha1.Application) { a.Status.OperationState.StartedAt = before(StuckAfter - time.Second) }), nil, Attention{}},
		{"an operation that goes on for long", shop(withOperation(v1alpha1.OperationRunning, "waits for Job migrate"), func(a *v1alpha1.Application) { a.Status.OperationState.StartedAt = before(StuckAfter) }), nil,
			needs(ReasonStuck, "Application shop: waits for Job migrate; see what it waits for, or end it", "2026-11-26T11:45:00Z")},
		{"an operation that ends for long", shop(withOperation(v1alpha1.OperationTerminating, "")), nil, needs(ReasonStuck, "Application shop: its sync goes on; see what it waits for, or end it", "2026-11-26T11:40:00Z")},
		{"an operation that has succeeded", shop(withOperation(v1alpha1.OperationSucceeded, "x")), nil, Attention{}},
		{"degraded", shop(withHealth(v1alpha1.HealthDegraded, "1 of 3 pods crashes", time.Minute)), nil, needs(ReasonDegraded, "Deployment web: 1 of 3 pods crashes; look at its events and logs", minute)},
		{"degraded, and nothing says why", shop(func(a *v1alpha1.Application) { a.Status.Health.Status = v1alpha1.HealthDegraded }), nil, needs(ReasonDegraded, "Application shop: degraded; look at its events and logs", "")},
		{"on the way", shop(withHealth(v1alpha1.HealthProgressing, "1 of 3 pods", time.Minute)), nil, Attention{}},
		{"on the way for long", shop(withHealth(v1alpha1.HealthProgressing, "1 of 3 pods", StuckAfter)), nil, needs(ReasonStuck, "Deployment web: 1 of 3 pods; look at its events", "2026-11-26T11:45:00Z")},
		{"on the way for long, and nothing says why", shop(func(a *v1alpha1.Application) {
			a.Status.Health = v1alpha1.AppHealthStatus{Status: v1alpha1.HealthProgressing, LastTransitionTime: at(time.Hour)}
		}), nil, needs(ReasonStuck, "Application shop: becomes healthy for long; look at its events", "2026-11-26T11:00:00Z")},
		{"on the way, and nobody knows since when", shop(func(a *v1alpha1.Application) { a.Status.Health.Status = v1alpha1.HealthProgressing }), nil, Attention{}},
		{"several on the way for long", shop(withHealth(v1alpha1.HealthProgressing, "1 of 3 pods", StuckAfter), func(a *v1alpha1.Application) {
			a.Status.Resources = append(a.Status.Resources, v1alpha1.ResourceStatus{Kind: "Pod", Name: "web", Health: &v1alpha1.HealthStatus{Status: v1alpha1.HealthProgressing, Message: "it is pulled"}})
		}), nil, needs(ReasonStuck, "Deployment web: 1 of 3 pods; look at its events", "2026-11-26T11:45:00Z")},
		{"being deleted", shop(func(a *v1alpha1.Application) { a.DeletionTimestamp = at(time.Minute) }), nil, Attention{}},
		{"being deleted for long", shop(func(a *v1alpha1.Application) { a.DeletionTimestamp = at(time.Hour) }), nil,
			needs(ReasonStuck, "Application shop: its deletion goes on for more than 15 minutes; see which objects have finalizers that nobody removes", "2026-11-26T11:00:00Z")},

		{"a Rollout on its way", shop(), web(func(ro *v1alpha1.Rollout) { ro.Status.Phase = v1alpha1.RolloutProgressing }), Attention{}},
		{"a Rollout that waits to be promoted", shop(), web(waiting), needs(ReasonAwaitingPromotion, "Rollout web: the new version waits before the switch; look at the preview, then promote or abort", minute)},
		{"a Rollout that goes on by itself", shop(), web(func(ro *v1alpha1.Rollout) { waiting(ro); ro.Spec.Strategy.BlueGreen.AutoPromotionSeconds = 10 }), Attention{}},
		{"a Rollout paused by hand", shop(), web(func(ro *v1alpha1.Rollout) {
			waiting(ro)
			ro.Spec.Paused = true
			rolloutCondition(v1alpha1.RolloutConditionPaused, metav1.ConditionTrue, "")(ro)
		}), needs(ReasonPaused, "Rollout web: paused by spec.paused; resume it", minute)},
		{"a Rollout paused by hand, and nobody knows since when", shop(), web(func(ro *v1alpha1.Rollout) { ro.Spec.Paused = true }), needs(ReasonPaused, "Rollout web: paused by spec.paused; resume it", "")},
		{"a Rollout paused by hand with nothing on its way", shop(), web(func(ro *v1alpha1.Rollout) { ro.Spec.Paused, ro.Status.Phase = true, v1alpha1.RolloutHealthy }), Attention{}},
		{"an aborted Rollout", shop(), web(func(ro *v1alpha1.Rollout) {
			ro.Status.Abort, ro.Status.AbortedAt, ro.Status.Phase = true, at(time.Minute), v1alpha1.RolloutDegraded
		}), needs(ReasonFailed, "Rollout web: aborted, and the traffic stays on the stable version; correct it in git, or retry", minute)},
		{"a degraded Rollout", shop(), web(func(ro *v1alpha1.Rollout) {
			ro.Status.Phase, ro.Status.Message = v1alpha1.RolloutDegraded, "ProgressDeadlineExceeded: no progress"
			rolloutCondition(v1alpha1.RolloutConditionProgressing, metav1.ConditionTrue, "")(ro)
		}), needs(ReasonDegraded, "Rollout web: ProgressDeadlineExceeded: no progress; look at its pods", minute)},
		{"a Rollout whose deadline has passed", shop(), web(func(ro *v1alpha1.Rollout) {
			ro.Status.Phase, ro.Status.Message = v1alpha1.RolloutDegraded, "ProgressDeadlineExceeded: no progress"
			rolloutCondition(v1alpha1.RolloutConditionProgressing, metav1.ConditionFalse, "")(ro)
		}), needs(ReasonDegraded, "Rollout web: ProgressDeadlineExceeded: no progress; look at its pods", minute)},
		{"a degraded Rollout, and nothing says why", shop(), web(func(ro *v1alpha1.Rollout) { ro.Status.Phase = v1alpha1.RolloutDegraded }), needs(ReasonDegraded, "Rollout web: degraded; look at its pods", "")},
		{"an invalid Rollout before a failed sync", shop(withCondition(v1alpha1.ConditionSyncError, "x")), web(rolloutCondition(v1alpha1.RolloutConditionInvalidSpec, metav1.ConditionTrue, "spec.selector: missing")),
			needs(ReasonInvalidSpec, "Rollout web: spec.selector: missing; correct the field in git", minute)},
		{"a Rollout that was invalid", shop(), web(func(ro *v1alpha1.Rollout) {
			ro.Status.Phase = v1alpha1.RolloutProgressing
			rolloutCondition(v1alpha1.RolloutConditionInvalidSpec, metav1.ConditionFalse, "x")(ro)
		}), Attention{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := AttentionOf(c.app, c.rollouts, noon)
			if got == nil {
				got = &Attention{}
			}
			checkSaid(t, got.Message, got.Said)
			got.Said = nil
			if *got != c.want {
				t.Errorf("got  %+v\nwant %+v", *got, c.want)
			}
		})
	}
}

// One reason is chosen of several that hold: what is broken before what waits for somebody, that before what passes by
// itself, and what goes on for long at last.
func TestWhichReasonIsChosen(t *testing.T) {
	all := []struct {
		want  Reason
		app   func(*v1alpha1.Application)
		about func(*v1alpha1.Rollout)
	}{
		{ReasonInvalidSpec, withCondition(v1alpha1.ConditionInvalidSpecError, "x"), nil},
		{ReasonInvalidSpec, nil, rolloutCondition(v1alpha1.RolloutConditionInvalidSpec, metav1.ConditionTrue, "x")},
		{ReasonFailed, withCondition(v1alpha1.ConditionSyncError, "x"), nil},
		{ReasonFailed, withOperation(v1alpha1.OperationFailed, "x"), nil},
		{ReasonFailed, nil, func(ro *v1alpha1.Rollout) { ro.Status.Abort = true }},
		{ReasonFailed, withCondition(v1alpha1.ConditionComparisonError, "not YAML"), nil},
		{ReasonDegraded, nil, func(ro *v1alpha1.Rollout) { ro.Status.Phase = v1alpha1.RolloutDegraded }},
		{ReasonDegraded, withHealth(v1alpha1.HealthDegraded, "crashes", time.Minute), nil},
		{ReasonAwaitingPromotion, nil, waiting},
		{ReasonPaused, nil, func(ro *v1alpha1.Rollout) { ro.Spec.Paused = true }},
		{ReasonUnreachable, withCondition(v1alpha1.ConditionComparisonError, "no answer; tried again by itself"), nil},
		{ReasonStuck, func(a *v1alpha1.Application) { a.DeletionTimestamp = at(time.Hour) }, nil},
	}
	for i, first := range all {
		for _, second := range all[i:] {
			app, rollouts := shop(), web(func(ro *v1alpha1.Rollout) { ro.Status.Phase = v1alpha1.RolloutProgressing })
			for _, of := range []func(*v1alpha1.Application){second.app, first.app} {
				if of != nil {
					of(app)
				}
			}
			for _, of := range []func(*v1alpha1.Rollout){second.about, first.about} {
				if of != nil {
					of(rollouts[1])
				}
			}
			want := first.want
			if want == ReasonAwaitingPromotion && rollouts[1].Spec.Paused {
				want = ReasonPaused
			}
			if got := AttentionOf(app, rollouts, noon); got == nil || got.Reason != want {
				t.Errorf("%s with %s: got %+v", first.want, second.want, got)
			}
		}
	}
}

// A Rollout that waits is not degraded, whatever the status of its Application has of it still.
func TestARolloutThatWaitsIsNotDegraded(t *testing.T) {
	degraded := func(more ...v1alpha1.ResourceStatus) *v1alpha1.Application {
		return shop(func(a *v1alpha1.Application) {
			a.Status.Health.Status = v1alpha1.HealthDegraded
			a.Status.Resources = append([]v1alpha1.ResourceStatus{{Group: "argoproj.io", Kind: "Rollout", Namespace: "shop", Name: "web", Health: &v1alpha1.HealthStatus{Status: v1alpha1.HealthDegraded, Message: "no progress"}}}, more...)
		})
	}
	job := v1alpha1.ResourceStatus{Group: "batch", Kind: "Job", Name: "migrate", Health: &v1alpha1.HealthStatus{Status: v1alpha1.HealthDegraded, Message: "exit 1"}}
	other := v1alpha1.ResourceStatus{Group: "other.io", Kind: "Rollout", Namespace: "shop", Name: "web", Health: job.Health}
	as := func(phase v1alpha1.RolloutPhase) []*v1alpha1.Rollout {
		return web(func(ro *v1alpha1.Rollout) { waiting(ro); ro.Status.Phase = phase })
	}
	for _, c := range []struct {
		rule     string
		app      *v1alpha1.Application
		rollouts []*v1alpha1.Rollout
		want     string
	}{
		{"one that waits", degraded(), as(v1alpha1.RolloutPaused), "AwaitingPromotion Rollout web"},
		{"one that waits, beside something that is degraded", degraded(job), as(v1alpha1.RolloutPaused), "Degraded Job migrate"},
		{"one that waits, beside several that are degraded", degraded(job, other), as(v1alpha1.RolloutPaused), "Degraded Job migrate"},
		{"what is called so in another group", degraded(other), as(v1alpha1.RolloutPaused), "Degraded Rollout web"},
		{"one that is degraded", degraded(), as(v1alpha1.RolloutDegraded), "Degraded Rollout web"},
		{"one that goes on, as the status has it", degraded(), as(v1alpha1.RolloutProgressing), "Degraded Rollout web"},
		{"one of which nothing is known, as in another cluster", degraded(), nil, "Degraded Rollout web"},
	} {
		got := AttentionOf(c.app, c.rollouts, noon)
		if subject, _, _ := strings.Cut(got.Message, ": "); string(got.Reason)+" "+subject != c.want {
			t.Errorf("%s: got %s %s, want %s", c.rule, got.Reason, got.Message, c.want)
		}
	}
}

// What this room says has its template beside it, for other languages; what others have said with a remedy has none.
func TestReasonsHaveTheirTemplates(t *testing.T) {
	deleted := shop(func(a *v1alpha1.Application) { a.DeletionTimestamp = at(time.Hour) })
	for _, c := range []struct {
		app      *v1alpha1.Application
		rollouts []*v1alpha1.Rollout
		want     string
	}{
		{deleted, nil, "attention.deletion"},
		{shop(), web(func(ro *v1alpha1.Rollout) { ro.Status.Abort = true }), "attention.aborted"},
		{shop(withCondition(v1alpha1.ConditionSyncError, "no")), nil, "cause.SyncError"},
		{shop(withCondition(v1alpha1.ConditionSyncError, "no; correct it")), nil, ""},
	} {
		got, code := AttentionOf(c.app, c.rollouts, noon), ""
		if got.Said != nil {
			code = got.Said.Code
		}
		if code != c.want {
			t.Errorf("%s: got template %q, want %q", got.Message, code, c.want)
		}
	}
}

// An object is named by a kind, which has a capital, and a name.
func TestWhatNamesAnObject(t *testing.T) {
	for text, want := range map[string]bool{
		"Service web": true, "APIService v1": true, "ZooKeeper main": true,
		"": false, "Service": false, "Service ": false, " web": false, "service web": false, "Service web now": false, "@x web": false, "[x web": false,
	} {
		if got := namesObject(text); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

// A text that others write without end is shown in part, and stays valid.
func TestLongTextsAreCut(t *testing.T) {
	got := AttentionOf(shop(withCondition(v1alpha1.ConditionSyncError, strings.Repeat("é", longestText))), nil, noon).Message
	if len(got) > longestText+len("…") || !strings.HasSuffix(got, "é…; correct it in git, or sync again") {
		t.Errorf("got %d bytes, ending in %q", len(got), got[len(got)-8:])
	}
	if exact := strings.Repeat("x", longestText); shortened(exact) != exact {
		t.Error("a text of the greatest length is cut")
	}
}
