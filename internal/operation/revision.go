package operation

import "github.com/cyan-cd/cyan/api/v1alpha1"

// OnlyRevision reports whether another revision at which an Application renders to the same changes nothing about it
// but the revision in its status: it stands as it was compared last, and neither a person nor automation asks for
// more.
func OnlyRevision(app *v1alpha1.Application) bool {
	switch {
	case app.DeletionTimestamp != nil, app.Operation != nil, len(app.Status.Conditions) > 0:
		return false
	case app.Annotations[v1alpha1.RefreshAnnotation] != "", app.Annotations[v1alpha1.SkipReconcileAnnotation] == "true":
		return false
	case app.Status.Sync.Status == v1alpha1.Synced:
		return true
	}
	return app.Status.Sync.Status == v1alpha1.OutOfSync && !app.Spec.IsAutomated()
}
