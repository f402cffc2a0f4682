package application

import (
	"errors"
	"fmt"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
)

// checkProject holds an Application to its project: where it is, where it comes from and where it goes.
func checkProject(o *observation, controlNamespace string) {
	for _, v := range project.Check(o.project, o.app, o.to(), controlNamespace) {
		o.add(v1alpha1.ConditionInvalidSpecError, errors.New(v.String()))
	}
	if only := o.cluster.Project(); only != "" && only != o.project.Name {
		o.add(v1alpha1.ConditionInvalidSpecError, fmt.Errorf("cluster %s is for project %s alone, and this Application is in project %s; use another cluster or project", o.cluster.Name, only, o.project.Name))
	}
	if src := o.source.RepoURL; o.app.Operation != nil && o.app.Operation.Sync != nil && o.app.Operation.Sync.Source != nil {
		// A source that an operation brings is bound by the project like the spec's own.
		brought := o.app.DeepCopy()
		brought.Spec.Source, brought.Spec.Sources = &o.source, nil
		for _, v := range project.Check(o.project, brought, o.to(), controlNamespace) {
			o.add(v1alpha1.ConditionInvalidSpecError, fmt.Errorf("operation.sync.source %s: %s", src, v))
		}
	}
	for _, problem := range plan.CheckIgnore(o.app.Spec.IgnoreDifferences) {
		o.add(v1alpha1.ConditionInvalidSpecError, errors.New(problem))
	}
}
