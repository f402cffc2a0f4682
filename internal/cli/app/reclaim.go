package app

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/handover"
	"github.com/cyan-cd/cyan/internal/problem"
)

func newReclaim(a *kit.Control) *cobra.Command {
	return &cobra.Command{
		Use:   "reclaim NAME",
		Short: "Take the objects back from whoever works on them",
		Long: `Take the objects of an Application back from whoever works on them, such as a dev loop in place.

What git wants is applied again, and what the other one has added goes; nothing of git's is deleted.`,
		Example:           "  cyan app reclaim shop",
		Args:              kit.Exactly("the Application's name"),
		ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.ConnectServed()
			if err != nil {
				return err
			}
			app, err := get(cmd.Context(), a, c, args[0])
			if err != nil {
				return err
			}
			holder := ""
			if through, is := c.(server); is {
				holder, err = through.Reclaim(cmd.Context(), app)
			} else {
				holder, err = reclaim(cmd.Context(), c, app, a.Kube.UserName())
			}
			if err != nil {
				return a.Explain(err, "taking back Application "+args[0])
			}
			return a.Say(fmt.Sprintf("application '%s' taken back from %s", args[0], holder))
		},
	}
}

// reclaim takes the objects of an Application back in the name of a person, and returns from whom.
func reclaim(ctx context.Context, c client.Client, app *v1alpha1.Application, by string) (holder string, err error) {
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		lease := &coordinationv1.Lease{}
		err := c.Get(ctx, client.ObjectKey{Namespace: app.Namespace, Name: handover.LeaseName(app.Name)}, lease)
		switch h := handover.Of(lease, 0); {
		case apierrors.IsNotFound(err), err == nil && (handover.ApplicationOf(lease) != app.Name || !h.Held()):
			return &problem.Error{Kind: problem.Absent, Object: object(app), Cause: "handed over to nobody", Remedy: "`" + "cyan app get " + app.Name + "` shows how it stands"}
		case err != nil:
			return err
		default:
			holder = h.Holder
		}
		return c.Update(ctx, handover.Release(lease, by))
	})
	return holder, err
}
