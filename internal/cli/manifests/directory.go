// Package manifests renders directories of this machine as a sync would, and shows what is wrong with them.
package manifests

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
)

// Directory renders a directory on disk; root bounds what is read.
func Directory(root, path string, source v1alpha1.ApplicationSource, options render.Options) (*render.Result, error) {
	result := &render.Result{}
	var err error
	if options.Keys, err = Keys(); err != nil {
		return result, err
	}
	err = open(root, path, func(tree fs.FS, inside string) error {
		source.Path = inside
		var err error
		if result, err = renderers.Render(tree, source, options); err != nil {
			return inWords(refusal(err), inTurn{inFlags, ofFolder})
		}
		result = warningsInWords(result, inFlags)
		return nil
	})
	return result, err
}

// Application renders a directory on disk as an Application whose source it were; root bounds what is
// read.
func Application(root, path string, app *v1alpha1.Application, source v1alpha1.ApplicationSource) (*compare.Rendering, error) {
	var rendered *compare.Rendering
	keys, err := Keys()
	if err != nil {
		return nil, err
	}
	err = open(root, path, func(tree fs.FS, inside string) error {
		source.Path = inside
		var err error
		if rendered, err = compare.RenderTree(renderers.Render, tree, app, source, "", keys); err == nil {
			err = rendered.Err
		}
		if err != nil {
			return refusal(err)
		}
		return nil
	})
	return rendered, err
}

// refusal makes the answer no of a refused source; other errors stay as they are.
func refusal(err error) error {
	if p := problem.Of(err); p != nil && render.IsRefusal(err) {
		no := *p
		no.Kind, no.Err = problem.Negative, err
		return &no
	}
	return err
}

// open opens the directory that nothing outside is read of; inside is path within it.
func open(root, path string, use func(tree fs.FS, inside string) error) error {
	top, inside, err := bounds(root, path)
	if err != nil {
		return err
	}
	disk, err := os.OpenRoot(top)
	if err != nil {
		return &problem.Error{Kind: problem.Usage, Object: "directory " + top, Cause: err.Error(), Err: err}
	}
	defer func() { _ = disk.Close() }()
	return use(disk.FS(), inside)
}

// bounds finds the directory that nothing outside is read of, and path within it.
func bounds(root, path string) (top, inside string, err error) {
	full, err := filepath.Abs(path)
	if err == nil {
		full, err = filepath.EvalSymlinks(full)
	}
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "", "", &problem.Error{Kind: problem.Usage, Object: "directory " + path, Cause: "not found", Err: err}
		}
		return "", "", err
	}
	if top = root; top == "" {
		top = enclosing(full)
	}
	if top, err = filepath.Abs(top); err == nil {
		top, err = filepath.EvalSymlinks(top)
	}
	if err != nil {
		return "", "", &problem.Error{Kind: problem.Usage, Object: "--root", Cause: err.Error(), Err: err}
	}
	inside, err = filepath.Rel(top, full)
	if err != nil || !filepath.IsLocal(inside) {
		return "", "", &problem.Error{Kind: problem.Usage, Object: "directory " + path, Cause: "not below " + top, Remedy: "give another --root", Err: err}
	}
	return top, filepath.ToSlash(inside), nil
}

// enclosing is the git work tree that a directory is in, or the working directory when it is below that, or itself.
func enclosing(full string) string {
	for dir := full; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if here, err := os.Getwd(); err == nil {
		if inside, err := filepath.Rel(here, full); err == nil && filepath.IsLocal(inside) {
			return here
		}
	}
	return full
}
