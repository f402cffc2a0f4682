package app

import (
	"context"
	"reflect"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/spec"
)

func newSet(a *kit.Control) *cobra.Command {
	var validate bool
	var flags *spec.Flags
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Change an Application's source, destination or policy",
		Example: `  cyan app set shop --revision v2
  cyan app set shop --sync-policy automated --self-heal
  cyan app set shop --kustomize-image shop=registry.example/shop:v2`,
		Args:              kit.Exactly("the Application's name"),
		ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change(cmd.Context(), a, args[0], func(c client.Client, app *v1alpha1.Application) error {
				before := app.DeepCopy()
				edits, err := flags.Apply(app)
				if err != nil {
					return err
				}
				if edits == 0 {
					return kit.Usage(cmd.CommandPath(), "a flag is missing", "`"+cmd.CommandPath()+" --help` lists what can be set")
				}
				if !validate {
					return nil
				}
				return checkChange(cmd.Context(), a, c, before, app)
			})
		},
	}
	flags = spec.NewSet(cmd)
	cmd.Flags().BoolVar(&validate, "validate", true, "refuse a source that cannot be rendered, and a destination or project that does not exist, or is not permitted")
	return cmd
}

// checkChange refuses a change after which an Application could not be deployed. What was so before is no matter of the
// change.
func checkChange(ctx context.Context, a *kit.Control, c client.Client, before, app *v1alpha1.Application) error {
	if err := checkPlace(ctx, a, c, app); err != nil {
		return err
	}
	newSources := !reflect.DeepEqual(before.Spec.GetSources(), app.Spec.GetSources())
	if !newSources && before.Spec.Project == app.Spec.Project && before.Spec.Destination == app.Spec.Destination {
		return nil
	}
	if err := checkBounds(ctx, a, c, app); err != nil || !newSources {
		return err
	}
	return checkSources(ctx, a, c, app)
}
