package app

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/spec"
)

func newGet(a *kit.Control) *cobra.Command {
	var out kit.Format
	var again, hard, operation, params bool
	var which spec.Which
	timeout := refreshTimeout
	cmd := &cobra.Command{
		Use:   "get NAME",
		Short: "Show an Application and every object of it",
		Example: `  cyan app get shop
  cyan app get shop --refresh        # look at git first
  cyan app get shop -o yaml`,
		Args:              kit.Exactly("the Application's name"),
		ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			if !params && (cmd.Flags().Changed("source-position") || cmd.Flags().Changed("source-name")) {
				return kit.Usage("--source-position, --source-name", "given without --show-params", "add it")
			}
			c, err := a.ConnectServed()
			if err != nil {
				return err
			}
			app, err := get(cmd.Context(), a, c, args[0])
			if err != nil {
				return err
			}
			mode := action.RefreshNormal
			if hard {
				mode = action.RefreshHard
			}
			if again || hard {
				if app, err = refresh(cmd.Context(), a, c, app, mode, timeout); err != nil {
					return err
				}
			}
			if err := showApp(a, app, out.Value, operation); err != nil || !params || out.Machine() {
				return err
			}
			return showSource(a, app, which)
		},
	}
	which.Bind(cmd)
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Tree, kit.DetailedTree, kit.Name)
	cmd.Flags().BoolVar(&again, "refresh", false, "have the controller look at git and the cluster first")
	cmd.Flags().BoolVar(&hard, "hard-refresh", false, "the same, past every cache")
	cmd.Flags().BoolVar(&operation, "show-operation", false, "show the last operation in full")
	cmd.Flags().BoolVar(&params, "show-params", false, "show the source's options")
	cmd.Flags().DurationVar(&timeout, "timeout", timeout, "how long a refresh may take")
	return cmd
}

// showSource prints the options of the source that flags choose.
func showSource(a *kit.Control, app *v1alpha1.Application, which spec.Which) error {
	src, err := which.Chosen(app)
	if err != nil || src == nil {
		return err
	}
	return a.Section("Source", src)
}
