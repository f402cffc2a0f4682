package plan_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

const (
	oldSHA = "1111111111111111111111111111111111111111"
	newSHA = "2222222222222222222222222222222222222222"
)

// comparison is an Application that is OutOfSync by one object, with a newer commit than was synced last.
func comparison() plan.Comparison {
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: "https://git.example/shop", Path: "k8s"}
	app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.AutomatedSync{}}
	return plan.Comparison{App: app, Revision: newSHA, Plan: plan.Plan{Status: v1alpha1.OutOfSync, Resources: []plan.Resource{
		{Key: plan.Key{Kind: "ConfigMap", Namespace: "d", Name: "a"}, Status: v1alpha1.OutOfSync},
		{Key: plan.Key{Kind: "ConfigMap", Namespace: "d", Name: "b"}, Status: v1alpha1.Synced},
	}}}
}

// last says how the last operation went.
func last(c *plan.Comparison, sha string, phase v1alpha1.OperationPhase, ago time.Duration) {
	finished := metav1.NewTime(noon.Add(-ago))
	c.App.Status.OperationState = &v1alpha1.OperationState{
		Phase: phase, FinishedAt: &finished, Operation: v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Revision: sha}},
		SyncResult: &v1alpha1.SyncOperationResult{Revision: sha, Source: *c.App.Spec.Source},
	}
}

func TestAutomate(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*plan.Comparison)
		// starts names the objects of a partial sync; "all" of a whole one; "" when nothing starts.
		starts, why string
		at          time.Duration
	}{
		{"a first commit", func(*plan.Comparison) {}, "all", "git has changed", 0},
		{"without a policy", func(c *plan.Comparison) { c.App.Spec.SyncPolicy = nil }, "", "off", 0},
		{"switched off", func(c *plan.Comparison) { no := false; c.App.Spec.SyncPolicy.Automated.Enabled = &no }, "", "off", 0},
		{"in sync", func(c *plan.Comparison) { c.Plan.Status = v1alpha1.Synced }, "", "in sync", 0},
		{"being deleted", func(c *plan.Comparison) { c.App.DeletionTimestamp = &metav1.Time{Time: noon} }, "", "deleted", 0},
		{"a newer commit", func(c *plan.Comparison) { last(c, oldSHA, v1alpha1.OperationSucceeded, 0) }, "all", "git has changed", 0},
		{"a newer commit after a failure", func(c *plan.Comparison) { last(c, oldSHA, v1alpha1.OperationFailed, 0) }, "all", "git has changed", 0},
		{"a source that changed", func(c *plan.Comparison) {
			last(c, newSHA, v1alpha1.OperationSucceeded, 0)
			c.App.Spec.Source.Path = "other"
		}, "all", "git has changed", 0},
		{"drift, and nobody heals", func(c *plan.Comparison) { last(c, newSHA, v1alpha1.OperationSucceeded, time.Hour) }, "", "selfHeal is off", 0},
		{"drift that is healed", func(c *plan.Comparison) {
			last(c, newSHA, v1alpha1.OperationSucceeded, time.Hour)
			c.App.Spec.SyncPolicy.Automated.SelfHeal = true
		}, "a", "cluster has changed", 0},
		{"drift that comes back at once", func(c *plan.Comparison) {
			last(c, newSHA, v1alpha1.OperationSucceeded, 300*time.Millisecond)
			c.App.Spec.SyncPolicy.Automated.SelfHeal = true
		}, "", "just now", 700 * time.Millisecond},
		{"drift of what another Application took", func(c *plan.Comparison) {
			last(c, newSHA, v1alpha1.OperationSucceeded, time.Hour)
			c.App.Spec.SyncPolicy.Automated.SelfHeal = true
			c.Plan.Resources[0].SharedWith = "other"
		}, "", "another Application", 0},
		{"a failure just now", func(c *plan.Comparison) { last(c, newSHA, v1alpha1.OperationFailed, time.Second) }, "", "failed", 4 * time.Second},
		{"a failure some time ago", func(c *plan.Comparison) { last(c, newSHA, v1alpha1.OperationFailed, 6*time.Second) }, "all", "trying again", 0},
		{"the tenth failure", func(c *plan.Comparison) {
			last(c, newSHA, v1alpha1.OperationFailed, time.Minute)
			c.App.Status.OperationState.Operation.Sync.AutoHealAttemptsCount = 9
		}, "", "failed", 2 * time.Minute},
		{"only pruning is left", func(c *plan.Comparison) { c.Plan.Resources[0].RequiresPruning = true }, "", "needs pruning", 0},
		{"everything would go", func(c *plan.Comparison) {
			c.App.Spec.SyncPolicy.Automated.Prune = true
			c.Plan.LeavesNothing = true
		}, "", "refusing to prune everything", 0},
		{"everything may go", func(c *plan.Comparison) {
			c.App.Spec.SyncPolicy.Automated.Prune, c.App.Spec.SyncPolicy.Automated.AllowEmpty = true, true
			c.Plan.LeavesNothing = true
		}, "all", "git has changed", 0},
		{"a commit that was rolled back", func(c *plan.Comparison) {
			c.App.Annotations = map[string]string{plan.RollbackPinAnnotation: newSHA}
		}, "", "rolled back", 0},
		{"a commit after the one that was rolled back", func(c *plan.Comparison) {
			c.App.Annotations = map[string]string{plan.RollbackPinAnnotation: oldSHA}
		}, "all", "git has changed", 0},
		{"a window that is shut", func(c *plan.Comparison) {
			c.Denied, c.DeniedUntil = "no allow window is open", noon.Add(time.Hour)
		}, "", "window", time.Hour},
		{"a person's operation", func(c *plan.Comparison) {
			c.App.Operation = &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Revision: oldSHA}}
		}, "", "an operation is running", 0},
		{"the same commit is being synced", func(c *plan.Comparison) {
			c.App.Operation = &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Revision: newSHA}, InitiatedBy: v1alpha1.OperationInitiator{Automated: true}}
		}, "", "an operation is running", 0},
		{"an older commit is being synced", func(c *plan.Comparison) {
			c.App.Operation = &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Revision: oldSHA}, InitiatedBy: v1alpha1.OperationInitiator{Automated: true}}
		}, "superseded", "newer", 0},
	} {
		input := comparison()
		c.set(&input)
		got := plan.Automate(input, noon)
		if starts := started(got); starts != c.starts || !strings.Contains(got.Why, c.why) {
			t.Errorf("%s: starts %q because %q", c.name, starts, got.Why)
		}
		if at := got.At; c.at == 0 && !at.IsZero() || c.at > 0 && !at.Equal(noon.Add(c.at)) {
			t.Errorf("%s: decides again at %s", c.name, at)
		}
	}
}

func started(a plan.Automation) string {
	if a.Supersede {
		return "superseded"
	}
	if a.Start == nil {
		return ""
	}
	var names []string
	for _, r := range a.Start.Sync.Resources {
		names = append(names, r.Name)
	}
	if len(names) == 0 {
		return "all"
	}
	return strings.Join(names, " ")
}

func TestRetry(t *testing.T) {
	factor := int64(3)
	quick := &v1alpha1.RetryStrategy{Limit: 2, Backoff: &v1alpha1.RetryBackoff{Duration: "1s", Factor: &factor, MaxDuration: "10s"}}
	for _, c := range []struct {
		retry *v1alpha1.RetryStrategy
		n     int64
		want  time.Duration
	}{
		{nil, 1, 5 * time.Second}, {nil, 3, 20 * time.Second}, {nil, 1000, 3 * time.Minute},
		{quick, 1, time.Second}, {quick, 2, 3 * time.Second}, {quick, 4, 10 * time.Second},
		{&v1alpha1.RetryStrategy{Backoff: &v1alpha1.RetryBackoff{Duration: "nonsense"}}, 1, 5 * time.Second},
	} {
		if got := plan.Backoff(c.retry, c.n); got != c.want {
			t.Errorf("%v, try %d: %s", c.retry, c.n, got)
		}
	}
	for limit, want := range map[int64]string{0: "no no no", 2: "yes yes no", -1: "yes yes yes"} {
		var got []string
		for tried := range int64(3) {
			state := &v1alpha1.OperationState{RetryCount: tried, Operation: v1alpha1.Operation{Retry: v1alpha1.RetryStrategy{Limit: limit}}}
			at, again := plan.Retry(state, noon)
			got = append(got, map[bool]string{true: "yes", false: "no"}[again])
			if again && !at.After(noon) {
				t.Errorf("limit %d, try %d: at %s", limit, tried, at)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("limit %d: %v", limit, got)
		}
	}
}

// A pin holds until automation has brought another commit, or a person this very one.
func TestLiftsPin(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*v1alpha1.Application)
		want bool
	}{
		{"a newer commit, by itself", func(*v1alpha1.Application) {}, true},
		{"no pin", func(a *v1alpha1.Application) { a.Annotations = nil }, false},
		{"the rollback itself", func(a *v1alpha1.Application) { a.Operation.InitiatedBy.Automated = false }, false},
		{"this very commit, by a person", func(a *v1alpha1.Application) {
			a.Operation.InitiatedBy.Automated = false
			a.Status.OperationState.SyncResult.Revision = oldSHA
		}, true},
		{"a rehearsal", func(a *v1alpha1.Application) { a.Operation.Sync.DryRun = true }, false},
		{"some objects only", func(a *v1alpha1.Application) {
			a.Operation.Sync.Resources = []v1alpha1.SyncOperationResource{{Kind: "Secret"}}
		}, false},
	} {
		app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{plan.RollbackPinAnnotation: oldSHA}}}
		app.Operation = &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{}, InitiatedBy: v1alpha1.OperationInitiator{Automated: true}}
		app.Status.OperationState = &v1alpha1.OperationState{SyncResult: &v1alpha1.SyncOperationResult{Revision: newSHA}}
		c.set(app)
		if got := plan.LiftsPin(app); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
