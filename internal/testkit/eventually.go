package testkit

import (
	"testing"
	"time"
)

// lookEvery is the time between two looks at an outcome.
const lookEvery = 20 * time.Millisecond

// Eventually waits for an outcome: until check returns nil, looking every 20 ms. After the given time the test fails
// with what check said last.
func Eventually(t testing.TB, within time.Duration, what string, check func() error) {
	t.Helper()
	deadline := time.After(within)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s did not happen within %s: %v", what, within, err)
		case <-t.Context().Done():
			t.Fatalf("%s did not happen before the test ended: %v", what, err)
		case <-tick.C:
		}
	}
}
