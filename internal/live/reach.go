package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/discovery"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/problem"
)

const (
	// probeFirst and probeMost bound the time between two tries to reach a cluster that cannot be reached.
	probeFirst = 250 * time.Millisecond
	probeMost  = 15 * time.Second
)

// reach is whether a cluster can be reached.
type reach struct {
	cluster, server string
	discovery       discovery.DiscoveryInterfaceWithContext
	log             *slog.Logger
	// back is called before the cluster counts as reached again, and changed whenever that has changed.
	back, changed func()

	mu sync.Mutex
	// err is why the cluster cannot be reached; nil while it can.
	err error
	// answered is when the cluster itself answered last, though it was doubted.
	answered time.Time
	// asking lets one ask at a time.
	asking sync.Mutex
}

// ErrUnreachable is in the chain of the errors of a cluster that does not answer.
var ErrUnreachable = errors.New("cluster unreachable")

// get returns why the cluster cannot be reached, or nil.
func (r *reach) get() error {
	r.mu.Lock()
	err := r.err
	r.mu.Unlock()
	return r.explain(err)
}

// explain names the cluster that an error is of. What cannot be had for now, though the cluster answers, passes by
// itself as well.
func (r *reach) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if !apply.IsUnreachable(err) {
		return fmt.Errorf("cluster %s: %w", r.cluster, err)
	}
	p := &problem.Error{
		Kind: problem.Unreachable, Object: fmt.Sprintf("cluster %s (%s)", r.cluster, r.server), Cause: "a part does not answer: " + err.Error(), Remedy: "check that its API server runs, and what extends that", Err: err,
	}
	if r.isAway() {
		p.Cause, p.Err = "cannot be reached: "+err.Error(), errors.Join(ErrUnreachable, err)
	}
	return p
}

func (r *reach) isAway() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err != nil
}

const (
	// doubtTimeout bounds the time in which a cluster that is doubted has to answer, and believed is how long an answer is
	// believed.
	doubtTimeout = 10 * time.Second
	believed     = time.Second
)

// doubt notes that a request has failed, and reports whether the cluster cannot be reached. One part that does not
// answer is not the cluster: a kind whose server is away, or one that has more requests than it can take. So the
// cluster itself is asked, for as long as ctx lives.
func (r *reach) doubt(ctx context.Context, err error) (away bool) {
	if err == nil || !apply.IsUnreachable(err) || ctx.Err() != nil {
		return false
	}
	r.asking.Lock()
	defer r.asking.Unlock()
	r.mu.Lock()
	known, answered := r.err != nil, r.answered
	r.mu.Unlock()
	if known || time.Since(answered) < believed {
		return known
	}
	asking, done := context.WithTimeout(ctx, doubtTimeout)
	defer done()
	if why := r.ask(asking); why == nil || ctx.Err() != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.answered = time.Now()
		return false
	}
	r.mu.Lock()
	r.err = err
	r.mu.Unlock()
	r.log.Warn("cluster cannot be reached", "cluster", r.cluster, "err", err)
	go r.await(ctx)
	r.changed()
	return true
}

// ask asks the cluster for its version. A cluster that has more requests than it can take answers, too.
func (r *reach) ask(ctx context.Context) error {
	_, err := r.discovery.ServerVersionWithContext(ctx)
	if err != nil && apply.IsUnreachable(err) && !apierrors.IsTooManyRequests(err) {
		return err
	}
	return nil
}

// await probes the cluster until it answers.
func (r *reach) await(ctx context.Context) {
	for wait := probeFirst; ; wait = min(2*wait, probeMost) {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		err := r.ask(ctx)
		if err == nil {
			break
		}
		r.mu.Lock()
		r.err = err
		r.mu.Unlock()
	}
	r.back()
	r.mu.Lock()
	r.err = nil
	r.mu.Unlock()
	r.log.Info("cluster can be reached again", "cluster", r.cluster)
	r.changed()
}
