package application

import (
	"errors"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
)

// checkProject holds an Application to its project: where it is, where it comes from and where it goes.
func checkProject(o *observation, controlNamespace string) {
	for _, v := range project.Check(o.project, o.app, o.to(), controlNamespace) {
		o.add(v1alpha1.ConditionInvalidSpecError, errors.New(v.String()))
	}
	permitted, violations := project.PermitSync(o.project, o.app)
	for _, v := range violations {
		o.add(v1alpha1.ConditionInvalidSpecError, errors.New(v.String()))
	}
	o.permitted, o.source = permitted, permitted.Source()
	for _, problem := range plan.CheckIgnore(o.app.Spec.IgnoreDifferences) {
		o.add(v1alpha1.ConditionInvalidSpecError, errors.New(problem))
	}
}
