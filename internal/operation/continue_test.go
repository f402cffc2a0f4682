package operation_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/plan"
)

// TestContinue: what follows from carrying a plan on.
func TestContinue(t *testing.T) {
	result := []*v1alpha1.ResourceResult{{Kind: "Secret", Name: "b"}}
	for _, c := range []struct {
		name    string
		set     func(*look)
		carried operation.Carried
		phase   v1alpha1.OperationPhase
		message string
		// stands is whether the operation goes on; finished whether its state has an end, as one has that waits for its
		// next try.
		stands, finished bool
		retries          int64
		after            time.Duration
		events           string
		// history are the revisions that were deployed.
		history string
		pinned  bool
	}{
		{name: "waits", carried: operation.Carried{Step: plan.Step{Waiting: []string{"Job d/a to complete", "Secret d/b to be gone"}}},
			phase: v1alpha1.OperationRunning, message: "waiting for Job d/a to complete, Secret d/b to be gone", stands: true},
		{name: "a write is done again", carried: operation.Carried{PutOff: errors.New("conflict"), Step: plan.Step{Phase: v1alpha1.OperationSucceeded}},
			phase: v1alpha1.OperationRunning, message: "waiting: conflict", stands: true, after: 7500 * time.Millisecond},
		{name: "a write is done again soon, at first", set: func(l *look) { l.running().StartedAt = metav1.NewTime(noon.Add(-time.Second)) }, carried: operation.Carried{PutOff: errors.New("conflict")},
			phase: v1alpha1.OperationRunning, message: "waiting: conflict", stands: true, after: 200 * time.Millisecond},
		{name: "a write is done again late, but not too late, in the end", set: func(l *look) { l.running().StartedAt = metav1.NewTime(noon.Add(-time.Hour)) }, carried: operation.Carried{PutOff: errors.New("conflict")},
			phase: v1alpha1.OperationRunning, message: "waiting: conflict", stands: true, after: 30 * time.Second},
		{name: "has what hooks do recorded", carried: operation.Carried{Step: plan.Step{Record: true}}, phase: v1alpha1.OperationRunning, message: "one or more tasks are running", stands: true,
			after: operation.RequeueNow},
		{name: "succeeds", carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationSucceeded, Message: "done"}}, phase: v1alpha1.OperationSucceeded, message: "done", finished: true,
			after: operation.RequeueNow, events: "Normal OperationCompleted Sync operation to 2222222 succeeded", history: "2222222"},
		{name: "succeeds: a success is not tried again", set: func(l *look) { l.app.Status.OperationState.Operation.Retry.Limit = 5 },
			carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationSucceeded, Message: "done"}}, phase: v1alpha1.OperationSucceeded, message: "done", finished: true,
			after: operation.RequeueNow, events: "Normal OperationCompleted Sync operation to 2222222 succeeded", history: "2222222"},
		{name: "fails", carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationFailed, Message: "no"}}, phase: v1alpha1.OperationFailed, message: "no", finished: true,
			after: operation.RequeueNow, events: "Warning OperationCompleted Sync operation to 2222222 failed: no"},
		{name: "fails: and is tried again", set: func(l *look) { l.app.Status.OperationState.Operation.Retry.Limit = 2 },
			carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationFailed, Message: "no"}}, phase: v1alpha1.OperationRunning, message: "no (retry 1 at 12:00:05)", stands: true, finished: true,
			retries: 1, after: 5 * time.Second},
		{name: "fails: the second time", set: func(l *look) { s := l.app.Status.OperationState; s.Operation.Retry.Limit, s.RetryCount = 2, 1 },
			carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationError, Message: "no"}}, phase: v1alpha1.OperationRunning, message: "no (retry 2 at 12:00:10)", stands: true, finished: true,
			retries: 2, after: 10 * time.Second},
		{name: "fails: for the last time", set: func(l *look) { s := l.app.Status.OperationState; s.Operation.Retry.Limit, s.RetryCount = 2, 2 },
			carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationFailed, Message: "no"}}, phase: v1alpha1.OperationFailed, message: "no (retried 2 times)", finished: true, retries: 2,
			after: operation.RequeueNow, events: "Warning OperationCompleted Sync operation to 2222222 failed: no (retried 2 times)"},
		{name: "fails: without a limit of tries", set: func(l *look) { s := l.app.Status.OperationState; s.Operation.Retry.Limit, s.RetryCount = -1, 1000 },
			carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationFailed, Message: "no"}}, phase: v1alpha1.OperationRunning, message: "no (retry 1001 at 12:03:00)", stands: true, finished: true,
			retries: 1001, after: 3 * time.Minute},
		{name: "terminated: is not tried again", set: func(l *look) {
			s := l.app.Status.OperationState
			s.Phase, s.Operation.Retry.Limit = v1alpha1.OperationTerminating, 5
		}, carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationFailed, Message: "terminated by request"}}, phase: v1alpha1.OperationFailed, message: "terminated by request", finished: true,
			after: operation.RequeueNow, events: "Warning OperationCompleted Sync operation to 2222222 failed: terminated by request"},
		{name: "history: goes on from its last id", set: func(l *look) { l.app.Status.History = []v1alpha1.RevisionHistory{{ID: 7, Revision: oldSHA}} },
			carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationSucceeded}}, phase: v1alpha1.OperationSucceeded, finished: true, after: operation.RequeueNow,
			events: "Normal OperationCompleted Sync operation to 2222222 succeeded", history: "1111111 2222222"},
		{name: "history: keeps as many as the spec says", set: func(l *look) {
			limit := int64(1)
			l.app.Spec.RevisionHistoryLimit = &limit
			l.app.Status.History = []v1alpha1.RevisionHistory{{ID: 7, Revision: oldSHA}}
		}, carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationSucceeded}}, phase: v1alpha1.OperationSucceeded, finished: true, after: operation.RequeueNow,
			events: "Normal OperationCompleted Sync operation to 2222222 succeeded", history: "2222222"},
		{name: "history: keeps none where the spec says so", set: func(l *look) { limit := int64(0); l.app.Spec.RevisionHistoryLimit = &limit },
			carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationSucceeded}}, phase: v1alpha1.OperationSucceeded, finished: true, after: operation.RequeueNow,
			events: "Normal OperationCompleted Sync operation to 2222222 succeeded"},
		{name: "history: a limit below zero is none", set: func(l *look) { limit := int64(-1); l.app.Spec.RevisionHistoryLimit = &limit },
			carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationSucceeded}}, phase: v1alpha1.OperationSucceeded, finished: true, after: operation.RequeueNow,
			events: "Normal OperationCompleted Sync operation to 2222222 succeeded", history: "2222222"},
		{name: "history: a sync of some objects deploys no revision, and lifts no pin", set: func(l *look) {
			l.app.Operation.Sync.Resources = []v1alpha1.SyncOperationResource{{Kind: "Secret"}}
			l.app.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: newSHA}
		}, carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationSucceeded}}, phase: v1alpha1.OperationSucceeded, finished: true, after: operation.RequeueNow,
			events: "Normal OperationCompleted Sync operation to 2222222 succeeded", pinned: true},
		{name: "history: a dry run deploys nothing, and lifts no pin", set: func(l *look) {
			l.app.Operation.Sync.DryRun = true
			l.app.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: newSHA}
		}, carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationSucceeded}}, phase: v1alpha1.OperationSucceeded, finished: true, after: operation.RequeueNow,
			events: "Normal OperationCompleted Sync operation to 2222222 succeeded", pinned: true},
		{name: "pin: the rollback itself keeps it", set: func(l *look) { l.app.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: oldSHA} },
			carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationSucceeded}}, phase: v1alpha1.OperationSucceeded, finished: true, after: operation.RequeueNow,
			events: "Normal OperationCompleted Sync operation to 2222222 succeeded", history: "2222222", pinned: true},
		{name: "pin: a person who brings this very commit lifts it", set: func(l *look) { l.app.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: newSHA} },
			carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationSucceeded}}, phase: v1alpha1.OperationSucceeded, finished: true, after: operation.RequeueNow,
			events: "Normal OperationCompleted Sync operation to 2222222 succeeded", history: "2222222"},
		{name: "pin: automation that brings another commit lifts it", set: func(l *look) {
			l.automated()
			l.app.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: oldSHA}
		}, carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationSucceeded}}, phase: v1alpha1.OperationSucceeded, finished: true, after: operation.RequeueNow,
			events: "Normal OperationCompleted Sync operation to 2222222 succeeded", history: "2222222"},
		{name: "pin: a person who brings the same by another commit lifts it", set: func(l *look) {
			l.pin(oldSHA)
			l.app.Status.OperationState.SyncResult.Manifests, l.seen.RolledBack.Manifests = "same", "same"
		}, carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationSucceeded}}, phase: v1alpha1.OperationSucceeded, finished: true, after: operation.RequeueNow,
			events: "Normal OperationCompleted Sync operation to 2222222 succeeded", history: "2222222"},
		{name: "pin: the rollback keeps it also while it is not known what it holds", set: func(l *look) { l.pin(oldSHA); l.seen.RolledBack.Pending = true },
			carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationSucceeded}}, phase: v1alpha1.OperationSucceeded, finished: true, after: operation.RequeueNow,
			events: "Normal OperationCompleted Sync operation to 2222222 succeeded", history: "2222222", pinned: true},
		{name: "pin: a failure lifts nothing", set: func(l *look) {
			l.automated()
			l.app.Annotations = map[string]string{v1alpha1.RollbackPinAnnotation: oldSHA}
		}, carried: operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationFailed}}, phase: v1alpha1.OperationFailed, finished: true, after: operation.RequeueNow,
			events: "Warning OperationCompleted Sync operation to 2222222 failed: ", pinned: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := outOfSync()
			l.running()
			if c.set != nil {
				c.set(l)
			}
			c.carried.Results = result
			before := l.app.DeepCopy()
			got := operation.Continue(l.app, l.seen, c.carried)
			if !reflect.DeepEqual(before, l.app) {
				t.Error("the Application that was given has changed")
			}
			s := got.App.Status.OperationState
			if s.Phase != c.phase || s.Message != c.message || s.RetryCount != c.retries {
				t.Errorf("state: got %s, %q, %d retries; want %s, %q, %d", s.Phase, s.Message, s.RetryCount, c.phase, c.message, c.retries)
			}
			if stands, finished := got.App.Operation != nil, s.FinishedAt != nil; stands != c.stands || finished != c.finished || finished && !s.FinishedAt.Time.Equal(noon) {
				t.Errorf("got operation %v, finished at %v; want %v, %v", stands, s.FinishedAt, c.stands, c.finished)
			}
			if got.RequeueAfter != c.after {
				t.Errorf("again: got after %s, want %s", got.RequeueAfter, c.after)
			}
			if text := eventsOf(got); text != c.events {
				t.Errorf("events: got %q, want %q", text, c.events)
			}
			if !reflect.DeepEqual(s.SyncResult.Resources, result) {
				t.Errorf("results: got %v, want %v", s.SyncResult.Resources, result)
			}
			if _, pinned := got.App.Annotations[v1alpha1.RollbackPinAnnotation]; pinned != c.pinned {
				t.Errorf("pinned: got %v, want %v", pinned, c.pinned)
			}
			checkHistory(t, got.App, c.history)
		})
	}
}

func checkHistory(t *testing.T, app *v1alpha1.Application, want string) {
	t.Helper()
	var revisions []string
	for i, h := range app.Status.History {
		revisions = append(revisions, h.Revision[:7])
		if i > 0 && h.ID != app.Status.History[i-1].ID+1 {
			t.Errorf("history: got id %d after %d", h.ID, app.Status.History[i-1].ID)
		}
		if h.Revision == newSHA && (!h.DeployedAt.Time.Equal(noon) || h.DeployStartedAt == nil || !h.DeployStartedAt.Time.Equal(noon.Add(-time.Minute)) || h.Source == nil || h.Source.Path != "k8s") {
			t.Errorf("history: got %+v; want when it was deployed, and from where", h)
		}
	}
	if got := strings.Join(revisions, " "); got != want {
		t.Errorf("history: got %q, want %q", got, want)
	}
}

// TestHistoryKeepsTenByDefault: the oldest entries go.
func TestHistoryKeepsTenByDefault(t *testing.T) {
	l := outOfSync()
	l.running()
	for i := range int64(10) {
		l.app.Status.History = append(l.app.Status.History, v1alpha1.RevisionHistory{ID: i, Revision: oldSHA})
	}
	got := operation.Continue(l.app, l.seen, operation.Carried{Step: plan.Step{Phase: v1alpha1.OperationSucceeded}}).App.Status.History
	if len(got) != 10 || got[0].ID != 1 || got[9].ID != 10 || got[9].InitiatedBy.Username != "ada" {
		t.Errorf("got %d entries from id %d on to %+v; want 10 from 1 on", len(got), got[0].ID, got[len(got)-1])
	}
}

// TestContinueTellsOfNamespaceMetadata: what the sync put on its namespace stands in its result.
func TestContinueTellsOfNamespaceMetadata(t *testing.T) {
	l := outOfSync()
	l.running()
	m := &v1alpha1.ManagedNamespaceMetadata{Labels: map[string]string{"team": "a"}}
	l.app.Spec.SyncPolicy.ManagedNamespaceMetadata = m
	got := operation.Continue(l.app, l.seen, operation.Carried{}).App.Status.OperationState.SyncResult.ManagedNamespaceMetadata
	if !reflect.DeepEqual(got, m) {
		t.Errorf("got %v, want %v", got, m)
	}
	l.app.Spec.SyncPolicy = nil
	if got := operation.Continue(l.app, l.seen, operation.Carried{}).App.Status.OperationState.SyncResult.ManagedNamespaceMetadata; got != nil {
		t.Errorf("got %v, want none", got)
	}
}
