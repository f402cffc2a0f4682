package app

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newHistory(a *kit.Control) *cobra.Command {
	var out kit.Format
	cmd := &cobra.Command{
		Use:               "history NAME",
		Short:             "List what was deployed before, with the IDs for a rollback",
		Example:           "  cyan app history shop",
		Args:              kit.Exactly("the Application's name"),
		ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			app, err := read(cmd.Context(), a, args[0])
			if err != nil {
				return err
			}
			switch out.Value {
			case kit.JSON, kit.YAML:
				return a.DumpShown(app.Status.History, out.Value)
			case "id":
				for _, h := range app.Status.History {
					if err := a.Say(fmt.Sprint(h.ID)); err != nil {
						return err
					}
				}
				return nil
			}
			return a.Show(a.Page().History(app))
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, "id")
	return cmd
}
