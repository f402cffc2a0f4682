package compare

import (
	"context"
	"errors"
	"time"

	"github.com/cyan-cd/cyan/internal/plan"
)

// deletedRevision stands for the revision in the names of hooks that have none of their own: what git has may change
// while a deletion goes on.
const deletedRevision = "deleted"

// DeletionHooks returns the hooks that the deletion of an Application runs, as they will be in the cluster, and how. An
// error is of the cluster, or names the hooks that lie outside the Application's bounds.
func DeletionHooks(ctx context.Context, in Input, deletedAt time.Time) ([]plan.Desired, plan.Policy, error) {
	kinds, err := in.Cluster.Kinds(ctx, nil)
	if err != nil {
		return nil, plan.Policy{}, err
	}
	policy := policyOf(in, kinds, nil)
	policy.Health, policy.StartedAt, policy.Revision = in.Health, deletedAt, deletedRevision
	rendered, _ := withoutExcluded(in.Rendering.Desired(), kindsOf(in.Rendering.Result.Objects), in.Bounds)
	prepared, _ := plan.Prepare(rendered, policy)
	hooks := plan.OfDeletion(prepared)
	var outside []error
	for _, v := range in.Bounds.CheckObjects(hooks, policy.ClusterScoped) {
		outside = append(outside, errors.New(v.String()))
	}
	return hooks, policy, errors.Join(outside...)
}
