package devloop

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/devloop/decide"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
	"github.com/cyan-cd/cyan/internal/skaffold"
	"github.com/cyan-cd/cyan/internal/validate"
)

// mostFiles and mostFileBytes bound what is remembered of manifests that were read.
const (
	mostFiles     = 4096
	mostFileBytes = 64 << 20
)

// manifests renders the manifests of a project.
type manifests struct {
	tree  fs.FS
	files *render.FileStore
	// read are the files and folders that the last rendering looked at.
	read []string
	// prepared is when commands of the project prepared them for that.
	prepared decide.Window
}

func newManifests(tree fs.FS) *manifests {
	return &manifests{tree: tree, files: render.NewFileStore(mostFiles, mostFileBytes)}
}

// Render returns the objects of a project's manifests, and what there is to warn of.
func Render(tree fs.FS, p skaffold.Project, options render.Options) ([]render.Rendered, []string, error) {
	return newManifests(tree).render(p, options)
}

// render returns the objects of all sources. What it looked at is noted also where it fails.
func (m *manifests) render(p skaffold.Project, options render.Options) ([]render.Rendered, []string, error) {
	read := map[string]bool{}
	var objects []render.Rendered
	var warnings []string
	defer func() { m.read = slices.Collect(maps.Keys(read)) }()
	options.Files = m.files
	for _, source := range sourcesOf(m.tree, p.Manifests) {
		result, err := renderers.Render(m.tree, source.source, options)
		if result != nil {
			for name := range result.ReadSet {
				read[name] = true
			}
		}
		if err != nil {
			return nil, nil, err
		}
		for _, r := range result.Objects {
			if source.namespace != "" && r.Object.GetNamespace() == "" {
				r.Object = r.Object.DeepCopy()
				r.Object.SetNamespace(source.namespace)
			}
			objects = append(objects, r)
		}
		for _, w := range result.Warnings {
			warnings = append(warnings, w.Message)
		}
		for _, f := range validate.Beside(result, nil) {
			warnings = append(warnings, f.Error.Error())
		}
	}
	if len(objects) == 0 {
		return nil, nil, &problem.Error{Kind: problem.Usage, File: p.File, Object: "manifests", Cause: "no object found in them", Remedy: "name a kustomization or files with objects"}
	}
	return objects, warnings, nil
}

// manifestSource is a source of objects, and where those go that name no namespace.
type manifestSource struct {
	source    v1alpha1.ApplicationSource
	namespace string
}

func sourcesOf(tree fs.FS, all skaffold.Manifests) []manifestSource {
	var sources []manifestSource
	for _, k := range all.Kustomize {
		sources = append(sources, manifestSource{v1alpha1.ApplicationSource{Path: k.Path}, k.Namespace})
	}
	for _, raw := range all.Raw {
		sources = append(sources, manifestSource{rawSource(tree, raw.Pattern), raw.Namespace})
	}
	return sources
}

// rawSource returns a folder of which the files count that a pattern matches; a folder itself counts whole.
func rawSource(tree fs.FS, pattern string) v1alpha1.ApplicationSource {
	pattern = path.Clean(pattern)
	if info, err := fs.Stat(tree, pattern); err == nil && info.IsDir() {
		return v1alpha1.ApplicationSource{Path: pattern, Directory: &v1alpha1.DirectorySource{Recurse: true}}
	}
	// The folder is as deep as nothing in its name is a pattern.
	folder, rest := ".", pattern
	for {
		first, more, ok := strings.Cut(rest, "/")
		if !ok || strings.ContainsAny(first, `*?[\`) {
			break
		}
		folder, rest = path.Join(folder, first), more
	}
	return v1alpha1.ApplicationSource{Path: folder, Directory: &v1alpha1.DirectorySource{Recurse: strings.Contains(rest, "/"), Include: rest}}
}

// check returns what keeps the objects from being deployed: images that are used nowhere, and what the API server would
// refuse.
func check(p skaffold.Project, objects []render.Rendered, known *validate.Known) []*problem.Error {
	built := make([]desired.Built, 0, len(p.Artifacts))
	for _, a := range p.Artifacts {
		if p.Needs(a.Image) {
			continue
		}
		built = append(built, desired.Built{Name: a.Image, File: a.Position.File, Line: a.Position.Line})
	}
	if found := desired.Unused(objects, built); len(found) > 0 {
		return found
	}
	return validate.Check(objects, known)
}
