package service

import (
	"context"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// beforeSwitch reads what [rollout.SwitchService.Check] looks at.
func (r Router) beforeSwitch(ctx context.Context, ro *v1alpha1.Rollout, a rollout.SwitchService) (rollout.LiveState, error) {
	var live rollout.LiveState
	var err error
	if live.Service, err = getService(ctx, r.Live, ro.Namespace, a.Service); err != nil || a.Role != rollout.RoleActive {
		return live, err
	}
	sets := &appsv1.ReplicaSetList{}
	if err := r.Live.List(ctx, sets, client.InNamespace(ro.Namespace), withHash(a.To)); err != nil {
		return live, fmt.Errorf("listing the ReplicaSets with hash %s: %w", a.To, err)
	}
	if len(sets.Items) > 0 {
		live.ReplicaSet = &sets.Items[0]
	}
	if live.Pods, err = pods(ctx, r.Live, ro.Namespace, withHash(a.To)); err != nil {
		return live, err
	}
	if live.Service != nil && rollout.HasNamedPorts(live.Service) && len(live.Service.Spec.Selector) > 0 {
		if live.Serving, err = pods(ctx, r.Live, ro.Namespace, live.Service.Spec.Selector); err != nil {
			return live, err
		}
	}
	return r.withPreview(ctx, ro, live)
}

func (r Router) withPreview(ctx context.Context, ro *v1alpha1.Rollout, live rollout.LiveState) (rollout.LiveState, error) {
	name := ro.Spec.Strategy.PreviewService()
	if name == "" {
		return live, nil
	}
	preview, err := getService(ctx, r.Live, ro.Namespace, name)
	if err != nil || preview == nil {
		return live, err
	}
	live.Preview, live.PreviewHash = true, rollout.SelectedHash(preview)
	live.PreviewSlices, err = slices(ctx, r.Live, ro.Namespace, name)
	return live, err
}

// beforeDrain reads what [rollout.Scale.Check] looks at.
func (r Router) beforeDrain(ctx context.Context, ro *v1alpha1.Rollout, a rollout.Scale) (rollout.LiveState, error) {
	var live rollout.LiveState
	var err error
	if live.Services, err = listServices(ctx, r.Live, ro.Namespace); err != nil {
		return live, err
	}
	for _, name := range []string{ro.Spec.Strategy.ActiveService(), ro.Spec.Strategy.PreviewService()} {
		if name == "" {
			continue
		}
		own, err := slices(ctx, r.Live, ro.Namespace, name)
		if err != nil {
			return live, err
		}
		live.Slices = append(live.Slices, own...)
	}
	live.Pods, err = pods(ctx, r.Live, ro.Namespace, withHash(a.Hash))
	return live, err
}

func listServices(ctx context.Context, reader client.Reader, namespace string) ([]*corev1.Service, error) {
	list := &corev1.ServiceList{}
	if err := reader.List(ctx, list, client.InNamespace(namespace)); err != nil {
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
