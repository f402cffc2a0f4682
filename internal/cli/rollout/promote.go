package rollout

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newPromote(e *kit.Env) *cobra.Command {
	var full bool
	cmd := newRequest(e, "promote NAME…", "Let a paused Rollout go on, and traffic move to the new version", `  cyan rollout promote shop
  cyan rollout promote shop --full       # past every pause and analysis`,
		func(ro *v1alpha1.Rollout) action.Request {
			if full {
				return action.PromoteFully(ro)
			}
			return action.Promote(ro)
		})
	cmd.Flags().BoolVar(&full, "full", false, "skip every pause and analysis")
	return cmd
}
