package compare

import (
	"maps"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/plan"
)

// SyncOptions returns the options of an Application and of the operation that runs.
func SyncOptions(app *v1alpha1.Application) []string {
	all := append([]string(nil), app.Spec.GetSyncOptions()...)
	if app.Operation != nil && app.Operation.Sync != nil {
		all = append(all, app.Operation.Sync.SyncOptions...)
	}
	return all
}

// policyOf is how a sync would go about it: the running operation's way, or the Application's.
func policyOf(in Input, kinds *live.Kinds, pending map[schema.GroupKind]bool) plan.Policy {
	p := plan.Policy{
		Instance: in.Instance, Tracking: TrackingOf(in.Settings), Namespace: in.App.Spec.Destination.Namespace, ClusterScoped: kinds.ClusterScoped(),
		Options: plan.ParseOptions(SyncOptions(in.App)), IgnoreDifferences: in.App.Spec.IgnoreDifferences, Revision: in.Rendering.Revision,
	}
	if len(pending) > 0 {
		p.ClusterScoped = maps.Clone(p.ClusterScoped)
	}
	for kind, namespaced := range pending {
		p.ClusterScoped[kind] = !namespaced
	}
	if in.App.Spec.SyncPolicy != nil {
		p.ManagedNamespace = in.App.Spec.SyncPolicy.ManagedNamespaceMetadata
	}
	if state := in.App.Status.OperationState; state != nil && in.App.Operation != nil {
		p.StartedAt = state.StartedAt.Time
		if state.SyncResult != nil && state.SyncResult.Revision != "" {
			// Hooks keep their names when a commit comes that changes nothing of the Application.
			p.Revision = state.SyncResult.Revision
		}
	}
	return forOperation(p, in.App.Operation)
}

// forOperation is a policy as the running operation changes it.
func forOperation(p plan.Policy, op *v1alpha1.Operation) plan.Policy {
	if op == nil || op.Sync == nil {
		return p
	}
	if op.Sync.Prune {
		p.Prune = true
	}
	p.Whole = !op.InitiatedBy.Automated
	p.Selected = op.Sync.Resources
	if s := op.Sync.SyncStrategy; s != nil {
		switch {
		case s.Apply != nil:
			p.SkipHooks = true
			if s.Apply.Force {
				p.Force = true
			}
		case s.Hook != nil && s.Hook.Force:
			p.Force = true
		}
	}
	return p
}
