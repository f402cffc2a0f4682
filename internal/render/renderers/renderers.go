// Package renderers is all renderers that Cyan has, put together.
package renderers

import (
	"fmt"
	"io/fs"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/directory"
	"github.com/cyan-cd/cyan/internal/render/kustomize"
)

// all are the renderers, in the order in which they look at a directory: plain manifests are last, because any
// directory can be read as such.
var all = render.With(kustomize.Renderer{}, unserved{}, directory.Renderer{})

// failing is a tree of which something may not be readable for a while, as a commit whose mirror is damaged is.
type failing interface {
	// Err returns why what the tree has could not be read; nil when all of it could be.
	Err() error
}

// Render renders a source by the renderer that it is for. It is a render.Func. What was read
// from a tree that failed is no result, and no refusal either: neither would be so the next time.
func Render(tree fs.FS, src v1alpha1.ApplicationSource, opts render.Options) (*render.Result, error) {
	result, err := all(tree, src, opts)
	if read, ok := tree.(failing); ok && read.Err() != nil {
		return nil, fmt.Errorf("rendering %s: %w", render.DisplayPath(src.Path), read.Err())
	}
	return result, err
}
