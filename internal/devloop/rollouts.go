package devloop

import (
	"context"
	"sync"

	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/render"
)

// rollouts has the Rollouts of the loop's namespace carried out, from when there is one.
type rollouts struct {
	run  func(ctx context.Context, ready func()) error
	note func(string)
	// ready is closed once they are carried out; nil until that has begun.
	ready chan struct{}
}

// begin has Rollouts carried out until ctx ends, beside what else the loop does.
func (r *rollouts) begin(ctx context.Context, tasks *tasks) {
	if r.run == nil || r.ready != nil {
		return
	}
	r.ready = make(chan struct{})
	end := sync.OnceFunc(func() { close(r.ready) })
	tasks.Go(func() {
		defer end()
		if err := r.run(ctx, end); err != nil && ctx.Err() == nil {
			r.note("Rollouts are not carried out: " + err.Error())
		}
	})
}

// await waits until Rollouts are carried out, where that has begun.
func (r *rollouts) await(ctx context.Context) {
	if r.ready == nil {
		return
	}
	select {
	case <-r.ready:
	case <-ctx.Done():
	}
}

func isRollout(r render.Rendered) bool { return desired.IsRollout(r.Object) }
