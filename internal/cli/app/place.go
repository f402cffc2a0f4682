package app

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/cluster"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	cliproject "github.com/cyan-cd/cyan/internal/cli/project"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/settings"
)

// checkHome refuses the control plane's own cluster where the settings have disabled it.
func checkHome(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application) error {
	written, err := settingsOf(ctx, a, c)
	if err != nil || !written.InClusterDisabled {
		return err
	}
	return &problem.Error{
		Kind: problem.Refused, Object: object(app), Cause: fmt.Sprintf("spec.destination: cluster %q is disabled by cluster.inClusterEnabled in ConfigMap %s", v1alpha1.InClusterServer, settings.ConfigName),
		Remedy: "use another cluster",
	}
}

// checkNamespace refuses a namespace whose Applications the server does not look after.
func checkNamespace(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application) error {
	served, err := servedNamespaces(ctx, a, c)
	if home := a.Home().Namespace; err != nil || app.Namespace == home || len(served.ApplicationNamespaces) == 0 || served.ServesNamespace(app.Namespace) {
		return err
	}
	return &problem.Error{
		Kind: problem.Refused, Object: object(app), Cause: fmt.Sprintf("namespace '%s' is not permitted: not among application.namespaces of ConfigMap %s", app.Namespace, settings.ParametersName),
		Remedy: "add it there, or create the Application in one of " + kit.Choices(append([]string{a.Home().Namespace}, served.ApplicationNamespaces...)),
	}
}

// checkBounds refuses a place that the Application's project does not allow.
func checkBounds(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application) error {
	if isServer(c) {
		// The server judges by its projects, which who is logged in need not see.
		return nil
	}
	within, err := projectOf(ctx, a, c, app)
	if err != nil {
		return err
	}
	to, _, err := destination(ctx, a, c, app)
	if err != nil {
		// What keeps a command from reaching the cluster may not keep the controller.
		return nil //nolint:nilerr // as above
	}
	for _, v := range project.Check(within, app, to, a.Home().Namespace) {
		return &problem.Error{Kind: problem.Refused, Object: object(app), Cause: v.Cause, Remedy: v.Remedy}
	}
	return nil
}

// checkPlace refuses a project or a cluster that is not there, and names those that are.
func checkPlace(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application) error {
	if isServer(c) {
		return nil
	}
	if app.Spec.Project != v1alpha1.DefaultProject {
		if _, err := cliproject.Find(ctx, a.Home(), c, app.Spec.Project); err != nil {
			if problem.KindOf(err) == problem.Absent {
				known := problem.Of(err)
				return &problem.Error{
					Kind: problem.Absent, Object: object(app), Cause: fmt.Sprintf("application is not allowed in project %q: AppProject not found in namespace %s", app.Spec.Project, a.Home().Namespace),
					Remedy: known.Remedy, Err: err,
				}
			}
			return err
		}
	}
	d := app.Spec.Destination
	if d.Server == v1alpha1.InClusterServer || d.Name == v1alpha1.InClusterName {
		return checkHome(ctx, a, c, app)
	}
	known, err := cluster.List(ctx, a.Home(), c)
	if err != nil {
		return err
	}
	names := []string{v1alpha1.InClusterServer}
	for _, at := range known {
		if at.Name == d.Name || at.Server == d.Server {
			return nil
		}
		names = append(names, at.Server+" ("+at.Name+")")
	}
	return &problem.Error{
		Kind: problem.Absent, Object: object(app), Cause: fmt.Sprintf("spec.destination: cluster %q not registered", d.Server+d.Name),
		Remedy: "register it with " + a.Command("cluster add CONTEXT") + "; there are: " + kit.Choices(names),
	}
}
