// Package app is about Applications: what is deployed, from which place in git, to where.
package app

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// New makes the command app.
func New(e *kit.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "app",
		Aliases: []string{"apps", "application", "applications"},
		Short:   "Applications: what is deployed, from which place in git, to where",
		Example: `  cyan app create shop --repo https://git.example/shop --path k8s --dest-namespace default --sync-policy automated
  cyan app get shop
  cyan app sync shop`,
	}
	a := kit.NewControl(e, cmd)
	a.AppsElsewhere(cmd)
	cmd.AddGroup(
		&cobra.Group{ID: "see", Title: "See:"}, &cobra.Group{ID: "do", Title: "Do:"}, &cobra.Group{ID: "change", Title: "Change:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, command := range commands {
			command.GroupID = group
			cmd.AddCommand(command)
		}
	}
	add("see", newGet(a), newList(a), newHistory(a), newResources(a), newDiff(a), newManifests(a), newGetResource(a), newLogs(a))
	add("do", newSync(a), newWait(a), newRollback(a), newTerminateOp(a), newReclaim(a), newActions(a), newConfirmDeletion(a))
	add("change", newCreate(a), newSet(a), newUnset(a), newAddSource(a), newRemoveSource(a), newPatch(a), newPatchResource(a), newEdit(a), newDeleteResource(a), newDelete(a))
	return cmd
}
