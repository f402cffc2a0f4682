package manifests

import (
	"bytes"
	"io/fs"
	"path"
	"path/filepath"
	"slices"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
)

// File renders a single file on disk; what lies beside it is not looked at.
func File(path string) (*render.Result, error) {
	result := &render.Result{}
	dir, name := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	keys, err := Keys()
	if err != nil {
		return result, err
	}
	err = open(dir, dir, func(tree fs.FS, inside string) error {
		source := v1alpha1.ApplicationSource{Path: inside, Directory: &v1alpha1.DirectorySource{Include: name}}
		var err error
		if result, err = renderers.Render(onlyFile{tree, name}, source, render.Options{Keys: keys}); err != nil {
			return inWords(refusal(err), ofFile)
		}
		return nil
	})
	return result, err
}

// onlyFile is a file system with one file of another.
type onlyFile struct {
	all  fs.FS
	name string
}

func (o onlyFile) hides(op, name string) error {
	if name == "." || name == o.name {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// Open implements fs.FS.
func (o onlyFile) Open(name string) (fs.File, error) {
	if err := o.hides("open", name); err != nil {
		return nil, err
	}
	return o.all.Open(name)
}

// ReadDir implements fs.ReadDirFS.
func (o onlyFile) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := o.hides("readdir", name); err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(o.all, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() != o.name }), err
}

// ReadLink implements fs.ReadLinkFS.
func (o onlyFile) ReadLink(name string) (string, error) {
	return fs.ReadLink(o.all, name)
}

// Lstat implements fs.ReadLinkFS.
func (o onlyFile) Lstat(name string) (fs.FileInfo, error) {
	return fs.Lstat(o.all, name)
}

// EditedIn is the tree of a directory, in which some files have another content, by their full paths without symbolic
// links.
func EditedIn(top string, tree fs.FS, files map[string][]byte) fs.FS {
	inside := map[string][]byte{}
	for file, data := range files {
		if name, err := filepath.Rel(top, file); err == nil && filepath.IsLocal(name) {
			inside[filepath.ToSlash(name)] = data
		}
	}
	return edited{tree, inside}
}

// edited is a tree in which some files have another content.
type edited struct {
	tree  fs.FS
	files map[string][]byte
}

// Open implements fs.FS.
func (e edited) Open(name string) (fs.File, error) {
	if data, there := e.files[name]; there {
		return openFile{bytes.NewReader(data), oneFile{path.Base(name), data}}, nil
	}
	return e.tree.Open(name)
}

// ReadDir implements fs.ReadDirFS.
func (e edited) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(e.tree, name) }

// ReadLink implements fs.ReadLinkFS.
func (e edited) ReadLink(name string) (string, error) { return fs.ReadLink(e.tree, name) }

// Lstat implements fs.ReadLinkFS.
func (e edited) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(e.tree, name) }
