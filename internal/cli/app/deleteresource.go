package app

import (
	"fmt"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/patch"
)

func newDeleteResource(a *kit.Control) *cobra.Command {
	var flags objectFlags
	var force, orphan, yes bool
	cmd := &cobra.Command{
		Use: "delete-resource NAME", Short: "Delete an object of an Application in the cluster; self-healing brings it back",
		Example: "  cyan app delete-resource shop --kind Pod --resource-name web-0",
		Args:    kit.Exactly("the Application's name"), ValidArgsFunction: completeApps(a, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, at, err := flags.ofApp(cmd.Context(), a, args[0])
			if err != nil {
				return err
			}
			objects, err := flags.change(cmd.Context(), a, at, app)
			if err != nil {
				return err
			}
			options := &client.DeleteOptions{}
			if orphan {
				policy := metav1.DeletePropagationOrphan
				options.PropagationPolicy = &policy
			}
			if force {
				options.GracePeriodSeconds = new(int64)
			}
			for _, o := range objects {
				// Scripts delete without being asked, as they always have.
				if err := a.Confirm(fmt.Sprintf("delete %s?", nameOf(o)), yes || !a.Terminal().IsTerminal()); err != nil {
					return err
				}
				if err := patch.DeleteSeen(cmd.Context(), at, o, options); err != nil {
					return a.Explain(err, "deleting "+nameOf(o))
				}
				if err := a.Say(nameOf(o) + " deleted"); err != nil {
					return err
				}
			}
			return nil
		},
	}
	flags.bind(cmd, true)
	flags.bindProject(cmd)
	flags.bindAll(cmd)
	cmd.Flags().BoolVar(&force, "force", false, "at once, without the time that its pods have to end")
	cmd.Flags().BoolVar(&orphan, "orphan", false, "leave what it owns")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}
