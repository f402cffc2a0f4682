package application

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/plan"
)

// deletionHooks are the hooks of a deletion, by phase, and how they run.
type deletionHooks struct {
	policy plan.Policy
	runs   map[v1alpha1.HookType][]plan.Task
}

// all is a plan of the hooks that the deletion may have created.
func (h deletionHooks) all() plan.Plan {
	return plan.Plan{Tasks: slices.Concat(h.runs[v1alpha1.HookPreDelete], h.runs[v1alpha1.HookPostDelete])}
}

// gatherDeletionHooks renders the hooks of the deletion, as far as the Application's finalizers await any. They are
// held to the project like everything else. An operation that happens to run changes nothing of them.
func (r *observer) gatherDeletionHooks(ctx context.Context, o *observation) (deletionHooks, error) {
	hooks := deletionHooks{policy: plan.Policy{StartedAt: o.app.DeletionTimestamp.Time}}
	if !plan.AwaitsHooks(o.app.Finalizers) {
		return hooks, nil
	}
	of := *o
	of.app, of.problems = o.app.DeepCopy(), nil
	of.app.Operation = nil
	if _, err := operation.CheckSource(of.app); err != nil {
		return hooks, err
	}
	if checkProject(&of, r.control); of.stops() {
		return hooks, errors.Join(problemsOf(&of)...)
	}
	if err := r.gatherSource(ctx, &of); err != nil {
		return hooks, err
	}
	if of.rendered == nil || of.stopsComparing() {
		return hooks, errors.Join(problemsOf(&of)...)
	}
	desired, policy, err := compare.DeletionHooks(ctx, r.input(&of), o.app.DeletionTimestamp.Time)
	if err != nil {
		return hooks, err
	}
	o.comparison.Desired = desired
	hooks.policy, hooks.runs = policy, map[v1alpha1.HookType][]plan.Task{}
	for _, phase := range []v1alpha1.HookType{v1alpha1.HookPreDelete, v1alpha1.HookPostDelete} {
		hooks.runs[phase] = plan.DeletionHooks(desired, phase, policy)
	}
	return hooks, nil
}

// runDeletionHooks carries the hooks of a phase as far as they go without waiting, and reports whether the phase is
// over. That its hooks have succeeded is recorded, by the finalizer that goes, before any of them is deleted.
func runDeletionHooks(ctx context.Context, o *observation, after *v1alpha1.Application, hooks deletionHooks, phase v1alpha1.HookType) (over bool, err error) {
	run, cleanup := plan.FinalizersOf(phase)
	finalizer := cleanup
	switch {
	case slices.Contains(o.app.Finalizers, run):
		step := plan.NextHooks(hooks.runs[phase], o.comparison.Live.Objects, hooks.policy.Health, o.now)
		if err := carryOutHooks(ctx, o, step); err != nil || !step.Done {
			return false, err
		}
		finalizer = run
	case slices.Contains(o.app.Finalizers, cleanup):
		gone, released := plan.Cleanup(o.lives(), phase, plan.Policy{Instance: o.instance, Tracking: o.tracking(), StartedAt: hooks.policy.StartedAt})
		if err := deleteHooks(ctx, o, gone); err != nil {
			return false, err
		}
		if err := (heldIn{o.cluster, o.writer, released}).release(ctx); err != nil {
			return false, err
		}
	default:
		return true, nil
	}
	after.Finalizers = slices.DeleteFunc(slices.Clone(after.Finalizers), func(f string) bool { return f == finalizer })
	return false, nil
}

func carryOutHooks(ctx context.Context, o *observation, step plan.HookStep) error {
	if err := deleteHooks(ctx, o, step.Delete); err != nil {
		return err
	}
	for _, t := range step.Create {
		outcome, err := o.writer.Create(ctx, t.Object, compare.HowOf(t))
		if err != nil {
			return fmt.Errorf("%s hook %s can't be created: %w", t.Phase, t.Key, err)
		}
		o.cluster.Wrote(apply.RefOf(t.Object), outcome.Object)
	}
	if len(step.Held) > 0 {
		return errors.New(strings.Join(step.Held, "; "))
	}
	return nil
}

// deleteHooks deletes hooks and lets go of them.
func deleteHooks(ctx context.Context, o *observation, hooks []*unstructured.Unstructured) error {
	for _, hook := range hooks {
		if _, err := o.writer.Delete(ctx, hook, metav1.DeletePropagationBackground, apply.Real); err != nil {
			return err
		}
	}
	return heldIn{o.cluster, o.writer, hooks}.release(ctx)
}
