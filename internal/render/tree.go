package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render/sops"
)

// maxLinks is the number of symbolic links in one path; more of them is a loop. Linux has the same number.
const maxLinks = 40

// maxTarget is the longest path that a symbolic link may have. Linux has the same number.
const maxTarget = 4096

// Tree is a commit's tree while one source is rendered from it: it follows symbolic links inside the tree, refuses
// those that leave it, spends from the budget, and records what was looked at. It serves one goroutine.
type Tree struct {
	fsys   fs.FS
	budget *Budget
	keys   sops.Keys
	record record

	// files are known from before; nil for none. With anew they are read all the same.
	files *FileStore
	anew  bool
	// directory is that of the source, resolved; "" where it is not known yet.
	directory string
	// parsed are the files that were taken from there.
	parsed map[string]bool

	lstats    map[string]fs.FileMode
	contents  map[string][]byte
	documents map[string][]Document
}

// NewTree returns a Tree of which nothing was read yet.
func NewTree(fsys fs.FS, budget *Budget, keys sops.Keys) *Tree {
	return &Tree{
		fsys:      fsys,
		budget:    budget,
		keys:      keys,
		record:    record{Hashed(fsys), ReadSet{}},
		parsed:    map[string]bool{},
		lstats:    map[string]fs.FileMode{},
		contents:  map[string][]byte{},
		documents: map[string][]Document{},
	}
}

// Budget returns what is left to be spent on the rendering.
func (t *Tree) Budget() *Budget { return t.budget }

// ReadSet returns what was looked at until now.
func (t *Tree) ReadSet() ReadSet { return t.record.reads }

// noEntry is the mode of what is not there.
const noEntry = fs.ModeIrregular | fs.ModeTemporary

// Lstat returns the mode of what is at a path, without following a symbolic link.
func (t *Tree) Lstat(name string) (fs.FileMode, error) {
	if mode, ok := t.lstats[name]; ok {
		return mode, nil
	}
	info, err := fs.Lstat(t.fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.lstats[name] = noEntry
		t.record.reads[name] = ""
		return noEntry, nil
	case errors.Is(err, fs.ErrInvalid):
		// No file can have such a name, and none ever will.
		return noEntry, nil
	case err != nil:
		return 0, fmt.Errorf("looking at %s: %w", name, err)
	}
	t.lstats[name] = info.Mode()
	return info.Mode(), nil
}

// Resolve follows the symbolic links of a path, relative to the root. The error is fs.ErrNotExist when nothing is
// there, and a *problem.Error when the path leaves the tree.
func (t *Tree) Resolve(name string) (string, fs.FileMode, error) {
	rest := strings.Split(path.Clean(name), "/")
	current, mode, links := ".", fs.ModeDir, 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		if part == "" || part == "." {
			continue
		}
		if err := t.budget.Spend(Entries, 1, name); err != nil {
			return "", 0, err
		}
		if !mode.IsDir() {
			if err := t.record.note(current); err != nil {
				return "", 0, err
			}
			return "", 0, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		if part == ".." {
			if current == "." {
				return "", 0, &problem.Error{Kind: problem.Usage, File: name, Cause: "path leaves the repository", Remedy: "nothing outside the repository is read: copy what is needed into it"}
			}
			current = path.Dir(current)
			continue
		}
		next := path.Join(current, part)
		nextMode, err := t.Lstat(next)
		switch {
		case err != nil:
			return "", 0, err
		case nextMode == noEntry:
			return "", 0, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		case nextMode&fs.ModeIrregular != 0:
			return "", 0, t.refuseSubmodule(next)
		case nextMode&fs.ModeSymlink == 0:
			current, mode = next, nextMode
			continue
		}
		target, err := t.readLink(next, &links)
		if err != nil {
			return "", 0, err
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return current, mode, nil
}

func (t *Tree) readLink(name string, followed *int) (string, error) {
	if err := t.record.note(name); err != nil {
		return "", err
	}
	if *followed++; *followed > maxLinks {
		return "", &problem.Error{Kind: problem.Usage, File: name, Cause: "symbolic link in a loop", Remedy: "replace it by the file that is meant"}
	}
	if info, err := fs.Lstat(t.fsys, name); err == nil && info.Size() > maxTarget {
		return "", &problem.Error{Kind: problem.Usage, File: name, Cause: fmt.Sprintf("symbolic link with a target of %d bytes, which is more than the limit of %d", info.Size(), maxTarget), Remedy: "replace it by the file that is meant"}
	}
	target, err := fs.ReadLink(t.fsys, name)
	if err != nil {
		return "", fmt.Errorf("reading the link %s: %w", name, err)
	}
	if path.IsAbs(target) || strings.Contains(target, `\`) {
		return "", &problem.Error{Kind: problem.Usage, File: name, Cause: fmt.Sprintf("symbolic link to the absolute path %q", target), Remedy: "nothing outside the repository is read: copy what is needed into it"}
	}
	if path.Join(path.Dir(name), target) == ".." || strings.HasPrefix(path.Join(path.Dir(name), target), "../") {
		return "", &problem.Error{Kind: problem.Usage, File: name, Cause: fmt.Sprintf("symbolic link that leaves the repository (%s)", target), Remedy: "nothing outside the repository is read: copy what is needed into it"}
	}
	return target, nil
}

// Dangling is the error of a symbolic link that leads to nothing.
func Dangling(t *Tree, name string) error {
	target, err := fs.ReadLink(t.fsys, name)
	if err != nil {
		return fmt.Errorf("reading the link %s: %w", name, err)
	}
	return &problem.Error{
		Kind: problem.Usage, File: name, Cause: fmt.Sprintf("symbolic link to %q, which is not there", target), Remedy: "remove it, or exclude it with source.directory.exclude",
	}
}

// ReadFile reads a file by its resolved path.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	data, ok := t.contents[name]
	if !ok {
		var err error
		if data, err = t.load(name); err != nil {
			return nil, err
		}
		t.contents[name] = data
	}
	return data, t.budget.Spend(Bytes, int64(len(data)), name)
}

func (t *Tree) load(name string) ([]byte, error) {
	mode, err := t.Lstat(name)
	switch {
	case err != nil:
		return nil, err
	case mode == noEntry:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case mode&fs.ModeIrregular != 0:
		return nil, t.refuseSubmodule(name)
	case !mode.IsRegular():
		return nil, &problem.Error{Kind: problem.Usage, File: name, Cause: "not a regular file", Remedy: "devices and the like are not read: replace it by a file"}
	}
	info, err := fs.Lstat(t.fsys, name)
	if err != nil {
		return nil, fmt.Errorf("looking at %s: %w", name, err)
	}
	if err := t.budget.fileSize(name, info.Size()); err != nil {
		return nil, err
	}
	if !t.parsed[name] {
		if err := t.budget.Spend(Files, 1, name); err != nil {
			return nil, err
		}
	}
	data, err := fs.ReadFile(t.fsys, name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if err := t.budget.fileSize(name, int64(len(data))); err != nil {
		return nil, err
	}
	if err := t.record.note(name); err != nil {
		return nil, err
	}
	if bytes.HasPrefix(data, largeFilePointer) {
		return nil, &problem.Error{
			Kind: problem.Usage, File: name, Cause: "file is a Git LFS pointer, and what it points to is not in the repository",
			Remedy: "Git LFS is not served for what is rendered: commit the file itself (`git lfs untrack`)",
		}
	}
	return t.keys.Decrypt(name, data)
}

// largeFilePointer is what Git LFS commits in the place of a file begins with.
var largeFilePointer = []byte("version https://git-lfs.github.com/spec/")

// refuseSubmodule returns why nothing is read from a submodule, and notes which commit it was at.
func (t *Tree) refuseSubmodule(name string) error {
	if err := t.record.note(name); err != nil {
		return err
	}
	return &problem.Error{
		Kind: problem.Usage, File: name, Cause: "git submodule, whose files are in another repository, which is not read",
		Remedy: "make that repository the source of an Application, or copy what is needed into this one",
	}
}

// List lists a directory by its resolved path.
func (t *Tree) List(dir string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(t.fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", DisplayPath(dir), err)
	}
	if err := t.budget.Spend(Entries, int64(len(entries))+1, DisplayPath(dir)); err != nil {
		return nil, err
	}
	if err := t.record.noteListing(dir, entries); err != nil {
		return nil, err
	}
	return entries, nil
}
