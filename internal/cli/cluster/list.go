package cluster

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newList(a *kit.Control) *cobra.Command {
	var out kit.Format
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the clusters", Example: "  cyan cluster list", Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			c, err := a.Connect()
			if err != nil {
				return err
			}
			all, err := List(cmd.Context(), a, c)
			if err != nil {
				return err
			}
			if len(all) == 0 {
				if err := a.CheckNamespace(cmd.Context(), c); err != nil {
					return err
				}
			}
			if !slices.ContainsFunc(all, func(r Registered) bool { return r.Server == v1alpha1.InClusterServer }) {
				all = slices.Insert(all, 0, Registered{Name: v1alpha1.InClusterName, Server: v1alpha1.InClusterServer})
			}
			return show(a, all, out.Value)
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Name, "server")
	return cmd
}
