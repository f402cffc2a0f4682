package operation

import (
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// Automation is what automation does about an Application now.
type Automation struct {
	// Start is the operation to begin; nil for none.
	Start *v1alpha1.Operation
	// Why is why nothing is started although the Application is OutOfSync, or why something is.
	Why string
	// Condition is what a person should know of; empty when there is nothing.
	Condition string
	// At is when to decide again, though nothing changes; zero when only a change can.
	At time.Time
}

// automate begins an operation by itself where the policy asks for it.
func automate(app *v1alpha1.Application, seen Observation) Decision {
	d := Decision{App: app}
	if !seen.Compared {
		return d
	}
	if isPinVoid(app, seen) {
		delete(app.Annotations, v1alpha1.RollbackPinAnnotation)
	}
	a := Automate(app, seen)
	if a.Condition != "" {
		d.Problems = append(d.Problems, Problem{Condition: v1alpha1.ConditionSyncError, Err: errors.New(a.Condition)})
	}
	if a.Start == nil {
		if failure := standingFailure(app, seen); failure != nil {
			d.Problems = append(d.Problems, Problem{Condition: v1alpha1.ConditionSyncError, Err: failure})
		}
		d.RequeueAfter = until(a.At, seen.Now)
		return d
	}
	app.Operation = a.Start
	app.Status.OperationState = newState(app.Operation, seen)
	d.RequeueAfter, d.Unrecorded = RequeueNow, seen.Plan.IsRepeatable()
	d.Events = []Event{started(a.Start.InitiatedBy, seen.Revision)}
	return d
}

// Automate decides whether a sync begins by itself, for an Application without an operation.
func Automate(app *v1alpha1.Application, seen Observation) Automation {
	auto := app.Spec.Automation()
	switch {
	case auto == nil:
		return Automation{Why: "automated sync is off"}
	case app.DeletionTimestamp != nil:
		return Automation{Why: "the Application is being deleted"}
	case seen.HandOver.Held():
		return Automation{Why: "handed over to " + seen.HandOver.Holder}
	case seen.Plan.Status != v1alpha1.OutOfSync && !isUnrecorded(app, seen):
		return Automation{Why: "in sync"}
	case seen.Plan.Status == v1alpha1.OutOfSync && onlyPruning(seen.Plan) && !auto.Prune:
		return Automation{Why: "what is left needs pruning, which automation does not do"}
	case pinHolds(app, seen):
		return heldByPin(app, seen)
	case seen.Plan.LeavesNothing && auto.Prune && !auto.AllowEmpty:
		return Automation{Why: "refusing to prune everything",
			Condition: "git has no objects any more, and automated sync does not prune everything; set syncPolicy.automated.allowEmpty if that is meant"}
	case seen.ToAutomation.Reason != "":
		return Automation{Why: seen.ToAutomation.Reason, At: seen.ToAutomation.Until}
	case seen.Plan.Status != v1alpha1.OutOfSync:
		return Automation{Start: automatedOperation(app, seen, *auto), Why: "a sync has ended of which nothing is recorded"}
	}
	return startOrWait(app, seen, *auto)
}

// onlyPruning reports whether nothing but objects that git no longer has keeps an Application from being in sync.
func onlyPruning(p plan.Plan) bool {
	for _, r := range p.Resources {
		if r.Status == v1alpha1.OutOfSync && !r.RequiresPruning {
			return false
		}
	}
	return true
}

// startOrWait begins a sync, unless the same one was done just now.
func startOrWait(app *v1alpha1.Application, seen Observation, auto v1alpha1.Automation) Automation {
	op := automatedOperation(app, seen, auto)
	last := app.Status.OperationState
	switch {
	case last == nil || last.FinishedAt == nil || !synced(app, last, seen.Revision):
		return Automation{Start: op, Why: "git has changed"}
	case last.Phase == v1alpha1.OperationSucceeded:
		return heal(op, seen, last, auto)
	}
	// Nothing is given up for ever: a sync that has failed is tried again, each time after a longer wait.
	op.Sync.AutoHealAttemptsCount = last.Operation.Sync.AutoHealAttemptsCount + 1
	at := endOf(last, seen.Now).Add(Backoff(app.Spec.SyncPolicy.Retry, op.Sync.AutoHealAttemptsCount))
	if seen.Now.Before(at) {
		return Automation{Why: "the last sync of this commit failed", At: at}
	}
	return Automation{Start: op, Why: "the last sync of this commit failed; trying again"}
}

// synced reports whether the last operation synced what a new one would: the same revision of the same source,
// whatever name the revision was given.
func synced(app *v1alpha1.Application, last *v1alpha1.OperationState, revision string) bool {
	if last.SyncResult == nil || last.Operation.Sync == nil || last.SyncResult.Revision != revision {
		return false
	}
	now, ok := app.SyncSource()
	if !ok {
		return false
	}
	before := last.SyncResult.Source
	before.TargetRevision, now.TargetRevision = "", ""
	return equality.Semantic.DeepEqual(before, now)
}

func automatedOperation(app *v1alpha1.Application, seen Observation, auto v1alpha1.Automation) *v1alpha1.Operation {
	op := &v1alpha1.Operation{
		Sync:        &v1alpha1.SyncOperation{Revision: seen.Revision, Prune: auto.Prune, SyncOptions: app.Spec.GetSyncOptions()},
		InitiatedBy: v1alpha1.OperationInitiator{Automated: true},
		Retry:       v1alpha1.RetryStrategy{Limit: defaultRetryLimit},
	}
	if r := app.Spec.SyncPolicy.Retry; r != nil {
		op.Retry = *r
	}
	return op
}

// mostHealed bounds the objects of one heal, which the Application lists; those beyond are the next one's.
const mostHealed = 500

// drifted limits a heal to what differs, so that hooks do not run for it. What another Application has taken since is
// left to it.
func drifted(p plan.Plan, auto v1alpha1.Automation) []v1alpha1.SyncOperationResource {
	var all []v1alpha1.SyncOperationResource
	for _, r := range p.Resources {
		if len(all) == mostHealed {
			break
		}
		if r.Status == v1alpha1.OutOfSync && !r.Ignored && (auto.Prune || !r.RequiresPruning) && r.SharedWith == "" {
			all = append(all, v1alpha1.SyncOperationResource{Group: r.Key.Group, Kind: r.Key.Kind, Namespace: r.Key.Namespace, Name: r.Key.Name})
		}
	}
	return all
}

// standingFailure is the failure of the last automated sync of this very commit, as long as it stands.
func standingFailure(app *v1alpha1.Application, seen Observation) error {
	last := app.Status.OperationState
	if last == nil || last.SyncResult == nil || !app.Spec.IsAutomated() || seen.Plan.Status != v1alpha1.OutOfSync || last.SyncResult.Revision != seen.Revision {
		return nil
	}
	if last.Phase != v1alpha1.OperationFailed && last.Phase != v1alpha1.OperationError {
		return nil
	}
	// People's alerts look for these words.
	return fmt.Errorf("Failed last sync attempt to %s: %s", seen.Revision, last.Message)
}
