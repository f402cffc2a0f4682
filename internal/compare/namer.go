package compare

import (
	"context"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/source"
)

// Namer names what Applications want at another commit than the one they are compared with, as Comparison.Manifests
// does. It keeps the last one of each Application, and is safe for concurrent use.
type Namer struct {
	renderer *Renderer
	names    *render.Store[types.NamespacedName, nameOfResult]
}

type nameOfResult struct {
	of   *render.Result
	name string
}

// NewNamer returns a Namer that renders by a renderer of its own, which shares nothing with the one of comparisons.
func NewNamer(renderer *Renderer) *Namer {
	return &Namer{renderer: renderer, names: render.NewStore[types.NamespacedName, nameOfResult](maxApplications, maxRemembered)}
}

// Manifests returns the name of what an Application's source renders to at a commit: "" where the source is wrong
// there. An error is as that of [Renderer.Render].
func (n *Namer) Manifests(ctx context.Context, app *v1alpha1.Application, permitted project.PermittedSource, repo source.Repository, revision string) (string, error) {
	rendered, err := n.renderer.Render(ctx, app, permitted, repo, revision)
	if err != nil || rendered.Err != nil {
		return "", err
	}
	if known, ok := n.names.Get(nameOf(app)); ok && known.of == rendered.Result {
		return known.name, nil
	}
	name := (&manifests{}).nameOf(rendered.Result)
	n.names.Add(nameOf(app), nameOfResult{rendered.Result, name}, 1)
	return name, nil
}

// Forget drops what is kept of an Application.
func (n *Namer) Forget(app types.NamespacedName) {
	n.renderer.Forget(app)
	n.names.Remove(app)
}
