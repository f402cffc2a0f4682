package demo

import (
	"context"
	"sync"
)

// background are the parts that run beside a session; the first that fails ends it.
type background struct {
	cancel context.CancelCauseFunc
	parts  sync.WaitGroup
}

func newBackground(cancel context.CancelCauseFunc) *background { return &background{cancel: cancel} }

func (b *background) run(ctx context.Context, part func(context.Context) error) {
	b.parts.Go(func() {
		if err := part(ctx); err != nil && ctx.Err() == nil {
			b.cancel(err)
		}
	})
}

func (b *background) wait() { b.parts.Wait() }
