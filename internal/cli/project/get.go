package project

import (
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

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
			p := &v1alpha1.AppProject{}
			if err := c.Get(cmd.Context(), client.ObjectKey{Namespace: a.Namespace, Name: args[0]}, p); err != nil {
				return a.Explain(err, "reading AppProject "+args[0])
			}
			if out.Machine() {
				return a.Object(p, out.Value)
			}
			if out.Value != "" {
				return show(a, []v1alpha1.AppProject{*p}, out.Value)
			}
			return a.Section(p.Name, p.Spec)
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Name)
	return cmd
}
