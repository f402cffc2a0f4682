package cli

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/kustomize"
)

// newKustomizeRoot is the root for who calls the program kustomize.
func newKustomizeRoot(e *kit.Env) *cobra.Command {
	root := &cobra.Command{
		Use:     kit.NameKustomize,
		Short:   "Build kustomizations, by Cyan",
		Long:    "Build kustomizations, by Cyan, under the name that scripts know.",
		Example: "  kustomize build k8s/overlays/local | kubeval --strict\n  kustomize edit set image app=registry.example/shop:v2",
		Version: e.Version,
	}
	root.AddCommand(kustomize.Commands(e)...)
	root.AddCommand(newVersionCommand(e))
	return root
}
