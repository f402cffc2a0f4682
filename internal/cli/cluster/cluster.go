// Package cluster is about the clusters that Applications are deployed to.
package cluster

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// New makes the command cluster.
func New(e *kit.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "cluster",
		Aliases: []string{"clusters"},
		Short:   "Clusters that Applications are deployed to",
		Example: `  cyan cluster add docker-desktop
  cyan cluster list`,
	}
	a := kit.NewControl(e, cmd)
	cmd.AddCommand(newAdd(a), newList(a), newRemove(a), newGet(a), newSet(a), newRotateAuth(a))
	return cmd
}
