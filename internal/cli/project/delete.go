package project

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/patch"
	"github.com/cyan-cd/cyan/internal/problem"
)

func newDelete(a *kit.Control) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "delete NAME", Aliases: []string{"rm"}, Short: "Delete a project that no Application uses", Example: "  cyan proj delete shop",
		Args: kit.Exactly("the project's name"), ValidArgsFunction: complete(a),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.Connect()
			if err != nil {
				return err
			}
			p, err := Find(cmd.Context(), a, c, args[0])
			if err != nil {
				return err
			}
			used := &v1alpha1.ApplicationList{}
			if err := c.List(cmd.Context(), used); err != nil {
				return a.Explain(err, "listing Applications")
			}
			used.Items = slices.DeleteFunc(used.Items, func(app v1alpha1.Application) bool { return app.Spec.Project != args[0] })
			if len(used.Items) > 0 {
				return &problem.Error{
					Kind: problem.Refused, Object: fmt.Sprintf("AppProject %q", args[0]), Cause: "used by the Applications " + kit.Choices(names(used)),
					Remedy: "move them with " + a.Command("app set NAME --project OTHER") + " first",
				}
			}
			if err := a.Confirm(fmt.Sprintf("delete AppProject %q?", args[0]), yes); err != nil {
				return err
			}
			if err := patch.DeleteSeen(cmd.Context(), c, p); err != nil {
				return a.Explain(err, "deleting AppProject "+args[0])
			}
			if left := client.IgnoreNotFound(c.Get(cmd.Context(), client.ObjectKeyFromObject(p), p)); left != nil {
				return a.Explain(left, "reading AppProject "+args[0])
			}
			if p.DeletionTimestamp != nil && len(p.Finalizers) > 0 {
				return a.Say(fmt.Sprintf("project '%s' is being deleted; waiting for its finalizers: %s", args[0], strings.Join(p.Finalizers, ", ")))
			}
			return a.Say(fmt.Sprintf("project '%s' deleted", args[0]))
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func names(all *v1alpha1.ApplicationList) []string {
	found := make([]string, len(all.Items))
	for i := range all.Items {
		found[i] = all.Items[i].Name
	}
	return found
}
