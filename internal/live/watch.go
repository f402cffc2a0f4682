package live

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cluster"
)

// byInstance is the index of what is tracked.
const byInstance = "instance"

// watched is one kind of one cluster, by metadata.
type watched struct {
	kind      schema.GroupKind
	informers []cache.SharedIndexInformer
	stop      context.CancelFunc
	// err is what the last list or watch ended with; nil while it goes well. Guarded by watches.mu.
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

// tracked returns the objects whose tracking-id names the instance.
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

// watches are the kinds of a cluster that are watched.
type watches struct {
	metadata metadata.Interface
	// spec limits what is watched.
	spec cluster.Cluster
	log  *slog.Logger
	life context.Context //nolint:containedctx // the watches live as long as the cluster is registered
	// heard is called after each list and watch, and changed after each change of an object.
	heard   func(ctx context.Context, w *watched, err error)
	changed func(kind schema.GroupKind, after, before any)
	// reachable returns why the cluster cannot be reached, or nil.
	reachable func() error

	mu     sync.Mutex
	byKind map[schema.GroupKind]*watched
}

// ensure has a kind watched.
func (s *watches) ensure(kind schema.GroupKind, where served) *watched {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.byKind[kind]
	if w == nil {
		w = s.start(kind, where)
		s.byKind[kind] = w
	}
	return w
}

// start begins to watch a kind. The caller holds s.mu.
func (s *watches) start(kind schema.GroupKind, where served) *watched {
	ctx, stop := context.WithCancel(s.life)
	w := &watched{kind: kind, stop: stop}
	namespaces := []string{metav1.NamespaceAll}
	if where.namespaced && s.spec.Limits() {
		namespaces = s.spec.Namespaces
	}
	for _, namespace := range namespaces {
		i := s.informer(w, s.metadata.Resource(where.resource).Namespace(namespace))
		w.informers = append(w.informers, i)
		go i.RunWithContext(ctx)
	}
	return w
}

// stopAll ends every watch: those that failed for long wait for long.
func (s *watches) stopAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for kind, w := range s.byKind {
		w.stop()
		delete(s.byKind, kind)
	}
}

// note keeps how a list or watch went, and reports whether that differs from before.
func (s *watches) note(w *watched, err error) (differs bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	differs = (w.err == nil) != (err == nil)
	w.err = err
	return differs
}

// awaitSync waits for first lists, and moves kinds that can't be listed to broken.
func (s *watches) awaitSync(ctx context.Context, wanted map[schema.GroupKind]*watched, broken map[schema.GroupKind]error) error {
	ready := func(context.Context) (bool, error) {
		if err := s.reachable(); err != nil {
			return false, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, w := range wanted {
			if w.err == nil && !w.synced() {
				return false, nil
			}
		}
		return true, nil
	}
	err := wait.PollUntilContextTimeout(ctx, syncPoll, syncTimeout, true, ready)
	if err != nil && (ctx.Err() != nil || !wait.Interrupted(err)) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for kind, w := range wanted {
		switch {
		case w.err != nil:
			broken[kind] = w.err
		case !w.synced():
			broken[kind] = fmt.Errorf("the cluster did not list %s within %s", kind, syncTimeout)
		default:
			continue
		}
		delete(wanted, kind)
	}
	return nil
}

func (s *watches) informer(w *watched, from metadata.ResourceInterface) cache.SharedIndexInformer {
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list, err := from.List(ctx, o)
			s.heard(ctx, w, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			stream, err := from.Watch(ctx, o)
			s.heard(ctx, w, err)
			return stream, err
		},
	}
	i := cache.NewSharedIndexInformer(lw, &metav1.PartialObjectMetadata{}, 0, cache.Indexers{byInstance: instanceIndex})
	// These only fail on an informer that runs already.
	_ = i.SetTransform(slim)
	_ = i.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		s.log.Debug("watch ended", "kind", w.kind.String(), "err", err)
	})
	_, _ = i.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(o any, isInInitialList bool) {
			if !isInInitialList {
				s.changed(w.kind, o, nil)
			}
		},
		UpdateFunc: func(before, after any) { s.changed(w.kind, after, before) },
		DeleteFunc: func(o any) {
			if unknown, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = unknown.Obj
			}
			s.changed(w.kind, o, nil)
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
