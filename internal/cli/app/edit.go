package app

import (
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

func newEdit(a *kit.Control) *cobra.Command {
	return &cobra.Command{
		Use:               "edit NAME",
		Short:             "Change an Application's spec in $EDITOR",
		Example:           "  EDITOR=vi cyan app edit shop",
		Args:              kit.Exactly("the Application's name"),
		ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return change(cmd.Context(), a, args[0], func(_ client.Client, app *v1alpha1.Application) error {
				before, err := yaml.Marshal(app.Spec)
				if err != nil {
					return err
				}
				after, err := a.EditText(cmd, before)
				if err != nil {
					return err
				}
				spec := v1alpha1.ApplicationSpec{}
				if err := yaml.UnmarshalStrict(after, &spec); err != nil {
					return &problem.Error{Kind: problem.Usage, Object: "edited spec", Cause: err.Error(), Remedy: "correct it; nothing was changed", Err: err}
				}
				app.Spec = spec
				return nil
			})
		},
	}
}
