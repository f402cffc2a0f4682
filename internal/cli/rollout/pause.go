package rollout

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newPause(e *kit.Env) *cobra.Command {
	return newRequest(e, "pause NAME…", "Stop a Rollout where it is; promote lets it go on", "  cyan rollout pause shop", action.Pause)
}
