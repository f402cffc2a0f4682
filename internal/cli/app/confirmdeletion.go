package app

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newConfirmDeletion(a *kit.Control) *cobra.Command {
	return &cobra.Command{
		Use:               "confirm-deletion NAME",
		Short:             "Confirm the deletion of objects with Prune=confirm or Delete=confirm",
		Example:           "  cyan app confirm-deletion shop",
		Args:              kit.Exactly("the Application's name"),
		ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.Connect()
			if err != nil {
				return err
			}
			app, err := get(cmd.Context(), a, c, args[0])
			if err != nil {
				return err
			}
			before := app.DeepCopy()
			if app.Annotations == nil {
				app.Annotations = map[string]string{}
			}
			app.Annotations[v1alpha1.DeletionApprovedAnnotation] = approvalTime(app, time.Now()).UTC().Format(time.RFC3339)
			if err := c.Patch(cmd.Context(), app, client.MergeFrom(before)); err != nil {
				return a.Explain(err, "confirming the deletion of objects of Application "+args[0])
			}
			return a.Say(fmt.Sprintf("application '%s' deletion confirmed", args[0]))
		},
	}
}

// approvalTime is now, or what waits for the confirmation where this machine's clock is behind the cluster's.
func approvalTime(app *v1alpha1.Application, now time.Time) time.Time {
	if d := app.DeletionTimestamp; d != nil && d.After(now) {
		now = d.Time
	}
	if s := app.Status.OperationState; s != nil && app.Operation != nil && s.StartedAt.After(now) {
		now = s.StartedAt.Time
	}
	return now
}
