package application

import (
	"context"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// followHooks lets go of the hooks that no operation knows of, and remembers those that are held.
func (r *reconciler) followHooks(ctx context.Context, o *observation, after *v1alpha1.Application) error {
	if !o.comparison.Complete || o.refusal != nil {
		return nil
	}
	running := plan.Plan{}
	if after.Operation != nil {
		running = o.comparison.Plan
	}
	if err := releaseHooks(ctx, o, running); err != nil {
		return err
	}
	now := heldIn{cluster: o.cluster, writer: o.writer}
	for _, object := range o.comparison.Live.Objects {
		if plan.Held(object) && o.tracking().OwnerOf(object) == o.instance {
			now.hooks = append(now.hooks, object)
		}
	}
	r.hooks.set(o.name, now)
	return nil
}

// releaseHooks lets go of the hooks that the running operation knows nothing of; the zero Plan when none runs.
func releaseHooks(ctx context.Context, o *observation, running plan.Plan) error {
	return heldIn{o.cluster, o.writer, plan.Abandoned(o.lives(), running, plan.Policy{Instance: o.instance, Tracking: o.tracking()})}.release(ctx)
}
