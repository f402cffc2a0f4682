package project

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// complete completes the name of a project.
func complete(a *kit.Control) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all := &v1alpha1.AppProjectList{}
		return a.CompleteObjects(cmd, all, a.Namespace, func() (names []string) {
			for i := range all.Items {
				names = append(names, all.Items[i].Name)
			}
			return names
		})
	}
}
