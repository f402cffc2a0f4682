package application

import (
	"context"
	"log/slog"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/operation"
)

// revisionRecorder writes the revision into the status of Applications of which a commit changed nothing else, one
// after the other, while no Application waits that a commit has changed.
type revisionRecorder struct {
	client client.Client
	newest *newest
	queue  *enqueuer
	now    func() time.Time
	log    *slog.Logger

	mu sync.Mutex
	// due are the revisions to record; order has their Applications in the order in which they came.
	due   map[types.NamespacedName]string
	order []types.NamespacedName
	wake  chan struct{}
}

func newRevisionRecorder(c client.Client, newest *newest, queue *enqueuer, now func() time.Time, log *slog.Logger) *revisionRecorder {
	return &revisionRecorder{client: c, newest: newest, queue: queue, now: now, log: log, due: map[types.NamespacedName]string{}, wake: make(chan struct{}, 1)}
}

// add has a revision recorded; the last one of an Application counts.
func (r *revisionRecorder) add(name types.NamespacedName, revision string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, queued := r.due[name]; !queued {
		r.order = append(r.order, name)
	}
	r.due[name] = revision
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run records until ctx ends.
func (r *revisionRecorder) run(ctx context.Context) error {
	for {
		name, revision, ok := r.next()
		if !ok {
			select {
			case <-r.wake:
				continue
			case <-ctx.Done():
				return nil
			}
		}
		if !r.queue.awaitChanged(ctx) {
			return nil
		}
		if err := r.record(ctx, name, revision); err != nil && ctx.Err() == nil {
			r.log.Debug("recording a revision", "application", name, "err", err)
			r.queue.addWith(name, priorityUnchanged)
		}
	}
}

func (r *revisionRecorder) next() (name types.NamespacedName, revision string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.order) == 0 {
		return name, "", false
	}
	name, r.order = r.order[0], r.order[1:]
	revision = r.due[name]
	delete(r.due, name)
	return name, revision, true
}

// record writes a revision, unless there is more to do about the Application by now.
func (r *revisionRecorder) record(ctx context.Context, name types.NamespacedName, revision string) error {
	app, err := r.newest.get(ctx, name)
	switch {
	case err != nil:
		return client.IgnoreNotFound(err)
	case !operation.OnlyRevision(app):
		r.queue.addWith(name, priorityUnchanged)
		return nil
	case app.Status.Sync.Revision == revision:
		return nil
	}
	after := app.DeepCopy()
	at := metav1.NewTime(r.now())
	after.Status.Sync.Revision, after.Status.ReconciledAt = revision, &at
	stored, err := write(ctx, r.client, r.newest.server, app, after)
	if err == nil && stored != nil {
		r.newest.wrote(stored)
	}
	return err
}
