package operation

import (
	"fmt"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// handOverInfo names, in an operation, the hand-over whose end it brings about.
const handOverInfo = "handover"

// whoGivesBack is who begins the syncs that end a hand-over where automation does not.
const whoGivesBack = "cyan"

// endHandOver decides for an Application of which somebody had the objects, and nobody has them now: what git wants is
// applied first, and when it is, what else was done is undone.
func endHandOver(app *v1alpha1.Application, seen Observation) Decision {
	last := app.Status.OperationState
	ours := last != nil && last.FinishedAt != nil && infoOf(last.Operation.Info) == seen.HandOver.ID
	switch {
	case ours && last.Phase == v1alpha1.OperationSucceeded:
		return Decision{App: app, GiveBack: true}
	case !seen.Compared:
		return Decision{App: app}
	case ours:
		at := endOf(last, seen.Now).Add(Backoff(nil, last.Operation.Sync.AutoHealAttemptsCount+1))
		if seen.Now.Before(at) {
			return Decision{App: app, RequeueAfter: until(at, seen.Now)}
		}
	}
	op, wait := givesBack(app, seen)
	switch {
	case op == nil && wait.IsZero():
		// There is nothing to bring back to.
		return Decision{App: app, GiveBack: true}
	case op == nil:
		return Decision{App: app, RequeueAfter: until(wait, seen.Now)}
	case ours:
		op.Sync.AutoHealAttemptsCount = last.Operation.Sync.AutoHealAttemptsCount + 1
	}
	op.Info = []*v1alpha1.Info{{Name: handOverInfo, Value: seen.HandOver.ID}}
	app.Operation = op
	app.Status.OperationState = newState(op, seen)
	return Decision{App: app, RequeueAfter: RequeueNow, Events: []Event{started(op.InitiatedBy, op.Sync.Revision)}}
}

// givesBack is the sync that brings an Application back to what was deployed: by automation to what git wants now,
// else to the last deployment. It is nil while a window is shut to automation, until a time, and for ever where nothing
// was ever deployed.
func givesBack(app *v1alpha1.Application, seen Observation) (op *v1alpha1.Operation, wait time.Time) {
	if auto := app.Spec.Automation(); auto != nil && !pinHolds(app, seen) {
		if seen.ToAutomation.Reason != "" {
			return nil, shutUntil(seen)
		}
		return automatedOperation(app, seen, *auto), time.Time{}
	}
	n := len(app.Status.History)
	if n == 0 {
		return nil, time.Time{}
	}
	to := app.Status.History[n-1]
	return &v1alpha1.Operation{
		Sync:        &v1alpha1.SyncOperation{Revision: to.Revision, Source: to.Source.DeepCopy(), SyncOptions: app.Spec.GetSyncOptions()},
		InitiatedBy: v1alpha1.OperationInitiator{Username: whoGivesBack}, Retry: v1alpha1.RetryStrategy{Limit: defaultRetryLimit},
	}, time.Time{}
}

// shutWithoutEnd is the time after which a window is looked at again of which no end is known.
const shutWithoutEnd = time.Minute

func shutUntil(seen Observation) time.Time {
	if seen.ToAutomation.Until.IsZero() {
		return seen.Now.Add(shutWithoutEnd)
	}
	return seen.ToAutomation.Until
}

// infoOf returns which hand-over an operation ends; "" when none.
func infoOf(all []*v1alpha1.Info) string {
	for _, i := range all {
		if i != nil && i.Name == handOverInfo {
			return i.Value
		}
	}
	return ""
}

// heldMessage is why nothing is synced while somebody has the objects.
func heldMessage(app *v1alpha1.Application, seen Observation) string {
	return fmt.Sprintf("Application %q: %s", app.Name, seen.HandOver.Message(app.Name))
}
