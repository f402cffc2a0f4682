package operation

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// defaultHistory is the number of history entries that are kept when the spec gives none.
const defaultHistory = 10

// finish ends an operation as its work has ended, or has it wait for its next try.
func finish(app *v1alpha1.Application, seen Observation, phase v1alpha1.OperationPhase, message string) Decision {
	state := app.Status.OperationState
	if phase != v1alpha1.OperationSucceeded && state.Phase == v1alpha1.OperationRunning {
		if when, again := retryAt(state.Operation.Retry, state.RetryCount, seen.Now); again {
			at := metav1.NewTime(seen.Now)
			state.FinishedAt = &at
			state.RetryCount++
			state.Message = fmt.Sprintf("%s (retry %d at %s)%s", message, state.RetryCount, when.UTC().Format(time.TimeOnly), otherSource(app))
			return Decision{App: app, RequeueAfter: until(when, seen.Now)}
		}
	}
	if phase == v1alpha1.OperationSucceeded && isDeployment(app.Operation) {
		remember(app, seen.Now)
		if liftsPin(app, seen) {
			delete(app.Annotations, v1alpha1.RollbackPinAnnotation)
		}
	}
	return end(app, seen, phase, message)
}

// end is the end of an operation, whatever was done.
func end(app *v1alpha1.Application, seen Observation, phase v1alpha1.OperationPhase, message string) Decision {
	state := app.Status.OperationState
	at := metav1.NewTime(seen.Now)
	if state.RetryCount > 0 {
		message = fmt.Sprintf("%s (retried %d times)", message, state.RetryCount)
	}
	message += otherSource(app)
	state.FinishedAt, state.Phase, state.Message = &at, phase, message
	app.Operation = nil
	return Decision{App: app, RequeueAfter: RequeueNow, Events: []Event{completed(state)}}
}

// isDeployment reports whether an operation deploys a revision: a sync of some objects does not, and neither does one
// that only tries.
func isDeployment(op *v1alpha1.Operation) bool {
	return op != nil && op.Sync != nil && !op.Sync.DryRun && len(op.Sync.Resources) == 0
}

// remember adds what was deployed to the history, and keeps its newest entries. Ids go on from the last one.
func remember(app *v1alpha1.Application, now time.Time) {
	limit := defaultHistory
	if l := app.Spec.RevisionHistoryLimit; l != nil && *l >= 0 {
		limit = int(*l)
	}
	state := app.Status.OperationState
	source := state.SyncResult.Source
	entry := v1alpha1.RevisionHistory{
		Revision: state.SyncResult.Revision, DeployedAt: metav1.NewTime(now), DeployStartedAt: state.StartedAt.DeepCopy(), Source: &source,
		InitiatedBy: app.Operation.InitiatedBy,
	}
	if n := len(app.Status.History); n > 0 {
		entry.ID = app.Status.History[n-1].ID + 1
	}
	all := append(slices.Clone(app.Status.History), entry)
	app.Status.History = all[max(0, len(all)-limit):]
}

// until is the time from now to then, and never none.
func until(at, now time.Time) time.Duration {
	if at.IsZero() {
		return 0
	}
	return max(at.Sub(now), RequeueNow)
}
