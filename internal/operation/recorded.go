package operation

import (
	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// IsRecorded reports whether the last operation is known to have brought what git wants. Automation may carry an
// operation on before it is written, where doing it again comes to the same. If the program ends in between, objects
// are found that were applied after the end of the last operation on record: then one begins that finds them so and is
// recorded, with its entry in the history.
func IsRecorded(app *v1alpha1.Application, manifests string) bool {
	last := app.Status.OperationState
	return manifests == "" || last != nil && last.Phase == v1alpha1.OperationSucceeded && last.SyncResult != nil && last.SyncResult.Manifests == manifests
}

// isUnrecorded reports whether the cluster has what git wants by a sync that nothing is recorded of.
func isUnrecorded(app *v1alpha1.Application, seen Observation) bool {
	if seen.Plan.Status != v1alpha1.Synced || seen.Applied.IsZero() || IsRecorded(app, seen.Manifests) {
		return false
	}
	last := app.Status.OperationState
	return last == nil || last.FinishedAt != nil && seen.Applied.After(last.FinishedAt.Time)
}
