package service

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// lists is an API server whose lists end when they are let.
type lists struct {
	begun atomic.Int32
	let   chan struct{}
	err   error
}

// read returns a Service that is named by the number of the list.
func (l *lists) read(context.Context) ([]*corev1.Service, error) {
	name := fmt.Sprint(l.begun.Add(1))
	<-l.let
	return []*corev1.Service{{ObjectMeta: metav1.ObjectMeta{Name: name}}}, l.err
}

// waitsFor reports whether somebody waits for the list of a namespace that begins when another ends.
func (s *Shared) waitsFor(namespace string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next[namespace] != nil
}

// Whoever asks while a list runs gets the next one, which all share who asked by then: what it shows is not older than
// the question.
func TestAListThatHasBegunIsNotSharedByThoseWhoAskLater(t *testing.T) {
	s, server := NewShared(), &lists{let: make(chan struct{})}
	first := s.join(t.Context(), "shop", server.read)
	var later []*listing
	for range 5 {
		later = append(later, s.join(t.Context(), "shop", server.read))
	}
	if !s.waitsFor("shop") {
		t.Fatal("nobody waits for the next list")
	}
	server.let <- struct{}{}
	<-first.done
	server.let <- struct{}{}
	for _, l := range later {
		<-l.done
		if l.err != nil || l.services[0].Name != "2" {
			t.Errorf("who asked while list 1 ran got list %s, error %v; want 2", l.services[0].Name, l.err)
		}
	}
	if first.services[0].Name != "1" || server.begun.Load() != 2 {
		t.Errorf("the first got list %s of %d, want 1 of 2", first.services[0].Name, server.begun.Load())
	}
}

// Nothing is kept of a namespace for which nobody waits, and each has lists of its own.
func TestListsOfNamespacesAreApart(t *testing.T) {
	s, server := NewShared(), &lists{let: make(chan struct{}), err: errors.New("refused")}
	close(server.let)
	var together sync.WaitGroup
	for i := range 20 {
		together.Go(func() {
			got, err := s.list(t.Context(), fmt.Sprint(i), server.read)
			if err == nil || len(got) != 1 {
				t.Errorf("namespace %d: got %v, error %v; want what the API server returned", i, got, err)
			}
		})
	}
	together.Wait()
	if got := server.begun.Load(); got != 20 {
		t.Errorf("%d lists, want one of each of 20 namespaces", got)
	}
}

// Who goes away ends no list for the others.
func TestWhoGoesAwayEndsNoListForTheOthers(t *testing.T) {
	s, server := NewShared(), &lists{let: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	l := s.join(t.Context(), "shop", server.read)
	cancel()
	if _, err := s.list(ctx, "shop", server.read); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want that it was given up", err)
	}
	close(server.let)
	if <-l.done; l.err != nil {
		t.Errorf("got error %v", l.err)
	}
}

// Without a Shared everybody reads for himself.
func TestWithoutASharedEverybodyReads(t *testing.T) {
	server := &lists{let: make(chan struct{})}
	close(server.let)
	for range 2 {
		if _, err := (*Shared)(nil).list(t.Context(), "shop", server.read); err != nil {
			t.Fatal(err)
		}
	}
	if got := server.begun.Load(); got != 2 {
		t.Errorf("%d lists, want 2", got)
	}
}
