// Package admin is about an installation's own objects: its backup, whether its settings are as they should be, and its
// first password.
package admin

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// New makes the command admin.
func New(e *kit.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "admin", Short: "Back an installation's own objects up, and check its settings",
		Example: `  cyan admin export -o backup.yaml
  cyan admin import backup.yaml
  cyan admin settings validate
  cyan admin initial-password`,
	}
	a := kit.NewControl(e, cmd)
	settings := &cobra.Command{Use: "settings", Short: "Settings, as the ConfigMaps beside the Applications have them", Example: "  cyan admin settings validate"}
	settings.AddCommand(newValidate(a), newRBAC(a))
	for _, below := range []*cobra.Command{newExport(a), newImport(a), newInitialPassword(a), settings} {
		// argocd's commands for administrators call the namespace as kubectl does.
		below.PersistentFlags().StringVarP(&a.Namespace, "namespace", "n", a.Namespace, "the same as --app-namespace")
		cmd.AddCommand(below)
	}
	return cmd
}
