package application

import (
	"context"

	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/project"
)

// operate decides what becomes of the operation of an Application, and carries its plan on where the decision says so.
func (r *reconciler) operate(ctx context.Context, o *observation) (operation.Decision, error) {
	decided := operation.Decide(o.app, o.forOperation())
	if decided.Sync {
		return r.sync(ctx, o, decided.App)
	}
	o.problems = append(o.problems, decided.Problems...)
	return decided, nil
}

// forOperation is what is to be known of an Application to decide about its operation.
func (o *observation) forOperation() operation.Observation {
	seen := operation.Observation{Now: o.now, Revision: o.revision, Source: o.source, Compared: o.compared, Plan: o.plan, Problems: o.problems}
	if o.project != nil {
		seen.ToAutomation = project.Windows(o.project, o.app, o.to(), project.ByAutomation, o.now)
		seen.ToPeople = project.Windows(o.project, o.app, o.to(), project.ByPerson, o.now)
	}
	return seen
}

// to is the destination with every name of its cluster.
func (o *observation) to() project.Destination {
	d := project.Destination{Server: o.app.Spec.Destination.Server, Name: o.app.Spec.Destination.Name, Namespace: o.app.Spec.Destination.Namespace}
	if o.cluster != nil {
		d.Server, d.Name = o.cluster.Server, o.cluster.Name
	}
	return d
}
