package plan

import (
	"fmt"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// RollbackPinAnnotation is on an Application that a person rolled back: the commit that automation must not deploy again. See [LiftsPin].
const RollbackPinAnnotation = "cyan.dev/rollback-pin"

// LiftsPin says that the sync that an Application has just ended well makes its rollback pin void: automation has brought another commit, or a person has brought this very one.
func LiftsPin(app *v1alpha1.Application) bool {
	pinned, is := app.Annotations[RollbackPinAnnotation]
	op, state := app.Operation, app.Status.OperationState
	if !is || op == nil || op.Sync == nil || op.Sync.DryRun || len(op.Sync.Resources) > 0 || state == nil || state.SyncResult == nil {
		return false
	}
	return op.InitiatedBy.Automated || state.SyncResult.Revision == pinned
}

// Defaults of a retry, in the field's numbers.
const (
	defaultRetryLimit  = 5
	defaultRetryWait   = 5 * time.Second
	defaultRetryFactor = 2
	defaultRetryMax    = 3 * time.Minute
	// healAgain bounds how often automation undoes the same drift, when it comes back each time.
	healAgain = time.Second
)

// Automation is what automation does about an Application now.
type Automation struct {
	// Start is the operation to begin; nil for none.
	Start *v1alpha1.Operation
	// Supersede ends the running operation first, because a newer commit is wanted.
	Supersede bool
	// Why says why nothing is started although the Application is OutOfSync, or why something is.
	Why string
	// Condition is what a person should know of; empty when there is nothing.
	Condition string
	// At is when to decide again, though nothing changes; zero when only a change can.
	At time.Time
}

// Comparison is what automation decides from.
type Comparison struct {
	App *v1alpha1.Application
	// Revision is the commit that the target revision stands for now.
	Revision string
	Plan     Plan
	// Denied says why a sync may not begin by itself now, by a sync window; empty when it may. DeniedUntil is when that changes, if it is known.
	Denied      string
	DeniedUntil time.Time
}

// Automate decides whether a sync begins by itself.
func Automate(c Comparison, now time.Time) Automation {
	app := c.App
	policy := app.Spec.SyncPolicy
	if policy == nil || policy.Automated == nil || (policy.Automated.Enabled != nil && !*policy.Automated.Enabled) {
		return Automation{Why: "automated sync is off"}
	}
	auto := policy.Automated
	switch {
	case app.DeletionTimestamp != nil:
		return Automation{Why: "the Application is being deleted"}
	case app.Operation != nil:
		return c.duringOperation()
	case c.Plan.Status != v1alpha1.OutOfSync:
		return Automation{Why: "in sync"}
	case c.onlyPruning() && !auto.Prune:
		return Automation{Why: "what is left needs pruning, which automation does not do"}
	case app.Annotations[RollbackPinAnnotation] != "" && app.Annotations[RollbackPinAnnotation] == c.Revision:
		return Automation{Why: "this commit was rolled back", Condition: fmt.Sprintf("commit %.7s was rolled back by a person; automated sync goes on with the next commit, or when you sync this one yourself", c.Revision)}
	case c.Plan.LeavesNothing && auto.Prune && !auto.AllowEmpty:
		return Automation{Why: "refusing to prune everything", Condition: "git has no objects any more: automated sync does not prune everything. Set syncPolicy.automated.allowEmpty if that is meant"}
	case c.Denied != "":
		return Automation{Why: c.Denied, At: c.DeniedUntil}
	}
	return c.start(auto, now)
}

// onlyPruning says that nothing but objects that git no longer has keeps the Application from being in sync.
func (c Comparison) onlyPruning() bool {
	for _, r := range c.Plan.Resources {
		if r.Status == v1alpha1.OutOfSync && !r.RequiresPruning {
			return false
		}
	}
	return true
}

// duringOperation supersedes a sync of automation's own by a newer commit.
func (c Comparison) duringOperation() Automation {
	op := c.App.Operation
	if !op.InitiatedBy.Automated || op.Sync == nil || op.Sync.Revision == "" || op.Sync.Revision == c.Revision {
		return Automation{Why: "an operation is running"}
	}
	return Automation{Supersede: true, Why: fmt.Sprintf("commit %.7s is newer than %.7s, which is being synced", c.Revision, op.Sync.Revision)}
}

// start begins a sync, unless the same one was done just now.
func (c Comparison) start(auto *v1alpha1.AutomatedSync, now time.Time) Automation {
	op := c.operation(auto)
	last := c.App.Status.OperationState
	if last == nil || last.FinishedAt == nil || !c.sameAs(last) {
		return Automation{Start: op, Why: "git has changed"}
	}
	if last.Phase == v1alpha1.OperationSucceeded {
		if !auto.SelfHeal {
			return Automation{Why: "this commit was synced already, and selfHeal is off"}
		}
		if at := last.FinishedAt.Add(healAgain); now.Before(at) {
			return Automation{Why: "the last sync was just now", At: at}
		}
		if op.Sync.Resources = c.outOfSync(auto); len(op.Sync.Resources) == 0 {
			return Automation{Why: "what differs belongs to another Application as well, and the two would undo each other's work for ever"}
		}
		return Automation{Start: op, Why: "the cluster has changed"}
	}
	// It failed. Nothing is given up for ever: it is tried again, each time after a longer wait.
	op.Sync.AutoHealAttemptsCount = last.Operation.Sync.AutoHealAttemptsCount + 1
	at := last.FinishedAt.Add(Backoff(c.App.Spec.SyncPolicy.Retry, op.Sync.AutoHealAttemptsCount))
	if now.Before(at) {
		return Automation{Why: "the last sync of this commit failed", At: at}
	}
	return Automation{Start: op, Why: "the last sync of this commit failed; trying again"}
}

// sameAs says that an operation synced what a new one would.
func (c Comparison) sameAs(last *v1alpha1.OperationState) bool {
	if last.SyncResult == nil || last.Operation.Sync == nil || last.SyncResult.Revision != c.Revision {
		return false
	}
	before, now := last.SyncResult.Source, v1alpha1.ApplicationSource{}
	if c.App.Spec.Source != nil {
		now = *c.App.Spec.Source
	}
	before.TargetRevision, now.TargetRevision = "", ""
	return sameSource(before, now)
}

func (c Comparison) operation(auto *v1alpha1.AutomatedSync) *v1alpha1.Operation {
	op := &v1alpha1.Operation{
		Sync:        &v1alpha1.SyncOperation{Revision: c.Revision, Prune: auto.Prune, SyncOptions: c.App.Spec.SyncPolicy.SyncOptions},
		InitiatedBy: v1alpha1.OperationInitiator{Automated: true},
		Retry:       v1alpha1.RetryStrategy{Limit: defaultRetryLimit},
	}
	if r := c.App.Spec.SyncPolicy.Retry; r != nil {
		op.Retry = *r
	}
	return op
}

// outOfSync limits a heal to what drifted, so that hooks do not run for it. What another Application has taken since is left to it.
func (c Comparison) outOfSync(auto *v1alpha1.AutomatedSync) []v1alpha1.SyncOperationResource {
	var all []v1alpha1.SyncOperationResource
	for _, r := range c.Plan.Resources {
		if r.Status == v1alpha1.OutOfSync && (auto.Prune || !r.RequiresPruning) && r.SharedWith == "" {
			all = append(all, v1alpha1.SyncOperationResource{Group: r.Key.Group, Kind: r.Key.Kind, Namespace: r.Key.Namespace, Name: r.Key.Name})
		}
	}
	return all
}

// Backoff is the wait before try number n, counted from 1.
func Backoff(retry *v1alpha1.RetryStrategy, n int64) time.Duration {
	wait, factor, most := defaultRetryWait, int64(defaultRetryFactor), defaultRetryMax
	if retry != nil && retry.Backoff != nil {
		b := retry.Backoff
		if d, err := time.ParseDuration(b.Duration); err == nil && d > 0 {
			wait = d
		}
		if d, err := time.ParseDuration(b.MaxDuration); err == nil && d > 0 {
			most = d
		}
		if b.Factor != nil && *b.Factor > 0 {
			factor = *b.Factor
		}
	}
	for range max(0, n-1) {
		if wait >= most {
			break
		}
		wait *= time.Duration(factor)
	}
	return min(wait, most)
}

// Retry says whether an operation that failed is tried again by itself, and when.
func Retry(state *v1alpha1.OperationState, finished time.Time) (at time.Time, again bool) {
	retry := state.Operation.Retry
	if retry.Limit == 0 || (retry.Limit > 0 && state.RetryCount >= retry.Limit) {
		return time.Time{}, false
	}
	return finished.Add(Backoff(&retry, state.RetryCount+1)), true
}
