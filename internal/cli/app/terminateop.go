package app

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/client-go/util/retry"

	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newTerminateOp(a *kit.Control) *cobra.Command {
	return &cobra.Command{
		Use:               "terminate-op NAME",
		Short:             "End the operation that runs",
		Example:           "  cyan app terminate-op shop",
		Args:              kit.Exactly("the Application's name"),
		ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.ConnectServed()
			if err != nil {
				return err
			}
			err = retry.RetryOnConflict(retry.DefaultBackoff, func() error {
				app, err := get(cmd.Context(), a, c, args[0])
				if err != nil {
					return err
				}
				request, err := action.Terminate(app)
				if err != nil {
					return err
				}
				return kit.Send(cmd.Context(), c, app, request)
			})
			if err != nil {
				return a.Explain(err, "ending the operation of Application "+args[0])
			}
			return a.Say(fmt.Sprintf("application '%s' operation terminating", args[0]))
		},
	}
}
