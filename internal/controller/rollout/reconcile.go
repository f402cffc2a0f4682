package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/patch"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
	"github.com/cyan-cd/cyan/internal/traffic"
)

const (
	// staleAgain is the wait for a cache that is behind: watches take milliseconds.
	staleAgain = 10 * time.Millisecond
	// heldAgain is the wait after a check spoke against an action; what it waits for mostly comes by watch before.
	heldAgain = time.Second
	// borrowedAgain is how often a ReplicaSet that lends its template is looked at: it is not watched.
	borrowedAgain = 30 * time.Second
)

// Reconcile makes one decision about a Rollout and carries it out.
func (r *reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	began := r.now()
	result, err := r.reconcile(ctx, request.NamespacedName)
	r.metrics.reconciled(request.Namespace, request.Name, r.now().Sub(began), err)
	return result, err
}

func (r *reconciler) reconcile(ctx context.Context, key client.ObjectKey) (reconcile.Result, error) {
	seen, err := r.gather(ctx, key)
	switch {
	case errors.Is(err, errStale):
		return reconcile.Result{RequeueAfter: staleAgain}, nil
	case err != nil:
		return reconcile.Result{}, err
	case seen == nil:
		r.metrics.forget(key.Namespace, key.Name)
		if was, ok := r.known.LoadAndDelete(key); ok {
			r.tell(was.(*v1alpha1.Rollout), rollout.EventDeleted(key.Name))
		}
		return reconcile.Result{}, r.release(ctx, key)
	}
	r.known.Store(key, &v1alpha1.Rollout{TypeMeta: seen.Rollout.TypeMeta, ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, UID: seen.Rollout.UID}})
	now := r.now()
	decision := strategy.Decide(*seen, now)
	held, err := r.act(ctx, seen.Rollout, decision.Actions)
	if err != nil {
		return r.failed(ctx, seen.Rollout, decision, err)
	}
	if err := r.report(ctx, seen.Rollout, decision); err != nil {
		if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
			return reconcile.Result{RequeueAfter: staleAgain}, nil
		}
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: again(seen.Rollout, decision, held, now)}, nil
}

// again is how long to wait when nothing is heard; zero: for ever.
func again(ro *v1alpha1.Rollout, decision rollout.Decision, held error, now time.Time) time.Duration {
	var wait time.Duration
	sooner := func(d time.Duration) {
		if wait == 0 || d < wait {
			wait = d
		}
	}
	if !decision.RequeueAt.IsZero() {
		sooner(max(decision.RequeueAt.Sub(now), staleAgain))
	}
	if held != nil {
		sooner(heldAgain)
	}
	if ref := ro.Spec.WorkloadRef; ref != nil && ref.Kind == "ReplicaSet" {
		sooner(borrowedAgain)
	}
	return wait
}

// failed reports a ReplicaSet that could not be made, which a person has to see; other errors are tried again.
func (r *reconciler) failed(ctx context.Context, ro *v1alpha1.Rollout, decision rollout.Decision, cause error) (reconcile.Result, error) {
	var create *createError
	if errors.As(cause, &create) {
		decision.Status = rollout.CreateFailed(ro.Status, create, r.now())
		if err := r.report(ctx, ro, decision); err != nil {
			return reconcile.Result{}, errors.Join(cause, err)
		}
	}
	if apierrors.IsConflict(cause) || apierrors.IsNotFound(cause) {
		// Somebody was quicker: decide again on what is there now.
		return reconcile.Result{RequeueAfter: staleAgain}, nil
	}
	return reconcile.Result{}, cause
}

// report writes the annotations and the status if they changed, and tells the events.
func (r *reconciler) report(ctx context.Context, ro *v1alpha1.Rollout, decision rollout.Decision) error {
	if err := r.annotate(ctx, ro, decision.Annotations); err != nil {
		return err
	}
	if !equality.Semantic.DeepEqual(ro.Status, decision.Status) {
		after := ro.DeepCopy()
		after.Status = decision.Status
		if err := patch.UnchangedStatus(ctx, r.client, ro, after); err != nil {
			return fmt.Errorf("writing the status of Rollout %s/%s: %w", ro.Namespace, ro.Name, err)
		}
	}
	for _, e := range decision.Events {
		r.tell(ro, e)
	}
	if decision.Completed > 0 {
		r.metrics.finished(ro.Namespace, ro.Name, decision.Completed)
	}
	return nil
}

func (r *reconciler) annotate(ctx context.Context, ro *v1alpha1.Rollout, set map[string]string) error {
	changed := false
	after := ro.DeepCopy()
	for key, value := range set {
		if after.Annotations[key] != value {
			if after.Annotations == nil {
				after.Annotations = map[string]string{}
			}
			after.Annotations[key] = value
			changed = true
		}
	}
	if !changed {
		return nil
	}
	if err := r.client.Patch(ctx, after, client.MergeFrom(ro)); err != nil {
		return fmt.Errorf("annotating Rollout %s/%s: %w", ro.Namespace, ro.Name, err)
	}
	ro.Annotations, ro.ResourceVersion = after.Annotations, after.ResourceVersion
	return nil
}

func (r *reconciler) tell(ro *v1alpha1.Rollout, e rollout.Event) {
	r.metrics.told(ro.Namespace, ro.Name, e)
	r.recorder.Eventf(ro, nil, e.Type, e.Reason, e.Reason, "%s", e.Message)
}

// release gives up the Services of a Rollout that is gone.
func (r *reconciler) release(ctx context.Context, key client.ObjectKey) error {
	list := &corev1.ServiceList{}
	if err := r.client.List(ctx, list, client.InNamespace(key.Namespace)); err != nil {
		return fmt.Errorf("listing Services: %w", err)
	}
	for i := range list.Items {
		service := &list.Items[i]
		if service.Annotations[v1alpha1.ManagedByRolloutsAnnotation] != key.Name {
			continue
		}
		if err := traffic.Release(ctx, r.client, service); client.IgnoreNotFound(err) != nil {
			return err
		}
		log.FromContext(ctx).Info("released a Service of a Rollout that is gone", "service", service.Name)
	}
	return nil
}
