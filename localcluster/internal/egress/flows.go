package egress

import (
	"fmt"
	"net/netip"
	"sync"
)

// Limits are how many flows there may be at a time.
type Limits struct {
	// Total is for all pods together, PerPod for one.
	Total, PerPod int
}

// flows counts the flows that are open. None is opened above the limits, so that one pod can't take the others' share,
// nor all of them this machine's memory.
type flows struct {
	limits Limits

	mu    sync.Mutex
	total int
	of    map[netip.Addr]int
}

func newFlows(limits Limits) *flows { return &flows{limits: limits, of: map[netip.Addr]int{}} }

// open counts a flow of a pod, until release is called.
func (f *flows) open(pod netip.Addr) (release func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.total >= f.limits.Total:
		return nil, fmt.Errorf("all pods have %d flows open, which is the limit", f.total)
	case f.of[pod] >= f.limits.PerPod:
		return nil, fmt.Errorf("pod %s has %d flows open, which is the limit for one", pod, f.of[pod])
	}
	f.total++
	f.of[pod]++
	return sync.OnceFunc(func() { f.release(pod) }), nil
}

func (f *flows) release(pod netip.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.total--
	if f.of[pod]--; f.of[pod] == 0 {
		delete(f.of, pod)
	}
}
