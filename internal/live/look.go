package live

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/problem"
)

// look is one look at a cluster for an instance's objects.
type look struct {
	cluster *Cluster
	want    Wanted
	// watches are the kinds of the look that can be read.
	watches map[schema.GroupKind]*watched

	// mu guards live while objects are read.
	mu   sync.Mutex
	live Snapshot
}

// watch has all kinds of the look watched, and waits until they are listed.
func (l *look) watch(ctx context.Context) error {
	c := l.cluster
	kinds, err := c.Kinds(ctx, nil)
	if err != nil {
		return err
	}
	all := map[schema.GroupKind]bool{}
	for _, ref := range l.want.Objects {
		all[ref.Kind.GroupKind()] = true
	}
	for _, kind := range l.want.Kinds {
		all[kind] = true
	}
	c.claims.looks(l.want.Instance, all)
	for kind := range all {
		preferred, ok := kinds.preferred(kind)
		where := kinds.byKind[preferred]
		if !ok || !where.namespaced && !c.spec.Uses("") {
			// Nothing of it can be there, or may be looked at.
			continue
		}
		if !where.watchable {
			l.live.Broken[kind] = fmt.Errorf("the cluster can't list %s", kind)
			continue
		}
		l.watches[kind] = c.watches.ensure(kind, where)
	}
	return c.watches.awaitSync(ctx, l.watches, l.live.Broken)
}

// claim has the instance hear of these objects and no others.
func (l *look) claim(refs []apply.Ref) {
	l.cluster.unclaimed(l.cluster.claims.replace(l.want.Instance, keysOf(refs)))
}

// refs are the objects that are looked for, and those that are tracked besides.
func (l *look) refs() []apply.Ref {
	refs := l.want.objects()
	seen := make(map[Key]bool, len(refs))
	for _, ref := range refs {
		seen[keyOf(ref)] = true
	}
	kinds := l.cluster.known()
	for _, key := range l.cluster.watches.tracked(l.want.Instance) {
		if seen[key] {
			continue
		}
		kind := schema.GroupKind{Group: key.Group, Kind: key.Kind}
		preferred, ok := kinds.preferred(kind)
		if !ok || !l.want.allows(key) {
			continue
		}
		if _, broken := l.live.Broken[kind]; l.watches[kind] == nil && !broken {
			// Neither git nor the status names this kind.
			l.watches[kind] = l.cluster.watches.of(kind)
		}
		seen[key] = true
		refs = append(refs, apply.Ref{Kind: preferred, Namespace: key.Namespace, Name: key.Name})
	}
	return refs
}

// readAll reads the objects of the kinds that can be read: those that are not known as they are, from the API server.
func (l *look) readAll(ctx context.Context, refs []apply.Ref) error {
	reads, ctx := errgroup.WithContext(ctx)
	reads.SetLimit(maxReads)
	for _, ref := range refs {
		w := l.watches[ref.Kind.GroupKind()]
		if w == nil {
			continue
		}
		last, is := w.get(ref.Namespace, ref.Name)
		if have, ok := l.cluster.objects.remembered(ref, last, is, l.want.At); ok {
			l.found(ref, have)
			continue
		}
		reads.Go(problem.Guard(func() error { return l.read(ctx, w, ref) }))
	}
	return reads.Wait()
}

// found has an object in the snapshot; nil for one that is not there.
func (l *look) found(ref apply.Ref, object *unstructured.Unstructured) {
	if object == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.live.Objects[keyOf(ref)] = object
}

// read has an object in the snapshot as it is, or its kind as one that can't be read.
func (l *look) read(ctx context.Context, w *watched, ref apply.Ref) error {
	object, err := l.object(ctx, w, ref)
	switch {
	case err != nil && (ctx.Err() != nil || l.cluster.reach.doubt(l.cluster.life, err)):
		return err
	case err != nil:
		l.mu.Lock()
		defer l.mu.Unlock()
		l.live.Broken[w.kind] = err
	default:
		l.found(ref, object)
	}
	return nil
}

// object returns an object in full; nil when it is not there.
func (l *look) object(ctx context.Context, w *watched, ref apply.Ref) (*unstructured.Unstructured, error) {
	last, is := w.get(ref.Namespace, ref.Name)
	object, err := l.cluster.objects.read(ctx, last, is, ref, l.want.At)
	if err == nil && object != nil && is == unread {
		w.adopt(ref.Namespace, ref.Name, seen{object.GetUID(), object.GetResourceVersion(), l.cluster.marks.owner(w.kind, object)})
	}
	return object, err
}
