package app

import (
	"cmp"
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/repo"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/repository"
)

// checkSources refuses an Application whose repository cannot be read, or that has no such revision or path, or
// manifests that do not render: all that a first sync would find.
func checkSources(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application) error {
	for i, src := range app.Spec.GetSources() {
		field := "spec.source"
		if app.Spec.Source == nil {
			field = fmt.Sprintf("spec.sources[%d]", i)
		}
		if url, revision, path, ok := repo.FromPage(src.RepoURL); ok {
			return &problem.Error{
				Kind: problem.Usage, Object: object(app), Field: field + ".repoURL", Cause: repository.Shown(src.RepoURL) + " is a page for people",
				Remedy: fmt.Sprintf("give --repo %s --revision %s --path %s", url, revision, cmp.Or(path, ".")),
			}
		}
	}
	if _, single := app.SyncSource(); !single || isServer(c) {
		// What several sources make together is for the controller to find out, and a server checks for itself.
		return nil
	}
	_, err := renderDesired(ctx, a, c, app, localDir{}, "")
	if err == nil || ctx.Err() != nil {
		return err
	}
	refused := &problem.Error{Kind: problem.KindOf(err), Object: object(app), Cause: err.Error(), Err: err}
	if inner := problem.Of(err); inner != nil {
		remedy := inner.Remedy
		whole := *inner
		whole.Remedy = ""
		refused.Cause, refused.Remedy = whole.Error(), remedy
	}
	refused.Remedy = cmp.Or(refused.Remedy, "correct the source") + ", or add --validate=false to leave the source unchecked"
	return refused
}
