package auth

import (
	"sync/atomic"
	"syscall"
	"testing"
)

// nice returns the niceness of a thread. The system call returns it counted from 20 down.
func nice(t *testing.T, thread int) int {
	t.Helper()
	raw, err := syscall.Getpriority(syscall.PRIO_PROCESS, thread)
	if err != nil {
		t.Fatal(err)
	}
	return 20 - raw
}

// Comparing passwords takes a processor away from nobody who has something to do, and nothing else runs behind others
// for it.
func TestComparisonsYieldTheProcessor(t *testing.T) {
	usual := nice(t, syscall.Gettid())
	var during atomic.Int64
	for range 3 {
		if err := newChecks().strangers.do(t.Context(), func() { during.Store(int64(nice(t, syscall.Gettid()))) }); err != nil {
			t.Fatal(err)
		}
		if got := int(during.Load()); got != max(usual, compareNice) {
			t.Errorf("while passwords are compared the niceness is %d, want %d", got, max(usual, compareNice))
		}
	}
	done := make(chan int)
	for range 100 {
		go func() { done <- nice(t, syscall.Gettid()) }()
		if got := <-done; got != usual {
			t.Fatalf("something else runs at niceness %d, want %d", got, usual)
		}
	}
}
