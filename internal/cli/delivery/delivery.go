// Package delivery is about a commit's way to an image and back to git.
package delivery

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// New makes the command delivery.
func New(e *kit.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delivery",
		Short:   "Deliveries: a commit's way to an image and back to git",
		Example: "  cyan delivery run --repo . --image registry.example/shop --overlay k8s/overlays/production --push",
	}
	cmd.AddCommand(newRun(e))
	return cmd
}
