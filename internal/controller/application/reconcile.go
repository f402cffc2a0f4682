package application

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

// lookRequeueAfter is the time after which an Application is looked at although nothing was heard of it, give or take
// a third.
const lookRequeueAfter = 3 * time.Minute

// restRequeueAfter is lookRequeueAfter where everything stands: what changes is heard of, and a thousand Applications
// at rest should cost nothing to speak of.
const restRequeueAfter = 15 * time.Minute

// conflictRequeueAfter is the time after which an Application is looked at again that somebody else wrote meanwhile.
const conflictRequeueAfter = 5 * time.Millisecond

// maxVisits bounds how often an Application is looked at in a row because its last look asked for the next one: an
// operation that begins is carried on at once, and does not wait behind all others.
const maxVisits = 8

// Reconcile looks at one Application until there is nothing to do but wait.
func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	select {
	case <-r.settingsRead:
	case <-ctx.Done():
		return ctrl.Result{}, ctx.Err()
	}
	defer r.queue.looked(request.NamespacedName)
	started := time.Now()
	defer r.watchdog.enter(request.NamespacedName)()
	var app *v1alpha1.Application
	var wait time.Duration
	told := &happenings{}
	defer func() { told.emit(r.recorder) }()
	for range maxVisits {
		var err error
		app, err = r.newest.get(ctx, request.NamespacedName)
		if apierrors.IsNotFound(err) {
			return ctrl.Result{}, r.forget(ctx, request)
		}
		if err != nil {
			return ctrl.Result{}, fmt.Errorf("reading Application %s: %w", request.NamespacedName, err)
		}
		if app.Annotations[v1alpha1.SkipReconcileAnnotation] == "true" && app.DeletionTimestamp == nil {
			return ctrl.Result{}, nil
		}
		written := false
		err = problem.Guard(func() (err error) {
			written, wait, err = r.visit(ctx, app, told)
			return err
		})()
		if err != nil {
			return ctrl.Result{}, r.failed(ctx, app, err)
		}
		if !written || wait > operation.RequeueNow {
			break
		}
	}
	r.meters.reconciled(app, time.Since(started))
	return ctrl.Result{RequeueAfter: wait}, nil
}

// failed puts a fault of the program into the status of the Application that met it, whose next look is backed off.
func (r *reconciler) failed(ctx context.Context, app *v1alpha1.Application, err error) error {
	var fault *problem.Panic
	if !errors.As(err, &fault) {
		return err
	}
	r.log.Error("the program has failed", "application", client.ObjectKeyFromObject(app), "panic", fault.Value, "stack", string(fault.Stack))
	after := app.DeepCopy()
	after.Status.Conditions = plan.MergeConditions(app.Status.Conditions,
		[]v1alpha1.ApplicationCondition{{Type: v1alpha1.ConditionUnknownError, Message: fault.Error()}}, metav1.NewTime(r.now()))
	stored, writing := write(ctx, r.client, r.newest.server, app, after)
	if stored != nil {
		r.newest.wrote(stored)
	}
	return errors.Join(err, writing)
}

// visit gathers, decides, acts and reports for an Application once. It returns whether there was something to report,
// and when to look again.
func (r *reconciler) visit(ctx context.Context, app *v1alpha1.Application, told *happenings) (written bool, wait time.Duration, err error) {
	seen, look, err := r.look(ctx, app)
	if err != nil || look.skipped {
		return false, 0, err
	}
	stored, err := write(ctx, r.client, r.newest.server, app, look.after)
	if apierrors.IsConflict(err) {
		// Somebody wrote in between: what was decided is decided again once the watch has brought that.
		return false, conflictRequeueAfter, nil
	}
	if err != nil || stored == nil {
		return false, look.wait, err
	}
	r.newest.wrote(stored)
	r.begun.wrote(app, stored)
	told.wrote(app, look.after, look.happened)
	r.meters.count(seen, look.after)
	return true, look.wait, nil
}

// outcome is what a look at an Application has come to.
type outcome struct {
	// skipped is set when the Application is left alone; nothing else is then.
	skipped bool
	// after is the Application as it is to be written.
	after *v1alpha1.Application
	// wait is when to look again.
	wait     time.Duration
	happened []operation.Event
	// unrecorded is set when an operation begins that may be carried on before that is written.
	unrecorded bool
}

// look gathers, decides and acts. An operation that need not be recorded before it is carried on is looked at once
// more as it has begun. seen is the Application that was looked at last.
func (r *reconciler) look(ctx context.Context, app *v1alpha1.Application) (seen *v1alpha1.Application, found outcome, err error) {
	found, err = r.lookOnce(ctx, app)
	if err != nil || !found.unrecorded {
		return app, found, err
	}
	begun := found
	found, err = r.lookOnce(ctx, begun.after)
	found.happened = append(begun.happened, found.happened...)
	return begun.after, found, err
}

func (r *reconciler) lookOnce(ctx context.Context, app *v1alpha1.Application) (outcome, error) {
	o, err := r.gather(ctx, app)
	if err != nil || o.skipped {
		return outcome{skipped: true}, err
	}
	return r.actAndReport(ctx, o)
}

func (r *reconciler) forget(ctx context.Context, request ctrl.Request) error {
	if err := r.hooks.release(ctx, request.NamespacedName); err != nil {
		return err
	}
	r.newest.forget(request.NamespacedName)
	r.begun.forget(request.NamespacedName)
	r.heals.forget(request.NamespacedName)
	r.sources.forget(request.NamespacedName)
	r.renderer.Forget(request.NamespacedName)
	r.rolledBack.Forget(request.NamespacedName)
	r.comparer.Forget(request.NamespacedName)
	r.clusters.Release(instanceOf(r.control, request.NamespacedName))
	return nil
}

// actAndReport carries out what an observation asks for, and gives the Application as it is to be written, and when
// to look again.
func (r *reconciler) actAndReport(ctx context.Context, o *observation) (outcome, error) {
	after := o.app.DeepCopy()
	if o.app.DeletionTimestamp != nil {
		soon, err := r.remove(ctx, o, after)
		delete(after.Annotations, v1alpha1.RefreshAnnotation)
		return outcome{after: after, wait: earlier(lookAgainAfter(o, after), soon)}, err
	}
	if ended, err := writeEnd(ctx, r.client, o); !ended || err != nil {
		return outcome{skipped: true}, err
	}
	decided, err := r.operate(ctx, o)
	if err != nil {
		return outcome{}, err
	}
	after = decided.App
	if err := r.followHooks(ctx, o, after); err != nil {
		return outcome{}, err
	}
	o.report(&after.Status, r.control)
	delete(after.Annotations, v1alpha1.RefreshAnnotation)
	if o.comparison.Complete {
		after.Finalizers = plan.WithHookFinalizers(after.Finalizers, o.comparison.Instructed())
	}
	changed, err := differs(o.app, after)
	if err != nil {
		return outcome{}, err
	}
	if changed {
		at := metav1.NewTime(r.now())
		after.Status.ReconciledAt = &at
	}
	wait := earlier(earlier(lookAgainAfter(o, after), decided.RequeueAfter), lookAtHandOverAgain(o))
	return outcome{after: after, wait: wait, happened: decided.Events, unrecorded: decided.Unrecorded}, nil
}

// lookAgainAfter returns when an Application is looked at although nothing was heard of it: not all at the same time.
func lookAgainAfter(o *observation, after *v1alpha1.Application) time.Duration {
	wait := lookRequeueAfter
	watched := len(o.comparison.Live.Broken) == 0 && (o.project == nil || o.project.Spec.OrphanedResources == nil)
	if watched && operation.OnlyRevision(after) && after.Status.Health.Status == v1alpha1.HealthHealthy {
		wait = restRequeueAfter
	}
	return wait*2/3 + rand.N(wait*2/3)
}

// earlier takes the second when it is there and comes first.
func earlier(a, b time.Duration) time.Duration {
	if b > 0 && b < a {
		return b
	}
	return a
}
