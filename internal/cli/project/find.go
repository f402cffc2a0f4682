package project

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// Find reads a project, or returns an error that names those that there are.
func Find(ctx context.Context, a *kit.Control, c client.Client, name string) (*v1alpha1.AppProject, error) {
	p := &v1alpha1.AppProject{}
	err := c.Get(ctx, client.ObjectKey{Namespace: a.Namespace, Name: name}, p)
	if apierrors.IsNotFound(err) && !kit.KindNotServed(err) {
		all := &v1alpha1.AppProjectList{}
		if err := c.List(ctx, all, client.InNamespace(a.Namespace)); err != nil {
			return nil, a.Explain(err, "listing AppProjects")
		}
		there := []string{v1alpha1.DefaultProject}
		for i := range all.Items {
			there = append(there, all.Items[i].Name)
		}
		slices.Sort(there)
		return nil, kit.Missing(v1alpha1.AppProjectKind, a.Namespace, name, slices.Compact(there), "")
	}
	return p, a.Explain(err, "reading AppProject "+name)
}
