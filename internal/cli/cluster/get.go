package cluster

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
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
			if problem.KindOf(err) == problem.Absent && (args[0] == v1alpha1.InClusterName || args[0] == v1alpha1.InClusterServer) {
				// That of the control plane is there without a Secret, too.
				cluster, err = Registered{Name: v1alpha1.InClusterName, Server: v1alpha1.InClusterServer}, nil
			}
			if err != nil {
				return err
			}
			return show(a, []Registered{cluster}, out.Value)
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Name, "server")
	return cmd
}
