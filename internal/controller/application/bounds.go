package application

import (
	"errors"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/settings"
)

// checkProject holds an Application to its project: where it is, where it comes from and where it goes.
func checkProject(o *observation, controlNamespace string) {
	for _, v := range project.Check(o.project, o.app, o.to(), controlNamespace) {
		o.add(v1alpha1.ConditionInvalidSpecError, errors.New(v.String()))
	}
	for _, v := range project.CheckProtection(o.project) {
		o.add(v1alpha1.ConditionInvalidSpecError, errors.New(v.String()))
	}
	for _, v := range project.Unserved(o.project) {
		o.add(v1alpha1.ConditionUnsupportedWarning, errors.New(v.String()))
	}
	for _, f := range settings.UnservedByProject(o.project) {
		condition := v1alpha1.ConditionUnsupportedWarning
		if f.Verdict == settings.Refused {
			condition = v1alpha1.ConditionInvalidSpecError
		}
		o.add(condition, f.Problem())
	}
	permitted, violations := project.PermitSync(o.project, o.app)
	for _, v := range violations {
		o.add(v1alpha1.ConditionInvalidSpecError, errors.New(v.String()))
	}
	o.permitted, o.source = permitted, permitted.Source()
	for _, problem := range plan.CheckIgnore(o.app.Spec.IgnoreDifferences) {
		o.add(v1alpha1.ConditionInvalidSpecError, errors.New(problem))
	}
	if policy := o.app.Spec.SyncPolicy; policy != nil {
		for _, problem := range operation.CheckRetry(policy.Retry) {
			o.add(v1alpha1.ConditionUnsupportedWarning, errors.New(problem))
		}
	}
}

// refuseWrites has an Application be compared, but not tried, written or deleted: by its own rights the program may do
// what the project has not given to anybody. What of it is asked for fails.
func refuseWrites(o *observation, why error) {
	o.problems = append(o.problems, operation.Problem{Condition: v1alpha1.ConditionInvalidSpecError, Err: why, Effect: operation.Warns})
	o.refusal = why
	o.writer = o.cluster.Refusing(why)
}

// mayWrite reports whether anything can be written in the cluster.
func mayWrite(o *observation) bool { return o.cluster != nil && o.writer != nil && o.refusal == nil }

// chooseWriter decides as whom the objects of an Application are written.
func chooseWriter(o *observation) {
	if o.cluster == nil || o.project == nil {
		return
	}
	user, refused, warning := project.User(o.project, o.app, o.to(), project.Impersonation(o.settings.Impersonation))
	if warning != nil {
		o.add(v1alpha1.ConditionUnsupportedWarning, errors.New(warning.String()))
	}
	if refused != nil {
		refuseWrites(o, errors.New(refused.String()))
		return
	}
	var err error
	if o.writer, err = o.cluster.As(user); err != nil {
		o.add(v1alpha1.ConditionInvalidSpecError, err)
	}
}
