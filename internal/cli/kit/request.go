package kit

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/action"
)

// Send sends the patches of a request on an object, which is brought up to date. What comes of it is told by the
// controller, unless the context says what is done.
func Send(ctx context.Context, c client.Client, object client.Object, request action.Request) error {
	if _, said := ctx.Value(deedKey{}).(deed); !said {
		ctx = Doing(ctx, "", "")
	}
	for _, p := range request.Patches {
		var err error
		if patch := client.RawPatch(p.Type, p.Body); p.Subresource != "" {
			err = c.SubResource(p.Subresource).Patch(ctx, object, patch)
		} else {
			err = c.Patch(ctx, object, patch)
		}
		if p.IfServed && apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}
