package application

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// What comes back each time is undone ever more seldom, until it has stayed away.
func TestHealsAreEverMoreSeldom(t *testing.T) {
	var h heals
	app, start := types.NamespacedName{Name: "shop"}, time.Unix(1e9, 0)
	if at := h.at(app, start); !at.IsZero() {
		t.Errorf("at first: got %s, want at once", at)
	}
	now := start
	for range 12 {
		h.did(app, now)
		if now = h.at(app, now); now.IsZero() {
			t.Fatal("drift that comes back at once is undone at once")
		}
	}
	if took := now.Sub(start); took < 10*time.Minute || took > time.Hour {
		t.Errorf("twelve times took %s, want waits that double", took)
	}
	if at := h.at(app, now.Add(time.Hour)); !at.IsZero() {
		t.Errorf("after an hour without: got %s, want at once", at)
	}
	h.did(app, now.Add(time.Hour))
	if wait := h.at(app, now.Add(time.Hour)).Sub(now.Add(time.Hour)); wait > time.Second {
		t.Errorf("after an hour without, the next wait is %s, want the first", wait)
	}
	if h.forget(app); !h.at(app, now).IsZero() {
		t.Error("what is forgotten is remembered")
	}
}
