package rollout

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newRetry(e *kit.Env, use string) *cobra.Command {
	return newRequest(e, use, "Try the new version again after an abort", "  cyan rollout retry shop", action.Retry)
}
