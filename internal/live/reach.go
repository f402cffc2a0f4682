package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

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
}

// ErrUnreachable is in the chain of the errors of a cluster that does not answer.
var ErrUnreachable = errors.New("cluster unreachable")

// get returns why the cluster cannot be reached, or nil.
func (r *reach) get() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.explain(r.err)
}

// explain names the cluster that an error is of.
func (r *reach) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if apply.IsUnreachable(err) {
		return &problem.Error{
			Kind: problem.Unreachable, Object: fmt.Sprintf("cluster %s (%s)", r.cluster, r.server), Cause: "cannot be reached: " + err.Error(),
			Remedy: "tried again by itself", Err: errors.Join(ErrUnreachable, err),
		}
	}
	return fmt.Errorf("cluster %s: %w", r.cluster, err)
}

// failed notes how a request has failed. The first one that could not reach the cluster begins to look for it, for as
// long as ctx lives.
func (r *reach) failed(ctx context.Context, err error) {
	if !apply.IsUnreachable(err) {
		return
	}
	r.mu.Lock()
	first := r.err == nil
	r.err = err
	r.mu.Unlock()
	if first {
		r.log.Warn("cluster cannot be reached", "cluster", r.cluster, "err", err)
		go r.await(ctx)
		r.changed()
	}
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
		_, err := r.discovery.ServerVersionWithContext(ctx)
		if err == nil || !apply.IsUnreachable(err) {
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
