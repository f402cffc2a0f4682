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
	"github.com/cyan-cd/cyan/internal/plan"
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

// remove deletes what an Application deployed, a wave after the other, and lets the Application go when all is gone.
func (r *reconciler) remove(ctx context.Context, o *observation, after *v1alpha1.Application) (time.Duration, error) {
	finalizer, propagation := resourcesFinalizer(o.app)
	if finalizer == "" {
		return 0, r.hooks.release(ctx, o.name)
	}
	left, err := r.removeObjects(ctx, o, propagation)
	if err != nil && ctx.Err() != nil {
		return 0, ctx.Err()
	}
	o.problems = nil
	if err != nil {
		o.add(v1alpha1.ConditionDeletionError, fmt.Errorf("%w. To delete the Application and leave its objects where they are: kubectl -n %s patch application %s --type=json -p '[{\"op\":\"remove\",\"path\":\"/metadata/finalizers\"}]'",
			err, o.app.Namespace, o.app.Name))
	}
	after.Status.Conditions = plan.MergeConditions(after.Status.Conditions, o.conditions(), metav1.NewTime(o.now))
	if len(after.Status.Conditions) == 0 {
		after.Status.Conditions = nil
	}
	if err != nil || left > 0 {
		return removeRequeueAfter, nil
	}
	after.Finalizers = slices.DeleteFunc(slices.Clone(after.Finalizers), func(f string) bool { return f == finalizer })
	r.log.Info("deleted", "application", o.name)
	return 0, nil
}

// removeObjects deletes the highest wave that is there, and says how many objects are left in all. An error says what
// holds them up.
func (r *reconciler) removeObjects(ctx context.Context, o *observation, propagation metav1.DeletionPropagation) (int, error) {
	if o.cluster == nil || o.project == nil || o.writer == nil {
		return 0, fmt.Errorf("the objects of the Application can't be deleted: %w", errors.Join(problemsOf(o)...))
	}
	live, err := o.cluster.Snapshot(ctx, o.wanted())
	if err != nil {
		return 0, fmt.Errorf("the objects of the Application can't be deleted: %w", err)
	}
	for kind, err := range live.Broken {
		return 0, fmt.Errorf("the objects of the Application can't be deleted: reading %s: %w", kind, err)
	}
	o.comparison.Live = live
	if err := releaseHooks(ctx, o, plan.Plan{}); err != nil {
		return 0, err
	}
	others, err := objectsOfOthers(ctx, r.client, r.clusters, o)
	if err != nil {
		return 0, err
	}
	removal := plan.Deletion(o.lives(), plan.Policy{
		Instance: o.instance, Tracking: o.tracking(), Options: specOptions(o.app), Confirmed: plan.Confirmed(o.app, o.app.DeletionTimestamp.Time), Occupants: others,
	})
	switch {
	case len(removal.Unconfirmed) > 0:
		return removal.Left(), unconfirmed(o.app, removal.Unconfirmed)
	case len(removal.Waves) == 0:
		return 0, nil
	}
	return removal.Left(), removeWave(ctx, o, removal.Waves[0], propagation)
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

func problemsOf(o *observation) []error {
	var all []error
	for _, p := range o.problems {
		all = append(all, p.Err)
	}
	return all
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
