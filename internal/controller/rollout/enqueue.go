package rollout

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/traffic/service"
)

// Indexes of Rollouts by what they name: the name of a Service, "Kind/name" of a workload. ReplicaSets and pods have
// one by the UID of their controller, so that looking at a Rollout costs the same whatever else its namespace holds.
const (
	byService    = "services"
	byWorkload   = "workload"
	byController = "controller"
)

func addIndexes(indexer client.FieldIndexer) error {
	ctx := context.Background()
	for _, index := range append(service.Indexes(), []service.Index{
		{Of: &v1alpha1.Rollout{}, Name: byService, Values: servicesOf},
		{Of: &v1alpha1.Rollout{}, Name: byWorkload, Values: workloadOf},
		{Of: &appsv1.ReplicaSet{}, Name: byController, Values: controllerOf},
		{Of: &corev1.Pod{}, Name: byController, Values: controllerOf},
	}...) {
		if err := indexer.IndexField(ctx, index.Of, index.Name, index.Values); err != nil {
			return err
		}
	}
	return nil
}

func servicesOf(o client.Object) []string {
	strategy := o.(*v1alpha1.Rollout).Spec.Strategy
	return []string{strategy.ActiveService(), strategy.PreviewService()}
}

func workloadOf(o client.Object) []string {
	ref := o.(*v1alpha1.Rollout).Spec.WorkloadRef
	if ref == nil {
		return nil
	}
	return []string{ref.Kind + "/" + ref.Name}
}

func controllerOf(o client.Object) []string {
	owner := metav1.GetControllerOfNoCopy(o)
	if owner == nil {
		return nil
	}
	return []string{string(owner.UID)}
}

// enqueuer finds the Rollouts that a change of another object concerns.
type enqueuer struct{ cache client.Reader }

func (e enqueuer) ofPod(ctx context.Context, pod client.Object) []reconcile.Request {
	owner := metav1.GetControllerOf(pod)
	if owner == nil || owner.Kind != "ReplicaSet" || pod.GetLabels()[v1alpha1.PodHashLabel] == "" {
		return nil
	}
	rs := &appsv1.ReplicaSet{}
	if err := e.cache.Get(ctx, client.ObjectKey{Namespace: pod.GetNamespace(), Name: owner.Name}, rs); err != nil {
		return nil
	}
	if ro := metav1.GetControllerOf(rs); ro != nil && ro.Kind == v1alpha1.RolloutKind {
		return []reconcile.Request{request(pod.GetNamespace(), ro.Name)}
	}
	return nil
}

// ofService finds the Rollouts that name a Service, and the one that it is marked with, which may name it no longer.
func (e enqueuer) ofService(ctx context.Context, service client.Object) []reconcile.Request {
	requests := e.by(ctx, service.GetNamespace(), byService, service.GetName())
	if owner := service.GetAnnotations()[v1alpha1.ManagedByRolloutsAnnotation]; owner != "" {
		requests = append(requests, request(service.GetNamespace(), owner))
	}
	return requests
}

func (e enqueuer) ofEndpointSlice(ctx context.Context, slice client.Object) []reconcile.Request {
	return e.by(ctx, slice.GetNamespace(), byService, slice.GetLabels()[discoveryv1.LabelServiceName])
}

func (e enqueuer) ofWorkload(kind string) handler.MapFunc {
	return func(ctx context.Context, o client.Object) []reconcile.Request {
		return e.by(ctx, o.GetNamespace(), byWorkload, kind+"/"+o.GetName())
	}
}

// by finds the Rollouts of an index.
func (e enqueuer) by(ctx context.Context, namespace, index, value string) []reconcile.Request {
	if value == "" {
		return nil
	}
	list := &v1alpha1.RolloutList{}
	if err := e.cache.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{index: value}); err != nil {
		return nil
	}
	var requests []reconcile.Request
	for i := range list.Items {
		requests = append(requests, request(namespace, list.Items[i].Name))
	}
	return requests
}

func request(namespace, name string) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}
}
