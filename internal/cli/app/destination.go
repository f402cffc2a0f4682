package app

import (
	"cmp"
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/cluster"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// destinationClient reaches the cluster that an Application is deployed to, with the rights that Cyan has there.
func destinationClient(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application) (client.Client, error) {
	d := app.Spec.Destination
	if d.Server == v1alpha1.InClusterServer || d.Name == v1alpha1.InClusterName {
		return c, nil
	}
	registered, err := cluster.Find(ctx, a, c, cmp.Or(d.Server, d.Name))
	if err != nil {
		return nil, err
	}
	config, err := registered.Config()
	if err != nil {
		return nil, err
	}
	at, err := client.New(config, client.Options{Scheme: kit.Scheme()})
	if err != nil {
		return nil, a.Explain(err, "reaching the cluster "+registered.Name)
	}
	return at, nil
}
