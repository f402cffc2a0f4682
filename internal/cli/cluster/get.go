package cluster

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newGet(a *kit.Control) *cobra.Command {
	var out kit.Format
	cmd := &cobra.Command{
		Use: "get SERVER|NAME", Short: "Show a cluster", Example: "  cyan cluster get staging -o yaml", Args: kit.Exactly("the cluster's URL or name"), ValidArgsFunction: complete(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			c, err := a.Connect()
			if err != nil {
				return err
			}
			cluster, err := Find(cmd.Context(), a, c, args[0])
			if err != nil {
				return err
			}
			return show(a, []Registered{cluster}, out.Value)
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Name, "server")
	return cmd
}
