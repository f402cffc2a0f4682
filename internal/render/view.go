package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// maxLinks is the number of symbolic links in one path; more of them is a loop. Linux has the same number.
const maxLinks = 40

// view is a tree that is watched while it is read: it follows symbolic links inside the tree, refuses those that leave it, holds the limits, and notes what was looked at.
type view struct {
	tree   fs.FS
	hashes HashFS
	limits Limits
	reads  ReadSet

	lstats   map[string]fs.FileMode
	contents map[string][]byte
	size     int64
}

func newView(tree fs.FS, limits Limits) *view {
	return &view{
		tree:     tree,
		hashes:   Hashed(tree),
		limits:   limits,
		reads:    ReadSet{},
		lstats:   map[string]fs.FileMode{},
		contents: map[string][]byte{},
	}
}

// noEntry is the mode of what is not there.
const noEntry = fs.ModeIrregular | fs.ModeTemporary

func (v *view) lstat(name string) (fs.FileMode, error) {
	if mode, ok := v.lstats[name]; ok {
		return mode, nil
	}
	info, err := fs.Lstat(v.tree, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.lstats[name] = noEntry
		v.reads[name] = ""
		return noEntry, nil
	case errors.Is(err, fs.ErrInvalid):
		// No file can have such a name, and none ever will.
		return noEntry, nil
	case err != nil:
		return 0, fmt.Errorf("looking at %s: %w", name, err)
	}
	v.lstats[name] = info.Mode()
	return info.Mode(), nil
}

// note records the hash of what is at a path that is no link.
func (v *view) note(name string) error {
	if _, ok := v.reads[name]; ok {
		return nil
	}
	hash, err := v.hashes.Hash(name)
	if err != nil {
		return fmt.Errorf("hashing %s: %w", name, err)
	}
	v.reads[name] = hash
	return nil
}

// resolve follows the symbolic links of a cleaned path, relative to the root. What is not there gives fs.ErrNotExist; what leaves the tree gives an *Error.
func (v *view) resolve(name string) (string, fs.FileMode, error) {
	rest := strings.Split(path.Clean(name), "/")
	current, mode, links := ".", fs.ModeDir, 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		if part == "" || part == "." {
			continue
		}
		if !mode.IsDir() {
			if err := v.note(current); err != nil {
				return "", 0, err
			}
			return "", 0, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		if part == ".." {
			if current == "." {
				return "", 0, &Error{File: name, Problem: "it leads out of the repository", Remedy: "nothing outside the repository is read: copy what is needed into it"}
			}
			current = path.Dir(current)
			continue
		}
		next := joinName(current, part)
		nextMode, err := v.lstat(next)
		switch {
		case err != nil:
			return "", 0, err
		case nextMode == noEntry:
			return "", 0, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		case nextMode&fs.ModeSymlink == 0:
			current, mode = next, nextMode
			continue
		}
		target, err := v.readLink(next, &links)
		if err != nil {
			return "", 0, err
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return current, mode, nil
}

func (v *view) readLink(name string, followed *int) (string, error) {
	if err := v.note(name); err != nil {
		return "", err
	}
	if *followed++; *followed > maxLinks {
		return "", &Error{File: name, Problem: "this symbolic link goes round in a loop", Remedy: "replace it by the file that is meant"}
	}
	target, err := fs.ReadLink(v.tree, name)
	if err != nil {
		return "", fmt.Errorf("reading the link %s: %w", name, err)
	}
	if path.IsAbs(target) || strings.Contains(target, `\`) {
		return "", &Error{File: name, Problem: fmt.Sprintf("this symbolic link points at the absolute path %q", target), Remedy: "nothing outside the repository is read: copy what is needed into it"}
	}
	if path.Join(path.Dir(name), target) == ".." || strings.HasPrefix(path.Join(path.Dir(name), target), "../") {
		return "", &Error{File: name, Problem: fmt.Sprintf("this symbolic link leaves the repository (%s)", target), Remedy: "nothing outside the repository is read: copy what is needed into it"}
	}
	return target, nil
}

// readFile reads a file by its resolved path.
func (v *view) readFile(name string) ([]byte, error) {
	data, ok := v.contents[name]
	if !ok {
		var err error
		if data, err = v.load(name); err != nil {
			return nil, err
		}
		v.contents[name] = data
	}
	if v.size += int64(len(data)); v.size > v.limits.TotalSize {
		return nil, &Error{File: name, Problem: fmt.Sprintf("more than %d bytes were read until here, which is the limit", v.limits.TotalSize), Remedy: "split the source into several Applications"}
	}
	return data, nil
}

func (v *view) load(name string) ([]byte, error) {
	mode, err := v.lstat(name)
	switch {
	case err != nil:
		return nil, err
	case mode == noEntry:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case !mode.IsRegular():
		return nil, &Error{File: name, Problem: "this is not a regular file", Remedy: "submodules, devices and the like are not read: replace it by a file"}
	case len(v.contents) >= v.limits.Files:
		return nil, &Error{File: name, Problem: fmt.Sprintf("%d files were read until here, which is the limit", v.limits.Files), Remedy: "split the source into several Applications"}
	}
	info, err := fs.Lstat(v.tree, name)
	if err != nil {
		return nil, fmt.Errorf("looking at %s: %w", name, err)
	}
	if info.Size() > v.limits.FileSize {
		return nil, &Error{File: name, Problem: fmt.Sprintf("this file has %d bytes, and the limit is %d", info.Size(), v.limits.FileSize), Remedy: "split it"}
	}
	data, err := fs.ReadFile(v.tree, name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(data)) > v.limits.FileSize {
		return nil, &Error{File: name, Problem: fmt.Sprintf("this file has %d bytes, and the limit is %d", len(data), v.limits.FileSize), Remedy: "split it"}
	}
	if err := v.note(name); err != nil {
		return nil, err
	}
	return data, nil
}

// list lists a directory by its resolved path.
func (v *view) list(dir string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(v.tree, dir)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", display(dir), err)
	}
	if hash, ok := v.reads[dir]; !ok || !strings.Contains(hash, listingSeparator) {
		hash, err := v.hashes.Hash(dir)
		if err != nil {
			return nil, fmt.Errorf("hashing %s: %w", display(dir), err)
		}
		v.reads[dir] = hash + listingSeparator + namesDigest(entries)
	}
	return entries, nil
}

// nearestDirectory is a remedy for a directory that does not exist: the closest name beside it.
func (v *view) nearestDirectory(name string) string {
	parent, mode, err := v.resolve(path.Dir(name))
	if err != nil || !mode.IsDir() {
		return "check source.path and source.targetRevision"
	}
	entries, err := fs.ReadDir(v.tree, parent)
	if err != nil {
		return "check source.path and source.targetRevision"
	}
	best, distance := "", len(path.Base(name))/2+1
	for _, e := range entries {
		if d := editDistance(path.Base(name), e.Name()); e.IsDir() && d < distance {
			best, distance = e.Name(), d
		}
	}
	if best == "" {
		return "check source.path and source.targetRevision"
	}
	return fmt.Sprintf("did you mean %s?", joinName(parent, best))
}

// editDistance is the number of letters to add, remove or change to get from one word to the other.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
