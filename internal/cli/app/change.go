package app

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/patch"
)

// change edits an Application and writes what became different.
func change(ctx context.Context, a *kit.Control, name string, edit func(client.Client, *v1alpha1.Application) error) error {
	c, err := a.Connect()
	if err != nil {
		return err
	}
	app, err := get(ctx, a, c, name)
	if err != nil {
		return err
	}
	before := app.DeepCopy()
	if err := edit(c, app); err != nil {
		return err
	}
	if equality.Semantic.DeepEqual(before, app) {
		return a.Say(fmt.Sprintf("application '%s' unchanged", app.Name))
	}
	if err := patch.Object(ctx, c, before, app); err != nil {
		return a.Explain(err, "changing Application "+name)
	}
	return a.Say(fmt.Sprintf("application '%s' updated", app.Name))
}
