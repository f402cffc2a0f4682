package egress

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
)

var (
	first  = netip.MustParseAddr("10.244.0.2")
	second = netip.MustParseAddr("10.244.0.3")
	third  = netip.MustParseAddr("10.244.0.4")
)

// openSome opens n flows of a pod and returns what releases them.
func openSome(t *testing.T, f *flows, pod netip.Addr, n int) []func() {
	t.Helper()
	var all []func()
	for i := range n {
		release, err := f.open(pod)
		if err != nil {
			t.Fatalf("flow %d of %s: %v", i+1, pod, err)
		}
		all = append(all, release)
	}
	return all
}

func refusedWith(t *testing.T, f *flows, pod netip.Addr, want string) {
	t.Helper()
	if _, err := f.open(pod); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("one more of %s: got %v, want %q", pod, err, want)
	}
}

func TestFlowsAreBounded(t *testing.T) {
	f := newFlows(Limits{Total: 5, PerPod: 3})
	releases := openSome(t, f, first, 3)
	refusedWith(t, f, first, "pod 10.244.0.2 has 3 flows open")
	openSome(t, f, second, 2)
	refusedWith(t, f, third, "all pods have 5 flows open")
	refusedWith(t, f, second, "all pods have 5 flows open")

	releases[0]()
	releases[0]() // once is enough
	openSome(t, f, third, 1)
	refusedWith(t, f, third, "all pods have 5 flows open")
}

func TestWhatIsRefusedIsNotCounted(t *testing.T) {
	f := newFlows(Limits{Total: 2, PerPod: 1})
	release := openSome(t, f, first, 1)[0]
	for range 10 {
		refusedWith(t, f, first, "pod 10.244.0.2 has 1 flows open")
	}
	openSome(t, f, second, 1)[0]()
	release()
	if f.total != 0 || len(f.of) != 0 {
		t.Errorf("left: %d in all, of %v; want none", f.total, f.of)
	}
}

func TestFlowsOfManyAtOnce(t *testing.T) {
	const total, each = 20, 7
	f := newFlows(Limits{Total: total, PerPod: each})
	var all sync.WaitGroup
	for i := range 16 {
		pod := netip.AddrFrom4([4]byte{10, 244, 1, byte(i)})
		all.Go(func() {
			for range 500 {
				release, err := f.open(pod)
				f.mu.Lock()
				if f.total > total || f.of[pod] > each {
					t.Errorf("open: %d in all, %d of %s; want at most %d and %d", f.total, f.of[pod], pod, total, each)
				}
				f.mu.Unlock()
				if err == nil {
					release()
				}
			}
		})
	}
	all.Wait()
	if f.total != 0 || len(f.of) != 0 {
		t.Errorf("left: %d in all, of %v; want none", f.total, f.of)
	}
}
