package project

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newGet(a *kit.Control) *cobra.Command {
	var out kit.Format
	cmd := &cobra.Command{
		Use: "get NAME", Short: "Show a project", Example: "  cyan proj get default -o yaml", Args: kit.Exactly("the project's name"), ValidArgsFunction: complete(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			c, err := a.Connect()
			if err != nil {
				return err
			}
			p, err := read(cmd.Context(), a, c, args[0])
			if err != nil {
				return err
			}
			if out.Machine() {
				return a.Object(p, out.Value)
			}
			if out.Value == "" {
				return a.Section(p.GetName(), specOf(p))
			}
			typed, err := Find(cmd.Context(), a, c, args[0])
			if err != nil {
				return err
			}
			return show(a, []v1alpha1.AppProject{*typed}, out.Value)
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Name)
	return cmd
}
