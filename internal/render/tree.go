package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/cyan-cd/cyan/internal/problem"
)

// maxLinks is the number of symbolic links in one path; more of them is a loop. Linux has the same number.
const maxLinks = 40

// Tree is a commit's tree while one source is rendered from it: it follows symbolic links inside the tree, refuses
// those that leave it, holds the limits, and records what was looked at. It serves one goroutine.
type Tree struct {
	fsys   fs.FS
	hashes HashFS
	limits Limits
	reads  ReadSet

	lstats   map[string]fs.FileMode
	contents map[string][]byte
	size     int64
}

// NewTree returns a Tree of which nothing was read yet.
func NewTree(fsys fs.FS, limits Limits) *Tree {
	return &Tree{
		fsys:     fsys,
		hashes:   Hashed(fsys),
		limits:   limits.orDefault(),
		reads:    ReadSet{},
		lstats:   map[string]fs.FileMode{},
		contents: map[string][]byte{},
	}
}

// Limits returns what rendering may cost, with a value in each field.
func (t *Tree) Limits() Limits { return t.limits }

// ReadSet returns what was looked at until now.
func (t *Tree) ReadSet() ReadSet { return t.reads }

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
		t.reads[name] = ""
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

// note records the hash of what is at a path that is no link.
func (t *Tree) note(name string) error {
	if _, ok := t.reads[name]; ok {
		return nil
	}
	hash, err := t.hashes.Hash(name)
	if err != nil {
		return fmt.Errorf("hashing %s: %w", name, err)
	}
	t.reads[name] = hash
	return nil
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
		if !mode.IsDir() {
			if err := t.note(current); err != nil {
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
	if err := t.note(name); err != nil {
		return "", err
	}
	if *followed++; *followed > maxLinks {
		return "", &problem.Error{Kind: problem.Usage, File: name, Cause: "symbolic link in a loop", Remedy: "replace it by the file that is meant"}
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
	if t.size += int64(len(data)); t.size > t.limits.TotalSize {
		return nil, &problem.Error{Kind: problem.Usage, File: name, Cause: fmt.Sprintf("reading limit of %d bytes reached", t.limits.TotalSize), Remedy: "split the source into several Applications"}
	}
	return data, nil
}

func (t *Tree) load(name string) ([]byte, error) {
	mode, err := t.Lstat(name)
	switch {
	case err != nil:
		return nil, err
	case mode == noEntry:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case !mode.IsRegular():
		return nil, &problem.Error{Kind: problem.Usage, File: name, Cause: "not a regular file", Remedy: "submodules, devices and the like are not read: replace it by a file"}
	case len(t.contents) >= t.limits.Files:
		return nil, &problem.Error{Kind: problem.Usage, File: name, Cause: fmt.Sprintf("reading limit of %d files reached", t.limits.Files), Remedy: "split the source into several Applications"}
	}
	info, err := fs.Lstat(t.fsys, name)
	if err != nil {
		return nil, fmt.Errorf("looking at %s: %w", name, err)
	}
	if info.Size() > t.limits.FileSize {
		return nil, &problem.Error{Kind: problem.Usage, File: name, Cause: fmt.Sprintf("%d bytes are more than the limit of %d", info.Size(), t.limits.FileSize), Remedy: "split it"}
	}
	data, err := fs.ReadFile(t.fsys, name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(data)) > t.limits.FileSize {
		return nil, &problem.Error{Kind: problem.Usage, File: name, Cause: fmt.Sprintf("%d bytes are more than the limit of %d", len(data), t.limits.FileSize), Remedy: "split it"}
	}
	if err := t.note(name); err != nil {
		return nil, err
	}
	return data, nil
}

// List lists a directory by its resolved path.
func (t *Tree) List(dir string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(t.fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", DisplayPath(dir), err)
	}
	if hash, ok := t.reads[dir]; !ok || !strings.Contains(hash, listingSeparator) {
		hash, err := t.hashes.Hash(dir)
		if err != nil {
			return nil, fmt.Errorf("hashing %s: %w", DisplayPath(dir), err)
		}
		t.reads[dir] = hash + listingSeparator + namesDigest(entries)
	}
	return entries, nil
}
