package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/action"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

// refreshTimeout is how long a controller may take to compare an Application again.
const refreshTimeout = time.Minute

// refresh has the controller compare again, and waits until it has.
func refresh(ctx context.Context, a *kit.Control, c client.WithWatch, app *v1alpha1.Application, mode string, timeout time.Duration) (*v1alpha1.Application, error) {
	if err := kit.Send(ctx, c, app, action.Refresh(mode)); err != nil {
		return nil, a.Explain(err, "asking for a refresh of Application "+app.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	seen, err := until(ctx, a, c, app, func(app *v1alpha1.Application) (bool, error) {
		return app.Annotations[v1alpha1.RefreshAnnotation] == "", nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, &problem.Error{
			Kind: problem.Negative, Object: object(app), Cause: fmt.Sprintf("not refreshed in %s", timeout),
			Remedy: "see whether `cyan server` runs against this cluster", Err: err,
		}
	}
	return seen, err
}
