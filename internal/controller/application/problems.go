package application

import (
	"fmt"
	"slices"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/source"
)

// warnings are the conditions of problems that nothing waits for.
var warnings = []string{
	v1alpha1.ConditionRepeatedResourceWarning, v1alpha1.ConditionSharedResourceWarning, v1alpha1.ConditionSyncOptionWarning,
	v1alpha1.ConditionExcludedResourceWarning, v1alpha1.ConditionOrphanedResourceWarning, v1alpha1.ConditionUnsupportedWarning,
	v1alpha1.ConditionSkippedFileWarning, v1alpha1.ConditionDeprecatedFieldWarning, v1alpha1.ConditionManifestWarning,
	v1alpha1.ConditionHandedOver,
}

func (o *observation) add(condition string, err error) {
	o.problems = append(o.problems, operation.Problem{Condition: condition, Err: err, Effect: effectOf(condition, err)})
}

// effectOf is what a problem does to comparing and syncing: while git or the cluster is away, one waits for it.
func effectOf(condition string, err error) operation.Effect {
	switch {
	case slices.Contains(warnings, condition):
		return operation.Warns
	case problem.IsTemporary(err), source.IsTemporary(err):
		return operation.Waits
	}
	return operation.Blocks
}

// stops reports whether nothing may be compared or applied.
func (o *observation) stops() bool {
	return slices.ContainsFunc(o.problems, func(p operation.Problem) bool { return p.Effect != operation.Warns })
}

// stopsComparing leaves out what passes by itself: while git is away, the cluster is held to the commit that was seen
// last.
func (o *observation) stopsComparing() bool {
	return slices.ContainsFunc(o.problems, func(p operation.Problem) bool { return p.Effect == operation.Blocks })
}

// checkServed adds what an Application asks for and does not get; what had better not be passed over stops.
func checkServed(o *observation) {
	for _, f := range settings.UnservedOf(o.app) {
		condition := v1alpha1.ConditionUnsupportedWarning
		if f.Verdict == settings.Refused {
			condition = v1alpha1.ConditionInvalidSpecError
		}
		o.add(condition, (&settings.Finding{Field: f.Field, Verdict: f.Verdict, Cause: f.Cause, Remedy: f.Remedy}).Problem())
	}
}

// checkSettings stops whatever a setting was to bound that can't be read.
func checkSettings(o *observation, control string) {
	for _, f := range o.settings.found {
		if f.Verdict == settings.Refused {
			o.add(v1alpha1.ConditionInvalidSpecError, f.Problem())
		}
	}
	if at, allowed := o.app.Namespace, o.settings.ApplicationNamespaces; at != control && len(allowed) > 0 && !o.settings.ServesNamespace(at) {
		o.add(v1alpha1.ConditionInvalidSpecError, &problem.Error{
			Kind: problem.Refused, Field: "metadata.namespace", Cause: fmt.Sprintf("%q is not among application.namespaces of ConfigMap %s", at, settings.ParametersName), Remedy: "add it there, or move the Application",
		})
	}
	if o.settings.InClusterDisabled && o.cluster != nil && o.cluster.Server == v1alpha1.InClusterServer {
		o.add(v1alpha1.ConditionInvalidSpecError, &problem.Error{
			Kind: problem.Refused, Field: "spec.destination", Cause: fmt.Sprintf("cluster %q is disabled by cluster.inClusterEnabled in ConfigMap %s", v1alpha1.InClusterServer, settings.ConfigName), Remedy: "use another cluster",
		})
	}
}
