package live

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/problem"
)

const (
	// syncTimeout bounds the wait for the first list of a kind.
	syncTimeout = 20 * time.Second
	syncPoll    = 5 * time.Millisecond
	// maxReads bounds the reads of one snapshot.
	maxReads = 16
)

// Wanted is what a snapshot is of.
type Wanted struct {
	// Instance is whose snapshot it is, as tracking-ids spell it.
	Instance string
	// Within reports whether an object may be looked at. Nil allows none.
	Within func(Key) bool
	// Objects are looked for by name, in their versions.
	Objects []apply.Ref
	// Kinds are searched for what else carries the instance's marks, besides all that are watched or found to have such.
	Kinds []schema.GroupKind
	// Known are objects that the instance had when it was looked at last, for who may read them but not list their kinds.
	Known []Key
}

func (w Wanted) allows(key Key) bool { return w.Within != nil && w.Within(key) }

// objects are those that are looked for by name and may be looked at.
func (w Wanted) objects() []apply.Ref {
	var refs []apply.Ref
	for _, ref := range w.Objects {
		if w.allows(keyOf(ref)) {
			refs = append(refs, ref)
		}
	}
	return refs
}

// Snapshot is what is live of what was wanted.
type Snapshot struct {
	Objects map[Key]*unstructured.Unstructured
	// Broken are kinds that can't be read, and why. Their objects are unknown, not missing.
	Broken map[schema.GroupKind]error
}

// Snapshot finds an instance's live objects, and has the instance told of every change of them from now on.
func (c *Cluster) Snapshot(ctx context.Context, want Wanted) (Snapshot, error) {
	if err := c.Away(); err != nil {
		c.claim(want.Instance, want.objects())
		return Snapshot{}, err
	}
	live := Snapshot{Objects: map[Key]*unstructured.Unstructured{}, Broken: map[schema.GroupKind]error{}}
	watches, err := c.watch(ctx, want, live.Broken)
	if err != nil {
		return Snapshot{}, err
	}
	refs := c.refs(want, watches, live.Broken)
	c.claim(want.Instance, refs)
	var mu sync.Mutex
	reads, ctx := errgroup.WithContext(ctx)
	reads.SetLimit(maxReads)
	for _, ref := range refs {
		w := watches[ref.Kind.GroupKind()]
		if w == nil {
			continue
		}
		reads.Go(problem.Guard(func() error {
			object, err := c.read(ctx, w, ref)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil && (ctx.Err() != nil || c.reach.doubt(c.life, err)):
				return err
			case err != nil:
				live.Broken[w.kind] = err
			case object != nil:
				live.Objects[keyOf(ref)] = object
			}
			return nil
		}))
	}
	if err := reads.Wait(); err != nil {
		return Snapshot{}, c.reach.explain(err)
	}
	return live, nil
}

// read returns an object in full; nil when it is not there.
func (c *Cluster) read(ctx context.Context, w *watched, ref apply.Ref) (*unstructured.Unstructured, error) {
	last, is := w.get(ref.Namespace, ref.Name)
	object, err := c.objects.read(ctx, last, is, ref)
	if err == nil && object != nil && is == unread {
		w.adopt(ref.Namespace, ref.Name, seen{object.GetUID(), object.GetResourceVersion(), c.owner(w.kind, object)})
	}
	return object, err
}

func keyOf(ref apply.Ref) Key {
	return Key{Group: ref.Kind.Group, Kind: ref.Kind.Kind, Namespace: ref.Namespace, Name: ref.Name}
}

// claim replaces what an instance wants to hear of.
func (c *Cluster) claim(instance string, refs []apply.Ref) {
	c.unclaimed(c.claims.replace(instance, keysOf(refs)))
}

func keysOf(refs []apply.Ref) []Key {
	keys := make([]Key, len(refs))
	for i, ref := range refs {
		keys[i] = keyOf(ref)
	}
	return keys
}

// watch has all kinds of a look watched, and waits until they are listed.
func (c *Cluster) watch(ctx context.Context, want Wanted, broken map[schema.GroupKind]error) (map[schema.GroupKind]*watched, error) {
	kinds, err := c.Kinds(ctx, nil)
	if err != nil {
		return nil, err
	}
	all := map[schema.GroupKind]bool{}
	for _, ref := range want.Objects {
		all[ref.Kind.GroupKind()] = true
	}
	for _, kind := range want.Kinds {
		all[kind] = true
	}
	c.claims.looks(want.Instance, all)
	watches := map[schema.GroupKind]*watched{}
	for kind := range all {
		preferred, ok := kinds.preferred(kind)
		where := kinds.byKind[preferred]
		if !ok || !where.namespaced && !c.spec.Uses("") {
			// Nothing of it can be there, or may be looked at.
			continue
		}
		if !where.watchable {
			broken[kind] = fmt.Errorf("the cluster can't list %s", kind)
			continue
		}
		watches[kind] = c.watches.ensure(kind, where)
	}
	return watches, c.watches.awaitSync(ctx, watches, broken)
}

// refs are the objects that are looked for, and those that are tracked besides.
func (c *Cluster) refs(want Wanted, watches map[schema.GroupKind]*watched, broken map[schema.GroupKind]error) []apply.Ref {
	refs := want.objects()
	seen := map[Key]bool{}
	for _, ref := range refs {
		seen[keyOf(ref)] = true
	}
	kinds := c.known()
	for _, key := range c.watches.tracked(want.Instance) {
		kind := schema.GroupKind{Group: key.Group, Kind: key.Kind}
		preferred, ok := kinds.preferred(kind)
		if !ok || seen[key] || !want.allows(key) {
			continue
		}
		if _, broken := broken[kind]; watches[kind] == nil && !broken {
			// Neither git nor the status names this kind.
			watches[kind] = c.watches.of(kind)
		}
		seen[key] = true
		refs = append(refs, apply.Ref{Kind: preferred, Namespace: key.Namespace, Name: key.Name})
	}
	return refs
}
