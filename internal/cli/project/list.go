package project

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newList(a *kit.Control) *cobra.Command {
	var out kit.Format
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the projects", Example: "  cyan proj list", Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			c, err := a.Connect()
			if err != nil {
				return err
			}
			all := &v1alpha1.AppProjectList{}
			if err := c.List(cmd.Context(), all, client.InNamespace(a.Namespace)); err != nil {
				return a.Explain(err, "listing AppProjects")
			}
			if len(all.Items) == 0 {
				if err := a.CheckNamespace(cmd.Context(), c); err != nil {
					return err
				}
			}
			return show(a, all.Items, out.Value)
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Name)
	return cmd
}

func show(a *kit.Control, all []v1alpha1.AppProject, as string) error {
	rows := [][]string{{"NAME", "DESCRIPTION", "DESTINATIONS", "SOURCES"}}
	objects := make([]client.Object, len(all))
	for i := range all {
		p := &all[i]
		objects[i] = p
		var to []string
		for _, d := range p.Spec.Destinations {
			to = append(to, cmp.Or(d.Server, d.Name)+","+d.Namespace)
		}
		rows = append(rows, []string{p.Name, p.Spec.Description, strings.Join(to, " "), strings.Join(p.Spec.SourceRepos, " ")})
	}
	switch as {
	case kit.JSON, kit.YAML:
		return a.List(objects, as)
	case kit.Name:
		for _, row := range rows[1:] {
			if err := a.Say(row[0]); err != nil {
				return err
			}
		}
		return nil
	}
	return a.Table(rows, 3)
}
