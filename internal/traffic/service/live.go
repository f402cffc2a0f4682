package service

import (
	"context"
	"encoding/json"
	"fmt"
	std "slices"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// mostByName is how many objects are read from the API server by their names; more of them by a list. A list waits
// there until the server itself has seen all that was written before, which may take it a tenth of a second.
const mostByName = 16

// shown returns what [rollout.SwitchService.Check] looks at, as the cache shows it.
func (r Router) shown(ctx context.Context, ro *v1alpha1.Rollout, a rollout.SwitchService) (rollout.LiveState, error) {
	var shown rollout.LiveState
	var err error
	if shown.Service, err = getService(ctx, r.Cache, ro.Namespace, a.Service); err != nil || a.Role != rollout.RoleActive {
		return shown, err
	}
	if shown.ReplicaSet, err = replicaSet(ctx, r.Cache, ro.Namespace, client.MatchingFields{byHash: a.To}); err != nil {
		return shown, err
	}
	if shown.Pods, err = pods(ctx, r.Cache, ro.Namespace, client.MatchingFields{byHash: a.To}); err != nil {
		return shown, err
	}
	name := ro.Spec.Strategy.PreviewService()
	if name == "" {
		return shown, nil
	}
	preview, err := getService(ctx, r.Cache, ro.Namespace, name)
	if err != nil {
		return shown, err
	}
	shown.Preview, shown.PreviewHash = preview != nil, rollout.SelectedHash(preview)
	shown.PreviewSlices, err = slices(ctx, r.Cache, ro.Namespace, name, client.MatchingFields{byService: name})
	return shown, err
}

// beforeSwitch reads what [rollout.SwitchService.Check] looks at from the API server, all at the same time: requests
// wait for the switch. What the cache has shown is read again by name. A pod that it has not shown yet is not waited
// for, and an EndpointSlice of the preview that it has not shown speaks against no switch.
func (r Router) beforeSwitch(ctx context.Context, ro *v1alpha1.Rollout, a rollout.SwitchService, shown rollout.LiveState) (rollout.LiveState, error) {
	var live rollout.LiveState
	if a.Role != rollout.RoleActive {
		var err error
		live.Service, err = getService(ctx, r.Live, ro.Namespace, a.Service)
		return live, err
	}
	group, within := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		live.Service, err = getService(within, r.Live, ro.Namespace, a.Service)
		return err
	})
	group.Go(func() (err error) {
		live.ReplicaSet, err = r.sameReplicaSet(within, ro.Namespace, a.To, shown.ReplicaSet)
		return err
	})
	group.Go(func() (err error) {
		live.Pods, err = again(within, r.Live, shown.Pods, func() ([]*corev1.Pod, error) {
			return pods(within, r.Live, ro.Namespace, withHash(a.To))
		})
		return err
	})
	name := ro.Spec.Strategy.PreviewService()
	var preview *corev1.Service
	if name != "" {
		group.Go(func() (err error) {
			preview, err = getService(within, r.Live, ro.Namespace, name)
			return err
		})
		group.Go(func() (err error) {
			live.PreviewSlices, err = again(within, r.Live, shown.PreviewSlices, func() ([]*discoveryv1.EndpointSlice, error) {
				return slices(within, r.Live, ro.Namespace, name, ofService(name))
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return live, err
	}
	live.Preview, live.PreviewHash = preview != nil, rollout.SelectedHash(preview)
	var err error
	live.Serving, err = r.serving(ctx, live)
	return live, err
}

// again reads objects that a cache has shown from the API server, without those that are gone; by a list, when there
// are none or many.
func again[T any, O interface {
	*T
	client.Object
}](ctx context.Context, live client.Reader, shown []O, list func() ([]O, error)) ([]O, error) {
	if len(shown) == 0 || len(shown) > mostByName {
		return list()
	}
	read := make([]O, len(shown))
	group, ctx := errgroup.WithContext(ctx)
	for i, o := range shown {
		group.Go(func() error {
			now := O(new(T))
			err := live.Get(ctx, client.ObjectKeyFromObject(o), now)
			if err == nil {
				read[i] = now
			} else if !apierrors.IsNotFound(err) {
				return fmt.Errorf("reading %T %s: %w", o, client.ObjectKeyFromObject(o), err)
			}
			return nil
		})
	}
	err := group.Wait()
	return std.DeleteFunc(read, func(o O) bool { return o == nil }), err
}

// sameReplicaSet reads the ReplicaSet with a hash, that of the cache if it has shown one; nil when there is none.
func (r Router) sameReplicaSet(ctx context.Context, namespace, hash string, shown *appsv1.ReplicaSet) (*appsv1.ReplicaSet, error) {
	if shown == nil {
		return replicaSet(ctx, r.Live, namespace, withHash(hash))
	}
	rs := &appsv1.ReplicaSet{}
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(shown), rs); apierrors.IsNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading ReplicaSet %s/%s: %w", namespace, shown.Name, err)
	}
	return rs, nil
}

// serving reads the pods that a Service selects, if a new pod does not name all of its ports: then those count.
func (r Router) serving(ctx context.Context, live rollout.LiveState) ([]*corev1.Pod, error) {
	service := live.Service
	if service == nil || len(service.Spec.Selector) == 0 || rollout.NamePorts(live.Pods, service) {
		return nil, nil
	}
	return pods(ctx, r.Live, service.Namespace, client.MatchingLabels(service.Spec.Selector))
}

// replicaSet reads the ReplicaSet with a hash; nil when there is none.
func replicaSet(ctx context.Context, reader client.Reader, namespace string, with client.ListOption) (*appsv1.ReplicaSet, error) {
	sets := &appsv1.ReplicaSetList{}
	if err := reader.List(ctx, sets, client.InNamespace(namespace), with); err != nil {
		return nil, fmt.Errorf("listing the ReplicaSets with %s: %w", with, err)
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
		live.Services, err = r.Shared.list(ctx, ro.Namespace, func(ctx context.Context) ([]*corev1.Service, error) {
			return listServices(ctx, r.Live, ro.Namespace)
		})
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
			own[i], err = slices(ctx, r.Live, ro.Namespace, name, ofService(name))
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

// slices lists the EndpointSlices of a Service, which an option picks.
func slices(ctx context.Context, reader client.Reader, namespace, service string, of client.ListOption) ([]*discoveryv1.EndpointSlice, error) {
	list := &discoveryv1.EndpointSliceList{}
	if err := reader.List(ctx, list, client.InNamespace(namespace), of); err != nil {
		return nil, fmt.Errorf("listing the EndpointSlices of Service %s/%s: %w", namespace, service, err)
	}
	return pointers(list.Items), nil
}

func pods(ctx context.Context, reader client.Reader, namespace string, with client.ListOption) ([]*corev1.Pod, error) {
	list := &corev1.PodList{}
	if err := reader.List(ctx, list, client.InNamespace(namespace), with); err != nil {
		return nil, fmt.Errorf("listing the pods with %s: %w", with, err)
	}
	return pointers(list.Items), nil
}

func ofService(name string) client.MatchingLabels {
	return client.MatchingLabels{discoveryv1.LabelServiceName: name}
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
