package live

import (
	"context"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// byInstance is the index of what is tracked.
const byInstance = "instance"

// watched is one kind of one cluster, by metadata.
type watched struct {
	kind      schema.GroupKind
	informers []cache.SharedIndexInformer
	stop      context.CancelFunc
	// err is what the last list or watch ended with; nil while it goes well. Guarded by Cluster.mu.
	err error
}

func (w *watched) synced() bool {
	for _, i := range w.informers {
		if !i.HasSynced() {
			return false
		}
	}
	return true
}

func (w *watched) get(namespace, name string) *metav1.PartialObjectMetadata {
	key := name
	if namespace != "" {
		key = namespace + "/" + name
	}
	for _, i := range w.informers {
		if found, ok, _ := i.GetStore().GetByKey(key); ok {
			return found.(*metav1.PartialObjectMetadata)
		}
	}
	return nil
}

// tracked gives the objects whose tracking-id names the instance.
func (w *watched) tracked(instance string) []*metav1.PartialObjectMetadata {
	var all []*metav1.PartialObjectMetadata
	for _, i := range w.informers {
		found, err := i.GetIndexer().ByIndex(byInstance, instance)
		if err != nil {
			continue
		}
		for _, o := range found {
			all = append(all, o.(*metav1.PartialObjectMetadata))
		}
	}
	return all
}

// watchKind begins to watch a kind. The caller holds c.mu.
func (c *Cluster) watchKind(kind schema.GroupKind, where served) *watched {
	ctx, stop := context.WithCancel(c.life)
	w := &watched{kind: kind, stop: stop}
	namespaces := []string{metav1.NamespaceAll}
	if where.namespaced && len(c.spec.Namespaces) > 0 {
		namespaces = c.spec.Namespaces
	}
	for _, namespace := range namespaces {
		i := c.informer(w, c.metadata.Resource(where.resource).Namespace(namespace))
		w.informers = append(w.informers, i)
		go i.RunWithContext(ctx)
	}
	return w
}

func (c *Cluster) informer(w *watched, from metadata.ResourceInterface) cache.SharedIndexInformer {
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list, err := from.List(ctx, o)
			c.heard(ctx, w, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			stream, err := from.Watch(ctx, o)
			c.heard(ctx, w, err)
			return stream, err
		},
	}
	i := cache.NewSharedIndexInformer(lw, &metav1.PartialObjectMetadata{}, 0, cache.Indexers{byInstance: instanceIndex})
	// These only fail on an informer that runs already.
	_ = i.SetTransform(slim)
	_ = i.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		c.log.Debug("watch ended", "cluster", c.Name, "kind", w.kind.String(), "err", err)
	})
	_, _ = i.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(o any, isInInitialList bool) {
			if !isInInitialList {
				c.changed(w.kind, o, nil)
			}
		},
		UpdateFunc: func(before, after any) { c.changed(w.kind, after, before) },
		DeleteFunc: func(o any) {
			if unknown, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = unknown.Obj
			}
			c.changed(w.kind, o, nil)
		},
	})
	return i
}

// slim keeps of an object what is asked of it: which one it is, in which state, and who tracks it.
func slim(o any) (any, error) {
	m, ok := o.(*metav1.PartialObjectMetadata)
	if !ok {
		return o, nil
	}
	kept := metav1.ObjectMeta{Name: m.Name, Namespace: m.Namespace, UID: m.UID, ResourceVersion: m.ResourceVersion}
	if id, ok := m.Annotations[v1alpha1.TrackingIDAnnotation]; ok {
		kept.Annotations = map[string]string{v1alpha1.TrackingIDAnnotation: id}
	}
	return &metav1.PartialObjectMetadata{TypeMeta: m.TypeMeta, ObjectMeta: kept}, nil
}

func instanceIndex(o any) ([]string, error) {
	if m, ok := o.(*metav1.PartialObjectMetadata); ok {
		if instance := instanceOf(m); instance != "" {
			return []string{instance}, nil
		}
	}
	return nil, nil
}

func instanceOf(m *metav1.PartialObjectMetadata) string {
	instance, _, ok := strings.Cut(m.Annotations[v1alpha1.TrackingIDAnnotation], ":")
	if !ok {
		return ""
	}
	return instance
}

// changed tells those whom an object concerns.
func (c *Cluster) changed(kind schema.GroupKind, after, before any) {
	if kind == definitionKind.GroupKind() {
		c.Forget()
		c.notifyAll()
	}
	instances := map[string]bool{}
	var key Key
	for _, o := range []any{before, after} {
		m, ok := o.(*metav1.PartialObjectMetadata)
		if !ok {
			continue
		}
		key = Key{Group: kind.Group, Kind: kind.Kind, Namespace: m.Namespace, Name: m.Name}
		if instance := instanceOf(m); instance != "" {
			instances[instance] = true
		}
	}
	c.mu.Lock()
	for instance := range c.claims[key] {
		instances[instance] = true
	}
	c.mu.Unlock()
	for instance := range instances {
		c.notify(instance)
	}
}
