package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/source"
)

// refreshWithin is how long a controller may take to look at an Application again.
const refreshWithin = time.Minute

func newAppGet(a *apps) *cobra.Command {
	var out format
	var refresh, hard, operation, params bool
	timeout := refreshWithin
	cmd := &cobra.Command{
		Use:   "get NAME",
		Short: "Show an Application and every object of it",
		Example: `  cyan app get shop
  cyan app get shop --refresh        # look at git first
  cyan app get shop -o yaml`,
		Args:              exactly("the Application's name"),
		ValidArgsFunction: a.completeApps(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			app, err := a.get(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if refresh || hard {
				if app, err = a.refresh(cmd.Context(), c, app, map[bool]string{false: "normal", true: "hard"}[hard], timeout); err != nil {
					return err
				}
			}
			return a.showApp(app, out.value, operation, params)
		},
	}
	out.bind(cmd, outJSON, outYAML, outWide, outTree, outName)
	cmd.Flags().BoolVar(&refresh, "refresh", false, "have the controller look at git and the cluster first")
	cmd.Flags().BoolVar(&hard, "hard-refresh", false, "the same, past every cache")
	cmd.Flags().BoolVar(&operation, "show-operation", false, "show the last operation in full")
	cmd.Flags().BoolVar(&params, "show-params", false, "show the source's options")
	cmd.Flags().DurationVar(&timeout, "timeout", timeout, "how long a refresh may take")
	return cmd
}

func (a *apps) showApp(app *v1alpha1.Application, as string, operation, params bool) error {
	switch as {
	case outJSON, outYAML:
		return a.object(app, as)
	case outName:
		return a.say(app.Name)
	case outTree:
		return a.show(a.page().AppTree(app))
	}
	if err := a.show(a.page().App(app, as == outWide)); err != nil {
		return err
	}
	if params && app.Spec.Source != nil {
		if err := a.section("Source", app.Spec.Source); err != nil {
			return err
		}
	}
	if operation && app.Status.OperationState != nil {
		return a.section("Operation", app.Status.OperationState)
	}
	return nil
}

func (e *env) section(title string, value any) error {
	if err := e.say("\n" + title + ":"); err != nil {
		return err
	}
	return e.dump(value, outYAML)
}

// refresh asks the controller to look again, and waits until it has.
func (a *apps) refresh(ctx context.Context, c client.WithWatch, app *v1alpha1.Application, how string, within time.Duration) (*v1alpha1.Application, error) {
	patch := []byte(`{"metadata":{"annotations":{"` + v1alpha1.RefreshAnnotation + `":"` + how + `"}}}`)
	if err := c.Patch(ctx, app, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return nil, a.explain(err, "asking for a refresh of Application "+app.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	seen, err := a.until(ctx, c, app, func(app *v1alpha1.Application) (bool, error) {
		return app.Annotations[v1alpha1.RefreshAnnotation] == "", nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, &Trouble{
			Problem: fmt.Sprintf("nobody has looked at Application %q for %s", app.Name, within),
			Remedy:  "see whether `cyan server` runs against this cluster", Code: codeNo, cause: err,
		}
	}
	return seen, err
}

func newAppList(a *apps) *cobra.Command {
	var out format
	var selector, repo, cluster, path string
	var projects []string
	var everywhere bool
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List Applications",
		Example: `  cyan app list
  cyan app list -p default -l team=shop -o wide`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			found, err := a.listApps(cmd.Context(), selector, everywhere)
			if err != nil {
				return err
			}
			found = slices.DeleteFunc(found, func(app v1alpha1.Application) bool {
				return len(projects) > 0 && !slices.Contains(projects, app.Spec.Project) ||
					cluster != "" && cluster != app.Spec.Destination.Server && cluster != app.Spec.Destination.Name ||
					repo != "" && !fromRepo(&app, repo) || path != "" && (app.Spec.Source == nil || app.Spec.Source.Path != path)
			})
			return a.showApps(found, out.value)
		},
	}
	out.bind(cmd, outJSON, outYAML, outWide, outName)
	cmd.Flags().StringVarP(&selector, "selector", "l", "", "those with these labels")
	cmd.Flags().StringSliceVarP(&projects, "project", "p", nil, "those of these projects")
	cmd.Flags().StringVarP(&repo, "repo", "r", "", "those from this repository")
	cmd.Flags().StringVar(&path, "path", "", "those from this path")
	cmd.Flags().StringVarP(&cluster, "cluster", "c", "", "those for this cluster, by name or URL")
	cmd.Flags().BoolVarP(&everywhere, "all-namespaces", "A", false, "in every namespace")
	return cmd
}

func (a *apps) listApps(ctx context.Context, selector string, everywhere bool) ([]v1alpha1.Application, error) {
	parsed, err := labels.Parse(selector)
	if err != nil {
		return nil, &Trouble{Problem: "reading --selector: " + err.Error(), Remedy: "write it as key=value,other!=value", Code: codeUsage}
	}
	c, err := a.connect()
	if err != nil {
		return nil, err
	}
	in := client.InNamespace(a.namespace)
	if everywhere {
		in = ""
	}
	all := &v1alpha1.ApplicationList{}
	if err := c.List(ctx, all, in, client.MatchingLabelsSelector{Selector: parsed}); err != nil {
		return nil, a.explain(err, "listing Applications")
	}
	slices.SortFunc(all.Items, func(x, y v1alpha1.Application) int { return strings.Compare(x.Name, y.Name) })
	return all.Items, nil
}

func (a *apps) showApps(found []v1alpha1.Application, as string) error {
	switch as {
	case outJSON, outYAML:
		objects := make([]client.Object, len(found))
		for i := range found {
			objects[i] = &found[i]
		}
		return a.list(objects, as)
	case outName:
		for i := range found {
			if err := a.say(found[i].Namespace + "/" + found[i].Name); err != nil {
				return err
			}
		}
		return nil
	}
	if len(found) == 0 && a.terminal().IsTerminal() {
		a.note("there are no Applications in namespace %s: `%s app create` makes one", a.namespace, a.program)
		return nil
	}
	return a.show(a.page().Apps(found, as == outWide))
}

func fromRepo(app *v1alpha1.Application, url string) bool {
	same := func(s v1alpha1.ApplicationSource) bool {
		return source.NormalizeURL(s.RepoURL) == source.NormalizeURL(url)
	}
	return app.Spec.Source != nil && same(*app.Spec.Source) || slices.ContainsFunc(app.Spec.Sources, same)
}

func newAppHistory(a *apps) *cobra.Command {
	var out format
	cmd := &cobra.Command{
		Use:               "history NAME",
		Short:             "List what was deployed before, with the IDs for a rollback",
		Example:           "  cyan app history shop",
		Args:              exactly("the Application's name"),
		ValidArgsFunction: a.completeApps(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			app, err := a.read(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			switch out.value {
			case outJSON, outYAML:
				return a.dump(app.Status.History, out.value)
			case "id":
				for _, h := range app.Status.History {
					if err := a.say(fmt.Sprint(h.ID)); err != nil {
						return err
					}
				}
				return nil
			}
			return a.show(a.page().History(app))
		},
	}
	out.bind(cmd, outJSON, outYAML, outWide, "id")
	return cmd
}

// read connects and reads one Application.
func (a *apps) read(ctx context.Context, name string) (*v1alpha1.Application, error) {
	c, err := a.connect()
	if err != nil {
		return nil, err
	}
	return a.get(ctx, c, name)
}

func newAppResources(a *apps) *cobra.Command {
	var out format
	cmd := &cobra.Command{
		Use:               "resources NAME",
		Short:             "List an Application's objects",
		Example:           "  cyan app resources shop -o name",
		Args:              exactly("the Application's name"),
		ValidArgsFunction: a.completeApps(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			app, err := a.read(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			switch out.value {
			case outJSON, outYAML:
				return a.dump(app.Status.Resources, out.value)
			case outTree:
				return a.show(a.page().AppTree(app))
			case outName:
				for _, r := range app.Status.Resources {
					if err := a.say(resourceName(r.Group, r.Kind, r.Name)); err != nil {
						return err
					}
				}
				return nil
			}
			return a.show(a.page().Resources(app, out.value == outWide))
		},
	}
	out.bind(cmd, outJSON, outYAML, outWide, outTree, outName)
	return cmd
}

// resourceName is how kubectl's -o name writes objects.
func resourceName(group, kind, name string) string {
	if group != "" {
		group = "." + group
	}
	return strings.ToLower(kind) + group + "/" + name
}
