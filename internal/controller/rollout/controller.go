// Package rollout is the controller of Rollouts: it gathers what is there, asks the pure package of the same name what to do, does it, and reports.
package rollout

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Options are what a controller of Rollouts can be told.
type Options struct {
	// InstanceID limits the controller to Rollouts with this controller-instance-id label; empty: to those without one.
	InstanceID string
	// Workers is the number of Rollouts that are looked at at the same time; 10 when zero.
	Workers int
	// Now tells the time; time.Now when nil.
	Now func() time.Time
	// Metrics is where the controller's metrics are registered; controller-runtime's registry when nil.
	Metrics prometheus.Registerer
}

// Indexes of Rollouts by what they name, each value "namespace/name" or "Kind/name".
const (
	byService  = "services"
	byWorkload = "workload"
)

// Setup adds the controller to a manager, whose cache may be limited to the ReplicaSets and pods that carry a pod-template hash: others are not read from it.
func Setup(mgr ctrl.Manager, o Options) error {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Workers == 0 {
		o.Workers = 10
	}
	r := &reconciler{
		client:   client.WithFieldOwner(mgr.GetClient(), v1alpha1.RolloutFieldManager),
		live:     mgr.GetAPIReader(),
		recorder: mgr.GetEventRecorder("cyan-rollout"),
		now:      o.Now,
		written:  newWritten(o.Now),
		metrics:  newMetrics(mgr.GetClient()),
	}
	if o.Metrics == nil {
		o.Metrics = ctrlmetrics.Registry
	}
	if err := o.Metrics.Register(r.metrics); err != nil {
		return fmt.Errorf("registering the metrics of Rollouts: %w", err)
	}
	if err := indexRollouts(mgr); err != nil {
		return err
	}
	deployments := &metav1.PartialObjectMetadata{}
	deployments.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	templates := &metav1.PartialObjectMetadata{}
	templates.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("PodTemplate"))
	return ctrl.NewControllerManagedBy(mgr).
		Named("rollout").
		For(&v1alpha1.Rollout{}, builder.WithPredicates(ofInstance(o.InstanceID))).
		Owns(&appsv1.ReplicaSet{}).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(r.rolloutOfPod)).
		Watches(&corev1.Service{}, handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []reconcile.Request {
			return r.rolloutsOfService(ctx, o.GetNamespace(), o.GetName(), o.GetAnnotations()[v1alpha1.ManagedByRolloutsAnnotation])
		})).
		Watches(&discoveryv1.EndpointSlice{}, handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []reconcile.Request {
			return r.rolloutsOfService(ctx, o.GetNamespace(), o.GetLabels()[discoveryv1.LabelServiceName], "")
		})).
		WatchesMetadata(deployments, handler.EnqueueRequestsFromMapFunc(r.rolloutsOfWorkload("Deployment"))).
		WatchesMetadata(templates, handler.EnqueueRequestsFromMapFunc(r.rolloutsOfWorkload("PodTemplate"))).
		WithOptions(controller.Options{MaxConcurrentReconciles: o.Workers}).
		Complete(r)
}

// ofInstance lets through the Rollouts that this controller looks after.
func ofInstance(id string) predicate.Predicate {
	return predicate.NewPredicateFuncs(func(o client.Object) bool {
		return o.GetLabels()[v1alpha1.RolloutInstanceIDLabel] == id
	})
}

func indexRollouts(mgr ctrl.Manager) error {
	ctx := context.Background()
	err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.Rollout{}, byService, func(o client.Object) []string {
		bg := o.(*v1alpha1.Rollout).Spec.Strategy.BlueGreen
		if bg == nil {
			return nil
		}
		return []string{bg.ActiveService, bg.PreviewService}
	})
	if err != nil {
		return err
	}
	return mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.Rollout{}, byWorkload, func(o client.Object) []string {
		ref := o.(*v1alpha1.Rollout).Spec.WorkloadRef
		if ref == nil {
			return nil
		}
		return []string{ref.Kind + "/" + ref.Name}
	})
}

type reconciler struct {
	client   client.Client
	live     client.Reader
	recorder events.EventRecorder
	now      func() time.Time
	written  *written
	// known are the Rollouts that were there when they were last looked at, for what is told of those that go.
	known   sync.Map
	metrics *metrics
}

func (r *reconciler) rolloutOfPod(ctx context.Context, pod client.Object) []reconcile.Request {
	owner := metav1.GetControllerOf(pod)
	if owner == nil || owner.Kind != "ReplicaSet" || pod.GetLabels()[v1alpha1.PodHashLabel] == "" {
		return nil
	}
	rs := &appsv1.ReplicaSet{}
	if err := r.client.Get(ctx, client.ObjectKey{Namespace: pod.GetNamespace(), Name: owner.Name}, rs); err != nil {
		return nil
	}
	if ro := metav1.GetControllerOf(rs); ro != nil && ro.Kind == v1alpha1.RolloutKind {
		return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: pod.GetNamespace(), Name: ro.Name}}}
	}
	return nil
}

// rolloutsOfService finds the Rollouts that name a Service, and the one that it is marked with, which may name it no longer.
func (r *reconciler) rolloutsOfService(ctx context.Context, namespace, service, managedBy string) []reconcile.Request {
	requests := r.rolloutsBy(ctx, namespace, byService, service)
	if managedBy != "" {
		requests = append(requests, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: managedBy}})
	}
	return requests
}

func (r *reconciler) rolloutsOfWorkload(kind string) handler.MapFunc {
	return func(ctx context.Context, o client.Object) []reconcile.Request {
		return r.rolloutsBy(ctx, o.GetNamespace(), byWorkload, kind+"/"+o.GetName())
	}
}

func (r *reconciler) rolloutsBy(ctx context.Context, namespace, index, value string) []reconcile.Request {
	if value == "" {
		return nil
	}
	list := &v1alpha1.RolloutList{}
	if err := r.client.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{index: value}); err != nil {
		return nil
	}
	var requests []reconcile.Request
	for i := range list.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return requests
}
