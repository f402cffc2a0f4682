package controller

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/api"
	"github.com/cyan-cd/cyan/internal/view"
)

// feeder passes on to a feed what the caches hear, which the controllers fill anyway.
type feeder struct {
	cache  cache.Informers
	reader client.Reader
	feed   *api.Feed
	// ask asks the cluster for anything.
	ask func(ctx context.Context) error
}

// asking returns what asks a cluster for its version.
func asking(config *rest.Config) (func(context.Context) error, error) {
	c, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	return func(ctx context.Context) error { return c.RESTClient().Get().AbsPath("/version").Do(ctx).Error() }, nil
}

// run passes changes on until ctx ends.
func (f feeder) run(ctx context.Context) error {
	defer f.feed.End()
	// Whether the cluster answers is told from the start: it may stop before everything was read.
	var watching sync.WaitGroup
	asking, stop := context.WithCancel(ctx)
	watching.Go(func() { f.watchCluster(asking) })
	defer func() {
		stop()
		watching.Wait()
	}()
	for _, kind := range []client.Object{&v1alpha1.Application{}, &v1alpha1.Rollout{}, &appsv1.ReplicaSet{}, &corev1.Pod{}, &corev1.Service{}, &discoveryv1.EndpointSlice{}, &corev1.Event{}} {
		informer, err := f.cache.GetInformer(ctx, kind)
		if err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // the server ends
			}
			return fmt.Errorf("watching %T: %w", kind, err)
		}
		if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { f.changed(ctx, nil, o) },
			UpdateFunc: func(before, after any) { f.changed(ctx, before, after) },
			DeleteFunc: func(o any) {
				if unknown, ok := o.(toolscache.DeletedFinalStateUnknown); ok {
					o = unknown.Obj
				}
				f.changed(ctx, o, nil)
			},
		}); err != nil {
			return fmt.Errorf("watching %T: %w", kind, err)
		}
	}
	<-ctx.Done()
	return nil
}

// changed passes one change on; before or after is nil.
func (f feeder) changed(ctx context.Context, before, after any) {
	old, _ := before.(client.Object)
	object, _ := after.(client.Object)
	switch {
	case object == nil && old == nil:
		return
	case object == nil:
		object = old
	case old != nil && old.GetResourceVersion() == object.GetResourceVersion():
		// The cache repeats itself.
		return
	}
	if _, ok := object.(*v1alpha1.Application); ok {
		was, _ := before.(*v1alpha1.Application)
		is, _ := after.(*v1alpha1.Application)
		f.feed.Application(was, is)
		return
	}
	if key := f.rolloutOf(ctx, object); key.Name != "" {
		f.feed.Rollout(key.Namespace, key.Name)
	}
}

// rolloutOf returns the Rollout that an object is, or belongs to; the zero value for none.
func (f feeder) rolloutOf(ctx context.Context, object client.Object) types.NamespacedName {
	key := types.NamespacedName{Namespace: object.GetNamespace()}
	owner := metav1.GetControllerOf(object)
	switch o := object.(type) {
	case *v1alpha1.Rollout:
		key.Name = o.Name
	case *appsv1.ReplicaSet:
		if owner != nil && owner.Kind == "Rollout" {
			key.Name = owner.Name
		}
	case *corev1.Pod:
		// A ReplicaSet of a Rollout is called after it and the hash of its template.
		if hash := o.Labels[v1alpha1.PodHashLabel]; owner != nil && owner.Kind == "ReplicaSet" && hash != "" {
			key.Name, _ = strings.CutSuffix(owner.Name, "-"+hash)
		}
	case *corev1.Service:
		key.Name = o.Annotations[v1alpha1.ManagedByRolloutsAnnotation]
	case *corev1.Event:
		if o.InvolvedObject.Kind == v1alpha1.RolloutKind {
			key.Name = o.InvolvedObject.Name
		}
	case *discoveryv1.EndpointSlice:
		service := &corev1.Service{}
		if f.reader.Get(ctx, client.ObjectKey{Namespace: o.Namespace, Name: o.Labels[discoveryv1.LabelServiceName]}, service, client.UnsafeDisableDeepCopy) == nil {
			key.Name = service.Annotations[v1alpha1.ManagedByRolloutsAnnotation]
		}
	}
	return key
}

const (
	// askEvery is the time between two looks at whether the cluster answers, while somebody reads the stream, and
	// askTimeout how long an answer may take.
	askEvery, askTimeout = 5 * time.Second, 4 * time.Second
)

// watchCluster passes on whether the cluster answers.
func (f feeder) watchCluster(ctx context.Context) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	state := view.Reachability{Reachable: true}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if !f.feed.IsRead() {
				continue
			}
			asked, cancel := context.WithTimeout(ctx, askTimeout)
			err := f.ask(asked)
			cancel()
			if ctx.Err() != nil {
				return
			}
			state = reachability(state, err, time.Now())
			f.feed.Reached(state)
		}
	}
}

// reachability returns whether the cluster answers, and since when it does not.
func reachability(before view.Reachability, err error, now time.Time) view.Reachability {
	if err == nil {
		return view.Reachability{Reachable: true}
	}
	since := before.Since
	if before.Reachable {
		since = now.UTC().Format(time.RFC3339)
	}
	return view.Reachability{Since: since, Message: "the cluster does not answer; what is shown is the last that was seen, and it is tried again by itself"}
}
