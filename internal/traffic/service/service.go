// Package service moves requests by the selectors of plain Services: all of them go to one version.
package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/traffic"
)

// Router is the selectors of Services.
type Router struct {
	// Client writes.
	Client client.Client
	// Cache reads from a cache that has the [Indexes]; everything is read from the API server when nil.
	Cache client.Reader
	// Live reads from the API server itself.
	Live client.Reader
	// Shared has Rollouts of a namespace read its Services together; each reads them by itself when nil.
	Shared *Shared
}

var _ traffic.Router = Router{}

// Capabilities implements [traffic.Router].
func (Router) Capabilities() traffic.Capabilities { return traffic.Capabilities{} }

// SetWeight implements [traffic.Router]: a selector selects a version or does not.
func (Router) SetWeight(context.Context, *v1alpha1.Rollout, map[string]int32) (client.Object, error) {
	return nil, traffic.ErrNoWeights
}

// Observe implements [traffic.Router].
func (r Router) Observe(ctx context.Context, ro *v1alpha1.Rollout) (rollout.Routes, error) {
	var routes rollout.Routes
	var err error
	strategy := ro.Spec.Strategy
	known := r.known()
	if routes.Active, err = getService(ctx, known, ro.Namespace, strategy.ActiveService()); err != nil {
		return routes, err
	}
	if routes.Preview, err = getService(ctx, known, ro.Namespace, strategy.PreviewService()); err != nil {
		return routes, err
	}
	if routes.Left, err = r.left(ctx, ro); err != nil {
		return routes, err
	}
	if routes.Active == nil {
		return routes, nil
	}
	routes.ActiveSlices, err = r.activeSlices(ctx, ro, routes.Active)
	return routes, err
}

// activeSlices returns the EndpointSlices of the active Service. What proves that a switch has converged is read from
// the API server; as long as the cache shows some of before the switch, nothing is proved.
func (r Router) activeSlices(ctx context.Context, ro *v1alpha1.Rollout, active *corev1.Service) ([]*discoveryv1.EndpointSlice, error) {
	if r.Cache != nil {
		shown, err := slices(ctx, r.Cache, ro.Namespace, active.Name, client.MatchingFields{byService: active.Name})
		if err != nil || !isConverging(ro, active) || !rollout.AreCurrent(shown, active.Labels[rollout.SwitchLabel]) {
			return shown, err
		}
	}
	return slices(ctx, r.Live, ro.Namespace, active.Name, ofService(active.Name))
}

// known reads from the cache, where there is one.
func (r Router) known() client.Reader {
	if r.Cache == nil {
		return r.Live
	}
	return r.Cache
}

// left returns the Services that a Rollout manages still, though it names them no longer.
func (r Router) left(ctx context.Context, ro *v1alpha1.Rollout) ([]*corev1.Service, error) {
	managed, err := r.managed(ctx, client.ObjectKeyFromObject(ro))
	if err != nil {
		return nil, err
	}
	var left []*corev1.Service
	for _, service := range managed {
		if service.Name != ro.Spec.Strategy.ActiveService() && service.Name != ro.Spec.Strategy.PreviewService() {
			left = append(left, service)
		}
	}
	return left, nil
}

// managed returns the Services that are marked with a Rollout.
func (r Router) managed(ctx context.Context, ro client.ObjectKey) ([]*corev1.Service, error) {
	var how []client.ListOption
	if r.Cache != nil {
		how = append(how, client.MatchingFields{byManager: ro.Name})
	}
	all, err := listServices(ctx, r.known(), ro.Namespace, how...)
	if err != nil {
		return nil, err
	}
	var managed []*corev1.Service
	for _, service := range all {
		if isManagedBy(service, ro.Name) {
			managed = append(managed, service)
		}
	}
	return managed, nil
}

// isConverging reports whether the EndpointSlices of a switch do not follow yet: only what is true now may start the
// clock of the scale-down.
func isConverging(ro *v1alpha1.Rollout, active *corev1.Service) bool {
	last := ro.Status.BlueGreen.Switch
	return last == nil || last.ConvergedAt == nil || last.To != rollout.SelectedHash(active)
}

// MaySwitch implements [traffic.Router].
func (r Router) MaySwitch(ctx context.Context, ro *v1alpha1.Rollout, a rollout.SwitchService, now time.Time) error {
	_, err := r.remembered(ctx, ro, a, now)
	return err
}

// remembered returns what the cache shows of what a switch depends on, and an error if that speaks against it.
func (r Router) remembered(ctx context.Context, ro *v1alpha1.Rollout, a rollout.SwitchService, now time.Time) (rollout.LiveState, error) {
	if r.Cache == nil {
		return rollout.LiveState{}, nil
	}
	shown, err := r.shown(ctx, ro, a)
	if err != nil {
		return shown, err
	}
	shown.Now = now
	return shown, traffic.Held(a.Check(shown))
}

// Switch implements [traffic.Router].
func (r Router) Switch(ctx context.Context, ro *v1alpha1.Rollout, a rollout.SwitchService, now time.Time) (client.Object, error) {
	shown, err := r.remembered(ctx, ro, a, now)
	if err != nil {
		return nil, err
	}
	live, err := r.beforeSwitch(ctx, ro, a, shown)
	if err != nil {
		return nil, err
	}
	live.Now = now
	if err := a.Check(live); err != nil {
		return nil, traffic.Held(err)
	}
	mark := selection{hash: a.To, owner: ro.Name}
	if a.Role == rollout.RoleActive {
		mark.labels = mergePatch{rollout.SwitchLabel: rollout.SwitchToken(now)}
	}
	return live.Service, r.patch(ctx, live.Service, mark)
}

// Converged implements [traffic.Router].
func (r Router) Converged(ctx context.Context, ro *v1alpha1.Rollout, a rollout.Scale) error {
	live, err := r.beforeDrain(ctx, ro, a)
	if err != nil {
		return err
	}
	return traffic.Held(a.Check(live))
}

// Release implements [traffic.Router].
func (r Router) Release(ctx context.Context, owner client.ObjectKey, name string) (client.Object, error) {
	service, err := getService(ctx, r.Live, owner.Namespace, name)
	if err != nil || service == nil {
		return nil, err
	}
	return r.release(ctx, owner, service)
}

// ReleaseAll implements [traffic.Router].
func (r Router) ReleaseAll(ctx context.Context, owner client.ObjectKey) error {
	services, err := r.managed(ctx, owner)
	if err != nil {
		return err
	}
	var failed []error
	for _, service := range services {
		if _, err := r.release(ctx, owner, service); client.IgnoreNotFound(err) != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// release takes the hash and the mark of a Rollout off a Service; those of another Rollout stay.
func (r Router) release(ctx context.Context, owner client.ObjectKey, service *corev1.Service) (client.Object, error) {
	marked := service.Annotations[v1alpha1.ManagedByRolloutsAnnotation]
	if marked != "" && marked != owner.Name {
		return nil, nil
	}
	if marked == "" && rollout.SelectedHash(service) == "" {
		return nil, nil
	}
	return service, r.patch(ctx, service, selection{labels: mergePatch{rollout.SwitchLabel: nil}})
}

// selection is what a Service selects, and the Rollout that manages it; nil removes either. labels are set or removed
// in the same write.
type selection struct {
	hash, owner any
	labels      mergePatch
}

// patch writes a selection, provided that the Service is still as it was read. The Service becomes what was written.
func (r Router) patch(ctx context.Context, service *corev1.Service, s selection) error {
	metadata := mergePatch{
		"resourceVersion": service.ResourceVersion,
		"annotations":     mergePatch{v1alpha1.ManagedByRolloutsAnnotation: s.owner},
	}
	if s.labels != nil {
		metadata["labels"] = s.labels
	}
	patch := mergePatch{"metadata": metadata, "spec": mergePatch{"selector": mergePatch{v1alpha1.PodHashLabel: s.hash}}}
	if err := r.Client.Patch(ctx, service, patch.raw()); err != nil {
		return fmt.Errorf("patching the selector of Service %s/%s: %w", service.Namespace, service.Name, err)
	}
	return nil
}

func isManagedBy(service *corev1.Service, ro string) bool {
	return service.Annotations[v1alpha1.ManagedByRolloutsAnnotation] == ro
}

// getService reads a Service; nil when it is not there, or when no name is given.
func getService(ctx context.Context, reader client.Reader, namespace, name string) (*corev1.Service, error) {
	if name == "" {
		return nil, nil
	}
	service := &corev1.Service{}
	err := reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, service)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading Service %s/%s: %w", namespace, name, err)
	}
	return service, nil
}
