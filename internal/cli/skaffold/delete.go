package skaffold

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/devloop"
)

func newDelete(e *kit.Env, w Wiring) *cobra.Command {
	d := newDeployment(e, w)
	var dry bool
	cmd := &cobra.Command{
		Use:   "delete",
		Short: "Delete what skaffold run has made of a skaffold.yaml",
		Long: `Delete what skaffold run, deploy, apply or dev has made of a skaffold.yaml, and nothing else: an object that was there before stays, and so does one that an
Application deploys by now.`,
		Example: `  skaffold delete -f k8s/skaffold.yml -p local
  skaffold delete -n shop --dry-run`,
		Args:              kit.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, _, err := d.options(cmd.Context(), "delete")
			if err != nil {
				return err
			}
			o.Report = d.Lines(d.Out, o.Root)
			return devloop.Delete(cmd.Context(), o, dry)
		},
	}
	flags := cmd.Flags()
	d.project.bind(flags)
	d.bindPlace(flags)
	flags.BoolVar(&dry, "dry-run", false, "print what would be deleted")
	e.Idle(cmd, "images are pushed nowhere", "default-repo=")
	idleDeploy(e, cmd)
	return cmd
}
