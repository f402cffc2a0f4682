package rollout

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newPromote(e *kit.Env) *cobra.Command {
	var full, skipStep, skipSteps bool
	cmd := newRequest(e, "promote NAME…", "Let a paused Rollout go on, and traffic move to the new version", `  cyan rollout promote shop
  cyan rollout promote shop --full       # past every pause and analysis`,
		func(ro *v1alpha1.Rollout) action.Request {
			if full {
				return action.PromoteFully(ro)
			}
			return action.Promote(ro)
		})
	cmd.Flags().BoolVar(&full, "full", false, "skip every pause and analysis")
	cmd.Flags().BoolVarP(&skipStep, "skip-current-step", "c", false, "of a canary, which is not served")
	cmd.Flags().BoolVarP(&skipSteps, "skip-all-steps", "a", false, "of a canary, which is not served")
	_, _ = cmd.Flags().MarkHidden("skip-current-step"), cmd.Flags().MarkHidden("skip-all-steps")
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if skipStep || skipSteps {
			return kit.Usage(cmd.CommandPath(), "a blue-green Rollout has no steps to skip", "leave the flag out, or give --full")
		}
		return run(cmd, args)
	}
	return cmd
}
