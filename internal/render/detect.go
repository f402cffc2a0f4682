package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/spelling"
)

// named returns the renderer that a field of the source asks for, or nil. Two of them contradict each other.
func named(renderers []Renderer, src v1alpha1.ApplicationSource) (Renderer, error) {
	var found Renderer
	for _, r := range renderers {
		switch asked, err := r.Named(src); {
		case err != nil:
			return nil, err
		case asked && found != nil:
			return nil, &problem.Error{
				Kind:   problem.Usage,
				Cause:  fmt.Sprintf("source has both %s and %s", strings.ToLower(found.Type()), strings.ToLower(r.Type())),
				Remedy: "keep the one that is meant",
			}
		case asked:
			found = r
		}
	}
	return found, nil
}

// kustomizeType is the type of the renderer that settings can leave out.
const kustomizeType = "Kustomize"

func (s Settings) leavesOut(r Renderer) bool { return s.WithoutKustomize && r.Type() == kustomizeType }

func detect(renderers []Renderer, tree *Tree, dir string, settings Settings) (Renderer, error) {
	for _, r := range renderers {
		if settings.leavesOut(r) {
			continue
		}
		if detected, err := r.Detect(tree, dir); err != nil || detected {
			return r, err
		}
	}
	return nil, &problem.Error{Kind: problem.Usage, File: DisplayPath(dir), Cause: "nothing in this directory can be rendered", Remedy: "check source.path"}
}

// sourceDirectory finds source.path in the tree.
func sourceDirectory(t *Tree, name string) (string, error) {
	if path.IsAbs(name) || strings.Contains(name, `\`) {
		return "", &problem.Error{
			Kind:   problem.Usage,
			Cause:  fmt.Sprintf("source.path %q is absolute", name),
			Remedy: "give it relative to the root of the repository, with forward slashes",
		}
	}
	clean := path.Join(".", name)
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", &problem.Error{
			Kind:   problem.Usage,
			Cause:  fmt.Sprintf("source.path %q leaves the repository", name),
			Remedy: "give it relative to the root of the repository",
		}
	}
	dir, mode, err := t.Resolve(clean)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", &problem.Error{
			Kind:   problem.Usage,
			Cause:  "source.path " + strings.Trim(strconv.Quote(name), `"`) + ": app path does not exist in this revision",
			Remedy: nearestDirectory(t, clean),
		}
	case err != nil:
		return "", err
	case !mode.IsDir():
		return "", &problem.Error{
			Kind:   problem.Usage,
			Cause:  fmt.Sprintf("source.path %q is a file", name),
			Remedy: fmt.Sprintf("give its directory, %s", DisplayPath(path.Dir(clean))),
		}
	}
	return dir, nil
}

// nearestDirectory is a remedy for a directory that does not exist: the closest name beside it.
func nearestDirectory(t *Tree, name string) string {
	const unknown = "check source.path and source.targetRevision"
	parent, mode, err := t.Resolve(path.Dir(name))
	if err != nil || !mode.IsDir() {
		return unknown
	}
	entries, err := fs.ReadDir(t.fsys, parent)
	if err != nil {
		return unknown
	}
	var directories []string
	for _, e := range entries {
		if e.IsDir() {
			directories = append(directories, e.Name())
		}
	}
	if best := spelling.Closest(path.Base(name), directories); best != "" {
		return fmt.Sprintf("did you mean %s?", path.Join(parent, best))
	}
	return unknown
}

// DisplayPath returns a path of the tree as messages show it.
func DisplayPath(name string) string {
	if name == "" || name == "." {
		return "the root of the repository"
	}
	return name
}
