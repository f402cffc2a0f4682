package live

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"github.com/cyan-cd/cyan/internal/cluster"
)

// watched is one kind of one cluster, by metadata.
type watched struct {
	kind   schema.GroupKind
	where  served
	stores []*store
	stop   context.CancelFunc
	// state is how the lists and watches of the kind go. Guarded by watches.mu.
	state kindState
}

func (w *watched) synced() bool {
	for _, s := range w.stores {
		if !s.isListed() {
			return false
		}
	}
	return true
}

// get returns what is kept of an object, and whether it is there.
func (w *watched) get(namespace, name string) (seen, presence) {
	for _, s := range w.stores {
		if found, is := s.get(types.NamespacedName{Namespace: namespace, Name: name}); is != absent {
			return found, is
		}
	}
	return seen{}, absent
}

// adopt keeps an object that was read.
func (w *watched) adopt(namespace, name string, now seen) {
	for _, s := range w.stores {
		s.adopt(types.NamespacedName{Namespace: namespace, Name: name}, now)
	}
}

// watches are the kinds of a cluster that are watched.
type watches struct {
	metadata metadata.Interface
	// spec limits what is watched.
	spec cluster.Cluster
	log  *slog.Logger
	life context.Context //nolint:containedctx // the watches live as long as the cluster is registered
	// heard is called after each list and watch.
	heard func(ctx context.Context, w *watched, err error)
	// keeper returns what is kept of a kind.
	keeper func(kind schema.GroupKind) keeper
	// reachable returns why the cluster cannot be reached, or nil.
	reachable func() error
	// recovered is called when a kind can be read again.
	recovered func(kind schema.GroupKind)
	// ended is called when the watch of a kind was ended that is not served any more.
	ended func(kind schema.GroupKind)

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

// has reports whether a kind is watched.
func (s *watches) has(kind schema.GroupKind) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byKind[kind] != nil
}

// namespaces are those in which a kind is read; one for all of them when the cluster is not limited.
func (s *watches) namespaces(where served) []string {
	if where.namespaced && s.spec.Limits() {
		return s.spec.Namespaces
	}
	return []string{metav1.NamespaceAll}
}

// start begins to watch a kind. The caller holds s.mu.
func (s *watches) start(kind schema.GroupKind, where served) *watched {
	ctx, stop := context.WithCancel(s.life)
	w := &watched{kind: kind, where: where, stop: stop}
	for _, namespace := range s.namespaces(where) {
		objects := newStore(s.keeper(kind))
		w.stores = append(w.stores, objects)
		reflector := s.reflector(w, s.metadata.Resource(where.resource).Namespace(namespace), objects)
		go reflector.RunWithContext(ctx)
	}
	return w
}

// stopAll ends every watch: those that failed for long wait for long.
func (s *watches) stopAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for kind, w := range s.byKind {
		w.stop()
		w.state.end()
		delete(s.byKind, kind)
	}
}

// endUnserved ends the watches of kinds that are not served where they were: one that comes back, or in another
// version, is watched anew, without the wait and the bad name of what could not be read.
func (s *watches) endUnserved(now *Kinds) {
	s.mu.Lock()
	var ended []schema.GroupKind
	for kind, w := range s.byKind {
		if now.at(kind, w.where) {
			continue
		}
		w.stop()
		// Who waits for its list waits in vain.
		w.state.fail(fmt.Errorf("%s is not served as %s any more", kind, w.where.resource.GroupVersion()), time.Now())
		delete(s.byKind, kind)
		ended = append(ended, kind)
	}
	s.mu.Unlock()
	for _, kind := range ended {
		s.log.Info("kind is not served any more, or not in the version that was watched", "kind", kind.String())
		s.ended(kind)
	}
}

// tracked returns the objects that are marked as an instance's, of all kinds that are watched.
func (s *watches) tracked(instance string) []Key {
	s.mu.Lock()
	all := make([]*watched, 0, len(s.byKind))
	for _, w := range s.byKind {
		all = append(all, w)
	}
	s.mu.Unlock()
	var keys []Key
	for _, w := range all {
		for _, objects := range w.stores {
			for _, name := range objects.of(instance) {
				keys = append(keys, Key{Group: w.kind.Group, Kind: w.kind.Kind, Namespace: name.Namespace, Name: name.Name})
			}
		}
	}
	return keys
}

// of returns a kind that is watched; nil when it is not.
func (s *watches) of(kind schema.GroupKind) *watched {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byKind[kind]
}

// release keeps no more of objects than of others, unless somebody wants them.
func (s *watches) release(keys ...Key) {
	for _, key := range keys {
		if w := s.of(schema.GroupKind{Group: key.Group, Kind: key.Kind}); w != nil {
			for _, objects := range w.stores {
				objects.release(types.NamespacedName{Namespace: key.Namespace, Name: key.Name})
			}
		}
	}
}

// note keeps how a list or watch went, and reports whether the kind has become one that can't be read.
func (s *watches) note(w *watched, err error) (broke bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		return w.state.fail(err, time.Now())
	}
	w.state.recover(func(failures int) {
		s.mu.Lock()
		still := w.state.failures == failures
		if still {
			w.state.err = nil
		}
		s.mu.Unlock()
		if still {
			s.recovered(w.kind)
		}
	})
	return false
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
			if w.state.err == nil && !w.synced() {
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
		if w.state.err == nil && !w.synced() {
			// Those who come after this one don't wait as long for the same.
			w.state.fail(fmt.Errorf("the cluster did not list %s within %s", kind, syncTimeout), time.Now())
		}
		if w.state.err != nil {
			broken[kind] = w.state.err
			delete(wanted, kind)
		}
	}
	return nil
}

// backoff is the time between two tries to list and watch a kind.
var backoff = wait.Backoff{Duration: 500 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 8, Cap: 30 * time.Second}

func (s *watches) reflector(w *watched, from metadata.ResourceInterface, objects *store) *cache.Reflector {
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list, err := from.List(ctx, o)
			s.heard(ctx, w, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			stream, err := from.Watch(ctx, o)
			if !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
				s.heard(ctx, w, err)
			}
			return stream, err
		},
	}
	wait := backoff
	return cache.NewReflectorWithOptions(lw, &metav1.PartialObjectMetadata{}, transforming{objects}, cache.ReflectorOptions{Name: w.kind.String(), Backoff: &wait})
}
