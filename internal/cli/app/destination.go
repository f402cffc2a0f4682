package app

import (
	"cmp"
	"context"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/cluster"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// destinationConfig returns how the cluster is reached that an Application is deployed to, with the rights that Cyan
// has there.
func destinationConfig(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application) (*rest.Config, error) {
	d := app.Spec.Destination
	if d.Server == v1alpha1.InClusterServer || d.Name == v1alpha1.InClusterName {
		return a.Config()
	}
	registered, err := cluster.Find(ctx, a, c, cmp.Or(d.Server, d.Name))
	if err != nil {
		return nil, err
	}
	return registered.Config()
}

// destinationClient reaches the cluster that an Application is deployed to.
func destinationClient(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application) (client.Client, error) {
	config, err := destinationConfig(ctx, a, c, app)
	if err != nil {
		return nil, err
	}
	at, err := client.New(config, client.Options{Scheme: kit.Scheme()})
	if err != nil {
		return nil, a.Explain(err, "reaching the cluster of "+object(app))
	}
	return at, nil
}
