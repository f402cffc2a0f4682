package operation_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
)

// asked has a person ask for a sync that nobody has begun.
func (l *look) asked() *v1alpha1.Operation {
	l.app.Operation = &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{}, InitiatedBy: v1alpha1.OperationInitiator{Username: "ada"}}
	l.app.Status.OperationState = nil
	return l.app.Operation
}

// running is a sync that a person asked for, half done.
func (l *look) running() *v1alpha1.OperationState {
	op := l.asked()
	l.app.Status.OperationState = &v1alpha1.OperationState{
		Operation: *op.DeepCopy(), Phase: v1alpha1.OperationRunning, StartedAt: metav1.NewTime(noon.Add(-time.Minute)), Message: "waiting",
		SyncResult: &v1alpha1.SyncOperationResult{Revision: newSHA, Source: l.seen.Source, Resources: []*v1alpha1.ResourceResult{{Kind: "ConfigMap", Name: "a"}}},
	}
	return l.app.Status.OperationState
}

// automated makes the running operation automation's own.
func (l *look) automated() *v1alpha1.OperationState {
	state := l.running()
	l.app.Operation.InitiatedBy = v1alpha1.OperationInitiator{Automated: true}
	l.app.Operation.Sync.Revision = newSHA
	state.Operation = *l.app.Operation.DeepCopy()
	return state
}

// tried has an operation wait for its next try since a time ago.
func (l *look) tried(count int64, ago time.Duration) *v1alpha1.OperationState {
	state := l.running()
	at := metav1.NewTime(noon.Add(-ago))
	state.FinishedAt, state.RetryCount, state.Operation.Retry = &at, count, v1alpha1.RetryStrategy{Limit: 3}
	return state
}

// runs adds a hook that the operation has begun, and that still runs as git has it.
func (l *look) runs(kind string, phase v1alpha1.HookType) {
	key := plan.Key{Group: "batch", Kind: kind, Namespace: "d", Name: "migrate"}
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "batch/v1", "kind": kind, "metadata": map[string]any{"name": key.Name, "namespace": key.Namespace}}}
	l.seen.Plan.Tasks = append(l.seen.Plan.Tasks, plan.Task{Key: key, Verb: plan.Hook, Phase: phase, Object: object, Live: object})
	result := &l.app.Status.OperationState.SyncResult.Resources
	*result = append(*result, &v1alpha1.ResourceResult{Group: key.Group, Kind: kind, Namespace: key.Namespace, Name: key.Name, HookType: phase, SyncPhase: phase, HookPhase: v1alpha1.OperationRunning})
}

func (l *look) problem(effect operation.Effect, text string) {
	l.seen.Problems = append(l.seen.Problems, operation.Problem{Condition: "X", Err: errors.New(text), Effect: effect})
}

// TestDecide: what becomes of an operation, by what was seen. A row expects the phase and message of the state
// afterwards, whether the operation stands, whether its plan is carried on, after which time to look again, and the
// events.
func TestDecide(t *testing.T) {
	const none = "none"
	for _, c := range []struct {
		name string
		set  func(*look)
		// phase is none where there is no state.
		phase   v1alpha1.OperationPhase
		message string
		stands  bool
		sync    bool
		after   time.Duration
		events  string
		// problems are those that are added.
		problems string
		// more is checked besides.
		more func(*testing.T, *look, *v1alpha1.Application)
	}{
		// Automation.
		{name: "automation: begins", set: func(*look) {}, phase: v1alpha1.OperationRunning, message: "waiting to start", stands: true, after: operation.RequeueNow,
			events: "Normal OperationStarted Automated sync initiated sync to '2222222'",
			more: func(t *testing.T, _ *look, app *v1alpha1.Application) {
				s := app.Status.OperationState
				if !reflect.DeepEqual(s.Operation, *app.Operation) || s.SyncResult.Revision != newSHA || s.SyncResult.Source.Path != "k8s" || !s.StartedAt.Time.Equal(noon) {
					t.Errorf("state is %+v, of %+v; want the operation, the commit and the source as they were begun at noon", s, s.SyncResult)
				}
			}},
		{name: "automation: begins at a whole second", set: func(l *look) { l.seen.Now = noon.Add(900 * time.Millisecond) }, phase: v1alpha1.OperationRunning, message: "waiting to start", stands: true,
			after: operation.RequeueNow, events: "Normal OperationStarted Automated sync initiated sync to '2222222'",
			more: func(t *testing.T, _ *look, app *v1alpha1.Application) {
				if at := app.Status.OperationState.StartedAt; !at.Time.Equal(noon) {
					t.Errorf("started at %s, want noon", at)
				}
			}},
		{name: "automation: nothing was compared", set: func(l *look) { l.seen.Compared = false }, phase: none},
		{name: "automation: in sync", set: func(l *look) { l.seen.Plan.Status = v1alpha1.Synced }, phase: none},
		{name: "automation: a pin is told of", set: func(l *look) { l.app.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: newSHA} }, phase: none,
			problems: "SyncError: commit 2222222: rolled back by a person; push a commit that changes it, or sync this one yourself"},
		{name: "automation: a pin stands while what was rolled back is git's", set: func(l *look) {
			l.pin(oldSHA)
			l.seen.Plan.Status, l.seen.Manifests, l.seen.RolledBack.Manifests = v1alpha1.Synced, "same", "same"
		}, phase: none, more: pinned(true)},
		{name: "automation: a pin stands while it is not known what it holds", set: func(l *look) {
			l.pin(oldSHA)
			l.seen.Plan.Status, l.seen.RolledBack.Pending = v1alpha1.Synced, true
		}, phase: none, more: pinned(true)},
		{name: "automation: a pin goes when something else of git's is live", set: func(l *look) {
			l.pin(oldSHA)
			l.seen.Plan.Status, l.seen.Manifests, l.seen.RolledBack.Manifests = v1alpha1.Synced, "mended", "bad"
		}, phase: none, more: pinned(false)},
		{name: "automation: a pin stands where nobody syncs by himself", set: func(l *look) {
			l.pin(oldSHA)
			l.app.Spec.SyncPolicy = nil
			l.seen.Plan.Status, l.seen.Manifests, l.seen.RolledBack.Manifests = v1alpha1.Synced, "mended", "bad"
		}, phase: none, more: pinned(true)},
		{name: "automation: a window is waited for", set: func(l *look) { l.seen.ToAutomation = project.Denial{Reason: "shut", Until: noon.Add(time.Hour)} }, phase: none, after: time.Hour},
		{name: "automation: a window without an end", set: func(l *look) { l.seen.ToAutomation = project.Denial{Reason: "shut"} }, phase: none},
		{name: "automation: a window that ends now", set: func(l *look) { l.seen.ToAutomation = project.Denial{Reason: "shut", Until: noon} }, phase: none, after: operation.RequeueNow},
		{name: "automation: a failure is told of while it stands", set: func(l *look) { l.last(newSHA, v1alpha1.OperationFailed, time.Second).Message = "no" }, phase: v1alpha1.OperationFailed, message: "no",
			after: 4 * time.Second, problems: "SyncError: Failed last sync attempt to " + newSHA + ": no"},
		{name: "automation: an error is told of while it stands", set: func(l *look) { l.last(newSHA, v1alpha1.OperationError, time.Second).Message = "no" }, phase: v1alpha1.OperationError, message: "no",
			after: 4 * time.Second, problems: "SyncError: Failed last sync attempt to " + newSHA + ": no"},
		{name: "automation: a failure is not told of in sync", set: func(l *look) {
			l.last(newSHA, v1alpha1.OperationFailed, time.Second)
			l.seen.Plan.Status = v1alpha1.Synced
		}, phase: v1alpha1.OperationFailed},
		{name: "automation: the failure of another commit is not told of", set: func(l *look) {
			l.last(oldSHA, v1alpha1.OperationFailed, time.Second)
			l.seen.ToAutomation.Reason = "shut"
		}, phase: v1alpha1.OperationFailed},
		{name: "automation: a failure is not told of without automation", set: func(l *look) {
			l.last(newSHA, v1alpha1.OperationFailed, time.Second)
			l.app.Spec.SyncPolicy = nil
		}, phase: v1alpha1.OperationFailed},
		{name: "automation: a success is no failure", set: func(l *look) { l.last(newSHA, v1alpha1.OperationSucceeded, time.Hour) }, phase: v1alpha1.OperationSucceeded},

		// Begin.
		{name: "begin: by a person", set: func(l *look) { l.asked() }, phase: v1alpha1.OperationRunning, message: "waiting to start", stands: true, after: operation.RequeueNow,
			events: "Normal OperationStarted ada initiated sync to '2222222'"},
		{name: "begin: by nobody", set: func(l *look) { l.asked().InitiatedBy = v1alpha1.OperationInitiator{} }, phase: v1alpha1.OperationRunning, message: "waiting to start", stands: true,
			after: operation.RequeueNow, events: "Normal OperationStarted Unknown user initiated sync to '2222222'"},
		{name: "begin: after one that has succeeded", set: func(l *look) { l.asked(); l.last(oldSHA, v1alpha1.OperationSucceeded, 0) }, phase: v1alpha1.OperationRunning, message: "waiting to start",
			stands: true, after: operation.RequeueNow, events: "Normal OperationStarted ada initiated sync to '2222222'"},
		{name: "begin: after one that has failed", set: func(l *look) { l.asked(); l.last(oldSHA, v1alpha1.OperationFailed, 0) }, phase: v1alpha1.OperationRunning, message: "waiting to start",
			stands: true, after: operation.RequeueNow, events: "Normal OperationStarted ada initiated sync to '2222222'"},
		{name: "begin: after one that has ended in an error", set: func(l *look) { l.asked(); l.last(oldSHA, v1alpha1.OperationError, 0) }, phase: v1alpha1.OperationRunning, message: "waiting to start",
			stands: true, after: operation.RequeueNow, events: "Normal OperationStarted ada initiated sync to '2222222'"},
		{name: "begin: although nothing can be compared yet", set: func(l *look) { l.asked(); l.seen.Compared, l.seen.Revision = false, "" }, phase: v1alpha1.OperationRunning, message: "waiting to start",
			stands: true, after: operation.RequeueNow, events: "Normal OperationStarted ada initiated sync to ''"},
		{name: "begin: an operation that is no sync", set: func(l *look) { l.asked().Sync = nil }, phase: v1alpha1.OperationError, message: "operation.sync: missing", after: operation.RequeueNow,
			events: "Normal OperationStarted ada initiated sync to '2222222' | Warning OperationCompleted Sync operation to 2222222 failed: operation.sync: missing; set it, or remove the operation"},
		{name: "begin: a try again makes no sync of it", set: func(l *look) { l.asked().Sync = nil; l.app.Operation.Retry.Limit = 9e18 }, phase: v1alpha1.OperationError, message: "operation.sync: missing", after: operation.RequeueNow,
			events: "Normal OperationStarted ada initiated sync to '2222222' | Warning OperationCompleted Sync operation to 2222222 failed: operation.sync: missing; set it, or remove the operation"},
		{name: "begin: a try again makes none of its own manifests", set: func(l *look) {
			l.asked().Sync.Manifests = []string{"{}"}
			l.app.Operation.Retry.Limit = -1
		}, phase: v1alpha1.OperationError, message: "operation.sync.manifests", after: operation.RequeueNow,
			events: "Normal OperationStarted ada initiated sync to '2222222' | Warning OperationCompleted Sync operation to 2222222 failed: operation.sync.manifests: only what git has is synced; commit the manifests"},
		{name: "begin: manifests of its own", set: func(l *look) { l.asked().Sync.Manifests = []string{"{}"} }, phase: v1alpha1.OperationError, message: "operation.sync.manifests", after: operation.RequeueNow,
			events: "Normal OperationStarted ada initiated sync to '2222222' | Warning OperationCompleted Sync operation to 2222222 failed: operation.sync.manifests: only what git has is synced; commit the manifests"},
		{name: "begin: in a window that is shut to people", set: func(l *look) { l.asked(); l.seen.ToPeople.Reason = "shut" }, phase: v1alpha1.OperationFailed, message: "shut; sync later, or allow manualSync",
			after:  operation.RequeueNow,
			events: "Normal OperationStarted ada initiated sync to '2222222' | Warning OperationCompleted Sync operation to 2222222 failed: shut; sync later, or allow manualSync in the window"},
		{name: "begin: in a window that is shut to automation alone", set: func(l *look) { l.asked(); l.seen.ToAutomation.Reason = "shut" }, phase: v1alpha1.OperationRunning, message: "waiting to start",
			stands: true, after: operation.RequeueNow, events: "Normal OperationStarted ada initiated sync to '2222222'"},

		// Carry on.
		{name: "carry on", set: func(l *look) { l.running() }, phase: v1alpha1.OperationRunning, message: "waiting", stands: true, sync: true},
		{name: "carry on: with a warning", set: func(l *look) { l.running(); l.problem(operation.Warns, "look out") }, phase: v1alpha1.OperationRunning, message: "waiting", stands: true, sync: true},
		{name: "carry on: automation's own while git is away", set: func(l *look) { l.automated(); l.problem(operation.Waits, "git is away") }, phase: v1alpha1.OperationRunning, message: "waiting",
			stands: true, sync: true},
		{name: "begin: what calls itself automation's, in a window that is shut to automation", set: func(l *look) {
			l.asked().InitiatedBy.Automated = true
			l.seen.ToAutomation.Reason = "shut"
		}, phase: v1alpha1.OperationFailed, message: "shut; sync later, or allow manualSync", after: operation.RequeueNow,
			events: "Normal OperationStarted Automated sync initiated sync to '2222222' | Warning OperationCompleted Sync operation to 2222222 failed: shut; sync later, or allow manualSync in the window"},
		{name: "carry on: not in a window that has shut to it", set: func(l *look) {
			l.running()
			l.seen.ToGoOn = project.Denial{Reason: "shut", Until: noon.Add(time.Hour)}
		}, phase: v1alpha1.OperationRunning, message: "waiting: shut", stands: true, after: time.Hour},
		{name: "carry on: nor automation's", set: func(l *look) { l.automated(); l.seen.ToGoOn.Reason = "shut" }, phase: v1alpha1.OperationRunning, message: "waiting: shut", stands: true},
		{name: "carry on: nothing is retried or superseded in such a window", set: func(l *look) {
			l.running()
			l.seen.ToGoOn.Reason, l.seen.Revision = "shut", "3333333333333333333333333333333333333333"
		}, phase: v1alpha1.OperationRunning, message: "waiting: shut", stands: true},
		{name: "carry on: though one may not begin now", set: func(l *look) { l.running(); l.seen.ToPeople.Reason = "shut" }, phase: v1alpha1.OperationRunning, message: "waiting",
			stands: true, sync: true},
		{name: "carry on: an operation that lost its sync is not tried again", set: func(l *look) { l.tried(1, time.Hour); l.app.Operation.Sync = nil }, phase: v1alpha1.OperationError, message: "operation.sync: missing",
			after: operation.RequeueNow, events: "Warning OperationCompleted Sync operation to 2222222 failed: operation.sync: missing; set it, or remove the operation (retried 1 times)"},
		{name: "carry on: an operation that lost its sync ends", set: func(l *look) { l.running(); l.app.Operation.Sync = nil }, phase: v1alpha1.OperationError, message: "operation.sync: missing",
			after: operation.RequeueNow, events: "Warning OperationCompleted Sync operation to 2222222 failed: operation.sync: missing; set it, or remove the operation"},

		// Hold.
		{name: "hold: a person's while git is away", set: func(l *look) { l.running(); l.problem(operation.Waits, "git is away") }, phase: v1alpha1.OperationRunning, message: "waiting: git is away", stands: true},
		{name: "hold: several that are waited for, without the warnings", set: func(l *look) {
			l.running()
			l.problem(operation.Waits, "git is away")
			l.problem(operation.Warns, "look out")
			l.problem(operation.Waits, "the cluster is away")
		}, phase: v1alpha1.OperationRunning, message: "waiting: git is away; the cluster is away", stands: true},
		{name: "hold: automation's own while nothing can be compared", set: func(l *look) {
			l.automated()
			l.seen.Compared = false
			l.problem(operation.Waits, "the cluster is away")
		},
			phase: v1alpha1.OperationRunning, message: "waiting: the cluster is away", stands: true},
		{name: "hold: fails by what somebody has to change", set: func(l *look) {
			l.running()
			l.seen.Compared = false
			l.problem(operation.Waits, "git is away")
			l.problem(operation.Blocks, "spec.source: missing")
			l.problem(operation.Blocks, "spec.project: missing")
		}, phase: v1alpha1.OperationFailed, message: "spec.source: missing; spec.project: missing", after: operation.RequeueNow,
			events: "Warning OperationCompleted Sync operation to 2222222 failed: spec.source: missing; spec.project: missing"},

		// Supersede.
		{name: "supersede: a person's by a newer commit", set: func(l *look) { l.running().SyncResult.Revision = oldSHA }, phase: v1alpha1.OperationRunning, message: "2222222 supersedes 1111111", stands: true,
			after: operation.RequeueNow, events: "Normal OperationStarted ada initiated sync to '2222222'",
			more: func(t *testing.T, _ *look, app *v1alpha1.Application) {
				if s := app.Status.OperationState; s.SyncResult.Revision != newSHA || len(s.SyncResult.Resources) > 0 || !s.StartedAt.Time.Equal(noon) {
					t.Errorf("state is %+v; want it to begin anew", s)
				}
			}},
		{name: "supersede: not by a commit that wants the same", set: func(l *look) {
			l.running().SyncResult.Revision = oldSHA
			l.app.Status.OperationState.SyncResult.Manifests, l.seen.Manifests = "same", "same"
		}, phase: v1alpha1.OperationRunning, message: "waiting", stands: true, sync: true},
		{name: "supersede: by a commit that wants something else", set: func(l *look) {
			l.running().SyncResult.Revision = oldSHA
			l.app.Status.OperationState.SyncResult.Manifests, l.seen.Manifests = "one", "other"
		}, phase: v1alpha1.OperationRunning, message: "2222222 supersedes 1111111", stands: true, after: operation.RequeueNow, events: "Normal OperationStarted ada initiated sync to '2222222'"},
		{name: "supersede: by a commit of which it is not known what it wants", set: func(l *look) { l.running().SyncResult.Revision = oldSHA }, phase: v1alpha1.OperationRunning, message: "2222222 supersedes 1111111",
			stands: true, after: operation.RequeueNow, events: "Normal OperationStarted ada initiated sync to '2222222'"},
		{name: "supersede: not by the same commit that wants something else", set: func(l *look) { l.running().SyncResult.Manifests, l.seen.Manifests = "one", "other" },
			phase: v1alpha1.OperationRunning, message: "waiting", stands: true, sync: true},
		{name: "supersede: waits for a hook that runs", set: func(l *look) { l.running().SyncResult.Revision = oldSHA; l.runs("Job", v1alpha1.HookPreSync) },
			phase: v1alpha1.OperationRunning, message: "waiting for completion of hook batch/Job/migrate, before 2222222 supersedes 1111111", stands: true},
		{name: "supersede: waits for no hook that runs after the objects", set: func(l *look) { l.running().SyncResult.Revision = oldSHA; l.runs("Job", v1alpha1.HookPostSync) },
			phase: v1alpha1.OperationRunning, message: "2222222 supersedes 1111111", stands: true, after: operation.RequeueNow, events: "Normal OperationStarted ada initiated sync to '2222222'"},
		{name: "supersede: waits for no hook of a try that has failed", set: func(l *look) {
			l.tried(1, time.Second).SyncResult.Revision = oldSHA
			l.runs("Job", v1alpha1.HookPreSync)
		},
			phase: v1alpha1.OperationRunning, message: "2222222 supersedes 1111111", stands: true, after: operation.RequeueNow, events: "Normal OperationStarted ada initiated sync to '2222222'"},
		{name: "supersede: by another source", set: func(l *look) { l.running().SyncResult.Source.Path = "other" }, phase: v1alpha1.OperationRunning, message: "2222222 supersedes 2222222", stands: true,
			after: operation.RequeueNow, events: "Normal OperationStarted ada initiated sync to '2222222'"},
		{name: "supersede: not by empty fields of the same source", set: func(l *look) {
			l.running().SyncResult.Source.Kustomize = &v1alpha1.KustomizeSource{}
			l.seen.Source.Kustomize = &v1alpha1.KustomizeSource{Images: []string{}, CommonLabels: map[string]string{}}
		}, phase: v1alpha1.OperationRunning, message: "waiting", stands: true, sync: true},
		{name: "supersede: what began before anything was known", set: func(l *look) { l.running().SyncResult.Revision = "" }, phase: v1alpha1.OperationRunning, message: "waiting to start", stands: true,
			after: operation.RequeueNow},
		{name: "supersede: a state of another program without a result", set: func(l *look) { l.running().SyncResult = nil }, phase: v1alpha1.OperationRunning, message: "waiting to start", stands: true,
			after: operation.RequeueNow},
		{name: "supersede: automation's own by a newer commit", set: func(l *look) { l.automated().SyncResult.Revision = oldSHA }, phase: v1alpha1.OperationRunning, message: "2222222 supersedes 1111111",
			stands: true, after: operation.RequeueNow, events: "Normal OperationStarted Automated sync initiated sync to '2222222'",
			more: func(t *testing.T, _ *look, app *v1alpha1.Application) {
				if op := app.Operation; op.Sync.Revision != newSHA || op.Retry.Limit != 5 || app.Status.OperationState.Operation.Sync.Revision != newSHA {
					t.Errorf("operation is %+v; want a new one of automation's own", op.Sync)
				}
			}},
		{name: "supersede: automation's own by a commit that changes nothing here", set: func(l *look) {
			l.automated().SyncResult.Revision = oldSHA
			l.app.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: oldSHA}
			l.seen.Plan.Status = v1alpha1.Synced
		}, phase: v1alpha1.OperationSucceeded, message: "superseded by 2222222, of which nothing is to be synced: in sync", after: operation.RequeueNow,
			events: "Normal OperationCompleted Sync operation to 1111111 succeeded",
			more: func(t *testing.T, _ *look, app *v1alpha1.Application) {
				if len(app.Status.History) > 0 || app.Annotations[v1alpha1.RollbackPinAnnotation] != oldSHA {
					t.Errorf("history is %v, annotations %v; want what was not finished not to be remembered as deployed", app.Status.History, app.Annotations)
				}
			}},
		{name: "supersede: comes before a retry", set: func(l *look) { l.tried(1, time.Second).SyncResult.Revision = oldSHA }, phase: v1alpha1.OperationRunning, message: "2222222 supersedes 1111111", stands: true,
			after: operation.RequeueNow, events: "Normal OperationStarted ada initiated sync to '2222222'",
			more: func(t *testing.T, _ *look, app *v1alpha1.Application) {
				if s := app.Status.OperationState; s.FinishedAt != nil || s.RetryCount != 0 {
					t.Errorf("state is %+v; want it to begin anew", s)
				}
			}},

		// Retry.
		{name: "retry: not yet", set: func(l *look) { l.tried(1, time.Second) }, phase: v1alpha1.OperationRunning, message: "waiting", stands: true, after: 4 * time.Second},
		{name: "retry: the second waits longer", set: func(l *look) { l.tried(2, time.Second) }, phase: v1alpha1.OperationRunning, message: "waiting", stands: true, after: 9 * time.Second},
		{name: "retry: at the end of its wait", set: func(l *look) { l.tried(2, 10*time.Second) }, phase: v1alpha1.OperationRunning, message: "retry 2", stands: true, after: operation.RequeueNow,
			more: func(t *testing.T, _ *look, app *v1alpha1.Application) {
				if s := app.Status.OperationState; s.FinishedAt != nil || s.RetryCount != 2 || len(s.SyncResult.Resources) > 0 || s.SyncResult.Revision != newSHA {
					t.Errorf("state is %+v of %+v; want the same sync with nothing done", s, s.SyncResult)
				}
			}},
		{name: "retry: by its own backoff", set: func(l *look) {
			l.tried(1, time.Second).Operation.Retry.Backoff = &v1alpha1.RetryBackoff{Duration: "1m"}
		}, phase: v1alpha1.OperationRunning, message: "waiting", stands: true, after: 59 * time.Second},

		// Terminate.
		{name: "terminate: by the plan", set: func(l *look) { l.running().Phase = v1alpha1.OperationTerminating }, phase: v1alpha1.OperationTerminating, message: "waiting", stands: true, sync: true},
		{name: "terminate: comes before a newer commit", set: func(l *look) {
			s := l.running()
			s.Phase, s.SyncResult.Revision = v1alpha1.OperationTerminating, oldSHA
		}, phase: v1alpha1.OperationTerminating, message: "waiting", stands: true, sync: true},
		{name: "terminate: comes before what holds it", set: func(l *look) {
			l.running().Phase = v1alpha1.OperationTerminating
			l.problem(operation.Waits, "git is away")
		},
			phase: v1alpha1.OperationTerminating, message: "waiting", stands: true, sync: true},
		{name: "terminate: where nothing can be compared", set: func(l *look) { l.running().Phase = v1alpha1.OperationTerminating; l.seen.Compared = false }, phase: v1alpha1.OperationFailed,
			message: "terminated by request", after: operation.RequeueNow, events: "Warning OperationCompleted Sync operation to 2222222 failed: terminated by request"},
		{name: "terminate: where nothing was begun", set: func(l *look) { s := l.running(); s.Phase, s.SyncResult = v1alpha1.OperationTerminating, nil }, phase: v1alpha1.OperationFailed,
			message: "terminated by request", after: operation.RequeueNow, events: "Warning OperationCompleted Sync operation to  failed: terminated by request"},
		{name: "terminate: is not tried again", set: func(l *look) {
			s := l.running()
			s.Phase, s.Operation.Retry.Limit, l.seen.Compared = v1alpha1.OperationTerminating, 5, false
		}, phase: v1alpha1.OperationFailed, message: "terminated by request", after: operation.RequeueNow, events: "Warning OperationCompleted Sync operation to 2222222 failed: terminated by request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := outOfSync()
			c.set(l)
			before := l.app.DeepCopy()
			got := operation.Decide(l.app, l.seen)
			if !reflect.DeepEqual(before, l.app) {
				t.Error("the Application that was given has changed")
			}
			phase, message := v1alpha1.OperationPhase(none), ""
			if s := got.App.Status.OperationState; s != nil {
				phase, message = s.Phase, s.Message
			}
			if phase != c.phase || !strings.HasPrefix(message, c.message) {
				t.Errorf("state: got %s, %q; want %s, %q", phase, message, c.phase, c.message)
			}
			if stands := got.App.Operation != nil; stands != c.stands || got.Sync != c.sync {
				t.Errorf("got operation %v, sync %v; want %v, %v", stands, got.Sync, c.stands, c.sync)
			}
			if got.RequeueAfter != c.after {
				t.Errorf("again: got after %s, want %s", got.RequeueAfter, c.after)
			}
			if text := eventsOf(got); text != c.events {
				t.Errorf("events: got %q, want %q", text, c.events)
			}
			if text := problemsOf(got); text != c.problems {
				t.Errorf("problems: got %q, want %q", text, c.problems)
			}
			if c.more != nil {
				c.more(t, l, got.App)
			}
		})
	}
}

func eventsOf(d operation.Decision) string {
	var all []string
	for _, e := range d.Events {
		all = append(all, e.Type+" "+e.Reason+" "+e.Note)
	}
	return strings.Join(all, " | ")
}

func problemsOf(d operation.Decision) string {
	var all []string
	for _, p := range d.Problems {
		all = append(all, p.Condition+": "+p.Err.Error())
	}
	return strings.Join(all, " | ")
}

// pinned checks whether the pin of a rollback is there.
func pinned(want bool) func(*testing.T, *look, *v1alpha1.Application) {
	return func(t *testing.T, _ *look, app *v1alpha1.Application) {
		if _, got := app.Annotations[v1alpha1.RollbackPinAnnotation]; got != want {
			t.Errorf("pinned: got %v, want %v", got, want)
		}
	}
}
