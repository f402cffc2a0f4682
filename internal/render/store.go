package render

import (
	"container/list"
	"sync"
)

// Store keeps the values that were used last: so many of them, and of such a size in all. It is safe for concurrent
// use.
type Store[K comparable, V any] struct {
	count int
	size  int64

	mu      sync.Mutex
	held    int64
	entries map[K]*list.Element
	// used has the entries, those used last in front.
	used *list.List
}

type entry[K comparable, V any] struct {
	key   K
	value V
	size  int64
}

// NewStore returns a Store of at most count values and size bytes.
func NewStore[K comparable, V any](count int, size int64) *Store[K, V] {
	return &Store[K, V]{count: count, size: size, entries: map[K]*list.Element{}, used: list.New()}
}

// Get returns the value of a key.
func (s *Store[K, V]) Get(key K) (V, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[key]
	if !ok {
		var none V
		return none, false
	}
	s.used.MoveToFront(e)
	return e.Value.(entry[K, V]).value, true
}

// Add keeps a value of a size in bytes, and drops what there is no room for any more. The value itself stays, unless it
// is larger than everything that may be kept.
func (s *Store[K, V]) Add(key K, value V, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.entries[key]; ok {
		s.drop(e)
	}
	if size > s.size {
		return
	}
	s.entries[key] = s.used.PushFront(entry[K, V]{key, value, size})
	s.held += size
	for s.used.Len() > s.count || s.held > s.size {
		s.drop(s.used.Back())
	}
}

// Remove drops the value of a key.
func (s *Store[K, V]) Remove(key K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.entries[key]; ok {
		s.drop(e)
	}
}

func (s *Store[K, V]) drop(e *list.Element) {
	dropped := s.used.Remove(e).(entry[K, V])
	delete(s.entries, dropped.key)
	s.held -= dropped.size
}
