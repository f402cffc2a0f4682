package application

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

const (
	// writesAtOnce bounds the writes of one step.
	writesAtOnce = 16
	// judgedByNew bounds the time, from the start of a sync, for which objects are tried again that the definition of
	// their kind may have refused as it was before.
	judgedByNew = 10 * time.Second
)

// syncRun is one operation being carried on in this reconcile.
type syncRun struct {
	*reconciler
	o        *observation
	progress plan.Progress
	order    []plan.ID
	// opening is the task that is its own dry run; zero for none.
	opening plan.ID
	// put off says that a write came to nothing, for a reason that passes.
	putOff error
	acted  bool

	mu sync.Mutex
}

// sync carries the operation as far as it goes without waiting.
func (r *reconciler) sync(ctx context.Context, o *observation, app *v1alpha1.Application) (operation.Decision, error) {
	if o.refusal != nil {
		step := plan.Step{Phase: v1alpha1.OperationFailed, Message: "nothing was applied: " + o.refusal.Error()}
		return operation.Continue(app, o.forOperation(), operation.Carried{Results: app.Status.OperationState.SyncResult.Resources, Step: step}), nil
	}
	if err := observeDeletions(ctx, r.log, o, app.Status.OperationState); err != nil {
		if ctx.Err() != nil {
			return operation.Decision{}, ctx.Err()
		}
		return operation.Continue(app, o.forOperation(), operation.Carried{Results: app.Status.OperationState.SyncResult.Resources, PutOff: err}), nil
	}
	s := newSyncRun(r, o, app.Status.OperationState)
	step, err := s.run(ctx)
	if err != nil {
		return operation.Decision{}, err
	}
	if s.acted {
		if err := r.compareAgain(ctx, o); err != nil {
			return operation.Decision{}, err
		}
	}
	return operation.Continue(app, o.forOperation(), operation.Carried{Results: s.results(), Step: step, PutOff: s.putOff}), nil
}

// newSyncRun takes an operation up from what its status has recorded.
func newSyncRun(r *reconciler, o *observation, state *v1alpha1.OperationState) *syncRun {
	s := &syncRun{reconciler: r, o: o, progress: plan.Progress{
		Live: maps.Clone(o.comparison.Live.Objects), Results: map[plan.ID]v1alpha1.ResourceResult{}, Recorded: map[plan.ID]bool{},
		Terminate: state.Phase == v1alpha1.OperationTerminating, Now: o.now, Since: state.StartedAt.Time,
	}}
	if auto, op := o.app.Spec.Automation(), o.app.Operation; auto != nil && auto.SelfHeal && op != nil && op.InitiatedBy.Automated {
		s.progress.Heal, s.progress.HealAt = true, r.heals.at(o.name, o.now)
	}
	for _, result := range state.SyncResult.Resources {
		s.note(*result)
		s.progress.Recorded[plan.IDOf(*result)] = result.HookPhase != v1alpha1.OperationRunning
	}
	return s
}

// run asks the plan for steps and carries them out until there is nothing to do but wait. One operation has as many
// steps as it has phases and waves.
func (s *syncRun) run(ctx context.Context) (plan.Step, error) {
	for {
		if err := s.observeKinds(ctx); err != nil {
			return plan.Step{}, err
		}
		step := s.o.comparison.Plan.Next(s.progress)
		if step.Try {
			if err := s.try(ctx); err != nil || s.putOff != nil {
				return step, err
			}
			if op := s.o.app.Operation; op != nil && op.Sync.DryRun {
				return s.dryRunDone(), nil
			}
			continue
		}
		for _, result := range step.Results {
			s.note(result)
		}
		if step.Record {
			return step, nil
		}
		if err := s.act(ctx, step.Actions); err != nil {
			return step, err
		}
		s.noteHeals(step)
		if len(step.Actions) == 0 || step.Phase != "" || s.putOff != nil || onlyHookDeletions(step.Actions) {
			return step, nil
		}
	}
}

// onlyHookDeletions: nothing goes on before they are gone.
func onlyHookDeletions(actions []plan.Action) bool {
	for _, a := range actions {
		if a.Do != plan.DoDeleteHook {
			return false
		}
	}
	return true
}

// noteHeals remembers that drift was undone: what the plan holds for drift is not undone again in this run.
func (s *syncRun) noteHeals(step plan.Step) {
	if step.Heals {
		s.progress.Heal = false
		s.heals.did(s.o.name, s.o.now)
	}
}

func (s *syncRun) note(result v1alpha1.ResourceResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := plan.IDOf(result)
	if _, known := s.progress.Results[id]; !known {
		s.order = append(s.order, id)
	}
	s.progress.Results[id] = result
	s.progress.Recorded[id] = false
}

func (s *syncRun) results() []*v1alpha1.ResourceResult {
	all := make([]*v1alpha1.ResourceResult, 0, len(s.order))
	for _, id := range s.order {
		result := s.progress.Results[id]
		all = append(all, &result)
	}
	return all
}

// try has the API server judge every task before anything is changed.
func (s *syncRun) try(ctx context.Context) error {
	s.progress.Tried, s.progress.Refused = true, map[plan.ID]string{}
	var refusals compare.Refusals
	if op := s.o.app.Operation; op == nil || op.Sync == nil || !op.Sync.DryRun {
		s.opening, _ = s.o.comparison.Plan.Opening(s.progress)
	}
	kinds, err := s.o.cluster.Kinds(ctx, nil)
	if err == nil {
		refusals, err = s.o.comparison.RefusalsBut(ctx, s.o.writer, kinds, s.opening)
	}
	if err != nil && apply.IsUnreachable(err) {
		s.putOff = err
		return nil
	}
	for id, why := range refusals.ByTask {
		s.progress.Refused[id] = why.Error()
	}
	return err
}

// dryRunDone ends an operation that was only to try.
func (s *syncRun) dryRunDone() plan.Step {
	var refused []string
	for _, t := range s.o.comparison.Plan.Tasks {
		if why, ok := s.progress.Refused[t.ID()]; ok {
			refused = append(refused, why)
			s.note(plan.Failed(t, why))
			continue
		}
		result := plan.Begun(t, t.Key.String()+" (dry run)")
		result.HookPhase = v1alpha1.OperationSucceeded
		s.note(result)
	}
	if len(refused) > 0 {
		return plan.Step{Phase: v1alpha1.OperationFailed, Message: "a part of it would be refused: " + strings.Join(refused, "; ")}
	}
	return plan.Step{Phase: v1alpha1.OperationSucceeded, Message: "successfully tried (dry run): nothing was changed"}
}

// act carries actions out: kind after kind, since namespaces and definitions come before what lives on them, and
// those of a kind at the same time.
func (s *syncRun) act(ctx context.Context, actions []plan.Action) error {
	refused := len(s.progress.Refused)
	for now, then := plan.Batch(actions); len(now) > 0 && s.putOff == nil && len(s.progress.Refused) == refused; now, then = plan.Batch(then) {
		group, gctx := errgroup.WithContext(ctx)
		group.SetLimit(writesAtOnce)
		for _, a := range now {
			group.Go(problem.Guard(func() error { return s.actOne(gctx, a) }))
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

func (s *syncRun) actOne(ctx context.Context, a plan.Action) error {
	outcome, err := s.carryOut(ctx, a)
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil && s.passes(a, err):
		s.mu.Lock()
		defer s.mu.Unlock()
		s.putOff = err
		return nil
	case err != nil && a.Task.ID() == s.opening:
		// Nothing was changed yet: it is refused as by the dry run that it stands for.
		s.progress.Refused[s.opening] = compare.Located(a.Task, err).Error()
		return nil
	case err != nil:
		if !leavesNoResult(a) {
			s.note(plan.Failed(a.Task, message(err)))
		}
		s.log.Info("refused", "application", s.o.name, "object", a.Task.Key.String(), "err", err)
		return nil
	}
	s.mu.Lock()
	s.acted = true
	switch {
	case leavesNoResult(a), outcome.Change == apply.Deleting:
		s.progress.Live[a.Task.Key] = afterLetting(s.progress.Live[a.Task.Key], a.Do, s.o.now)
	case outcome.Object != nil:
		s.progress.Live[a.Task.Key] = outcome.Object
	}
	s.mu.Unlock()
	s.o.cluster.Wrote(apply.RefOf(a.Task.Object), outcome.Object)
	if !leavesNoResult(a) && outcome.Change != apply.Deleting {
		s.note(plan.Begun(a.Task, outcome.String()))
	}
	return nil
}

// passes reports whether a write came to nothing for a reason that passes by itself.
func (s *syncRun) passes(a plan.Action, err error) bool {
	return apply.IsUnreachable(err) || apply.ReasonOf(err) == apply.ReasonConflict || errors.Is(err, errLeftOver) || s.isJudgedByOld(a, err)
}

// isJudgedByOld reports whether an object may have been refused by the definition of its kind that this sync has just
// changed: an API server takes a moment to judge by the new one.
func (s *syncRun) isJudgedByOld(a plan.Action, err error) bool {
	if reason := apply.ReasonOf(err); reason != apply.ReasonInvalid && reason != apply.ReasonUnserved {
		return false
	}
	if !s.o.comparison.Defines(a.Task.GVK().GroupKind()) {
		return false
	}
	s.o.cluster.Forget()
	return s.o.now.Sub(s.progress.Since) < judgedByNew
}

// leavesNoResult reports whether an action is one of those that let a hook go, of which the status tells nothing.
func leavesNoResult(a plan.Action) bool {
	return a.Do == plan.DoDeleteHook || a.Do == plan.DoReleaseHook
}

// afterLetting is an object as it is once it was let go, until a watch brings it as it is.
func afterLetting(live *unstructured.Unstructured, do plan.Do, now time.Time) *unstructured.Unstructured {
	if live == nil {
		return nil
	}
	after := live.DeepCopy()
	after.SetFinalizers(slices.DeleteFunc(after.GetFinalizers(), func(f string) bool { return f == v1alpha1.HookFinalizer }))
	if at := metav1.NewTime(now); do != plan.DoReleaseHook {
		after.SetDeletionTimestamp(&at)
	}
	return after
}

// message is what a result tells of an error: the result names its object itself.
func message(err error) string {
	if p := problem.Of(err); p != nil {
		bare := *p
		bare.Object = ""
		return bare.Error()
	}
	return err.Error()
}

func (s *syncRun) carryOut(ctx context.Context, a plan.Action) (apply.Outcome, error) {
	client, t := s.o.writer, a.Task
	switch a.Do {
	case plan.DoDelete:
		return client.Delete(ctx, t.Live, t.Propagation(), apply.Real)
	case plan.DoDeleteHook:
		live := s.live(t.Key)
		if live == nil {
			return apply.Outcome{Change: apply.Absent}, nil
		}
		outcome, err := client.Delete(ctx, live, t.Propagation(), apply.Real)
		if err != nil {
			return outcome, err
		}
		return outcome, client.RemoveFinalizer(ctx, live, v1alpha1.HookFinalizer)
	case plan.DoReleaseHook:
		return apply.Outcome{}, client.RemoveFinalizer(ctx, s.live(t.Key), v1alpha1.HookFinalizer)
	case plan.DoCreate:
		return s.createHook(ctx, t)
	default:
		how := compare.HowOf(t)
		real := how
		real.Basis = t.Basis
		outcome, err := client.Apply(ctx, t.Object, t.Live, real)
		if err == nil && outcome.Object != nil {
			s.comparer.Applied(s.o.name, t, outcome.Object)
		}
		return outcome, err
	}
}

// live is an object as this run knows it.
func (s *syncRun) live(key plan.Key) *unstructured.Unstructured {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.progress.Live[key]
}

// createHook creates a hook. One that is there already is what a try before has created, of which no answer came; any
// other is left from an earlier sync, and goes when it is seen.
func (s *syncRun) createHook(ctx context.Context, t plan.Task) (apply.Outcome, error) {
	outcome, err := s.o.writer.Create(ctx, t.Object, compare.HowOf(t))
	if err == nil && !plan.IsRunOf(outcome.Object, t) {
		s.o.cluster.Wrote(apply.RefOf(t.Object), outcome.Object)
		return outcome, errLeftOver
	}
	return outcome, err
}

// errLeftOver has a sync look again, since a hook was not known to be there.
var errLeftOver = errors.New("a hook of an earlier sync is still there")

// observeKinds finds out which of the kinds that this sync defines are not served yet.
func (s *syncRun) observeKinds(ctx context.Context) error {
	pending := s.o.comparison.Pending
	if len(pending) == 0 {
		return nil
	}
	s.o.cluster.Forget()
	kinds, err := s.o.cluster.Kinds(ctx, nil)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	s.progress.Unserved = map[schema.GroupKind]bool{}
	for kind := range pending {
		// One whose scope is not what was assumed has to be compared anew.
		served, namespaced := false, false
		if err == nil {
			_, namespaced, served = kinds.Resource(kind)
		}
		if assumed, known := s.o.comparison.PendingKinds[kind.GroupKind()]; !served || (known && assumed != namespaced) {
			s.progress.Unserved[kind.GroupKind()] = true
		}
	}
	return nil
}
