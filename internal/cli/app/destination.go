package app

import (
	"cmp"
	"context"
	"slices"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/cluster"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/project"
)

// destination returns where an Application goes, and how the cluster is reached there, with the rights that Cyan has.
func destination(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application) (project.Destination, *rest.Config, error) {
	d := app.Spec.Destination
	if d.Server == v1alpha1.InClusterServer || d.Name == v1alpha1.InClusterName {
		return home(ctx, a, c, d)
	}
	registered, err := cluster.Find(ctx, a.Home(), c, cmp.Or(d.Server, d.Name))
	if err != nil {
		return project.Destination{}, nil, err
	}
	spec, err := registered.Spec()
	if err != nil {
		return project.Destination{}, nil, err
	}
	return project.Destination{
		Server: spec.Server, Name: spec.Name, Namespace: d.Namespace, Project: spec.Project, Namespaces: spec.Namespaces, ClusterResources: spec.ClusterResources,
	}, spec.Config, nil
}

// home is the control plane's own cluster, which a Secret may rename and limit, and which is reached as the control
// plane is.
func home(ctx context.Context, a *kit.Control, c client.Client, d v1alpha1.ApplicationDestination) (project.Destination, *rest.Config, error) {
	to := project.Destination{Server: v1alpha1.InClusterServer, Name: v1alpha1.InClusterName, Namespace: d.Namespace}
	known, err := cluster.List(ctx, a.Home(), c)
	if err != nil {
		return to, nil, err
	}
	if i := slices.IndexFunc(known, func(r cluster.Registered) bool { return r.Server == v1alpha1.InClusterServer }); i >= 0 {
		spec, err := known[i].Spec()
		if err != nil {
			return to, nil, err
		}
		to.Name, to.Project, to.Namespaces, to.ClusterResources = spec.Name, spec.Project, spec.Namespaces, spec.ClusterResources
	}
	config, err := a.Config()
	return to, config, err
}

// destinationClient reaches the cluster that an Application is deployed to.
func destinationClient(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application) (client.Client, error) {
	_, config, err := destination(ctx, a, c, app)
	if err != nil {
		return nil, err
	}
	at, err := client.New(config, client.Options{Scheme: kit.Scheme()})
	if err != nil {
		return nil, a.Explain(err, "reaching the cluster of "+object(app))
	}
	return at, nil
}
