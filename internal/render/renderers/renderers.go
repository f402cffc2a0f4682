// Package renderers is all renderers that Cyan has, put together.
package renderers

import (
	"io/fs"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/directory"
	"github.com/cyan-cd/cyan/internal/render/kustomize"
)

// all are the renderers, in the order in which they look at a directory: plain manifests are last, because any
// directory can be read as such.
var all = render.With(kustomize.Renderer{}, unserved{}, directory.Renderer{})

// Render renders a source by the renderer that it is for. It is a render.Func.
func Render(tree fs.FS, src v1alpha1.ApplicationSource, opts render.Options) (*render.Result, error) {
	return all(tree, src, opts)
}
