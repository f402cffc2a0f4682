package app

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/problem"
)

func newResources(a *kit.Control) *cobra.Command {
	var out kit.Format
	var project string
	var orphaned bool
	cmd := &cobra.Command{
		Use:               "resources NAME",
		Short:             "List an Application's objects, and those that nobody has where its project monitors them",
		Example:           "  cyan app resources shop -o name",
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
			if project != "" && app.Spec.Project != project {
				return &problem.Error{Kind: problem.Absent, Object: object(app), Cause: fmt.Sprintf("of project %q, not %q", app.Spec.Project, project)}
			}
			if orphaned {
				return showOrphans(cmd.Context(), a, app, out.Value)
			}
			switch out.Value {
			case kit.JSON, kit.YAML:
				return a.Dump(app.Status.Resources, out.Value)
			case kit.Tree:
				return a.Show(a.Page().AppTree(app, screens.Brief))
			case kit.DetailedTree:
				return a.Show(a.Page().AppTree(app, screens.Detailed))
			case kit.Name:
				for _, r := range app.Status.Resources {
					if err := a.Say(resourceName(r.Group, r.Kind, r.Name)); err != nil {
						return err
					}
				}
				return nil
			}
			if err := a.Show(a.Page().Resources(app, out.Value == kit.Wide)); err != nil {
				return err
			}
			return showOrphansBeside(cmd, a, app, out.Value)
		},
	}
	cmd.Flags().StringVar(&project, "project", "", "only if the Application is of this project")
	cmd.Flags().BoolVar(&orphaned, "orphaned", false, "the objects in the Application's namespace that no Application has")
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Tree, kit.DetailedTree, kit.Name)
	return cmd
}

// resourceName is how kubectl's -o name writes objects.
func resourceName(group, kind, name string) string {
	if group != "" {
		group = "." + group
	}
	return strings.ToLower(kind) + group + "/" + name
}
