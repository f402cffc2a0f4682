package kit

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/action"
)

// Send carries a request out on an object, which is brought up to date.
func Send(ctx context.Context, c client.Client, object client.Object, request action.Request) error {
	for _, p := range request.Patches {
		var err error
		if patch := client.RawPatch(p.Type, p.Body); p.Subresource != "" {
			err = c.SubResource(p.Subresource).Patch(ctx, object, patch)
		} else {
			err = c.Patch(ctx, object, patch)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
