package service

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// beforeSwitch reads what [rollout.SwitchService.Check] looks at, all at the same time: requests wait for the switch.
func (r Router) beforeSwitch(ctx context.Context, ro *v1alpha1.Rollout, a rollout.SwitchService) (rollout.LiveState, error) {
	var live rollout.LiveState
	if a.Role != rollout.RoleActive {
		var err error
		live.Service, err = getService(ctx, r.Live, ro.Namespace, a.Service)
		return live, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		live.Service, live.Serving, err = r.serving(ctx, ro.Namespace, a.Service)
		return err
	})
	group.Go(func() (err error) {
		live.ReplicaSet, err = r.replicaSet(ctx, ro.Namespace, a.To)
		return err
	})
	group.Go(func() (err error) {
		live.Pods, err = pods(ctx, r.Live, ro.Namespace, withHash(a.To))
		return err
	})
	preview := ro.Spec.Strategy.PreviewService()
	var shown *corev1.Service
	if preview != "" {
		group.Go(func() (err error) {
			shown, err = getService(ctx, r.Live, ro.Namespace, preview)
			return err
		})
		group.Go(func() (err error) {
			live.PreviewSlices, err = slices(ctx, r.Live, ro.Namespace, preview)
			return err
		})
	}
	err := group.Wait()
	live.Preview, live.PreviewHash = shown != nil, rollout.SelectedHash(shown)
	return live, err
}

// serving reads a Service and, when their ports matter, the pods that it selects.
func (r Router) serving(ctx context.Context, namespace, name string) (*corev1.Service, []*corev1.Pod, error) {
	service, err := getService(ctx, r.Live, namespace, name)
	if err != nil || service == nil || !rollout.HasNamedPorts(service) || len(service.Spec.Selector) == 0 {
		return service, nil, err
	}
	selected, err := pods(ctx, r.Live, namespace, service.Spec.Selector)
	return service, selected, err
}

// replicaSet reads the ReplicaSet with a hash; nil when there is none.
func (r Router) replicaSet(ctx context.Context, namespace, hash string) (*appsv1.ReplicaSet, error) {
	sets := &appsv1.ReplicaSetList{}
	if err := r.Live.List(ctx, sets, client.InNamespace(namespace), withHash(hash)); err != nil {
		return nil, fmt.Errorf("listing the ReplicaSets with hash %s: %w", hash, err)
	}
	if len(sets.Items) == 0 {
		return nil, nil
	}
	return &sets.Items[0], nil
}

// beforeDrain reads what [rollout.Scale.Check] looks at.
func (r Router) beforeDrain(ctx context.Context, ro *v1alpha1.Rollout, a rollout.Scale) (rollout.LiveState, error) {
	var live rollout.LiveState
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		live.Services, err = listServices(ctx, r.Live, ro.Namespace)
		return err
	})
	group.Go(func() (err error) {
		live.Pods, err = pods(ctx, r.Live, ro.Namespace, withHash(a.Hash))
		return err
	})
	names := []string{ro.Spec.Strategy.ActiveService(), ro.Spec.Strategy.PreviewService()}
	own := make([][]*discoveryv1.EndpointSlice, len(names))
	for i, name := range names {
		if name == "" {
			continue
		}
		group.Go(func() (err error) {
			own[i], err = slices(ctx, r.Live, ro.Namespace, name)
			return err
		})
	}
	err := group.Wait()
	for _, of := range own {
		live.Slices = append(live.Slices, of...)
	}
	return live, err
}

func listServices(ctx context.Context, reader client.Reader, namespace string, how ...client.ListOption) ([]*corev1.Service, error) {
	list := &corev1.ServiceList{}
	if err := reader.List(ctx, list, append(how, client.InNamespace(namespace))...); err != nil {
		return nil, fmt.Errorf("listing the Services of namespace %s: %w", namespace, err)
	}
	return pointers(list.Items), nil
}

// slices lists the EndpointSlices of a Service.
func slices(ctx context.Context, reader client.Reader, namespace, service string) ([]*discoveryv1.EndpointSlice, error) {
	list := &discoveryv1.EndpointSliceList{}
	err := reader.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels{discoveryv1.LabelServiceName: service})
	if err != nil {
		return nil, fmt.Errorf("listing the EndpointSlices of Service %s/%s: %w", namespace, service, err)
	}
	return pointers(list.Items), nil
}

// cachedSlices is slices, from a cache that has the [Indexes].
func cachedSlices(ctx context.Context, cache client.Reader, namespace, service string) ([]*discoveryv1.EndpointSlice, error) {
	list := &discoveryv1.EndpointSliceList{}
	if err := cache.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{byService: service}); err != nil {
		return nil, fmt.Errorf("listing the EndpointSlices of Service %s/%s: %w", namespace, service, err)
	}
	return pointers(list.Items), nil
}

func pods(ctx context.Context, reader client.Reader, namespace string, with client.MatchingLabels) ([]*corev1.Pod, error) {
	list := &corev1.PodList{}
	if err := reader.List(ctx, list, client.InNamespace(namespace), with); err != nil {
		return nil, fmt.Errorf("listing the pods with labels %s: %w", labels.Set(with), err)
	}
	return pointers(list.Items), nil
}

func withHash(hash string) client.MatchingLabels {
	return client.MatchingLabels{v1alpha1.PodHashLabel: hash}
}

func pointers[T any](items []T) []*T {
	all := make([]*T, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	return all
}

// mergePatch is a JSON merge patch (RFC 7386): nil removes.
type mergePatch map[string]any

func (p mergePatch) raw() client.Patch {
	// Maps of strings always encode.
	data, _ := json.Marshal(p)
	return client.RawPatch(types.MergePatchType, data)
}
