package supervise

import (
	"fmt"
	"os"
	"slices"
	"sync"
)

// Group is the parts of one cluster. When the process that holds the group ends, its parts end as well.
type Group struct {
	supervisorPipe struct{ watched, held *os.File }

	mu    sync.Mutex
	parts []*Part
}

// NewGroup makes an empty group.
func NewGroup() (*Group, error) {
	g := &Group{}
	var err error
	if g.supervisorPipe.watched, g.supervisorPipe.held, err = os.Pipe(); err != nil {
		return nil, fmt.Errorf("making the pipe that parts watch: %w", err)
	}
	return g, nil
}

// Launch starts a part and keeps it running until it is stopped.
func (g *Group) Launch(spec Spec) *Part {
	p := &Part{
		spec: spec, supervisorPipe: g.supervisorPipe.watched,
		stop: make(chan struct{}), stopped: make(chan struct{}), ready: make(chan struct{}), failed: make(chan struct{}),
		status: Status{Name: spec.Name},
	}
	g.mu.Lock()
	g.parts = append(g.parts, p)
	g.mu.Unlock()
	go p.run()
	return p
}

// Status returns the status of every part, in the order in which they were launched.
func (g *Group) Status() []Status {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]Status, 0, len(g.parts))
	for _, p := range g.parts {
		all = append(all, p.Status())
	}
	return all
}

// FailedPart returns an error when a part died so often that waiting for it makes no sense.
func (g *Group) FailedPart() error {
	for _, p := range g.named(nil) {
		if p.Status().Restarts >= maxEarlyExits {
			return p.startError()
		}
	}
	return nil
}

// Stop stops the named parts together, or all of them when no name is given.
func (g *Group) Stop(names ...string) {
	var wg sync.WaitGroup
	for _, p := range g.named(names) {
		wg.Go(p.Stop)
	}
	wg.Wait()
}

func (g *Group) named(names []string) []*Part {
	g.mu.Lock()
	defer g.mu.Unlock()
	var found []*Part
	for _, p := range g.parts {
		if len(names) == 0 || slices.Contains(names, p.spec.Name) {
			found = append(found, p)
		}
	}
	return found
}
