package live

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Events are what the watches of a kind have brought.
type Events struct {
	Kind  schema.GroupKind
	Count int64
}

// eventCounts counts them by kind. The zero value is ready for use.
type eventCounts struct{ byKind sync.Map }

// of returns the counter of a kind.
func (e *eventCounts) of(kind schema.GroupKind) *atomic.Int64 {
	counter, _ := e.byKind.LoadOrStore(kind, &atomic.Int64{})
	return counter.(*atomic.Int64)
}

// all lists the kinds of which something came.
func (e *eventCounts) all() []Events {
	var all []Events
	e.byKind.Range(func(kind, counter any) bool {
		if n := counter.(*atomic.Int64).Load(); n > 0 {
			all = append(all, Events{kind.(schema.GroupKind), n})
		}
		return true
	})
	slices.SortFunc(all, func(a, b Events) int { return strings.Compare(a.Kind.String(), b.Kind.String()) })
	return all
}

// count counts an event.
func (k keeper) count() {
	if k.events != nil {
		k.events.Add(1)
	}
}

// size returns how many objects are known.
func (s *store) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.kept) + len(s.others)
}

// size returns how many kinds are watched, and how many objects of them are known.
func (s *watches) size() (kinds, objects int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.byKind {
		for _, of := range w.stores {
			objects += of.size()
		}
	}
	return len(s.byKind), objects
}
