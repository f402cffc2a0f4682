package cluster

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/patch"
)

func newRemove(a *kit.Control) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "rm SERVER|NAME", Aliases: []string{"remove", "delete"}, Short: "Forget a cluster; what runs there stays", Example: "  cyan cluster rm staging",
		Args: kit.Exactly("the cluster's URL or name"), ValidArgsFunction: complete(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.Connect()
			if err != nil {
				return err
			}
			found, err := Find(cmd.Context(), a, c, args[0])
			if err != nil {
				return err
			}
			if err := a.Confirm(fmt.Sprintf("forget the cluster %q (%s)?", found.Name, found.Server), yes); err != nil {
				return err
			}
			if err := patch.DeleteSeen(cmd.Context(), c, found.secret); err != nil {
				return a.Explain(err, "forgetting the cluster "+found.Name)
			}
			return a.Say(fmt.Sprintf("cluster '%s' removed; its service account %s stays on it", found.Server, cluster.ManagerAccount))
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}
