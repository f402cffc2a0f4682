package operation

import (
	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/project"
)

// denialOf is what windows deny to an operation that was asked for. One that calls itself automation's is judged as
// such, which is never less strict.
func denialOf(op *v1alpha1.Operation, seen Observation) project.Denial {
	if op.InitiatedBy.Automated {
		return seen.ToAutomation
	}
	return seen.ToPeople
}

// awaitWindow lets an operation wait for the windows, with all that it has done so far.
func awaitWindow(app *v1alpha1.Application, seen Observation) Decision {
	app.Status.OperationState.Message = "waiting: " + seen.ToGoOn.Reason
	return Decision{App: app, RequeueAfter: until(seen.ToGoOn.Until, seen.Now)}
}
