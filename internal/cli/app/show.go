package app

import (
	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// showApp prints an Application in a format.
func showApp(a *kit.Control, app *v1alpha1.Application, as string, operation, params bool) error {
	switch as {
	case kit.JSON, kit.YAML:
		return a.Object(app, as)
	case kit.Name:
		return a.Say(app.Name)
	case kit.Tree:
		return a.Show(a.Page().AppTree(app))
	}
	if err := a.Show(a.Page().App(app, as == kit.Wide)); err != nil {
		return err
	}
	if params && app.Spec.Source != nil {
		if err := a.Section("Source", app.Spec.Source); err != nil {
			return err
		}
	}
	if operation && app.Status.OperationState != nil {
		return a.Section("Operation", app.Status.OperationState)
	}
	return nil
}
