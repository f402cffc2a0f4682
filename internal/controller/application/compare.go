package application

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/plan"
)

// compare compares what was rendered with the cluster.
func (r *observer) compare(ctx context.Context, o *observation) error {
	if err := o.cluster.Away(); err != nil {
		// A snapshot is taken all the same: it has this Application told of the cluster's return.
		_, _ = o.cluster.Snapshot(ctx, live.Wanted{Instance: o.instance})
		o.add(v1alpha1.ConditionComparisonError, err)
		return nil
	}
	result, err := r.comparer.Compare(ctx, r.input(o))
	for _, p := range result.Problems {
		if p.OfObjects {
			// What is compared is whole: a sync fails by the tasks of these objects, before anything is changed.
			o.problems = append(o.problems, operation.Problem{Condition: p.Condition, Err: p.Err, Effect: operation.Warns})
			continue
		}
		o.add(p.Condition, p.Err)
	}
	return takeComparison(ctx, o, result, err)
}

// compareAgain looks at what was written, so that the status tells of the state after it.
func (r *observer) compareAgain(ctx context.Context, o *observation) error {
	result, err := r.comparer.Again(ctx, r.input(o), o.comparison)
	o.now = r.now()
	return takeComparison(ctx, o, result, err)
}

func takeComparison(ctx context.Context, o *observation, result compare.Comparison, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		o.add(v1alpha1.ConditionComparisonError, err)
	}
	o.comparison = result
	return nil
}

func (r *observer) input(o *observation) compare.Input {
	return compare.Input{
		App: o.app, Rendering: o.rendered, Instance: o.instance, Bounds: o.bounds(), Cluster: o.cluster, Client: o.writer, Settings: o.settings.Settings, Health: o.settings.health, Application: r.application,
		Elsewhere: func(ctx context.Context, objects []plan.Key) map[plan.Key]string { return r.elsewhere(ctx, o, objects) },
	}
}

// application reads the Application of an instance; nil when there is none.
func (r *observer) application(ctx context.Context, instance string) (*v1alpha1.Application, error) {
	found := &v1alpha1.Application{}
	err := r.client.Get(ctx, plan.ApplicationOf(instance, r.control), found)
	switch {
	case err == nil:
		return found, nil
	case client.IgnoreNotFound(err) != nil:
		return nil, fmt.Errorf("reading Application %s: %w", plan.ApplicationOf(instance, r.control), err)
	}
	return nil, nil
}
