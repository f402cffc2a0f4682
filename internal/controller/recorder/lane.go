package recorder

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Change is a field of a status that went from one value to another.
type Change struct{ What, From, To string }

func (c Change) String() string { return fmt.Sprintf("Updated %s: %s -> %s", c.What, c.From, c.To) }

// describe returns the message of an event that tells of changes.
func describe(changes []Change) string {
	lines := make([]string, len(changes))
	for i, c := range changes {
		lines[i] = c.String()
	}
	return strings.Join(lines, "; ")
}

// follow returns changes and what came after them as the way from the first value to the last; what is as it was before
// is none.
func follow(changes, after []Change) []Change {
	all := slices.Clone(changes)
	for _, c := range after {
		if i := slices.IndexFunc(all, func(was Change) bool { return was.What == c.What }); i >= 0 {
			all[i].To = c.To
		} else {
			all = append(all, c)
		}
	}
	return slices.DeleteFunc(all, func(c Change) bool { return c.From == c.To })
}

// waiting is an event that is not written yet.
type waiting struct {
	event *corev1.Event
	// changes are those that it tells of; nil for an event with a text of its own.
	changes []Change
	// settled ends the wait for further changes; nil for none.
	settled *time.Timer
}

func (w *waiting) about() types.UID { return w.event.InvolvedObject.UID }

// lane holds the events that wait, in the order in which they are written.
type lane struct {
	// wake has an element when something came to be written.
	wake chan struct{}

	mu    sync.Mutex
	queue []*waiting
	// settling are events that wait for further changes before they are queued.
	settling map[*waiting]bool
	// open are the events, by object, that take up further changes: nothing else was told of the object since.
	open map[types.UID]*waiting
}

func newLane() *lane {
	return &lane{wake: make(chan struct{}, 1), settling: map[*waiting]bool{}, open: map[types.UID]*waiting{}}
}

// add has an event written, once it has settled. It reports false when as many wait as may.
func (l *lane) add(w *waiting, settle time.Duration, most int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if before := l.open[w.about()]; before != nil {
		if w.changes != nil {
			before.takeUp(w)
			return true
		}
		l.release(before)
		delete(l.open, w.about())
	}
	if len(l.queue)+len(l.settling) >= most {
		return false
	}
	if w.changes != nil {
		l.open[w.about()] = w
	}
	l.settling[w] = true
	if w.changes == nil || settle == 0 {
		l.release(w)
		return true
	}
	w.settled = time.AfterFunc(settle, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.release(w)
	})
	return true
}

// takeUp has an event tell of what came after it, too.
func (w *waiting) takeUp(after *waiting) {
	w.changes = follow(w.changes, after.changes)
	w.event.Message, w.event.LastTimestamp = truncate(describe(w.changes), maxMessage), after.event.LastTimestamp
}

// release queues an event that was settling. The caller holds l.mu.
func (l *lane) release(w *waiting) {
	if !l.settling[w] {
		return
	}
	delete(l.settling, w)
	if w.settled != nil {
		w.settled.Stop()
	}
	l.queue = append(l.queue, w)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// releaseAll queues all events that were settling.
func (l *lane) releaseAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.settling {
		l.release(w)
	}
}

// take returns the next event to write; nil when none is queued. Changes that came to nothing are passed over.
func (l *lane) take() *corev1.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) > 0 {
		w := l.queue[0]
		l.queue[0] = nil
		l.queue = l.queue[1:]
		if l.open[w.about()] == w {
			delete(l.open, w.about())
		}
		if w.changes == nil || len(w.changes) > 0 {
			return w.event
		}
	}
	return nil
}

// size is the number of events that wait.
func (l *lane) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) + len(l.settling)
}
