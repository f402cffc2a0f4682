package rollout

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newRestart(e *kit.Env) *cobra.Command {
	var in time.Duration
	cmd := newRequest(e, "restart NAME…", "Replace every pod, a few at a time", `  cyan rollout restart shop
  cyan rollout restart shop --in 10s`,
		func(*v1alpha1.Rollout) action.Request {
			now := time.Now()
			return action.Restart(now, now.Add(in))
		})
	cmd.Flags().DurationVarP(&in, "in", "i", 0, "wait so long first")
	return cmd
}
