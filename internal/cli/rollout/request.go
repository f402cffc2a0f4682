package rollout

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// newRequest makes a command that asks the same of each Rollout that is named, decided from each as it is.
func newRequest(e *kit.Env, use, short, example string, ask func(*v1alpha1.Rollout) action.Request) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Example: example,
		Args:              kit.AtLeast("the Rollout's name"),
		ValidArgsFunction: completeRollouts(e, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.Connect()
			if err != nil {
				return err
			}
			for _, name := range args {
				ro, err := find(cmd.Context(), e, c, name)
				if err != nil {
					return err
				}
				request := ask(ro)
				if err := kit.Send(cmd.Context(), c, ro, request); err != nil {
					return e.Explain(err, "changing Rollout "+ro.Name)
				}
				if err := e.Say(fmt.Sprintf("rollout '%s' %s", name, request.Outcome)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
