package service

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// listTimeout bounds a list that several wait for, none of whom may end it for the others.
const listTimeout = time.Minute

// Shared has those who want the Services of a namespace at the same time read them once. Whoever asks gets a list that
// was begun afterwards, as if it were his own: many Rollouts of a namespace scale down at the same second.
type Shared struct {
	mu sync.Mutex
	// running has the list of a namespace that has begun, next the one that begins when that one ends.
	running, next map[string]*listing
}

// listing is one list, for all who asked before it began.
type listing struct {
	done     chan struct{}
	services []*corev1.Service
	err      error
}

// NewShared returns a Shared.
func NewShared() *Shared {
	return &Shared{running: map[string]*listing{}, next: map[string]*listing{}}
}

// list returns what read returns, which is called for all who wait. Nobody may change the Services.
func (s *Shared) list(ctx context.Context, namespace string, read func(context.Context) ([]*corev1.Service, error)) ([]*corev1.Service, error) {
	if s == nil {
		return read(ctx)
	}
	l := s.join(context.WithoutCancel(ctx), namespace, read)
	select {
	case <-l.done:
		return l.services, l.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// join returns the list of a namespace that begins next.
func (s *Shared) join(ctx context.Context, namespace string, read func(context.Context) ([]*corev1.Service, error)) *listing {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.next[namespace]; l != nil {
		return l
	}
	l := &listing{done: make(chan struct{})}
	if s.running[namespace] != nil {
		s.next[namespace] = l
		return l
	}
	s.running[namespace] = l
	go s.run(ctx, namespace, l, read)
	return l
}

// run carries lists of a namespace out until nobody waits for another one.
func (s *Shared) run(ctx context.Context, namespace string, l *listing, read func(context.Context) ([]*corev1.Service, error)) {
	for l != nil {
		within, cancel := context.WithTimeout(ctx, listTimeout)
		l.services, l.err = read(within)
		cancel()
		close(l.done)
		l = s.follow(namespace)
	}
}

// follow returns the list of a namespace that begins now that the one before has ended; nil when nobody waits for one.
func (s *Shared) follow(namespace string) *listing {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.next[namespace]
	delete(s.next, namespace)
	if l == nil {
		delete(s.running, namespace)
	} else {
		s.running[namespace] = l
	}
	return l
}
