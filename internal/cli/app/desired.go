package app

import (
	"cmp"
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/manifests"
	cliproject "github.com/cyan-cd/cyan/internal/cli/project"
	"github.com/cyan-cd/cyan/internal/cli/repo"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/render/sops"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/source"
)

// localDir is a directory of this machine that is rendered in place of a commit; the zero value is none.
type localDir struct{ path, root string }

// renderDesired renders a local directory, a revision, or the target revision, as a sync would.
func renderDesired(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application, local localDir, revision string) (*compare.Rendering, error) {
	src, single := app.SyncSource()
	var rendered *compare.Rendering
	var err error
	switch {
	case local.path != "":
		rendered, err = manifests.Application(local.root, local.path, app, src)
	case !single:
		return nil, &problem.Error{Kind: problem.Refused, Object: object(app), Cause: "spec.sources is not rendered by commands yet", Remedy: "compare with a directory by --local"}
	default:
		var permitted project.PermittedSource
		if permitted, err = permit(ctx, a, c, app); err == nil {
			rendered, err = renderRevision(ctx, a, c, app, permitted, cmp.Or(revision, src.TargetRevision))
		}
	}
	if err != nil {
		return nil, err
	}
	return rendered, rendered.Err
}

// permit has the Application's project judge its sources.
func permit(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application) (project.PermittedSource, error) {
	within, err := projectOf(ctx, a, c, app)
	if err != nil {
		return project.PermittedSource{}, err
	}
	book, err := repo.Book(ctx, a.Home(), c)
	if err != nil {
		return project.PermittedSource{}, err
	}
	permitted, violations := project.PermitSync(project.WithRepositories(within, book.OfProject(within.Name)...), app)
	if len(violations) > 0 {
		first := violations[0]
		return permitted, &problem.Error{Kind: problem.Refused, Object: first.Object, Cause: first.Cause, Remedy: first.Remedy}
	}
	return permitted, nil
}

// projectOf reads the project of an Application. The default one is made by the controller, and may not be there yet.
func projectOf(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application) (*v1alpha1.AppProject, error) {
	name := cmp.Or(app.Spec.Project, v1alpha1.DefaultProject)
	found, err := cliproject.Find(ctx, a.Home(), c, name)
	if name == v1alpha1.DefaultProject && problem.KindOf(err) == problem.Absent {
		return project.Default(a.Home().Namespace), nil
	}
	return found, err
}

func renderRevision(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application, src project.PermittedSource, revision string) (*compare.Rendering, error) {
	book, err := repo.Book(ctx, a.Home(), c)
	if err != nil {
		return nil, err
	}
	keys, err := manifests.Keys()
	if err != nil {
		return nil, err
	}
	written, err := settingsOf(ctx, a, c)
	if err != nil {
		return nil, err
	}
	options := compare.RenderOptions{
		Keys: func(context.Context, string) sops.Keys { return keys }, Settings: func() settings.Settings { return written },
	}
	var rendered *compare.Rendering
	err = repo.WithMirrors(func(mirrors *source.Mirrors) error {
		from := book.Repository(src.Source().RepoURL, src.Project())
		sha, err := mirrors.Resolve(ctx, from, revision)
		if err != nil {
			return err
		}
		if rendered, err = compare.NewRenderer(mirrors, options).Render(ctx, app, src, from, sha); err != nil {
			return err
		}
		return rendered.Err
	})
	if err != nil {
		return nil, fmt.Errorf("rendering Application %q from git: %w", app.Name, err)
	}
	return rendered, nil
}

// compareWith compares what was rendered with the cluster of the destination, as the controller does.
func compareWith(ctx context.Context, a *kit.Control, c client.Client, app *v1alpha1.Application, rendered *compare.Rendering) (compare.Comparison, error) {
	to, config, err := destination(ctx, a, c, app)
	if err != nil {
		return compare.Comparison{}, err
	}
	within, err := projectOf(ctx, a, c, app)
	if err != nil {
		return compare.Comparison{}, err
	}
	reader, err := live.NewReader(config)
	if err != nil {
		return compare.Comparison{}, err
	}
	written, err := settingsOf(ctx, a, c)
	if err != nil {
		return compare.Comparison{}, err
	}
	reader.Tracking = compare.TrackingOf(written)
	in := compare.Input{
		App: app, Rendering: rendered, Instance: plan.Instance(app, a.Home().Namespace), Bounds: project.BoundsOf(within, to), Cluster: reader, Client: reader.Client,
		Application: func(ctx context.Context, instance string) (*v1alpha1.Application, error) {
			found := &v1alpha1.Application{}
			if err := c.Get(ctx, plan.ApplicationOf(instance, a.Home().Namespace), found); err != nil {
				return nil, client.IgnoreNotFound(err)
			}
			return found, nil
		},
	}
	return compare.New().Compare(ctx, in.With(written, written.Judge(), to.Server))
}

// settingsOf reads the settings of the control namespace. Who may not read them compares without.
func settingsOf(ctx context.Context, a *kit.Control, c client.Client) (settings.Settings, error) {
	written, home := &corev1.ConfigMap{}, a.Home().Namespace
	err := c.Get(ctx, client.ObjectKey{Namespace: home, Name: settings.ConfigName}, written)
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) {
		return settings.Settings{}, fmt.Errorf("reading ConfigMap %s in namespace %s: %w", settings.ConfigName, home, err)
	}
	read, _ := settings.Parse(map[string]map[string]string{settings.ConfigName: written.Data})
	return read, nil
}
