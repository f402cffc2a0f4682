package application

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/plan"
)

// comparison is git against the cluster, as far as it is known.
type comparison struct {
	// compared is set when all that follows is filled.
	compared     bool
	desired      []plan.Desired
	live         live.Snapshot
	broken       map[schema.GroupKind]error
	predictions  map[plan.Key]compare.Prediction
	pendingKinds map[schema.GroupKind]bool
	policy       plan.Policy
	plan         plan.Plan

	whole compare.Comparison
}

// take fills the comparison.
func (c *comparison) take(whole compare.Comparison) {
	*c = comparison{
		compared: whole.Complete, desired: whole.Desired, live: whole.Live, broken: whole.Live.Broken, predictions: whole.Predictions,
		pendingKinds: whole.PendingKinds, policy: whole.Policy, plan: whole.Plan, whole: whole,
	}
}

// rebuild makes the plan that the policy gives now.
func (c *comparison) rebuild() {
	c.whole.Policy = c.policy
	c.take(c.whole.Replanned())
}

// compare compares what was rendered with the cluster.
func (r *reconciler) compare(ctx context.Context, o *observation) error {
	if err := o.cluster.Away(); err != nil {
		// A snapshot is taken all the same: it has this Application told of the cluster's return.
		_, _ = o.cluster.Snapshot(ctx, live.Wanted{Instance: o.instance})
		o.add(v1alpha1.ConditionComparisonError, err)
		return nil
	}
	whole, err := r.comparer.Compare(ctx, r.input(o))
	for _, p := range whole.Problems {
		o.add(p.Condition, p.Err)
	}
	return takeComparison(ctx, o, whole, err)
}

// compareAgain looks at what was written, so that the status tells of the state after it.
func (r *reconciler) compareAgain(ctx context.Context, o *observation) error {
	whole, err := r.comparer.Again(ctx, r.input(o), o.whole)
	o.now = r.now()
	return takeComparison(ctx, o, whole, err)
}

func takeComparison(ctx context.Context, o *observation, whole compare.Comparison, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		o.add(v1alpha1.ConditionComparisonError, err)
	}
	o.take(whole)
	return nil
}

func (r *reconciler) input(o *observation) compare.Input {
	return compare.Input{
		App: o.app, Rendering: o.rendered, Instance: o.instance, Project: o.project, Destination: o.to(), Cluster: o.cluster, Client: o.cluster.Client, Exists: r.exists,
	}
}

// exists reports whether there is an Application of this instance.
func (r *reconciler) exists(ctx context.Context, instance string) (bool, error) {
	err := r.client.Get(ctx, plan.ApplicationOf(instance, r.control), &v1alpha1.Application{})
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("reading Application %s: %w", plan.ApplicationOf(instance, r.control), err)
	}
	return err == nil, nil
}

// wanted is what to look for of an Application.
func (o *observation) wanted() live.Wanted { return compare.Wanted(o.app, o.instance, o.desired) }

// lives are the live objects for a plan that predicts nothing.
func (o *observation) lives() []plan.Live {
	all := make([]plan.Live, 0, len(o.live.Objects))
	for _, object := range o.live.Objects {
		all = append(all, plan.Live{Object: object})
	}
	return all
}
