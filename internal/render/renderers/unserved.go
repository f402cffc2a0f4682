package renderers

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

// unserved refuses the kinds of source that an Application may have and no renderer serves: charts and plugins.
type unserved struct{}

const commitPlain = "render it to plain manifests or a kustomization, commit that, and point source.path at it"

// Type implements render.Renderer.
func (unserved) Type() string { return "" }

// Named refuses the fields of charts and plugins.
func (unserved) Named(src v1alpha1.ApplicationSource) (bool, error) {
	refuse := func(cause string) (bool, error) {
		return false, &problem.Error{Kind: problem.Usage, Cause: cause, Remedy: commitPlain}
	}
	switch {
	case src.Chart != "":
		return refuse(fmt.Sprintf("source.chart %q asks for a Helm chart, and charts are not served", src.Chart))
	case src.Helm != nil:
		return refuse("source.helm asks for Helm, and charts are not served")
	case src.Plugin != nil:
		return refuse("source.plugin asks for a plugin, and nothing from a repository is executed")
	}
	return false, nil
}

// Detect refuses a directory that is a chart.
func (unserved) Detect(tree *render.Tree, dir string) (bool, error) {
	chart := path.Join(dir, "Chart.yaml")
	switch _, _, err := tree.Resolve(chart); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	}
	return false, &problem.Error{Kind: problem.Usage, File: chart, Cause: "Helm charts are not served", Remedy: commitPlain}
}

// Render is never reached: Named and Detect refuse.
func (unserved) Render(*render.Tree, string, v1alpha1.ApplicationSource, render.Options, *render.Result) error {
	return &problem.Error{Kind: problem.Usage, Cause: "the source is of a kind that is not served", Remedy: commitPlain}
}
