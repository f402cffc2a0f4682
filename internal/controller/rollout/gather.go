package rollout

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/traffic"
)

// gather reads what a decision is made from. The Rollout itself is read from the API server, since people write its status as well; the rest comes from the
// cache, provided that the cache shows what this controller has written. Nil means that the Rollout is gone.
func (r *reconciler) gather(ctx context.Context, key client.ObjectKey) (*rollout.Observation, error) {
	ro := &v1alpha1.Rollout{}
	if err := r.live.Get(ctx, key, ro); apierrors.IsNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading Rollout %s: %w", key, err)
	}
	seen := &rollout.Observation{Rollout: ro}
	for _, part := range []func(context.Context, *rollout.Observation) error{r.gatherWorkload, r.gatherReplicaSets, r.gatherPods, r.gatherServices, r.gatherSlices} {
		if err := part(ctx, seen); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

func (r *reconciler) gatherWorkload(ctx context.Context, seen *rollout.Observation) error {
	ref := seen.Rollout.Spec.WorkloadRef
	if ref == nil {
		return nil
	}
	key := client.ObjectKey{Namespace: seen.Rollout.Namespace, Name: ref.Name}
	var err error
	switch ref.Kind {
	case "Deployment":
		d := &appsv1.Deployment{}
		if err = r.live.Get(ctx, key, d); err == nil {
			seen.Workload = &rollout.Workload{Template: d.Spec.Template, Generation: d.Generation, Selector: d.Spec.Selector, Replicas: d.Spec.Replicas}
		}
	case "ReplicaSet":
		rs := &appsv1.ReplicaSet{}
		if err = r.live.Get(ctx, key, rs); err == nil {
			seen.Workload = &rollout.Workload{Template: rs.Spec.Template, Generation: rs.Generation, Selector: rs.Spec.Selector, Replicas: rs.Spec.Replicas}
		}
	case "PodTemplate":
		t := &corev1.PodTemplate{}
		if err = r.live.Get(ctx, key, t); err == nil {
			seen.Workload = &rollout.Workload{Template: t.Template, Generation: t.Generation, Selector: &metav1.LabelSelector{MatchLabels: t.Template.Labels}}
		}
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading %s %s: %w", ref.Kind, key, err)
	}
	return nil
}

func (r *reconciler) gatherReplicaSets(ctx context.Context, seen *rollout.Observation) error {
	list := &appsv1.ReplicaSetList{}
	if err := r.client.List(ctx, list, client.InNamespace(seen.Rollout.Namespace)); err != nil {
		return fmt.Errorf("listing ReplicaSets: %w", err)
	}
	present := map[types.UID]bool{}
	for i := range list.Items {
		rs := &list.Items[i]
		if !metav1.IsControlledBy(rs, seen.Rollout) {
			continue
		}
		present[rs.UID] = true
		if r.written.ahead(rs) {
			return errStale
		}
		seen.ReplicaSets = append(seen.ReplicaSets, rs)
	}
	if r.written.missing(seen.Rollout.UID, present) {
		return errStale
	}
	return nil
}

func (r *reconciler) gatherPods(ctx context.Context, seen *rollout.Observation) error {
	own := map[string]bool{}
	for _, rs := range seen.ReplicaSets {
		own[string(rs.UID)] = true
	}
	list := &corev1.PodList{}
	if err := r.client.List(ctx, list, client.InNamespace(seen.Rollout.Namespace), client.HasLabels{v1alpha1.PodHashLabel}); err != nil {
		return fmt.Errorf("listing pods: %w", err)
	}
	for i := range list.Items {
		if owner := metav1.GetControllerOf(&list.Items[i]); owner != nil && own[string(owner.UID)] {
			seen.Pods = append(seen.Pods, &list.Items[i])
		}
	}
	return nil
}

func (r *reconciler) gatherServices(ctx context.Context, seen *rollout.Observation) error {
	list := &corev1.ServiceList{}
	if err := r.client.List(ctx, list, client.InNamespace(seen.Rollout.Namespace)); err != nil {
		return fmt.Errorf("listing Services: %w", err)
	}
	active, preview := services(seen.Rollout)
	for i := range list.Items {
		service := &list.Items[i]
		managed := service.Annotations[v1alpha1.ManagedByRolloutsAnnotation] == seen.Rollout.Name
		if (managed || service.Name == active || service.Name == preview) && r.written.ahead(service) {
			return errStale
		}
		switch {
		case service.Name == active:
			seen.Active = service
		case service.Name == preview:
			seen.Preview = service
		case managed:
			seen.Left = append(seen.Left, service)
		}
	}
	return nil
}

// gatherSlices reads the EndpointSlices from the API server while a switch has not converged: only what is true now may start the clock of the scale-down.
func (r *reconciler) gatherSlices(ctx context.Context, seen *rollout.Observation) error {
	if seen.Active == nil {
		return nil
	}
	reader := r.live
	last := seen.Rollout.Status.BlueGreen.Switch
	if last != nil && last.ConvergedAt != nil && last.To == rollout.PodHash(seen.Active.Spec.Selector) {
		reader = r.client
	}
	var err error
	seen.ActiveSlices, err = traffic.Slices(ctx, reader, seen.Active.Namespace, seen.Active.Name)
	return err
}

func services(ro *v1alpha1.Rollout) (active, preview string) {
	if bg := ro.Spec.Strategy.BlueGreen; bg != nil {
		return bg.ActiveService, bg.PreviewService
	}
	return "", ""
}
