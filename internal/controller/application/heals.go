package application

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/internal/operation"
)

// heals remembers how often drift was undone in a row while an operation waits for a person, so that what comes back
// each time is undone ever more seldom.
type heals struct {
	mu sync.Mutex
	of map[types.NamespacedName]healed
}

type healed struct {
	times int64
	last  time.Time
}

// at returns when drift of an Application may be undone next; zero for at once.
func (h *heals) at(app types.NamespacedName, now time.Time) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	before, known := h.of[app]
	if !known || !operation.IsSameDrift(before.times, before.last, now) {
		return time.Time{}
	}
	return operation.HealAt(before.times, before.last)
}

// did notes that drift of an Application was undone.
func (h *heals) did(app types.NamespacedName, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of == nil {
		h.of = map[types.NamespacedName]healed{}
	}
	before := h.of[app]
	if !operation.IsSameDrift(before.times, before.last, now) {
		before.times = 0
	}
	h.of[app] = healed{before.times + 1, now}
}

func (h *heals) forget(app types.NamespacedName) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.of, app)
}
