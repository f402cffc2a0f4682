// Package project is about the projects that bound what Applications may deploy.
package project

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// New makes the command proj.
func New(e *kit.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "proj", Aliases: []string{"project", "projects"}, Short: "Projects, which bound what Applications may deploy",
		Example: `  cyan proj create shop --src https://git.example/shop --dest https://kubernetes.default.svc,shop
  cyan proj list`,
	}
	a := kit.NewControl(e, cmd)
	cmd.AddCommand(newList(a), newGet(a), newCreate(a), newSet(a), newEdit(a), newDelete(a), newRole(a), newWindows(a), newSourceIntegrity(a))
	for _, edits := range []func(*kit.Control) []*cobra.Command{newDestinations, newServiceAccounts, newSources, newOrphans, newSignatureKeys, newKinds} {
		cmd.AddCommand(edits(a)...)
	}
	return cmd
}
