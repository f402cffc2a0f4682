package manifests

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
)

// Loaded is what a directory or a file of this machine renders to.
type Loaded struct {
	Result *render.Result
	// Top is the directory of this machine whose files may define the kinds of the objects: that which nothing outside
	// is read of.
	Top string
	// Render renders the same of another tree.
	Render func(fs.FS) (*render.Result, error)
}

// Load renders a directory, or a single file, and passes it to use while the tree can be read. root bounds what is
// read, and namespace is where objects go that name none. An error of the source comes with the Top.
func Load(root, path, namespace string, source v1alpha1.ApplicationSource, use func(Loaded) error) (top string, err error) {
	keys, err := Keys()
	if err != nil {
		return "", err
	}
	options := render.Options{Keys: keys, Namespace: namespace}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		// Who names a link means what it leads to, wherever that is.
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return "", err
		}
		dir, name := filepath.Split(path)
		if dir == "" {
			dir = "."
		}
		top, _, err := bounds(dir, dir)
		if err != nil {
			return "", err
		}
		around := top
		if wider, _, err := bounds(root, dir); err == nil {
			around = wider
		}
		return top, open(dir, dir, func(tree fs.FS, inside string) error {
			file := v1alpha1.ApplicationSource{Path: inside, Directory: &v1alpha1.DirectorySource{Include: name}}
			again := func(tree fs.FS) (*render.Result, error) {
				return renderers.Render(onlyFile{tree, name}, file, options)
			}
			result, err := again(tree)
			if err != nil {
				return inWords(err, ofFile)
			}
			return use(Loaded{warningsInWords(result, ofFile), around, again})
		})
	}
	if top, _, err = bounds(root, path); err != nil {
		return "", err
	}
	return top, open(root, path, func(tree fs.FS, inside string) error {
		source.Path = inside
		again := func(tree fs.FS) (*render.Result, error) { return renderers.Render(tree, source, options) }
		result, err := again(tree)
		if err != nil {
			return inWords(err, inTurn{inFlags, ofFolder})
		}
		return use(Loaded{warningsInWords(result, inFlags), top, again})
	})
}

// Tree renders a folder of a tree, such as a commit of a repository.
func Tree(tree fs.FS, source v1alpha1.ApplicationSource, options render.Options) (*render.Result, error) {
	result, err := renderers.Render(tree, source, options)
	if err != nil {
		return nil, inWords(err, inFlags)
	}
	return warningsInWords(result, inFlags), nil
}
