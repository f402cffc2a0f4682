package application

import (
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/handover"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
)

// observation is all that a look at one Application found. What could not be found out is told by problems.
type observation struct {
	now  time.Time
	name types.NamespacedName
	// app is the Application as the API server has it, not to be changed.
	app      *v1alpha1.Application
	instance string
	// settings are those that hold for this look.
	settings *readSettings
	project  *v1alpha1.AppProject
	cluster  *live.Cluster
	// skipped is set when the cluster is to be left alone: nothing is done, and nothing reported.
	skipped bool
	// writer writes in the cluster, as whom the project says; nil when that is not known.
	writer *apply.Client
	// refusal is why nothing may be written or tried in the cluster; nil when it may.
	refusal error
	// permitted is what may be compared with: the Application's own source, or the operation's. source is the same
	// without the project's leave.
	permitted project.PermittedSource
	source    v1alpha1.ApplicationSource
	revision  string
	rendered  *compare.Rendering
	// rolledBack is what git wants at the commit that a person rolled back; zero where that is the revision itself.
	rolledBack operation.RolledBack
	// lease is that of a hand-over, and handOver what it means; nil for none.
	lease    *coordinationv1.Lease
	handOver *handover.HandOver
	// refresh is what the refresh annotation asked for; "" when there is none.
	refresh string
	// began is when the operation began that runs, as this process knows it; zero when it does not.
	began time.Time

	// comparison is git against the cluster, as far as it is known; the zero value when nothing could be compared.
	comparison compare.Comparison
	problems   []operation.Problem
}

// instanceOf is what an Application is called in tracking marks.
func instanceOf(controlNamespace string, app types.NamespacedName) string {
	if app.Namespace == controlNamespace {
		return app.Name
	}
	return app.Namespace + "_" + app.Name
}

// to is the destination with every name of its cluster.
func (o *observation) to() project.Destination {
	d := project.Destination{Server: o.app.Spec.Destination.Server, Name: o.app.Spec.Destination.Name, Namespace: o.app.Spec.Destination.Namespace}
	if o.cluster != nil {
		spec := o.cluster.Spec()
		d.Server, d.Name, d.Project, d.Namespaces, d.ClusterResources = spec.Server, spec.Name, spec.Project, spec.Namespaces, spec.ClusterResources
	}
	return d
}

// tracking is how the objects of Applications are told from others.
func (o *observation) tracking() plan.Tracking { return compare.TrackingOf(o.settings.Settings) }

// bounds are the objects that the Application may have to do with; none while its project is unknown.
func (o *observation) bounds() project.Bounds {
	to := o.to()
	return project.BoundsOf(o.project, to).Without(func(kind schema.GroupKind) bool { return o.settings.Excludes(kind, to.Server) })
}

// wanted is what to look for of an Application.
func (o *observation) wanted() live.Wanted {
	return compare.Wanted(o.app, o.instance, o.bounds(), o.comparison.Desired)
}

// lives are the live objects for a plan that predicts nothing.
func (o *observation) lives() []plan.Live {
	all := make([]plan.Live, 0, len(o.comparison.Live.Objects))
	for _, object := range o.comparison.Live.Objects {
		all = append(all, plan.Live{Object: object})
	}
	return all
}

// forOperation is what is to be known of an Application to decide about its operation.
func (o *observation) forOperation() operation.Observation {
	seen := operation.Observation{Now: o.now, Revision: o.revision, Source: o.source, Compared: o.comparison.Complete, Plan: o.comparison.Plan, Problems: o.problems, HandOver: o.handOver}
	if seen.Compared && o.rendered != nil {
		seen.Manifests, seen.RolledBack = o.comparison.Manifests, o.rolledBack
		if o.app.Operation == nil && !operation.IsRecorded(o.app, seen.Manifests) {
			seen.Applied = seen.Plan.LastApplied(v1alpha1.FieldManager)
		}
	}
	if o.project != nil {
		seen.ToAutomation = project.Windows(o.project, o.app, o.to(), project.ByAutomation, o.now)
		seen.ToPeople = project.Windows(o.project, o.app, o.to(), project.ByPerson, o.now)
		seen.ToGoOn = project.Continues(o.project, o.app, o.to(), o.began, o.now)
	}
	return seen
}

func problemsOf(o *observation) []error {
	var all []error
	for _, p := range o.problems {
		all = append(all, p.Err)
	}
	return all
}
