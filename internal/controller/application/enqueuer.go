package application

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// enqueuer puts Applications into the work queue from anywhere.
type enqueuer struct {
	mu     sync.Mutex
	queue  workqueue.TypedRateLimitingInterface[reconcile.Request]
	before []types.NamespacedName
	// changed are the Applications that a commit has changed and that were not looked at since; none is closed when there
	// are none.
	changed map[types.NamespacedName]bool
	none    chan struct{}
}

func newEnqueuer() *enqueuer {
	e := &enqueuer{changed: map[types.NamespacedName]bool{}, none: make(chan struct{})}
	close(e.none)
	return e
}

func (e *enqueuer) start(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue = queue
	for _, app := range e.before {
		queue.Add(reconcile.Request{NamespacedName: app})
	}
	e.before = nil
	return nil
}

func (e *enqueuer) add(app types.NamespacedName) { e.addWith(app, 0) }

// addWith is add with a priority. Those that a commit has changed are remembered until they were looked at.
func (e *enqueuer) addWith(app types.NamespacedName, priority int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.queue == nil {
		e.before = append(e.before, app)
		return
	}
	if priority == priorityChanged {
		if len(e.changed) == 0 {
			e.none = make(chan struct{})
		}
		e.changed[app] = true
	}
	request := reconcile.Request{NamespacedName: app}
	if queue, ok := e.queue.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
		queue.AddWithOpts(priorityqueue.AddOpts{Priority: &priority}, request)
		return
	}
	e.queue.Add(request)
}

// looked notes that an Application was looked at.
func (e *enqueuer) looked(app types.NamespacedName) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.changed[app] {
		return
	}
	if delete(e.changed, app); len(e.changed) == 0 {
		close(e.none)
	}
}

// awaitChanged waits until every Application that a commit has changed was looked at. It reports false when ctx ends
// before.
func (e *enqueuer) awaitChanged(ctx context.Context) bool {
	e.mu.Lock()
	none := e.none
	e.mu.Unlock()
	select {
	case <-none:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
