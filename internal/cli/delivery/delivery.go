// Package delivery is about a commit's way to an image and back to git, and on to the traffic.
package delivery

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// New makes the command delivery.
func New(e *kit.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delivery",
		Aliases: []string{"deliveries"},
		Short:   "Deliveries: a commit's way to an image, back to git, and on to the traffic",
		Example: `  cyan delivery list
  cyan delivery get shop --watch
  cyan delivery run --repo . --image registry.example/shop --overlay k8s/overlays/production --push`,
	}
	cmd.AddCommand(newList(e), newGet(e), newRun(e))
	return cmd
}
