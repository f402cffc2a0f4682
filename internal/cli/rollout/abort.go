package rollout

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newAbort(e *kit.Env) *cobra.Command {
	return newRequest(e, "abort NAME…", "Go back to the stable version and stay there", "  cyan rollout abort shop", action.Abort)
}
