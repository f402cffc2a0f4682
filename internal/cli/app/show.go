package app

import (
	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/screens"
)

// showApp prints an Application in a format.
func showApp(a *kit.Control, app *v1alpha1.Application, as string, operation bool) error {
	switch as {
	case kit.JSON, kit.YAML:
		return a.Object(app, as)
	case kit.Name:
		return a.Say(app.Name)
	case kit.Tree:
		return a.Show(a.Page().AppTree(app, screens.Brief))
	case kit.DetailedTree:
		return a.Show(a.Page().AppTree(app, screens.Detailed))
	}
	if err := a.Show(a.Page().App(app, as == kit.Wide)); err != nil {
		return err
	}
	if operation && app.Status.OperationState != nil {
		return a.Section("Operation", app.Status.OperationState)
	}
	return nil
}
