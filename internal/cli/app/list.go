package app

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/repository"
	"github.com/cyan-cd/cyan/internal/settings"
)

func newList(a *kit.Control) *cobra.Command {
	var out kit.Format
	var selector, repo, cluster, path string
	var projects []string
	var everywhere bool
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List Applications",
		Long: `List the Applications of the control namespace and, as NAMESPACE/NAME, those of the other namespaces that the server looks after:
application.namespaces in ConfigMap ` + settings.ParametersName + ` names them. With --app-namespace, those of that namespace alone.`,
		Example: `  cyan app list
  cyan app list -p default -l team=shop -o wide`,
		Args:              kit.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			parsed, err := labels.Parse(selector)
			if err != nil {
				return kit.Usage("--selector", err.Error(), "write it as key=value,other!=value")
			}
			c, err := a.ConnectServed()
			if err != nil {
				return err
			}
			list := listServed
			if everywhere {
				list = listEverywhere
			}
			found, err := list(cmd.Context(), a, c, parsed)
			if err != nil {
				return err
			}
			found = slices.DeleteFunc(found, func(app v1alpha1.Application) bool {
				return len(projects) > 0 && !slices.Contains(projects, app.Spec.Project) ||
					cluster != "" && cluster != app.Spec.Destination.Server && cluster != app.Spec.Destination.Name ||
					repo != "" && !fromRepo(&app, repo) || path != "" && !slices.ContainsFunc(app.Spec.GetSources(), func(s v1alpha1.ApplicationSource) bool { return s.Path == path })
			})
			return showApps(cmd.Context(), a, c, found, out.Value, everywhere)
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML, kit.Wide, kit.Name)
	cmd.Flags().StringVarP(&selector, "selector", "l", "", "those with these labels")
	cmd.Flags().StringSliceVarP(&projects, "project", "p", nil, "those of these projects")
	cmd.Flags().StringVarP(&repo, "repo", "r", "", "those from this repository")
	cmd.Flags().StringVarP(&path, "path", "P", "", "those from this path")
	cmd.Flags().StringVarP(&cluster, "cluster", "c", "", "those for this cluster, by name or URL")
	cmd.Flags().BoolVarP(&everywhere, "all-namespaces", "A", false, "in every namespace")
	return cmd
}

func showApps(ctx context.Context, a *kit.Control, c client.Client, found []v1alpha1.Application, as string, everywhere bool) error {
	switch as {
	case kit.JSON, kit.YAML:
		objects := make([]client.Object, len(found))
		for i := range found {
			objects[i] = &found[i]
		}
		return a.List(objects, as)
	case kit.Name:
		for i := range found {
			if err := a.Say(found[i].Namespace + "/" + found[i].Name); err != nil {
				return err
			}
		}
		return nil
	}
	if len(found) == 0 && !everywhere {
		if err := a.CheckNamespace(ctx, c); err != nil {
			return err
		}
	}
	if len(found) == 0 && a.Terminal().IsTerminal() {
		a.Note("no Applications found in namespace %s; %s makes one", a.Namespace, a.Command("app create"))
		return nil
	}
	page := a.Page()
	page.Namespaces, page.Namespace = everywhere, a.Namespace
	return a.Show(page.Apps(found, as == kit.Wide))
}

func fromRepo(app *v1alpha1.Application, url string) bool {
	same := func(s v1alpha1.ApplicationSource) bool {
		return repository.Same(s.RepoURL, url)
	}
	return slices.ContainsFunc(app.Spec.GetSources(), same)
}
