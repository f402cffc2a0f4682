package demo

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
)

// watcher holds everything in one namespace that the demo shows, as it is now.
type watcher struct {
	cache     cache.Cache
	namespace string
	changed   chan struct{}
}

func scheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// watch begins, and returns once it knows all there is. It ends with ctx.
func watch(ctx context.Context, config *rest.Config, namespace string) (*watcher, error) {
	s, err := scheme()
	if err != nil {
		return nil, err
	}
	c, err := cache.New(config, cache.Options{Scheme: s, DefaultNamespaces: map[string]cache.Config{namespace: {}}, DefaultTransform: cache.TransformStripManagedFields()})
	if err != nil {
		return nil, fmt.Errorf("watching namespace %s: %w", namespace, err)
	}
	w := &watcher{cache: c, namespace: namespace, changed: make(chan struct{}, 1)}
	for _, kind := range []client.Object{&v1alpha1.Rollout{}, &appsv1.ReplicaSet{}, &corev1.Pod{}, &corev1.Service{}, &discoveryv1.EndpointSlice{}} {
		informer, err := c.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, fmt.Errorf("watching namespace %s: %w", namespace, err)
		}
		signal := func(any) { w.signal() }
		if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{AddFunc: signal, UpdateFunc: func(_, _ any) { w.signal() }, DeleteFunc: signal}); err != nil {
			return nil, fmt.Errorf("watching namespace %s: %w", namespace, err)
		}
	}
	go func() { _ = c.Start(ctx) }() // it ends with ctx, and has no other error
	if !c.WaitForCacheSync(ctx) {
		return nil, fmt.Errorf("watching namespace %s: %w", namespace, context.Cause(ctx))
	}
	return w, nil
}

func (w *watcher) signal() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *watcher) rollout(ctx context.Context) (*v1alpha1.Rollout, error) {
	ro := &v1alpha1.Rollout{}
	if err := w.cache.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: rolloutName}, ro); err != nil {
		return nil, fmt.Errorf("looking at Rollout %s: %w", rolloutName, err)
	}
	return ro, nil
}

// view describes the Rollout as it is now; ok is false when there is none.
func (w *watcher) view(ctx context.Context) (v rollout.View, ok bool, err error) {
	ro := &v1alpha1.Rollout{}
	if err := w.cache.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: rolloutName}, ro); err != nil {
		return v, false, client.IgnoreNotFound(err)
	}
	var sets appsv1.ReplicaSetList
	var all corev1.PodList
	var services corev1.ServiceList
	for _, list := range []client.ObjectList{&sets, &all, &services} {
		if err := w.cache.List(ctx, list); err != nil {
			return v, false, fmt.Errorf("looking at Rollout %s: %w", rolloutName, err)
		}
	}
	return strategy.Describe(ro, pointers(sets.Items), pointers(all.Items), pointers(services.Items), time.Now()), true, nil
}

func pointers[T any](items []T) []*T {
	to := make([]*T, len(items))
	for i := range items {
		to[i] = &items[i]
	}
	return to
}

// waitUntil calls see after every change, and at least twice a second, until it is satisfied.
func (w *watcher) waitUntil(ctx context.Context, see func() (done bool, err error)) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		if done, err := see(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.changed:
		case <-tick.C:
		}
	}
}

// lookup is a request where pods are simulated: it finds the pod that a Service would send it to, and the version of
// that pod.
func (w *watcher) lookup(service string) Send {
	return func(ctx context.Context) (string, error) {
		var slices discoveryv1.EndpointSliceList
		if err := w.cache.List(ctx, &slices, client.MatchingLabels{discoveryv1.LabelServiceName: service}); err != nil {
			return "", err
		}
		for i := range slices.Items {
			for _, e := range slices.Items[i].Endpoints {
				if e.Conditions.Ready == nil || !*e.Conditions.Ready || e.TargetRef == nil {
					continue
				}
				pod := &corev1.Pod{}
				err := w.cache.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: e.TargetRef.Name}, pod)
				if apierrors.IsNotFound(err) {
					continue
				}
				if err != nil {
					return "", err
				}
				return pod.Labels[v1alpha1.PodHashLabel], nil
			}
		}
		return "", fmt.Errorf("%s has no ready pod to send it to", service)
	}
}
