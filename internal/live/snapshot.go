package live

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/cyan-cd/cyan/internal/apply"
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
	// Objects are looked for by name, in their versions.
	Objects []apply.Ref
	// Kinds are searched for what else the instance tracks.
	Kinds []schema.GroupKind
	// Known are objects that the instance had when it was looked at last, for who may read them but not list their kinds.
	Known []Key
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
		c.claim(want.Instance, keysOf(want.Objects))
		return Snapshot{}, err
	}
	live := Snapshot{Objects: map[Key]*unstructured.Unstructured{}, Broken: map[schema.GroupKind]error{}}
	watches, err := c.watch(ctx, want, live.Broken)
	if err != nil {
		return Snapshot{}, err
	}
	refs := c.refs(want, watches)
	c.claim(want.Instance, keysOf(refs))
	var mu sync.Mutex
	reads, ctx := errgroup.WithContext(ctx)
	reads.SetLimit(maxReads)
	for _, ref := range refs {
		w := watches[ref.Kind.GroupKind()]
		if w == nil {
			continue
		}
		reads.Go(func() error {
			object, err := c.read(ctx, w, ref)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil && apply.IsUnreachable(err):
				return err
			case err != nil && ctx.Err() != nil:
				return err
			case err != nil:
				live.Broken[w.kind] = err
			case object != nil:
				live.Objects[keyOf(ref)] = object
			}
			return nil
		})
	}
	if err := reads.Wait(); err != nil {
		c.lost(err)
		return Snapshot{}, c.unreachable(err)
	}
	return live, nil
}

func keyOf(ref apply.Ref) Key {
	return Key{Group: ref.Kind.Group, Kind: ref.Kind.Kind, Namespace: ref.Namespace, Name: ref.Name}
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
	watches := map[schema.GroupKind]*watched{}
	for kind := range all {
		preferred, ok := kinds.preferred(kind)
		where := kinds.byKind[preferred]
		if !ok {
			// Nothing of it can be there.
			continue
		}
		if !where.watchable {
			broken[kind] = fmt.Errorf("the cluster can't list %s", kind)
			continue
		}
		watches[kind] = c.ensure(kind, where)
	}
	return watches, c.awaitSync(ctx, watches, broken)
}

func (c *Cluster) ensure(kind schema.GroupKind, where served) *watched {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.watches[kind]
	if w == nil {
		w = c.watchKind(kind, where)
		c.watches[kind] = w
	}
	return w
}

// awaitSync waits for first lists, and moves kinds that can't be listed to broken.
func (c *Cluster) awaitSync(ctx context.Context, watches map[schema.GroupKind]*watched, broken map[schema.GroupKind]error) error {
	ready := func(context.Context) (bool, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.away != nil {
			return false, &Unreachable{c.Name, c.Server, c.away}
		}
		for _, w := range watches {
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
	c.mu.Lock()
	defer c.mu.Unlock()
	for kind, w := range watches {
		switch {
		case w.err != nil:
			broken[kind] = w.err
		case !w.synced():
			broken[kind] = fmt.Errorf("the cluster did not list %s within %s", kind, syncTimeout)
		default:
			continue
		}
		delete(watches, kind)
	}
	return nil
}

// refs are the objects that are looked for, and those that are tracked besides.
func (c *Cluster) refs(want Wanted, watches map[schema.GroupKind]*watched) []apply.Ref {
	refs := append([]apply.Ref(nil), want.Objects...)
	seen := map[Key]bool{}
	for _, ref := range refs {
		seen[keyOf(ref)] = true
	}
	kinds := c.known()
	for kind, w := range watches {
		preferred, ok := kinds.preferred(kind)
		if !ok {
			continue
		}
		for _, m := range w.tracked(want.Instance) {
			ref := apply.Ref{Kind: preferred, Namespace: m.Namespace, Name: m.Name}
			if !seen[keyOf(ref)] {
				seen[keyOf(ref)] = true
				refs = append(refs, ref)
			}
		}
	}
	return refs
}

// read gives an object in full, from memory if the watch has nothing newer.
func (c *Cluster) read(ctx context.Context, w *watched, ref apply.Ref) (*unstructured.Unstructured, error) {
	key := keyOf(ref)
	seen := w.get(ref.Namespace, ref.Name)
	c.mu.Lock()
	have, written := c.full[key], c.written[key]
	c.mu.Unlock()
	switch {
	case seen == nil && !written:
		c.drop(key)
		return nil, nil
	case seen != nil && have != nil && have.GroupVersionKind() == ref.Kind && have.GetUID() == seen.UID && notOlder(have.GetResourceVersion(), seen.ResourceVersion):
		if written && have.GetResourceVersion() == seen.ResourceVersion {
			c.settle(key)
		}
		return have, nil
	}
	found, err := c.Client.Get(ctx, ref.Kind, ref.Namespace, ref.Name)
	if apierrors.IsNotFound(err) {
		found, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	if found == nil {
		c.drop(key)
		if seen == nil {
			c.settle(key)
		}
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.full[key] = found
	return found, nil
}

func notOlder(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order >= 0 || a == b
}

func (c *Cluster) drop(key Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.full, key)
}

func (c *Cluster) settle(key Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.written, key)
}

// Wrote notes an object that was just written, so that the next look sees it though the watch may not have brought it yet. after is nil for a deletion.
func (c *Cluster) Wrote(ref apply.Ref, after *unstructured.Unstructured) {
	key := keyOf(ref)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written[key] = true
	if after != nil {
		c.full[key] = after
	} else {
		delete(c.full, key)
	}
}

// claim replaces what an instance wants to hear of.
func (c *Cluster) claim(instance string, keys []Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := map[Key]bool{}
	for _, key := range keys {
		now[key] = true
		if c.claims[key] == nil {
			c.claims[key] = map[string]bool{}
		}
		c.claims[key][instance] = true
	}
	for _, key := range c.claimed[instance] {
		if now[key] {
			continue
		}
		delete(c.claims[key], instance)
		if len(c.claims[key]) == 0 {
			delete(c.claims, key)
			delete(c.full, key)
		}
	}
	c.claimed[instance] = keys
}

// Release ends an instance's claims.
func (c *Cluster) Release(instance string) {
	c.claim(instance, nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.claimed, instance)
}
