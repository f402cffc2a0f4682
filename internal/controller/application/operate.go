package application

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/source"
)

// atOnceAgain has an Application looked at again as soon as what was decided is written.
const atOnceAgain = time.Millisecond

// done is what work on an operation leads to besides the status.
type done struct {
	// again is when to go on although nothing is heard; 0 for no such time.
	again time.Duration
	told  []notice
}

// operate begins, carries on or ends the operation of an Application.
func (r *reconciler) operate(ctx context.Context, o *observation, after *v1alpha1.Application) (done, error) {
	state := after.Status.OperationState
	switch {
	case after.Operation == nil:
		return r.automate(o, after), nil
	case state == nil || ended(state):
		return r.begin(o, after), nil
	case state.Phase == v1alpha1.OperationTerminating:
		return r.terminate(ctx, o, after)
	case !o.compared || (!after.Operation.InitiatedBy.Automated && o.stops()):
		return r.hold(o, after), nil
	case superseded(o, after):
		return r.supersede(o, after), nil
	case state.FinishedAt != nil:
		return r.retry(o, after), nil
	}
	return r.sync(ctx, o, after)
}

func ended(state *v1alpha1.OperationState) bool {
	return slices.Contains([]v1alpha1.OperationPhase{v1alpha1.OperationSucceeded, v1alpha1.OperationFailed, v1alpha1.OperationError}, state.Phase)
}

// automate begins an operation by itself where the policy asks for it.
func (r *reconciler) automate(o *observation, after *v1alpha1.Application) done {
	if !o.compared {
		return done{}
	}
	a := r.automation(o, after)
	if a.Condition != "" {
		o.add(v1alpha1.ConditionSyncError, errors.New(a.Condition))
	}
	if a.Start == nil {
		o.tellFailure(after)
		return done{again: until(a.At, o.now)}
	}
	after.Operation = a.Start
	after.Status.OperationState = newState(o, after.Operation)
	return done{again: atOnceAgain, told: []notice{operationStarted(a.Start.InitiatedBy, o.revision)}}
}

func (r *reconciler) automation(o *observation, app *v1alpha1.Application) plan.Automation {
	c := plan.Comparison{App: app, Revision: o.revision, Plan: o.plan}
	c.Denied, c.DeniedUntil = plan.WindowsDeny(o.project, app, o.to(), plan.ByAutomation, o.now)
	return plan.Automate(c, o.now)
}

// tellFailure says in a condition that the last sync of this very commit failed, as long as that stands.
func (o *observation) tellFailure(app *v1alpha1.Application) {
	last := app.Status.OperationState
	if last == nil || last.SyncResult == nil || !isAutomated(app) || o.plan.Status != v1alpha1.OutOfSync || last.SyncResult.Revision != o.revision {
		return
	}
	if last.Phase == v1alpha1.OperationFailed || last.Phase == v1alpha1.OperationError {
		o.add(v1alpha1.ConditionSyncError, fmt.Errorf("the sync to %s failed, and is tried again: %s", shortRevision(o.revision), last.Message))
	}
}

func until(at, now time.Time) time.Duration {
	if at.IsZero() {
		return 0
	}
	return max(at.Sub(now), atOnceAgain)
}

// to is the destination with every name of its cluster.
func (o *observation) to() plan.Destination {
	d := plan.Destination{Server: o.app.Spec.Destination.Server, Name: o.app.Spec.Destination.Name, Namespace: o.app.Spec.Destination.Namespace}
	if o.cluster != nil {
		d.Server, d.Name = o.cluster.Server, o.cluster.Name
	}
	return d
}

// newState is an operation that has just begun. It is written before anything is done, together with all that the Application manages, so that nothing is lost track of.
func newState(o *observation, op *v1alpha1.Operation) *v1alpha1.OperationState {
	return &v1alpha1.OperationState{
		Operation: *op.DeepCopy(), Phase: v1alpha1.OperationRunning, StartedAt: metav1.NewTime(o.now.Truncate(time.Second)), Message: "waiting to start",
		SyncResult: &v1alpha1.SyncOperationResult{Revision: o.revision, Source: *o.source.DeepCopy()},
	}
}

// begin takes up an operation that someone asked for.
func (r *reconciler) begin(o *observation, after *v1alpha1.Application) done {
	after.Status.OperationState = newState(o, after.Operation)
	began := done{again: atOnceAgain, told: []notice{operationStarted(after.Operation.InitiatedBy, o.revision)}}
	switch denied := r.deniedToPerson(o, after); {
	case after.Operation.Sync == nil:
		return finish(o, after, v1alpha1.OperationError, "the operation names nothing to do; set operation.sync").after(began)
	case len(after.Operation.Sync.Manifests) > 0:
		return finish(o, after, v1alpha1.OperationError, "operation.sync.manifests brings manifests of its own, and only what is in git is synced; commit them").after(began)
	case denied != "":
		return finish(o, after, v1alpha1.OperationFailed, denied+"; sync later, or allow manualSync in the window").after(began)
	}
	return began
}

func (r *reconciler) deniedToPerson(o *observation, app *v1alpha1.Application) string {
	if o.project == nil || app.Operation.InitiatedBy.Automated {
		return ""
	}
	denied, _ := plan.WindowsDeny(o.project, app, o.to(), plan.ByPerson, o.now)
	return denied
}

// after puts what happened before in front.
func (d done) after(before done) done {
	d.told = append(before.told, d.told...)
	return d
}

// hold waits where the world has to come back first, and fails where someone has to change something.
func (r *reconciler) hold(o *observation, after *v1alpha1.Application) done {
	var permanent, temporary []string
	for _, p := range o.problems {
		var away *live.Unreachable
		switch {
		case p.isWarning():
		case errors.As(p.err, &away), source.IsTemporary(p.err):
			temporary = append(temporary, p.err.Error())
		default:
			permanent = append(permanent, p.err.Error())
		}
	}
	if len(permanent) > 0 {
		return finish(o, after, v1alpha1.OperationFailed, strings.Join(permanent, "; "))
	}
	after.Status.OperationState.Message = "waiting: " + strings.Join(temporary, "; ")
	return done{}
}

// superseded says that something else is wanted by now than what is being synced.
func superseded(o *observation, app *v1alpha1.Application) bool {
	state := app.Status.OperationState
	if state.SyncResult == nil || state.SyncResult.Revision == "" {
		return true
	}
	return state.SyncResult.Revision != o.revision || !reflect.DeepEqual(state.SyncResult.Source, o.source)
}

// supersede begins the operation anew with what is wanted now.
func (r *reconciler) supersede(o *observation, after *v1alpha1.Application) done {
	old := after.Status.OperationState
	began := done{again: atOnceAgain}
	if old.SyncResult != nil && old.SyncResult.Revision != "" {
		began.told = append(began.told, operationStarted(after.Operation.InitiatedBy, o.revision))
	}
	if after.Operation.InitiatedBy.Automated {
		fresh := after.DeepCopy()
		fresh.Operation, fresh.Status.OperationState = nil, nil
		a := r.automation(o, fresh)
		if a.Start == nil {
			return finish(o, after, v1alpha1.OperationSucceeded, "superseded by "+shortRevision(o.revision)+", of which nothing is to be synced: "+a.Why)
		}
		after.Operation = a.Start
	}
	after.Status.OperationState = newState(o, after.Operation)
	if old.SyncResult != nil && old.SyncResult.Revision != "" {
		after.Status.OperationState.Message = fmt.Sprintf("%s supersedes %s", shortRevision(o.revision), shortRevision(old.SyncResult.Revision))
	}
	return began
}

// retry begins a failed operation again when its time has come.
func (r *reconciler) retry(o *observation, after *v1alpha1.Application) done {
	state := after.Status.OperationState
	at, _ := plan.Retry(&v1alpha1.OperationState{Operation: state.Operation, RetryCount: state.RetryCount - 1}, state.FinishedAt.Time)
	if o.now.Before(at) {
		return done{again: until(at, o.now)}
	}
	state.FinishedAt = nil
	state.Message = fmt.Sprintf("retry %d", state.RetryCount)
	state.SyncResult.Resources = nil
	return done{again: atOnceAgain}
}

// finish ends an operation, or has it wait for its next try.
func finish(o *observation, after *v1alpha1.Application, phase v1alpha1.OperationPhase, message string) done {
	state := after.Status.OperationState
	at := metav1.NewTime(o.now)
	state.FinishedAt = &at
	state.Message = message
	if phase != v1alpha1.OperationSucceeded && state.Phase == v1alpha1.OperationRunning {
		if when, again := plan.Retry(state, o.now); again {
			state.RetryCount++
			state.Message = fmt.Sprintf("%s (retry %d at %s)", message, state.RetryCount, when.UTC().Format(time.TimeOnly))
			return done{again: until(when, o.now)}
		}
	}
	state.Phase = phase
	remember(o, after, phase)
	if phase == v1alpha1.OperationSucceeded && plan.LiftsPin(after) {
		delete(after.Annotations, plan.RollbackPinAnnotation)
	}
	after.Operation = nil
	return done{again: atOnceAgain, told: []notice{operationCompleted(state)}}
}

const defaultHistory = 10

// remember adds what was deployed to the history. A sync of some objects, and one that only tried, deployed no revision.
func remember(o *observation, after *v1alpha1.Application, phase v1alpha1.OperationPhase) {
	op := after.Operation
	if phase != v1alpha1.OperationSucceeded || op.Sync == nil || op.Sync.DryRun || len(op.Sync.Resources) > 0 {
		return
	}
	limit := defaultHistory
	if l := after.Spec.RevisionHistoryLimit; l != nil && *l >= 0 {
		limit = int(*l)
	}
	state := after.Status.OperationState
	source := state.SyncResult.Source
	after.Status.History = plan.AppendHistory(after.Status.History, v1alpha1.RevisionHistory{
		Revision: state.SyncResult.Revision, DeployedAt: metav1.NewTime(o.now), DeployStartedAt: state.StartedAt.DeepCopy(), Source: &source, InitiatedBy: op.InitiatedBy,
	}, limit)
}
