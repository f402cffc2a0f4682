package patch

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// DeleteSeen deletes an object that was read. Another that has come by its name since stays, and is a conflict: what
// was decided, or what a person has agreed to, is about the one that was read. One that is gone already is no error.
func DeleteSeen(ctx context.Context, c client.Client, seen client.Object, options ...client.DeleteOption) error {
	if uid := seen.GetUID(); uid != "" {
		options = append(options, client.Preconditions{UID: &uid})
	}
	return client.IgnoreNotFound(c.Delete(ctx, seen, options...))
}
