package app

import (
	"cmp"
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/manifests"
	"github.com/cyan-cd/cyan/internal/cli/repo"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
	"github.com/cyan-cd/cyan/internal/source"
)

// wantedObjects are what a local directory, a revision, or the target revision renders to.
func renderDesired(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application, local, revision string) ([]render.Rendered, error) {
	if local != "" {
		return renderLocal(local, app)
	}
	if app.Spec.Source == nil {
		return nil, &problem.Error{Kind: problem.Refused, Object: object(app), Cause: "spec.sources is not rendered by commands yet", Remedy: "compare with a directory by --local"}
	}
	book, err := repo.Book(ctx, a, c)
	if err != nil {
		return nil, err
	}
	wanted := cmp.Or(revision, app.Spec.Source.TargetRevision)
	var objects []render.Rendered
	err = repo.WithMirrors(func(mirrors *source.Mirrors) error {
		from := book.Repository(app.Spec.Source.RepoURL)
		sha, err := mirrors.Resolve(ctx, from, wanted)
		if err != nil {
			return err
		}
		tree, err := mirrors.Tree(ctx, from, sha)
		if err != nil {
			return err
		}
		result, err := renderers.Render(tree, *app.Spec.Source, render.Options{Namespace: app.Spec.Destination.Namespace, Env: buildEnvironment(app, sha)})
		objects = result.Objects
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("rendering Application %q from git: %w", app.Name, err)
	}
	return objects, nil
}

// renderLocal renders a local directory with an Application's options.
func renderLocal(path string, app *v1alpha1.Application) ([]render.Rendered, error) {
	source := v1alpha1.ApplicationSource{}
	if app.Spec.Source != nil {
		source = *app.Spec.Source
	}
	result, err := manifests.Directory("", path, source, render.Options{Namespace: app.Spec.Destination.Namespace, Env: buildEnvironment(app, "")})
	return result.Objects, err
}

// buildEnvironment are the variables that a source may ask for, by the names that existing manifests use.
func buildEnvironment(app *v1alpha1.Application, revision string) map[string]string {
	env := map[string]string{
		"ARGOCD_APP_NAME": app.Name, "ARGOCD_APP_NAMESPACE": app.Spec.Destination.Namespace, "ARGOCD_APP_PROJECT_NAME": app.Spec.Project,
		"ARGOCD_APP_REVISION": revision,
	}
	if len(revision) == 40 {
		env["ARGOCD_APP_REVISION_SHORT"], env["ARGOCD_APP_REVISION_SHORT_8"] = revision[:7], revision[:8]
	}
	if s := app.Spec.Source; s != nil {
		env["ARGOCD_APP_SOURCE_PATH"], env["ARGOCD_APP_SOURCE_REPO_URL"], env["ARGOCD_APP_SOURCE_TARGET_REVISION"] = s.Path, s.RepoURL, s.TargetRevision
	}
	return env
}
