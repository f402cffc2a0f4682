package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// seen is what a watch of one kind has shown.
type seen[T client.Object] struct {
	mu     sync.Mutex
	newest map[string]T
	waits  []*wait[T]
	// shown counts what came, and last is when the newest of it did.
	shown int
	last  time.Time
}

// wait is for a number of objects to be in some state at the same time.
type wait[T client.Object] struct {
	number int
	ok     func(T) bool
	holds  map[string]bool
	done   chan time.Time
}

// look takes account of one object, and reports whether the wait is over.
func (w *wait[T]) look(object T) bool {
	if w.ok(object) {
		w.holds[object.GetName()] = true
	} else {
		delete(w.holds, object.GetName())
	}
	return len(w.holds) >= w.number
}

// watch follows the objects of one kind, of which empty is one, in a namespace until ctx ends.
func watch[T client.Object](ctx context.Context, c *cluster, empty T, namespace string) (*seen[T], error) {
	s := &seen[T]{newest: map[string]T{}}
	objects, err := cache.New(c.config, cache.Options{Scheme: c.client.Scheme(), DefaultNamespaces: map[string]cache.Config{namespace: {}}})
	if err != nil {
		return nil, err
	}
	informer, err := objects.GetInformer(ctx, empty, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, err
	}
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { s.show(object, false) },
		UpdateFunc: func(_, object any) { s.show(object, false) },
		DeleteFunc: func(object any) { s.show(object, true) },
	}); err != nil {
		return nil, err
	}
	go func() { _ = objects.Start(ctx) }()
	if !objects.WaitForCacheSync(ctx) {
		return nil, ctx.Err()
	}
	return s, nil
}

func (s *seen[T]) show(shown any, gone bool) {
	now := time.Now()
	if last, ok := shown.(toolscache.DeletedFinalStateUnknown); ok {
		shown = last.Obj
	}
	object, ok := shown.(T)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown, s.last = s.shown+1, now
	if gone {
		delete(s.newest, object.GetName())
		for _, w := range s.waits {
			delete(w.holds, object.GetName())
		}
		return
	}
	s.newest[object.GetName()] = object
	kept := s.waits[:0]
	for _, w := range s.waits {
		if !w.look(object) {
			kept = append(kept, w)
			continue
		}
		w.done <- now
	}
	clear(s.waits[len(kept):])
	s.waits = kept
}

// expect returns a channel that gets the time at which ok holds for a number of objects.
func (s *seen[T]) expect(number int, ok func(T) bool) <-chan time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &wait[T]{number: number, ok: ok, holds: map[string]bool{}, done: make(chan time.Time, 1)}
	over := false
	for _, object := range s.newest {
		over = w.look(object) || over
	}
	if over {
		w.done <- time.Now()
	} else {
		s.waits = append(s.waits, w)
	}
	return w.done
}

// expectOne returns a channel that gets the time at which ok holds for the object with a name.
func (s *seen[T]) expectOne(name string, ok func(T) bool) <-chan time.Time {
	return s.expect(1, func(object T) bool { return object.GetName() == name && ok(object) })
}

// news returns how much came so far, and when the newest of it did.
func (s *seen[T]) news() (int, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown, s.last
}

// get returns an object as it was shown last; nil when there is none.
func (s *seen[T]) get(name string) T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest[name]
}

// names returns those of all objects that are there.
func (s *seen[T]) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for name := range s.newest {
		all = append(all, name)
	}
	return all
}

// outcomeTimeout bounds the wait for one outcome.
const outcomeTimeout = 15 * time.Minute

// at waits for the time that a channel of expect gets.
func at(ctx context.Context, what string, done <-chan time.Time) (time.Time, error) {
	timer := time.NewTimer(outcomeTimeout)
	defer timer.Stop()
	select {
	case t := <-done:
		return t, nil
	case <-timer.C:
		return time.Time{}, fmt.Errorf("waiting for %s: not there after %s", what, outcomeTimeout)
	case <-ctx.Done():
		return time.Time{}, fmt.Errorf("waiting for %s: %w", what, context.Cause(ctx))
	}
}

// pollEvery is the time between two looks of until.
const pollEvery = 100 * time.Millisecond

// until polls a condition.
func until(ctx context.Context, timeout time.Duration, ok func(ctx context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		done, err := ok(ctx)
		if done || err != nil {
			return err
		}
		if err := pass(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// pass lets a time go by.
func pass(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
