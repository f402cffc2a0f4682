package application

import (
	"context"

	"github.com/cyan-cd/cyan/internal/operation"
)

// operate decides what becomes of the operation of an Application, and carries its plan on where the decision says so.
func (r *reconciler) operate(ctx context.Context, o *observation) (operation.Decision, error) {
	decided := operation.Decide(o.app, o.forOperation())
	if decided.Sync {
		return r.sync(ctx, o, decided.App)
	}
	o.problems = append(o.problems, decided.Problems...)
	if decided.GiveBack {
		decided.RequeueAfter = giveBack(ctx, r.client, o)
	}
	return decided, nil
}
