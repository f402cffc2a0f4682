package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/informer"
	"github.com/cyan-cd/cyan/internal/secret"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/view"
)

// Named names an Application by namespace and name. It is exported for the library, which fills no other embedded
// fields.
type Named struct {
	Namespace string `path:"namespace" maxLength:"63"`
	Name      string `path:"name" maxLength:"253"`
}

type detailAnswer struct{ Body view.Detail }

// details are the calls that show one Application as its page does.
type details struct{ viewed }

func (s details) register() {
	register(s.service, huma.Operation{OperationID: "viewApplication", Method: http.MethodGet, Path: "/api/v1/view/applications/{namespace}/{name}", Summary: "An Application with its objects, history and conditions", Tags: viewTags, Middlewares: huma.Middlewares{compact}}, s.get)
}

func (s details) get(ctx context.Context, c *caller, in *Named) (*detailAnswer, error) {
	app, err := s.find(ctx, c, ApplicationName{Name: in.Name, AppNamespace: in.Namespace}, get)
	if err != nil {
		return nil, err
	}
	snapshot := s.snapshots.open(subject{ofApplication, app.Namespace, app.Name}, nil)
	defer snapshot.close(nil)
	now, err := snapshot.current(ctx, app)
	if err != nil {
		return nil, err
	}
	d := now.Detail
	d.Version, d.Row.Rights = now.version(), rightsOf(c.rights, c.options).on(s.named(app).Object())
	return &detailAnswer{d}, nil
}

// commitsTimeout bounds how long commits are waited for: without them a detail is true all the same.
const commitsTimeout = 2 * time.Second

// detail returns the detail of an Application, without the rights of anybody, and the look at its objects, which has to
// be closed; nil where there is none.
func (s viewed) detail(ctx context.Context, app *v1alpha1.Application) (view.Detail, *informer.Look, error) {
	seen := view.DetailSeen{Application: app}
	rollouts, err := s.rolloutsOf(ctx, app)
	if err != nil {
		return view.Detail{}, nil, err
	}
	now := time.Now()
	seen.Row = view.RowOf(app, rollouts, now)
	if seen.Manifest, err = manifestOf(app); err != nil {
		return view.Detail{}, nil, err
	}
	within, err := looked(s).permitted(ctx, app)
	if err != nil {
		// What the project does not permit is not looked at; the rest is there all the same.
		seen.Trouble = shown(err).Text
		seen.Nodes, seen.Hidden = view.Tree(app, nil)
		return view.DetailOf(seen, now), nil, nil
	}
	seen.Project, seen.To = within.project, within.to
	seen.Commits = s.commitsOf(ctx, app, view.RevisionsOf(app))
	look, err := looked(s).look(ctx, app)
	var observed []view.Observed
	if err == nil {
		observed, err = look.Objects(ctx)
	}
	if err != nil {
		seen.Trouble = shown(err).Text
	}
	seen.Nodes, seen.Hidden = view.Tree(app, observed)
	return view.DetailOf(seen, now), look, nil
}

// commitsOf reads commits of an Application's source, and those that they name as built, as far as they are at hand.
func (s viewed) commitsOf(ctx context.Context, app *v1alpha1.Application, revisions []string) map[string]view.GitCommit {
	found := map[string]view.GitCommit{}
	var built []string
	for sha, c := range s.sourceCommits(ctx, app, revisions) {
		found[sha] = gitCommit(c)
		if mark, marked := delivery.ReadMark(c.Trailer); marked {
			built = append(built, mark.SourceCommit)
		}
	}
	for sha, c := range s.sourceCommits(ctx, app, built) {
		found[sha] = gitCommit(c)
	}
	return found
}

func gitCommit(c source.Commit) view.GitCommit {
	return view.GitCommit{SHA: c.SHA, Author: c.Author.Name, Message: c.Message, Date: c.Author.Time, Committed: c.Committer.Time, Trailer: c.Trailer}
}

// sourceCommits reads commits as git has them.
func (s viewed) sourceCommits(ctx context.Context, app *v1alpha1.Application, revisions []string) map[string]source.Commit {
	found := map[string]source.Commit{}
	sources := app.Spec.GetSources()
	if s.Commits == nil || len(sources) == 0 {
		return found
	}
	ctx, cancel := context.WithTimeout(ctx, commitsTimeout)
	defer cancel()
	for _, sha := range revisions {
		if c, err := s.Commits(ctx, app.Spec.Project, sources[0].RepoURL, sha); err == nil {
			found[sha] = c
		} else if ctx.Err() != nil {
			break
		}
	}
	return found
}

// manifestOf returns an Application as people write it: without its status and what the server keeps beside it.
func manifestOf(app *v1alpha1.Application) (string, error) {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(app)
	if err != nil {
		return "", err
	}
	delete(object, "status")
	delete(object, "operation")
	object["apiVersion"], object["kind"] = v1alpha1.GroupVersion.String(), "Application"
	if metadata, ok := object["metadata"].(map[string]any); ok {
		for _, key := range []string{"managedFields", "creationTimestamp", "resourceVersion", "uid", "generation", "selfLink"} {
			delete(metadata, key)
		}
		if annotations, ok := metadata["annotations"].(map[string]any); ok {
			delete(annotations, "kubectl.kubernetes.io/last-applied-configuration")
		}
	}
	text, err := yaml.Marshal(secret.WithoutCredentialsIn(object))
	return strings.TrimSpace(string(text)) + "\n", err
}
