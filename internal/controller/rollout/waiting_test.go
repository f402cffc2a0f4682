package rollout

import (
	"testing"
	"time"
)

// What an action waits for is looked at every second at first, and less often when it has not come for long.
func TestHowOftenAHeldActionIsTried(t *testing.T) {
	for waited, want := range map[time.Duration]time.Duration{
		0: time.Second, 10 * time.Second: time.Second, 50 * time.Second: 5 * time.Second, 100 * time.Second: 10 * time.Second, time.Hour: 10 * time.Second,
	} {
		if got := heldRequeueAfter(waited); got != want {
			t.Errorf("after %s: %s, want %s", waited, got, want)
		}
	}
}
