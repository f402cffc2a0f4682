package operation

import (
	"fmt"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// RolledBack is what git wants at the commit that a person rolled back, whatever commit is wanted now.
type RolledBack struct {
	// Manifests names it as Observation.Manifests does; "" where that commit has nothing that could be deployed.
	Manifests string
	// Pending is set while it is not known.
	Pending bool
}

// lookAtPinAgain is the time after which what is not known of a commit that was rolled back is asked again.
const lookAtPinAgain = 10 * time.Second

// isRolledBack reports whether a revision, and what git wants at it, is what a person rolled back: that very commit, or
// one that changes nothing of it.
func isRolledBack(app *v1alpha1.Application, revision, manifests string, back RolledBack) bool {
	pinned := app.Annotations[v1alpha1.RollbackPinAnnotation]
	return pinned != "" && (pinned == revision || manifests != "" && manifests == back.Manifests)
}

// pinHolds reports whether automation leaves alone what git wants now. What is not known yet is taken for what was
// rolled back, since people rely on a rollback.
func pinHolds(app *v1alpha1.Application, seen Observation) bool {
	pending := seen.RolledBack.Pending && app.Annotations[v1alpha1.RollbackPinAnnotation] != ""
	return pending || isRolledBack(app, seen.Revision, seen.Manifests, seen.RolledBack)
}

// heldByPin is automation that leaves alone what a person rolled back.
func heldByPin(app *v1alpha1.Application, seen Observation) Automation {
	const remedy = "push a commit that changes it, or sync this one yourself"
	pinned := app.Annotations[v1alpha1.RollbackPinAnnotation]
	switch {
	case pinned == seen.Revision:
		why := fmt.Sprintf("commit %s: rolled back by a person", short(pinned))
		return Automation{Why: why, Condition: why + "; " + remedy}
	case seen.RolledBack.Pending:
		return Automation{
			Why: fmt.Sprintf("commit %s: not known yet whether it changes anything of commit %s, which a person rolled back", short(seen.Revision), short(pinned)),
			At:  seen.Now.Add(lookAtPinAgain),
		}
	}
	why := fmt.Sprintf("commit %s: changes nothing of commit %s, which a person rolled back", short(seen.Revision), short(pinned))
	return Automation{Why: why, Condition: why + "; " + remedy}
}

// isPinVoid reports whether a rollback has nothing to hold any more: what git wants now, which is not what was rolled
// back, is what is live.
func isPinVoid(app *v1alpha1.Application, seen Observation) bool {
	return app.Annotations[v1alpha1.RollbackPinAnnotation] != "" && app.Spec.IsAutomated() && seen.Plan.Status == v1alpha1.Synced && !pinHolds(app, seen)
}

// liftsPin reports whether a deployment that has just ended well makes the rollback pin void: automation has brought
// something else, or a person the very thing that was rolled back.
func liftsPin(app *v1alpha1.Application, seen Observation) bool {
	result := app.Status.OperationState.SyncResult
	return app.Operation.InitiatedBy.Automated || isRolledBack(app, result.Revision, result.Manifests, seen.RolledBack)
}
