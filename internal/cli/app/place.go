package app

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/cluster"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

// checkPlace refuses a project or a cluster that is not there, and names those that are.
func checkPlace(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application) error {
	if app.Spec.Project != v1alpha1.DefaultProject {
		err := c.Get(ctx, client.ObjectKey{Namespace: a.Namespace, Name: app.Spec.Project}, &v1alpha1.AppProject{})
		if apierrors.IsNotFound(err) && !kit.KindNotServed(err) {
			all := &v1alpha1.AppProjectList{}
			if err := c.List(ctx, all, client.InNamespace(a.Namespace)); err != nil {
				return a.Explain(err, "listing AppProjects")
			}
			names := []string{v1alpha1.DefaultProject}
			for i := range all.Items {
				names = append(names, all.Items[i].Name)
			}
			return kit.Missing(v1alpha1.AppProjectKind, a.Namespace, app.Spec.Project, slices.Compact(slices.Sorted(slices.Values(names))), "")
		}
		if err != nil {
			return a.Explain(err, "reading AppProject "+app.Spec.Project)
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
