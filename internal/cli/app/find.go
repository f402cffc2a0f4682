package app

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

// locate splits NAMESPACE/NAME; a bare name is in the namespace of --app-namespace.
func locate(a *kit.Control, name string) client.ObjectKey {
	for i := range name {
		if name[i] == '/' {
			return client.ObjectKey{Namespace: name[:i], Name: name[i+1:]}
		}
	}
	return client.ObjectKey{Namespace: a.Namespace, Name: name}
}

// get reads an Application, or returns an error that names those that there are.
func get(ctx context.Context, a *kit.Control, c client.Client, name string) (*v1alpha1.Application, error) {
	key := locate(a, name)
	app := &v1alpha1.Application{}
	err := c.Get(ctx, key, app)
	if apierrors.IsNotFound(err) && !kit.KindNotServed(err) {
		all := &v1alpha1.ApplicationList{}
		if err := c.List(ctx, all, client.InNamespace(key.Namespace)); err != nil {
			return nil, a.Explain(err, "listing Applications")
		}
		return nil, kit.Missing(v1alpha1.ApplicationKind, key.Namespace, key.Name, appNames(all.Items), a.Command("app create")+" makes one")
	}
	if err != nil {
		return nil, a.Explain(err, "reading Application "+name)
	}
	return app, nil
}

func appNames(all []v1alpha1.Application) []string {
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	slices.Sort(names)
	return names
}

// namesOrSelector wants names of Applications, or --selector, and not both.
func namesOrSelector(selector *string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, names []string) error {
		if len(names) == 0 && *selector == "" {
			return kit.Usage(cmd.CommandPath(), "the Application's name is missing", "give names, or --selector")
		} else if len(names) > 0 && *selector != "" {
			return kit.Usage(cmd.CommandPath(), "--selector is given together with names", "leave one out")
		}
		return nil
	}
}

// pick reads the Applications that are named, or that a label selector finds.
func pick(ctx context.Context, a *kit.Control, c client.Client, names []string, selector string) ([]*v1alpha1.Application, error) {
	var picked []*v1alpha1.Application
	for _, name := range names {
		app, err := get(ctx, a, c, name)
		if err != nil {
			return nil, err
		}
		picked = append(picked, app)
	}
	if selector == "" {
		return picked, nil
	}
	parsed, err := labels.Parse(selector)
	if err != nil {
		return nil, kit.Usage("--selector", err.Error(), "write it as key=value,other!=value")
	}
	found, err := listServed(ctx, a, c, parsed)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, &problem.Error{Kind: problem.Absent, Object: "--selector", Cause: "no apps match selector " + selector + " in namespace " + a.Namespace}
	}
	for i := range found {
		picked = append(picked, &found[i])
	}
	return picked, nil
}

// read connects and reads one Application.
func read(ctx context.Context, a *kit.Control, name string) (*v1alpha1.Application, error) {
	c, err := a.ConnectServed()
	if err != nil {
		return nil, err
	}
	return get(ctx, a, c, name)
}

// completeApps completes the names of Applications, as many as most allows; 0 is no limit.
func completeApps(a *kit.Control, most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if most > 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all := &v1alpha1.ApplicationList{}
		return a.CompleteObjects(cmd, all, a.Namespace, func() (found []string) {
			for i := range all.Items {
				app := &all.Items[i]
				if !slices.Contains(args, app.Name) {
					found = append(found, cobra.CompletionWithDesc(app.Name, string(app.Status.Sync.Status)+", "+string(app.Status.Health.Status)))
				}
			}
			return found
		})
	}
}

// qualified returns the name by which an Application is asked for: NAMESPACE/NAME outside the control namespace.
func qualified(a *kit.Control, app *v1alpha1.Application) string {
	if app.Namespace == a.Namespace {
		return app.Name
	}
	return app.Namespace + "/" + app.Name
}

// object names an Application in messages.
func object(app *v1alpha1.Application) string { return fmt.Sprintf("Application %q", app.Name) }
