package devloop

import (
	"testing"
	"time"
)

// A line of a pod is old once a newer pod runs another image in its place.
func TestReplaced(t *testing.T) {
	s := newSeen(t)
	l := newLogs(newReporter(func(Event) {}), s.scene, LogOptions{})
	first := s.pod(t, "a-1", "a", "app@sha256:1", time.Hour)
	l.meet(first)
	beside := s.pod(t, "a-2", "a", "app@sha256:1", time.Minute)
	l.meet(beside)
	if l.replaced("c", containerOf(first, "c")) || l.replaced("c", containerOf(beside, "c")) {
		t.Error("two pods of one image: want neither old")
	}
	next := s.pod(t, "a-3", "a", "app@sha256:2", time.Second)
	l.meet(next)
	l.meet(first)
	if !l.replaced("c", containerOf(first, "c")) || !l.replaced("c", containerOf(beside, "c")) || l.replaced("c", containerOf(next, "c")) {
		t.Error("a pod of another image: want those before old, and it not")
	}
	if l.replaced("other", containerOf(first, "c")) {
		t.Error("a container that was never met: want it not old")
	}
}
