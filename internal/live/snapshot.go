package live

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

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
	// Within reports whether an object may be looked at. Nil allows none.
	Within func(Key) bool
	// Objects are looked for by name, in their versions.
	Objects []apply.Ref
	// Kinds are searched for what else carries the instance's marks, besides all that are watched or found to have such.
	Kinds []schema.GroupKind
	// Known are objects that the instance had when it was looked at last, for who may read them but not list their kinds.
	Known []Key
	// At is when the snapshot is taken.
	At Moment
}

// Moment is when a snapshot is taken.
type Moment string

// The values of Moment.
const (
	// Anytime is for a look that may be the last one for what the watch has brought.
	Anytime Moment = ""
	// AfterWrites is for a look by who has just written: the answers to that count, since what the watch has brought since
	// then asks for another look.
	AfterWrites Moment = "AfterWrites"
)

func (w Wanted) allows(key Key) bool { return w.Within != nil && w.Within(key) }

// objects are those that are looked for by name and may be looked at.
func (w Wanted) objects() []apply.Ref {
	refs := make([]apply.Ref, 0, len(w.Objects))
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
	l := &look{
		cluster: c, want: want, watches: map[schema.GroupKind]*watched{},
		live: Snapshot{Objects: make(map[Key]*unstructured.Unstructured, len(want.Objects)), Broken: map[schema.GroupKind]error{}},
	}
	if err := c.Away(); err != nil {
		l.claim(want.objects())
		return Snapshot{}, err
	}
	if err := l.watch(ctx); err != nil {
		return Snapshot{}, err
	}
	refs := l.refs()
	l.claim(refs)
	if err := l.readAll(ctx, refs); err != nil {
		return Snapshot{}, c.reach.explain(err)
	}
	return l.live, nil
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
