package operation

import (
	"slices"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// OnlyRevision reports whether another revision at which an Application renders to the same changes nothing about it
// but the revision in its status: it stands as it was compared last, and neither a person nor automation asks for
// more.
func OnlyRevision(app *v1alpha1.Application) bool {
	switch {
	case app.DeletionTimestamp != nil, app.Operation != nil, slices.ContainsFunc(app.Status.Conditions, mayPass):
		return false
	case app.Annotations[v1alpha1.RefreshAnnotation] != "", app.Annotations[v1alpha1.SkipReconcileAnnotation] == "true":
		return false
	case app.Status.Sync.Status == v1alpha1.Synced:
		return true
	}
	return app.Status.Sync.Status == v1alpha1.OutOfSync && !app.Spec.IsAutomated()
}

// mayPass reports whether a condition is of something that may have changed by the next look.
func mayPass(c v1alpha1.ApplicationCondition) bool {
	return c.Type != v1alpha1.ConditionOmittedResourceWarning
}
