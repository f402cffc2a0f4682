package operation_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

const (
	oldSHA = "1111111111111111111111111111111111111111"
	newSHA = "2222222222222222222222222222222222222222"
)

// look is an Application and what was observed of it.
type look struct {
	app  *v1alpha1.Application
	seen operation.Observation
}

// outOfSync is an automated Application that differs from git in one object of two, and was never synced.
func outOfSync() *look {
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: "https://git.example/shop", Path: "k8s", TargetRevision: "main"}
	app.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.AutomatedSync{}, SyncOptions: []string{"PruneLast=true"}}
	return &look{app, operation.Observation{Now: noon, Revision: newSHA, Source: *app.Spec.Source, Compared: true, Plan: plan.Plan{Status: v1alpha1.OutOfSync, Resources: []plan.Resource{
		{Key: plan.Key{Group: "g", Kind: "ConfigMap", Namespace: "d", Name: "a"}, Status: v1alpha1.OutOfSync},
		{Key: plan.Key{Kind: "ConfigMap", Namespace: "d", Name: "b"}, Status: v1alpha1.Synced},
	}}}}
}

// last is how the last operation has ended, and how long ago.
func (l *look) last(sha string, phase v1alpha1.OperationPhase, ago time.Duration) *v1alpha1.OperationState {
	finished := metav1.NewTime(noon.Add(-ago))
	source := *l.app.Spec.Source
	source.TargetRevision = "v1"
	l.app.Status.OperationState = &v1alpha1.OperationState{
		Phase: phase, FinishedAt: &finished, Operation: v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{Revision: sha}},
		SyncResult: &v1alpha1.SyncOperationResult{Revision: sha, Source: source},
	}
	return l.app.Status.OperationState
}

// pin has a person have rolled back a commit.
func (l *look) pin(sha string) {
	l.app.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: sha}
}

// found has everything be as git wants it, and objects applied last at a time.
func (l *look) found(applied time.Time) {
	l.seen.Plan.Status, l.seen.Manifests, l.seen.Applied = v1alpha1.Synced, "wanted", applied
	for i := range l.seen.Plan.Resources {
		l.seen.Plan.Resources[i].Status = v1alpha1.Synced
	}
}

func (l *look) heals() { l.app.Spec.SyncPolicy.Automated.SelfHeal = new(true) }

// pruning is an object that git no longer has.
func pruning(name string) plan.Resource {
	return plan.Resource{Key: plan.Key{Kind: "Secret", Namespace: "d", Name: name}, Status: v1alpha1.OutOfSync, RequiresPruning: true}
}

// TestAutomate: when automation begins a sync, of what, and when it decides again.
func TestAutomate(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*look)
		// starts names the objects of a sync that is limited; "all" for one that is not; "" when nothing starts.
		starts, why string
		// at is when to decide again, after noon; 0 when only a change can bring it about.
		at time.Duration
		// condition is what people are told; "" for nothing.
		condition string
	}{
		{name: "a first commit", set: func(*look) {}, starts: "all", why: "git has changed"},
		{name: "policy: none", set: func(l *look) { l.app.Spec.SyncPolicy = nil }, why: "off"},
		{name: "policy: without automation", set: func(l *look) { l.app.Spec.SyncPolicy.Automated = nil }, why: "off"},
		{name: "policy: disabled", set: func(l *look) { no := false; l.app.Spec.SyncPolicy.Automated.Enabled = &no }, why: "off"},
		{name: "policy: enabled by name", set: func(l *look) { yes := true; l.app.Spec.SyncPolicy.Automated.Enabled = &yes }, starts: "all", why: "git has changed"},
		{name: "in sync", set: func(l *look) { l.seen.Plan.Status = v1alpha1.Synced }, why: "in sync"},
		{name: "in sync by a sync of which nothing is recorded", set: func(l *look) { l.found(noon) }, starts: "all", why: "nothing is recorded"},
		{name: "in sync by others", set: func(l *look) { l.found(time.Time{}) }, why: "in sync"},
		{name: "in sync, and it is not known what git wants", set: func(l *look) { l.found(noon); l.seen.Manifests = "" }, why: "in sync"},
		{name: "in sync by the last sync", set: func(l *look) {
			l.found(noon)
			l.last(newSHA, v1alpha1.OperationSucceeded, time.Minute).SyncResult.Manifests = "wanted"
		}, why: "in sync"},
		{name: "in sync by more than a sync that failed", set: func(l *look) {
			l.found(noon)
			l.last(newSHA, v1alpha1.OperationFailed, time.Minute).SyncResult.Manifests = "wanted"
		}, starts: "all", why: "nothing is recorded"},
		{name: "in sync by others, after a sync that failed", set: func(l *look) {
			l.found(noon.Add(-time.Minute))
			l.last(newSHA, v1alpha1.OperationFailed, time.Minute).SyncResult.Manifests = "wanted"
		}, why: "in sync"},
		{name: "in sync with a newer commit by a sync of which nothing is recorded", set: func(l *look) {
			l.found(noon)
			l.last(oldSHA, v1alpha1.OperationSucceeded, time.Minute).SyncResult.Manifests = "before"
		}, starts: "all", why: "nothing is recorded"},
		{name: "in sync with a newer commit by others", set: func(l *look) {
			l.found(noon.Add(-time.Hour))
			l.last(oldSHA, v1alpha1.OperationSucceeded, time.Minute).SyncResult.Manifests = "before"
		}, why: "in sync"},
		{name: "in sync by a sync that has not ended on record", set: func(l *look) {
			l.found(noon)
			l.last(oldSHA, v1alpha1.OperationSucceeded, time.Minute).FinishedAt = nil
		}, why: "in sync"},
		{name: "in sync by an unrecorded sync, and held back by a window", set: func(l *look) { l.found(noon); l.seen.ToAutomation = project.Denial{Reason: "shut"} }, why: "shut"},
		{name: "unknown, though objects were applied", set: func(l *look) { l.found(noon); l.seen.Plan.Status = v1alpha1.SyncUnknown }, why: "in sync"},
		{name: "being deleted", set: func(l *look) { l.app.DeletionTimestamp = &metav1.Time{Time: noon} }, why: "deleted"},
		{name: "git: a newer commit", set: func(l *look) { l.last(oldSHA, v1alpha1.OperationSucceeded, 0) }, starts: "all", why: "git has changed"},
		{name: "git: a newer commit after a failure is not held up by it", set: func(l *look) { l.last(oldSHA, v1alpha1.OperationFailed, 0) }, starts: "all", why: "git has changed"},
		{name: "git: another path", set: func(l *look) { l.last(newSHA, v1alpha1.OperationSucceeded, 0); l.app.Spec.Source.Path = "other" }, starts: "all", why: "git has changed"},
		{name: "git: another name of the same revision is no change", set: func(l *look) {
			l.last(newSHA, v1alpha1.OperationSucceeded, time.Hour)
			l.app.Spec.Source.TargetRevision = "other"
		}, why: "selfHeal is off"},
		{name: "git: empty fields of a source are none", set: func(l *look) {
			l.last(newSHA, v1alpha1.OperationSucceeded, time.Hour).SyncResult.Source.Kustomize = &v1alpha1.KustomizeSource{}
			l.app.Spec.Source.Kustomize = &v1alpha1.KustomizeSource{CommonLabels: map[string]string{}}
		}, why: "selfHeal is off"},
		{name: "git: the source stands among sources", set: func(l *look) {
			l.last(newSHA, v1alpha1.OperationSucceeded, time.Hour)
			l.app.Spec.Sources, l.app.Spec.Source = []v1alpha1.ApplicationSource{*l.app.Spec.Source}, nil
		}, why: "selfHeal is off"},
		{name: "git: of several sources none was synced by itself", set: func(l *look) {
			l.last(newSHA, v1alpha1.OperationSucceeded, time.Hour).SyncResult.Source = v1alpha1.ApplicationSource{}
			l.app.Spec.Sources, l.app.Spec.Source = []v1alpha1.ApplicationSource{*l.app.Spec.Source, *l.app.Spec.Source}, nil
		}, starts: "all", why: "git has changed"},
		{name: "git: an operation that was no sync tells nothing", set: func(l *look) { l.last(newSHA, v1alpha1.OperationSucceeded, time.Hour).Operation.Sync = nil }, starts: "all", why: "git has changed"},
		{name: "git: an operation without a result tells nothing", set: func(l *look) { l.last(newSHA, v1alpha1.OperationSucceeded, time.Hour).SyncResult = nil }, starts: "all", why: "git has changed"},
		{name: "git: an operation that has not finished tells nothing", set: func(l *look) { l.last(newSHA, v1alpha1.OperationSucceeded, time.Hour).FinishedAt = nil }, starts: "all", why: "git has changed"},
		{name: "drift: nobody heals", set: func(l *look) { l.last(newSHA, v1alpha1.OperationSucceeded, time.Hour) }, why: "commit 2222222: synced already, and selfHeal is off"},
		{name: "drift: healed", set: func(l *look) { l.last(newSHA, v1alpha1.OperationSucceeded, time.Hour); l.heals() }, starts: "g/ConfigMap/d/a", why: "cluster has changed"},
		{name: "drift: comes back at once", set: func(l *look) { l.last(newSHA, v1alpha1.OperationSucceeded, 300*time.Millisecond); l.heals() }, why: "just now", at: 700 * time.Millisecond},
		{name: "drift: at the very second", set: func(l *look) { l.last(newSHA, v1alpha1.OperationSucceeded, time.Second); l.heals() }, starts: "g/ConfigMap/d/a", why: "cluster has changed"},
		{name: "drift: another Application took it", set: func(l *look) {
			l.last(newSHA, v1alpha1.OperationSucceeded, time.Hour)
			l.heals()
			l.seen.Plan.Resources[0].SharedWith = "other"
		}, why: "another Application"},
		{name: "drift: what needs pruning is left without prune", set: func(l *look) {
			l.last(newSHA, v1alpha1.OperationSucceeded, time.Hour)
			l.heals()
			l.seen.Plan.Resources = append(l.seen.Plan.Resources, pruning("x"))
		}, starts: "g/ConfigMap/d/a", why: "cluster has changed"},
		{name: "drift: what needs pruning is healed with prune", set: func(l *look) {
			l.last(newSHA, v1alpha1.OperationSucceeded, time.Hour)
			l.heals()
			l.app.Spec.SyncPolicy.Automated.Prune = new(true)
			l.seen.Plan.Resources = append(l.seen.Plan.Resources, pruning("x"))
		}, starts: "g/ConfigMap/d/a /Secret/d/x", why: "cluster has changed"},
		{name: "failure: just now", set: func(l *look) { l.last(newSHA, v1alpha1.OperationFailed, time.Second) }, why: "failed", at: 4 * time.Second},
		{name: "failure: an error counts as one", set: func(l *look) { l.last(newSHA, v1alpha1.OperationError, time.Second) }, why: "failed", at: 4 * time.Second},
		{name: "failure: at the end of its wait", set: func(l *look) { l.last(newSHA, v1alpha1.OperationFailed, 5*time.Second) }, starts: "all", why: "trying again"},
		{name: "failure: by a clock that is ahead", set: func(l *look) { l.last(newSHA, v1alpha1.OperationFailed, -time.Minute) }, why: "failed", at: 65 * time.Second},
		{name: "failure: an end that lies ahead is waited for by nobody", set: func(l *look) { l.last(newSHA, v1alpha1.OperationFailed, -time.Minute-time.Nanosecond) }, starts: "all", why: "trying again"},
		{name: "drift: nor by a heal", set: func(l *look) { l.last(newSHA, v1alpha1.OperationSucceeded, -1000*time.Hour); l.heals() }, starts: "g/ConfigMap/d/a", why: "cluster has changed"},
		{name: "failure: the second waits longer", set: func(l *look) {
			l.last(newSHA, v1alpha1.OperationFailed, time.Second).Operation.Sync.AutoHealAttemptsCount = 1
		}, why: "failed", at: 9 * time.Second},
		{name: "failure: the tenth waits as long as any", set: func(l *look) {
			l.last(newSHA, v1alpha1.OperationFailed, time.Minute).Operation.Sync.AutoHealAttemptsCount = 9
		}, why: "failed", at: 2 * time.Minute},
		{name: "failure: the spec's own backoff", set: func(l *look) {
			l.last(newSHA, v1alpha1.OperationFailed, time.Second)
			l.app.Spec.SyncPolicy.Retry = &v1alpha1.RetryStrategy{Backoff: &v1alpha1.RetryBackoff{Duration: "1m"}}
		}, why: "failed", at: 59 * time.Second},
		{name: "prune: only pruning is left and automation does not prune", set: func(l *look) { l.seen.Plan.Resources = []plan.Resource{pruning("x")} }, why: "needs pruning"},
		{name: "prune: only pruning is left beside what is in sync", set: func(l *look) {
			l.seen.Plan.Resources = []plan.Resource{{Key: plan.Key{Kind: "ConfigMap", Namespace: "d", Name: "a"}, Status: v1alpha1.Synced}, pruning("x")}
		}, why: "needs pruning"},
		{name: "prune: only pruning is left and automation prunes", set: func(l *look) {
			l.seen.Plan.Resources = []plan.Resource{pruning("x")}
			l.app.Spec.SyncPolicy.Automated.Prune = new(true)
		}, starts: "all", why: "git has changed"},
		{name: "prune: not everything", set: func(l *look) { l.app.Spec.SyncPolicy.Automated.Prune, l.seen.Plan.LeavesNothing = new(true), true },
			why: "refusing to prune everything", condition: "allowEmpty"},
		{name: "prune: nothing is refused without prune", set: func(l *look) { l.seen.Plan.LeavesNothing = true }, starts: "all", why: "git has changed"},
		{name: "prune: everything where that is meant", set: func(l *look) {
			l.app.Spec.SyncPolicy.Automated.Prune, l.app.Spec.SyncPolicy.Automated.AllowEmpty, l.seen.Plan.LeavesNothing = new(true), new(true), true
		}, starts: "all", why: "git has changed"},
		{name: "pin: the commit that was rolled back", set: func(l *look) { l.app.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: newSHA} },
			why: "commit 2222222: rolled back by a person", condition: "commit 2222222: rolled back"},
		{name: "pin: the commit after it", set: func(l *look) { l.app.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: oldSHA} }, starts: "all", why: "git has changed"},
		{name: "pin: a later commit that changes nothing of it", set: func(l *look) {
			l.pin(oldSHA)
			l.seen.Manifests, l.seen.RolledBack.Manifests = "same", "same"
		}, why: "commit 2222222: changes nothing of commit 1111111", condition: "commit 2222222: changes nothing of commit 1111111, which a person rolled back; push a commit that changes it"},
		{name: "pin: a later commit that changes it", set: func(l *look) {
			l.pin(oldSHA)
			l.seen.Manifests, l.seen.RolledBack.Manifests = "mended", "bad"
		}, starts: "all", why: "git has changed"},
		{name: "pin: a commit that can't be told from it", set: func(l *look) { l.pin(oldSHA); l.seen.RolledBack.Manifests = "" }, starts: "all", why: "git has changed"},
		{name: "pin: not known yet what it held", set: func(l *look) {
			l.pin(oldSHA)
			l.seen.Manifests, l.seen.RolledBack.Pending = "mended", true
		}, why: "not known yet", at: 10 * time.Second},
		{name: "pin: none, whatever is said of it", set: func(l *look) {
			l.seen.Manifests, l.seen.RolledBack = "same", operation.RolledBack{Manifests: "same", Pending: true}
		}, starts: "all", why: "git has changed"},
		{name: "pin: an empty one pins nothing", set: func(l *look) {
			l.app.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: ""}
			l.seen.Revision = ""
		}, starts: "all", why: "git has changed"},
		{name: "window: shut", set: func(l *look) {
			l.seen.ToAutomation = project.Denial{Reason: "no allow window is open", Until: noon.Add(time.Hour)}
		}, why: "window", at: time.Hour},
		{name: "window: shut to people", set: func(l *look) { l.seen.ToPeople = project.Denial{Reason: "no allow window is open"} }, starts: "all", why: "git has changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := outOfSync()
			c.set(l)
			got := operation.Automate(l.app, l.seen)
			if starts := names(got.Start); starts != c.starts {
				t.Errorf("starts: got %q, want %q", starts, c.starts)
			}
			if !strings.Contains(got.Why, c.why) {
				t.Errorf("why: got %q, want %q", got.Why, c.why)
			}
			if (c.condition == "") != (got.Condition == "") || !strings.Contains(got.Condition, c.condition) {
				t.Errorf("condition: got %q, want %q", got.Condition, c.condition)
			}
			if c.at == 0 && !got.At.IsZero() || c.at > 0 && !got.At.Equal(noon.Add(c.at)) {
				t.Errorf("decides again: got %s, want %s after noon", got.At, c.at)
			}
		})
	}
}

// names are the objects of a sync.
func names(op *v1alpha1.Operation) string {
	if op == nil {
		return ""
	}
	var all []string
	for _, r := range op.Sync.Resources {
		all = append(all, strings.Join([]string{r.Group, r.Kind, r.Namespace, r.Name}, "/"))
	}
	if len(all) == 0 {
		return "all"
	}
	return strings.Join(all, " ")
}

// TestAutomatedOperation: an operation of automation's own says all that it is to be carried out by.
func TestAutomatedOperation(t *testing.T) {
	l := outOfSync()
	op := operation.Automate(l.app, l.seen).Start
	if op.Sync.Revision != newSHA || op.Sync.Prune || len(op.Sync.SyncOptions) != 1 || op.Sync.SyncOptions[0] != "PruneLast=true" || !op.InitiatedBy.Automated || op.Retry.Limit != 5 {
		t.Errorf("got %+v of %+v; want the commit, the Application's options, automation and 5 tries", op, op.Sync)
	}
	l.app.Spec.SyncPolicy.Automated.Prune = new(true)
	l.app.Spec.SyncPolicy.Retry = &v1alpha1.RetryStrategy{Limit: 1}
	if op = operation.Automate(l.app, l.seen).Start; !op.Sync.Prune || op.Retry.Limit != 1 {
		t.Errorf("got prune %v, %d tries; want the policy's own", op.Sync.Prune, op.Retry.Limit)
	}
	l.last(newSHA, v1alpha1.OperationFailed, time.Hour).Operation.Sync.AutoHealAttemptsCount = 3
	if op = operation.Automate(l.app, l.seen).Start; op.Sync.AutoHealAttemptsCount != 4 {
		t.Errorf("got attempt %d, want 4", op.Sync.AutoHealAttemptsCount)
	}
}

// TestBackoff: the wait grows by the factor, up to the longest one, whatever the numbers are.
// TestCheckRetry: a wait that is none is named, with the one that is taken.
func TestCheckRetry(t *testing.T) {
	for _, c := range []struct {
		name  string
		retry *v1alpha1.RetryStrategy
		want  string
	}{
		{"no strategy", nil, ""},
		{"no backoff", &v1alpha1.RetryStrategy{Limit: 2}, ""},
		{"none given", &v1alpha1.RetryStrategy{Backoff: &v1alpha1.RetryBackoff{}}, ""},
		{"times", &v1alpha1.RetryStrategy{Backoff: &v1alpha1.RetryBackoff{Duration: "5", MaxDuration: "1h30m"}}, ""},
		{"none", &v1alpha1.RetryStrategy{Backoff: &v1alpha1.RetryBackoff{Duration: "5 s", MaxDuration: "1d"}},
			`spec.syncPolicy.retry.backoff.duration: "5 s" is not a time, 5s is taken; write one such as 30s, ` +
				`spec.syncPolicy.retry.backoff.maxDuration: "1d" is not a time, 3m0s is taken; write one such as 30s`},
		{"nothing, and less", &v1alpha1.RetryStrategy{Backoff: &v1alpha1.RetryBackoff{Duration: "0s", MaxDuration: "-1"}},
			`spec.syncPolicy.retry.backoff.duration: "0s" is not a time, 5s is taken; write one such as 30s, ` +
				`spec.syncPolicy.retry.backoff.maxDuration: "-1" is not a time, 3m0s is taken; write one such as 30s`},
	} {
		if got := strings.Join(operation.CheckRetry(c.retry), ", "); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestBackoff(t *testing.T) {
	backoff := func(duration string, factor int64, most string) *v1alpha1.RetryStrategy {
		return &v1alpha1.RetryStrategy{Backoff: &v1alpha1.RetryBackoff{Duration: duration, Factor: &factor, MaxDuration: most}}
	}
	for _, c := range []struct {
		name  string
		retry *v1alpha1.RetryStrategy
		n     int64
		want  time.Duration
	}{
		{"no strategy, the first", nil, 1, 5 * time.Second},
		{"no strategy, the third", nil, 3, 20 * time.Second},
		{"no strategy, the thousandth", nil, 1000, 3 * time.Minute},
		{"no backoff", &v1alpha1.RetryStrategy{Limit: 3}, 2, 10 * time.Second},
		{"own numbers, the first", backoff("1s", 3, "10s"), 1, time.Second},
		{"own numbers, the second", backoff("1s", 3, "10s"), 2, 3 * time.Second},
		{"own numbers, the third", backoff("1s", 3, "10s"), 3, 9 * time.Second},
		{"own numbers, the fourth is cut", backoff("1s", 3, "10s"), 4, 10 * time.Second},
		{"exactly the longest", backoff("1s", 3, "9s"), 3, 9 * time.Second},
		{"the first is cut as well", backoff("1m", 3, "10s"), 1, 10 * time.Second},
		{"a factor of one", backoff("1s", 1, "10s"), 9e18, time.Second},
		{"a factor of one, cut", backoff("1m", 1, "10s"), 5, 10 * time.Second},
		{"a factor of zero is the usual one", backoff("1s", 0, "10s"), 2, 2 * time.Second},
		{"a factor below zero is the usual one", backoff("1s", -4, "10s"), 2, 2 * time.Second},
		{"a factor beyond all bounds", backoff("1s", 1<<62, "10s"), 2, 10 * time.Second},
		{"the next would be just beyond the longest", backoff("3ns", 3, "10ns"), 2, 9 * time.Nanosecond},
		{"a product beyond all bounds that would be short again", backoff("2h30m", 1<<61+1, "3h"), 2, 3 * time.Hour},
		{"a product beyond all bounds that would lie below zero", backoff("2h30m", 1<<20+1, "2540400h"), 2, 2540400 * time.Hour},
		{"a number of tries beyond all bounds", backoff("1ns", 2, "2540400h"), 9e18, 2540400 * time.Hour},
		{"numbers alone are seconds", backoff("7", 2, "10"), 1, 7 * time.Second},
		{"numbers alone are seconds, cut", backoff("7", 2, "10"), 2, 10 * time.Second},
		{"a duration that is none", backoff("nonsense", 2, "nonsense"), 1, 5 * time.Second},
		{"a duration of zero", backoff("0s", 2, "0s"), 1, 5 * time.Second},
		{"a duration below zero", backoff("-1s", 2, "-1s"), 7, 3 * time.Minute},
		{"no try at all", nil, 0, 5 * time.Second},
	} {
		if got := operation.Backoff(c.retry, c.n); got != c.want {
			t.Errorf("%s: try %d: got %s, want %s", c.name, c.n, got, c.want)
		}
	}
}
