// Package operation decides the life of a sync operation: when automation begins one, what it waits for, when a newer
// commit supersedes it, when it is tried again, and how it ends.
//
// [Decide] takes an Application and what was observed of it, and returns the Application as it is to be written.
// Where the plan is to be carried out, the decision says so, and [Continue] decides from how far that went. Nothing
// here reads or writes: the whole life is in the Application's operation and status, so that it goes on after a
// restart.
package operation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/handover"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
)

const (
	// RequeueNow has an Application looked at again as soon as what was decided is written.
	RequeueNow = time.Millisecond
	// retryWriteFirst and retryWriteMost bound the wait before a write that came to nothing by chance is done again.
	retryWriteFirst = 200 * time.Millisecond
	retryWriteMost  = 30 * time.Second
)

// Observation is what was seen of an Application.
type Observation struct {
	Now time.Time
	// Revision and Source are what git was compared by: the operation's, else the Application's.
	Revision string
	Source   v1alpha1.ApplicationSource
	// Compared is set when git and the cluster could be compared, and Plan is what a sync would do then.
	Compared bool
	Plan     plan.Plan
	// Manifests names what git wants, whatever commit it is of; "" when that is not known.
	Manifests string
	// RolledBack is what git wants at the commit that a person rolled back.
	RolledBack RolledBack
	// Problems are why the picture is not whole, or must not be acted on.
	Problems []Problem
	// ToAutomation and ToPeople are what the project's sync windows deny to each.
	ToAutomation, ToPeople project.Denial
	// ToGoOn is what they deny to the operation that runs.
	ToGoOn project.Denial
	// HandOver is who has the objects for a while, or had them last; nil for nobody.
	HandOver *handover.HandOver
	// Applied is when an object was applied last; it has to be known where [IsRecorded] reports false.
	Applied time.Time
}

// Decision is what becomes of an operation.
type Decision struct {
	// App is the Application with its operation and status as they are to be written.
	App *v1alpha1.Application
	// Sync is set when the plan is to be carried on now; [Continue] decides what follows from it.
	Sync bool
	// Unrecorded is set when the operation that begins here may be carried on before it is written: see [IsRecorded].
	Unrecorded bool
	// GiveBack is set when what is left of a hand-over is to be undone now.
	GiveBack bool
	// RequeueAfter is when to look again although nothing changes; 0 for no such time.
	RequeueAfter time.Duration
	// Problems are those that the decision adds to the observed ones.
	Problems []Problem
	Events   []Event
}

// Decide begins, carries on or ends the operation of an Application, which is not changed itself.
func Decide(app *v1alpha1.Application, seen Observation) Decision {
	app = app.DeepCopy()
	state := app.Status.OperationState
	switch {
	case app.Operation == nil && seen.HandOver.Ended():
		return endHandOver(app, seen)
	case app.Operation == nil:
		return automate(app, seen)
	case state == nil || hasEnded(state):
		return begin(app, seen)
	case app.Operation.Sync == nil:
		// No further try would find one.
		return end(app, seen, v1alpha1.OperationError, "operation.sync: missing; set it, or remove the operation")
	case state.Phase == v1alpha1.OperationTerminating:
		return terminate(app, seen)
	case seen.ToGoOn.Reason != "":
		return awaitWindow(app, seen)
	case keepsSource(app):
		return keepSource(app)
	case isOnHold(app, seen):
		return hold(app, seen)
	case isSuperseded(state, seen):
		return supersede(app, seen)
	case state.FinishedAt != nil:
		return retry(app, seen)
	}
	return Decision{App: app, Sync: true}
}

// IsAsked reports whether an operation was asked for and is not begun.
func IsAsked(app *v1alpha1.Application) bool {
	state := app.Status.OperationState
	return app.Operation != nil && (state == nil || hasEnded(state))
}

func hasEnded(state *v1alpha1.OperationState) bool {
	return slices.Contains([]v1alpha1.OperationPhase{v1alpha1.OperationSucceeded, v1alpha1.OperationFailed, v1alpha1.OperationError}, state.Phase)
}

// newState is an operation that has just begun. It is written before anything is done, but for [Decision.Unrecorded].
func newState(op *v1alpha1.Operation, seen Observation) *v1alpha1.OperationState {
	return &v1alpha1.OperationState{
		Operation: *op.DeepCopy(), Phase: v1alpha1.OperationRunning, StartedAt: startedAt(seen.Now), Message: "waiting to start",
		SyncResult: &v1alpha1.SyncOperationResult{Revision: seen.Revision, Source: *seen.Source.DeepCopy(), Manifests: seen.Manifests},
	}
}

// startedAt is when an operation begins, or begins again, as the API stores it.
func startedAt(now time.Time) metav1.Time { return metav1.NewTime(now.Truncate(time.Second)) }

// begin takes up an operation that was asked for.
func begin(app *v1alpha1.Application, seen Observation) Decision {
	app.Status.OperationState = newState(app.Operation, seen)
	started := []Event{started(app.Operation.InitiatedBy, seen.Revision)}
	var refused Decision
	switch op := app.Operation; {
	case op.Sync == nil:
		refused = end(app, seen, v1alpha1.OperationError, "operation.sync: missing; set it, or remove the operation")
	case len(op.Sync.Manifests) > 0:
		refused = end(app, seen, v1alpha1.OperationError, "operation.sync.manifests: only what git has is synced; commit the manifests")
	case seen.HandOver.Held() && !op.Sync.DryRun:
		refused = end(app, seen, v1alpha1.OperationFailed, heldMessage(app, seen))
	case denialOf(op, seen).Reason != "":
		refused = finish(app, seen, v1alpha1.OperationFailed, denialOf(op, seen).Reason+"; sync later, or allow manualSync in the window")
	default:
		return Decision{App: app, RequeueAfter: RequeueNow, Events: started}
	}
	refused.Events = append(started, refused.Events...)
	return refused
}

// terminate ends an operation by request: at once where nothing is known of what it began, else by the plan, which
// takes its hooks away.
func terminate(app *v1alpha1.Application, seen Observation) Decision {
	if !seen.Compared || app.Status.OperationState.SyncResult == nil {
		return finish(app, seen, v1alpha1.OperationFailed, "terminated by request")
	}
	return Decision{App: app, Sync: true}
}

// isOnHold reports whether something keeps an operation from going on. Automation's own goes on with what is known
// while git is away, unless the spec has another source by now.
func isOnHold(app *v1alpha1.Application, seen Observation) bool {
	return !seen.Compared || isHeld(seen.Problems) && (!app.Operation.InitiatedBy.Automated || hasKept(app))
}

// hold waits for what passes by itself, and fails where somebody has to change something.
func hold(app *v1alpha1.Application, seen Observation) Decision {
	if hasKept(app) {
		return giveUpKept(app, seen)
	}
	var blocking, passing []string
	for _, p := range seen.Problems {
		switch p.Effect {
		case Blocks:
			blocking = append(blocking, p.Err.Error())
		case Waits:
			passing = append(passing, p.Err.Error())
		case Warns:
		}
	}
	if len(blocking) > 0 {
		return finish(app, seen, v1alpha1.OperationFailed, strings.Join(blocking, "; "))
	}
	app.Status.OperationState.Message = "waiting: " + strings.Join(passing, "; ")
	return Decision{App: app}
}

// isSuperseded reports whether something else is wanted by now than what is being synced: a commit that changes none of
// the objects is the same. Sources are compared by what they mean: an empty list is none.
func isSuperseded(state *v1alpha1.OperationState, seen Observation) bool {
	if state.SyncResult == nil || state.SyncResult.Revision == "" {
		return true
	}
	if state.SyncResult.Revision == seen.Revision && equality.Semantic.DeepEqual(state.SyncResult.Source, seen.Source) {
		return false
	}
	return seen.Manifests == "" || state.SyncResult.Manifests != seen.Manifests
}

// supersede begins the operation anew with what is wanted now. One of automation's ends where automation wants
// nothing now.
func supersede(app *v1alpha1.Application, seen Observation) Decision {
	if unfinished := unfinishedHooks(app.Status.OperationState, seen); unfinished != "" {
		app.Status.OperationState.Message = unfinished
		return Decision{App: app}
	}
	before, kept, own := app.Status.OperationState, hasKept(app), app.Operation.Sync.Source
	if app.Operation.InitiatedBy.Automated {
		idle := app.DeepCopy()
		idle.Operation, idle.Status.OperationState = nil, nil
		next := Automate(idle, seen)
		if next.Start == nil {
			return end(app, seen, v1alpha1.OperationSucceeded, "superseded by "+short(seen.Revision)+", of which nothing is to be synced: "+next.Why)
		}
		app.Operation = next.Start
	}
	app.Status.OperationState = newState(app.Operation, seen)
	if kept {
		goOnKept(app, before, own)
	}
	d := Decision{App: app, RequeueAfter: RequeueNow}
	if result := before.SyncResult; result != nil && result.Revision != "" {
		app.Status.OperationState.Message = short(seen.Revision) + " supersedes " + short(result.Revision) + otherSource(app)
		d.Events = []Event{started(app.Operation.InitiatedBy, seen.Revision)}
	}
	return d
}

// unfinishedHooks names the hooks that are let finish before an operation is superseded; empty when there are none.
func unfinishedHooks(state *v1alpha1.OperationState, seen Observation) string {
	if state.SyncResult == nil || state.FinishedAt != nil {
		return ""
	}
	var names []string
	for _, key := range seen.Plan.Unfinished(state.SyncResult.Resources) {
		names = append(names, key.Path())
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("waiting for completion of hook %s, before %s supersedes %s", strings.Join(names, ", "), short(seen.Revision), short(state.SyncResult.Revision))
}

// Carried is how far a plan was carried.
type Carried struct {
	// Results are those of all tasks that were begun.
	Results []*v1alpha1.ResourceResult
	// Step is the last one: what is waited for, or how the sync has ended.
	Step plan.Step
	// PutOff is why a write came to nothing, where the reason passes; nil when all were done.
	PutOff error
}

// Continue decides what follows from carrying a plan on. The Application is the one that [Decide] returned.
func Continue(app *v1alpha1.Application, seen Observation, carried Carried) Decision {
	app = app.DeepCopy()
	state := app.Status.OperationState
	state.SyncResult.Resources = seen.Plan.ListedResults(carried.Results, carried.Step.Phase != "")
	if policy := app.Spec.SyncPolicy; policy != nil {
		state.SyncResult.ManagedNamespaceMetadata = policy.ManagedNamespaceMetadata
	}
	switch step := carried.Step; {
	case carried.PutOff != nil:
		state.Message = "waiting: " + carried.PutOff.Error()
		return Decision{App: app, RequeueAfter: retryWriteAfter(seen.Now.Sub(state.StartedAt.Time))}
	case step.Record:
		state.Message = "one or more tasks are running"
		return Decision{App: app, RequeueAfter: RequeueNow}
	case step.Phase != "":
		return finish(app, seen, step.Phase, step.Message)
	default:
		state.Message = "waiting for " + strings.Join(step.Waiting, ", ")
		return Decision{App: app, RequeueAfter: until(step.Until, seen.Now)}
	}
}
