package application

import (
	"context"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

// Who waits for a look at one Application keeps nobody from looking at others, and gives his place up when he leaves.
func TestTurnsHoldNoSlots(t *testing.T) {
	ready := make(chan struct{})
	close(ready)
	l := &Looks{observer: &observer{}, ready: ready, slots: make(chan struct{}, mostLooks), of: map[types.NamespacedName]*turn{}}
	slow, other := types.NamespacedName{Name: "slow"}, types.NamespacedName{Name: "other"}
	_, end, err := l.begin(t.Context(), slow)
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	for range 3 * mostLooks {
		go func() {
			_, _, err := l.begin(ctx, slow)
			left <- err
		}()
	}
	for range mostLooks - 1 {
		if _, _, err := l.begin(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		other.Name += "x"
	}
	leave()
	for range 3 * mostLooks {
		if err := <-left; err == nil {
			t.Error("two look at one Application at once")
		}
	}
	end()
	if _, again, err := l.begin(t.Context(), slow); err != nil {
		t.Error(err)
	} else {
		again()
	}
	if len(l.slots) != mostLooks-1 || l.of[slow] != nil {
		t.Errorf("%d slots are taken, and somebody waits: %v", len(l.slots), l.of[slow])
	}
}
