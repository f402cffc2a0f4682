package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
)

// finish waits for a running operation, showing its progress, and returns its outcome as an error, or nil.
func finish(ctx context.Context, a *kit.Control, c client.WithWatch, app *v1alpha1.Application, timeout time.Duration, out *kit.Format) error {
	ctx, cancel := kit.WithTimeout(ctx, timeout)
	defer cancel()
	progress := newProgress(a, out.Machine())
	app, err := progress.run(ctx, func(ctx context.Context, seen func(*v1alpha1.Application)) (*v1alpha1.Application, error) {
		return until(ctx, a, c, app, func(app *v1alpha1.Application) (bool, error) {
			seen(app)
			return operationOver(app), nil
		})
	})
	switch {
	case errors.Is(err, errGone):
		return &problem.Error{Kind: problem.Absent, Object: object(app), Cause: "deleted during its sync"}
	case errors.Is(err, context.DeadlineExceeded):
		return lateSync(a, app, timeout)
	case err != nil:
		return err
	}
	// Scripts that call argocd read how the Application is from what a sync prints at its end.
	if out.Value != "" || a.Program == kit.NameArgoCD {
		if err := showApp(a, app, out.Value, false); err != nil {
			return err
		}
	}
	state := app.Status.OperationState
	if state.Phase == v1alpha1.OperationSucceeded {
		return pruningRequired(a, app)
	}
	return failedSync(a, app, !out.Machine())
}

// pruningRequired returns an error where a sync has left what git no longer has, and the Application out of sync by
// that, since scripts that call argocd read it from the exit code.
func pruningRequired(a *kit.Control, app *v1alpha1.Application) error {
	state, left := app.Status.OperationState, 0
	if a.Program != kit.NameArgoCD || app.Status.Sync.Status == v1alpha1.Synced || state.SyncResult == nil || state.Operation.Sync == nil || len(state.Operation.Sync.Resources) > 0 {
		return nil
	}
	for _, r := range state.SyncResult.Resources {
		if r.Status == v1alpha1.ResultPruneSkipped && r.Message == plan.RequiresPruning {
			left++
		}
	}
	if left == 0 {
		return nil
	}
	return &problem.Error{Kind: problem.Negative, Object: object(app), Cause: fmt.Sprintf("%d resources require pruning", left), Remedy: "sync with --prune"}
}

// failedSync returns what is left to tell about a sync that failed: what its objects have told already is not told
// again. shown is set where they were shown.
func failedSync(a *kit.Control, app *v1alpha1.Application, shown bool) error {
	state := app.Status.OperationState
	failed := &problem.Error{Kind: problem.Negative, Object: object(app), Cause: fmt.Sprintf("sync ended with %s: %s", state.Phase, cmp.Or(state.Message, "no reason was given"))}
	if state.SyncResult == nil || len(state.SyncResult.Resources) == 0 {
		return failed
	}
	failed.Remedy = a.Command("app get %s", app.Name) + " shows every object"
	told := 0
	for _, r := range state.SyncResult.Resources {
		if r.Message != "" && (r.Status == v1alpha1.ResultSyncFailed || r.HookPhase == v1alpha1.OperationFailed || r.HookPhase == v1alpha1.OperationError) {
			if !shown || !strings.Contains(state.Message, r.Message) {
				return failed
			}
			told++
		}
	}
	if told > 0 {
		failed.Cause = fmt.Sprintf("sync ended with %s: %d of %d objects failed, as told above", state.Phase, told, len(state.SyncResult.Resources))
	}
	return failed
}

// operationOver reports whether no operation is asked for and the last one has ended. Its state was taken away when
// the operation was asked for.
func operationOver(app *v1alpha1.Application) bool {
	state := app.Status.OperationState
	return app.Operation == nil && state != nil && state.FinishedAt != nil && over(state.Phase)
}

func over(phase v1alpha1.OperationPhase) bool {
	return phase == v1alpha1.OperationSucceeded || phase == v1alpha1.OperationFailed || phase == v1alpha1.OperationError
}

func lateSync(a *kit.Control, app *v1alpha1.Application, timeout time.Duration) error {
	late := &problem.Error{Kind: problem.Negative, Object: object(app), Cause: fmt.Sprintf("sync not done after %s", timeout), Err: context.DeadlineExceeded}
	if app.Status.OperationState == nil {
		late.Cause += ": not begun"
		late.Remedy = "see whether `cyan server` runs against this cluster"
		return late
	}
	if m := app.Status.OperationState.Message; m != "" {
		late.Cause += ": " + m
	}
	late.Remedy = "wait on with " + a.Command("app wait %s", app.Name)
	return late
}

// start writes an operation, as tools do: only where there is none, and with the last one's state taken away.
func start(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application, operation *v1alpha1.Operation, annotations map[string]string) (*v1alpha1.Application, error) {
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		request, err := action.Start(app, operation, annotations)
		if err != nil {
			return err
		}
		err = kit.Send(ctx, c, app, request)
		if apierrors.IsConflict(err) {
			latest := &v1alpha1.Application{}
			if err := c.Get(ctx, client.ObjectKeyFromObject(app), latest); err != nil {
				return err
			}
			app = latest
		}
		return err
	})
	return app, a.Explain(err, "starting a sync of Application "+app.Name)
}
