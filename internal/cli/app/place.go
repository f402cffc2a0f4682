package app

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/cluster"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/project"
	"github.com/cyan-cd/cyan/internal/problem"
)

// checkPlace refuses a project or a cluster that is not there, and names those that are.
func checkPlace(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application) error {
	if app.Spec.Project != v1alpha1.DefaultProject {
		if _, err := project.Find(ctx, a, c, app.Spec.Project); err != nil {
			return err
		}
	}
	d := app.Spec.Destination
	if d.Server == v1alpha1.InClusterServer || d.Name == v1alpha1.InClusterName {
		return nil
	}
	known, err := cluster.List(ctx, a, c)
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
