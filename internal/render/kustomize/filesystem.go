package kustomize

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

// mount is where kustomize sees the root of the tree. Whatever it asks for elsewhere is outside.
const mount = "/repository"

// fileSystem shows a tree to kustomize. It cannot be written to, but for the files that are laid over the tree before
// it is used.
type fileSystem struct {
	tree *render.Tree
	// overlay replaces the content of files, by resolved path.
	overlay map[string][]byte
	// failure is the first error of reading the tree: not about what it holds, and lost in what kustomize makes of it.
	failure error
}

// note keeps an error of reading the tree.
func (k *fileSystem) note(err error) {
	if k.failure == nil && err != nil && !errors.Is(err, fs.ErrNotExist) && !render.IsRefusal(err) {
		k.failure = err
	}
}

var _ filesys.FileSystem = (*fileSystem)(nil)

var errReadOnly = errors.New("a commit cannot be changed")

// inside turns a path of kustomize's into one of the tree.
func inside(name string) (string, error) {
	if !path.IsAbs(name) {
		name = path.Join(mount, name)
	}
	name = path.Clean(name)
	if name == mount {
		return ".", nil
	}
	if rest, ok := strings.CutPrefix(name, mount+"/"); ok {
		return rest, nil
	}
	return "", &problem.Error{Kind: problem.Usage, File: name, Cause: "path outside the repository", Remedy: "nothing outside the repository is read: copy what is needed into it"}
}

func (k *fileSystem) resolve(name string) (string, fs.FileMode, error) {
	name, err := inside(name)
	if err != nil {
		return "", 0, err
	}
	if _, ok := k.overlay[name]; ok {
		return name, 0, nil
	}
	resolved, mode, err := k.tree.Resolve(name)
	k.note(err)
	return resolved, mode, err
}

func (k *fileSystem) IsDir(name string) bool {
	_, mode, err := k.resolve(name)
	return err == nil && mode.IsDir()
}

func (k *fileSystem) Exists(name string) bool {
	_, _, err := k.resolve(name)
	return err == nil
}

func (k *fileSystem) ReadDir(name string) ([]string, error) {
	dir, _, err := k.resolve(name)
	if err != nil {
		return nil, err
	}
	entries, err := k.tree.List(dir)
	k.note(err)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func (k *fileSystem) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	resolved, mode, err := k.resolve(name)
	if err != nil {
		return "", "", err
	}
	abs := path.Join(mount, resolved)
	if mode.IsDir() {
		return filesys.ConfirmedDir(abs), "", nil
	}
	return filesys.ConfirmedDir(path.Dir(abs)), path.Base(abs), nil
}

func (k *fileSystem) ReadFile(name string) ([]byte, error) {
	resolved, mode, err := k.resolve(name)
	if err != nil {
		return nil, err
	}
	if mode.IsDir() {
		return nil, fmt.Errorf("%s is a directory", resolved)
	}
	if data, ok := k.overlay[resolved]; ok {
		return data, nil
	}
	data, err := k.tree.Reread(resolved)
	k.note(err)
	return data, err
}

func (k *fileSystem) Glob(pattern string) ([]string, error) {
	rel, err := inside(pattern)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(path.Dir(rel), `*?[\`) {
		return nil, &problem.Error{Kind: problem.Usage, File: rel, Cause: "a pattern may only be in the last part of a path", Remedy: "name the directories"}
	}
	names, err := k.ReadDir(path.Dir(path.Join(mount, rel)))
	if err != nil {
		return nil, err
	}
	var found []string
	for _, name := range names {
		if ok, err := path.Match(path.Base(rel), name); err != nil {
			return nil, fmt.Errorf("matching %q: %w", rel, err)
		} else if ok {
			found = append(found, path.Join(mount, path.Dir(rel), name))
		}
	}
	return found, nil
}

func (k *fileSystem) Open(string) (filesys.File, error)    { return nil, errReadOnly }
func (k *fileSystem) Walk(string, filepath.WalkFunc) error { return errReadOnly }
func (k *fileSystem) Create(string) (filesys.File, error)  { return nil, errReadOnly }
func (k *fileSystem) Mkdir(string) error                   { return errReadOnly }
func (k *fileSystem) MkdirAll(string) error                { return errReadOnly }
func (k *fileSystem) RemoveAll(string) error               { return errReadOnly }
func (k *fileSystem) WriteFile(name string, _ []byte) error {
	return fmt.Errorf("writing %s: %w", name, errReadOnly)
}
