package application

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

// removeRequeueAfter is the time between two looks at a deletion that something holds up.
const removeRequeueAfter = 5 * time.Second

// resourcesFinalizer is the one of an Application that asks for its objects to be deleted with it, and how.
func resourcesFinalizer(app *v1alpha1.Application) (string, metav1.DeletionPropagation) {
	for _, f := range app.Finalizers {
		switch f {
		case v1alpha1.ResourcesFinalizer, v1alpha1.ResourcesFinalizerForeground:
			return f, metav1.DeletePropagationForeground
		case v1alpha1.ResourcesFinalizerBackground:
			return f, metav1.DeletePropagationBackground
		}
	}
	return "", ""
}

// remove deletes what an Application deployed, a wave after the other and between the hooks of its deletion, and lets
// the Application go when all is gone. Without the finalizer that asks for that, nothing but the hooks is seen to.
func (r *reconciler) remove(ctx context.Context, o *observation, after *v1alpha1.Application) (time.Duration, error) {
	finalizer, propagation := resourcesFinalizer(o.app)
	if finalizer == "" && !plan.AwaitsHooks(o.app.Finalizers) {
		o.problems = nil
		wait := reportRemoval(o, after, nil)
		return wait, r.hooks.release(ctx, o.name)
	}
	gone, err := r.removeObjects(ctx, o, after, propagation)
	if err != nil && ctx.Err() != nil {
		return 0, ctx.Err()
	}
	o.problems = nil
	reportGone(o, &after.Status)
	if gone && err == nil {
		after.Finalizers = slices.DeleteFunc(slices.Clone(after.Finalizers), func(f string) bool { return f == finalizer })
		r.log.Info("deleted", "application", o.name)
	}
	wait := reportRemoval(o, after, err)
	switch {
	case len(after.Finalizers) != len(o.app.Finalizers):
		return operation.RequeueNow, nil
	case gone && err == nil:
		return wait, nil
	}
	return removeRequeueAfter, nil
}

// reportRemoval names what holds a deletion up, the finalizers of others included, and returns when to look again.
func reportRemoval(o *observation, after *v1alpha1.Application, err error) (wait time.Duration) {
	if err != nil {
		o.add(v1alpha1.ConditionDeletionError, fmt.Errorf("%w; to delete the Application and leave its objects where they are: kubectl -n %s patch application %s --type=json -p '[{\"op\":\"remove\",\"path\":\"/metadata/finalizers\"}]'",
			err, o.app.Namespace, o.app.Name))
	}
	held := plan.UnservedFinalizers(after.Finalizers)
	if finalizer, _ := resourcesFinalizer(after); finalizer == "" && len(held) == 0 && len(after.Finalizers) > 0 {
		if wait = stuckAfter - o.now.Sub(o.app.DeletionTimestamp.Time); wait <= 0 {
			held, wait = after.Finalizers, 0
		}
	}
	if len(held) > 0 {
		o.add(v1alpha1.ConditionDeletionError, &problem.Error{
			Object: "Application " + o.app.Name, Field: "metadata.finalizers",
			Cause: "the deletion waits for " + strings.Join(held, ", ") + ", which this controller does not serve", Remedy: "have whoever set that remove it, or remove it with kubectl edit",
		})
	}
	after.Status.Conditions = plan.MergeConditions(after.Status.Conditions, o.conditions(), metav1.NewTime(o.now))
	if len(after.Status.Conditions) == 0 {
		after.Status.Conditions = nil
	}
	return wait
}

// reportGone has a status tell of the objects that the deletion has taken.
func reportGone(o *observation, status *v1alpha1.ApplicationStatus) {
	if o.comparison.Live.Objects == nil || len(o.comparison.Live.Broken) > 0 {
		return
	}
	missing := false
	for i := range status.Resources {
		s := &status.Resources[i]
		if _, there := o.comparison.Live.Objects[plan.Key{Group: s.Group, Kind: s.Kind, Namespace: s.Namespace, Name: s.Name}]; there || s.Hook {
			continue
		}
		missing = true
		s.Status, s.Health = v1alpha1.OutOfSync, &v1alpha1.HealthStatus{Status: v1alpha1.HealthMissing}
	}
	if !missing {
		return
	}
	status.Sync.Status = v1alpha1.OutOfSync
	if status.Health.Status != v1alpha1.HealthMissing {
		at := metav1.NewTime(o.now)
		status.Health = v1alpha1.AppHealthStatus{Status: v1alpha1.HealthMissing, LastTransitionTime: &at}
	}
}

// removeObjects runs the hooks before the deletion, deletes the highest wave that is there, and at the end runs the
// hooks after it; without a propagation the objects stay. It reports whether everything is over. An error says what
// holds it up.
func (r *reconciler) removeObjects(ctx context.Context, o *observation, after *v1alpha1.Application, propagation metav1.DeletionPropagation) (over bool, err error) {
	if o.project == nil || !mayWrite(o) {
		return false, fmt.Errorf("the objects of the Application can't be deleted: %w", errors.Join(problemsOf(o)...))
	}
	hooks, err := r.gatherDeletionHooks(ctx, o)
	if err != nil {
		return false, fmt.Errorf("the hooks of the deletion can't be run: %w", err)
	}
	live, err := o.cluster.Snapshot(ctx, o.wanted())
	if err != nil {
		return false, fmt.Errorf("the objects of the Application can't be deleted: %w", err)
	}
	for kind, err := range live.Broken {
		return false, fmt.Errorf("the objects of the Application can't be deleted: reading %s: %w", kind, err)
	}
	o.comparison.Live = live
	if err := releaseHooks(ctx, o, hooks.all()); err != nil {
		return false, err
	}
	others, err := objectsOfOthers(ctx, r.observer, o)
	if err != nil {
		return false, err
	}
	removal := plan.Deletion(o.lives(), plan.Policy{
		Instance: o.instance, Tracking: o.tracking(), Options: specOptions(o.app), StartedAt: o.app.DeletionTimestamp.Time,
		Confirmed: plan.Confirmed(o.app, o.app.DeletionTimestamp.Time), Occupants: others, Elsewhere: r.lostInDeletion(ctx, o, live.Objects),
	})
	stay := propagation == ""
	if len(removal.Unconfirmed) > 0 && !stay {
		return false, unconfirmed(o.app, removal.Unconfirmed)
	}
	if over, err := runDeletionHooks(ctx, o, after, hooks, v1alpha1.HookPreDelete); !over || err != nil {
		return false, err
	}
	if len(removal.Waves) > 0 && !stay {
		return false, removeWave(ctx, o, removal.Waves[0], propagation)
	}
	return runDeletionHooks(ctx, o, after, hooks, v1alpha1.HookPostDelete)
}

// specOptions are the sync options of an Application itself: an operation that happens to run changes nothing of its
// deletion.
func specOptions(app *v1alpha1.Application) plan.Options {
	if app.Spec.SyncPolicy == nil {
		return nil
	}
	return plan.ParseOptions(app.Spec.SyncPolicy.SyncOptions)
}

// unconfirmed names the objects whose deletion a person has to confirm.
func unconfirmed(app *v1alpha1.Application, deletions []plan.Confirmation) error {
	lines := make([]string, len(deletions))
	for i, d := range deletions {
		lines[i] = d.String()
	}
	return fmt.Errorf("%s: the deletion has to be confirmed; annotate Application %s with %s and a time from %s on",
		strings.Join(lines, ", "), app.Name, v1alpha1.DeletionApprovedAnnotation, app.DeletionTimestamp.UTC().Format(time.RFC3339))
}

// stuckAfter is how long an object may take to go before it is named.
const stuckAfter = 30 * time.Second

func removeWave(ctx context.Context, o *observation, wave []*unstructured.Unstructured, propagation metav1.DeletionPropagation) error {
	var stuck []string
	for _, object := range wave {
		if at := object.GetDeletionTimestamp(); at != nil {
			if o.now.Sub(at.Time) > stuckAfter && len(object.GetFinalizers()) > 0 {
				stuck = append(stuck, fmt.Sprintf("%s is being deleted since %s and waits for whoever set the finalizers %s", plan.KeyOf(object), at.UTC().Format(time.TimeOnly), strings.Join(object.GetFinalizers(), ", ")))
			}
			continue
		}
		if _, err := o.writer.Delete(ctx, object, propagation, apply.Real); err != nil {
			return err
		}
		o.cluster.Wrote(apply.RefOf(object), nil)
	}
	if len(stuck) > 0 {
		return errors.New(strings.Join(stuck, "; "))
	}
	return nil
}
