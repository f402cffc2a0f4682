package application

import (
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// stuckWorkerAfter is how long a worker may be with one Application before it counts as stuck.
const stuckWorkerAfter = 5 * time.Minute

// Watchdog knows what each worker is busy with, so that probes notice workers that are stuck.
type Watchdog struct {
	workers int
	now     func() time.Time

	mu   sync.Mutex
	next int
	busy map[int]visiting
}

// visiting is the Application that a worker is with, and since when.
type visiting struct {
	app   types.NamespacedName
	since time.Time
}

// NewWatchdog returns a Watchdog of no workers yet. now is time.Now when nil.
func NewWatchdog(now func() time.Time) *Watchdog {
	if now == nil {
		now = time.Now
	}
	return &Watchdog{now: now, busy: map[int]visiting{}}
}

// enter notes that a worker begins with an Application, until the returned function is called.
func (w *Watchdog) enter(app types.NamespacedName) (leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	id := w.next
	w.busy[id] = visiting{app, w.now()}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.busy, id)
	}
}

// Check is a probe: an error when every worker is stuck, which nothing but a restart helps.
func (w *Watchdog) Check() error {
	stuck, longest := w.stuck()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.workers == 0 || stuck < w.workers {
		return nil
	}
	return fmt.Errorf("all %d workers are stuck, the first of them with Application %s since %s", stuck, longest.app, longest.since.UTC().Format(time.RFC3339))
}

// stuck returns the number of workers that are stuck, and where the first of them is.
func (w *Watchdog) stuck() (n int, longest visiting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range w.busy {
		if w.now().Sub(v.since) < stuckWorkerAfter {
			continue
		}
		if n++; longest.since.IsZero() || v.since.Before(longest.since) {
			longest = v
		}
	}
	return n, longest
}
