package source

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Tree is one commit's files, read from the object store when they are asked for. Symbolic links are reported and never
// followed: Stat is Lstat, and opening a link is an error. A submodule is an irregular file that cannot be opened.
// Names are bytes as git has them. It is safe for concurrent use.
type Tree struct {
	treeObjects
	root string
}

// treeObjects are the objects of one commit's tree, read and kept.
type treeObjects struct {
	mirror *bareMirror
	commit string
	// failed is the first error that the mirror, and not the commit, was the cause of.
	failed atomic.Pointer[error]
}

var (
	_ fs.ReadDirFS  = (*Tree)(nil)
	_ fs.ReadFileFS = (*Tree)(nil)
	_ fs.StatFS     = (*Tree)(nil)
	_ fs.ReadLinkFS = (*Tree)(nil)
)

// Errors of opening what is no file of its own.
var (
	errLink      = errors.New("symbolic link, which is not followed")
	errSubmodule = errors.New("submodule, whose files are in another repository")
	errDirectory = errors.New("is a directory")
	errNoDir     = errors.New("not a directory")
)

// newTree returns the files of a commit that is in the mirror.
func newTree(ctx context.Context, r *bareMirror, sha string) (*Tree, error) {
	info, err := readSettled(ctx, r, func() (objectInfo, error) { return r.objects.info(ctx, sha+"^{tree}") })
	if err != nil {
		return nil, r.checkCorrupt(sha, err)
	}
	return &Tree{treeObjects: treeObjects{mirror: r, commit: sha}, root: info.name}, nil
}

// object reads an object of the tree in full.
func (t *treeObjects) object(hash string) (objectInfo, []byte, error) {
	type object struct {
		info objectInfo
		data []byte
	}
	life := t.mirror.store.life
	got, err := readSettled(life, t.mirror, func() (object, error) {
		info, data, err := t.mirror.objects.contents(life, hash, t.mirror.store.opts.MaxFileSize)
		return object{info, data}, err
	})
	return got.info, got.data, err
}

// Err returns why something in the tree could not be read that the commit has; nil when all could be. What was made
// of a tree with such an error says nothing about the commit.
func (t *treeObjects) Err() error {
	if err := t.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// unreadable returns the error of an object that could not be read, and has [Tree.Err] remember it, unless the object
// itself is the cause.
func (t *treeObjects) unreadable(object string, err error) error {
	err = t.mirror.checkCorrupt(object, err)
	var large *tooLarge
	if !errors.As(err, &large) {
		t.failed.CompareAndSwap(nil, &err)
	}
	return err
}

// Commit is the full SHA that the tree is of.
func (t *Tree) Commit() string { return t.commit }

// treeEntry is one line of a tree object.
type treeEntry struct {
	name string
	mode fs.FileMode
	hash string
}

const modeSubmodule = fs.ModeIrregular

// gitModes are the modes that git gives to entries. Old programs wrote group-writable files.
var gitModes = map[string]fs.FileMode{
	"40000": fs.ModeDir | 0o755, "040000": fs.ModeDir | 0o755, "100644": 0o644, "100664": 0o644, "100755": 0o755, "120000": fs.ModeSymlink | 0o777, "160000": modeSubmodule,
}

// parseTree reads a tree object: mode, space, name, NUL, twenty bytes of hash, again and again. Names that would leave
// the directory are refused.
func parseTree(data []byte) ([]treeEntry, error) {
	var entries []treeEntry
	for len(data) > 0 {
		space := bytes.IndexByte(data, ' ')
		end := bytes.IndexByte(data, 0)
		const hashSize = 20
		if space < 0 || end < space || len(data) < end+1+hashSize {
			return nil, errors.New("the tree object is cut off")
		}
		mode, ok := gitModes[string(data[:space])]
		name := string(data[space+1 : end])
		switch {
		case !ok:
			return nil, fmt.Errorf("the tree object has an entry of the unknown mode %.20q", data[:space])
		case name == "" || name == "." || name == ".." || strings.Contains(name, "/"):
			return nil, fmt.Errorf("the tree object has an entry named %q", name)
		}
		entries = append(entries, treeEntry{name, mode, hex.EncodeToString(data[end+1 : end+1+hashSize])})
		data = data[end+1+hashSize:]
	}
	// Git sorts a directory as if its name ended in a slash; fs.FS wants plain order.
	slices.SortFunc(entries, func(a, b treeEntry) int { return strings.Compare(a.name, b.name) })
	return entries, nil
}

func (t *treeObjects) entries(hash string) ([]treeEntry, error) {
	if found, ok := t.mirror.store.cache.get("t" + hash); ok {
		return found.([]treeEntry), nil
	}
	info, data, err := t.object(hash)
	if err != nil {
		return nil, t.unreadable(hash, err)
	}
	if info.kind != "tree" {
		return nil, t.unreadable(hash, errMissing)
	}
	entries, err := parseTree(data)
	if err != nil {
		return nil, fmt.Errorf("repository %s: commit %s: %w", t.mirror.name, t.commit, err)
	}
	const perEntry = 96
	t.mirror.store.cache.put("t"+hash, entries, int64(len(data)+perEntry*len(entries)+perEntry))
	return entries, nil
}

// validPath is fs.ValidPath without its wish for UTF-8: git's names are bytes.
func validPath(name string) bool {
	if name == "." {
		return true
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsRune(part, 0) {
			return false
		}
	}
	return true
}

// find walks down to name. What is below a file or a link is not there.
func (t *Tree) find(name string) (treeEntry, error) {
	if !validPath(name) {
		return treeEntry{}, fs.ErrInvalid
	}
	here := treeEntry{name: ".", mode: fs.ModeDir | 0o755, hash: t.root}
	if name == "." {
		return here, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		if !here.mode.IsDir() {
			return treeEntry{}, fs.ErrNotExist
		}
		entries, err := t.entries(here.hash)
		if err != nil {
			return treeEntry{}, err
		}
		i, ok := slices.BinarySearchFunc(entries, part, func(e treeEntry, want string) int { return strings.Compare(e.name, want) })
		if !ok {
			return treeEntry{}, fs.ErrNotExist
		}
		here = entries[i]
	}
	return here, nil
}

func (t *treeObjects) blob(e treeEntry) ([]byte, error) {
	if found, ok := t.mirror.store.cache.get("b" + e.hash); ok {
		return found.([]byte), nil
	}
	_, data, err := t.object(e.hash)
	if err != nil {
		return nil, t.unreadable(e.hash, err)
	}
	const small = 256 << 10
	if len(data) <= small {
		t.mirror.store.cache.put("b"+e.hash, data, int64(len(data))+96)
	}
	return data, nil
}

// size asks for the head of a blob alone.
func (t *treeObjects) size(e treeEntry) (int64, error) {
	if found, ok := t.mirror.store.cache.get("b" + e.hash); ok {
		return int64(len(found.([]byte))), nil
	}
	if found, ok := t.mirror.store.cache.get("s" + e.hash); ok {
		return found.(int64), nil
	}
	info, err := readSettled(t.mirror.store.life, t.mirror, func() (objectInfo, error) { return t.mirror.objects.info(t.mirror.store.life, e.hash) })
	if err != nil {
		return 0, t.unreadable(e.hash, err)
	}
	t.mirror.store.cache.put("s"+e.hash, info.size, 128)
	return info.size, nil
}

func pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// Hash returns git's name of what is at a path: of the blob for a file or a link, of the tree for a directory, of the
// commit for a submodule.
func (t *Tree) Hash(name string) (string, error) {
	e, err := t.find(name)
	if err != nil {
		return "", pathError("hash", name, err)
	}
	return e.hash, nil
}

// ReadFile returns a file's bytes, which are the caller's.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	e, err := t.find(name)
	if err == nil {
		err = checkReadable(e)
	}
	if err != nil {
		return nil, pathError("read", name, err)
	}
	data, err := t.blob(e)
	if err != nil {
		return nil, pathError("read", name, err)
	}
	return bytes.Clone(data), nil
}

func checkReadable(e treeEntry) error {
	switch {
	case e.mode.IsDir():
		return errDirectory
	case e.mode&fs.ModeSymlink != 0:
		return errLink
	case e.mode&modeSubmodule != 0:
		return errSubmodule
	}
	return nil
}

// ReadDir lists a directory in the order of names.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := t.list(name)
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	return list, nil
}

func (t *Tree) list(name string) ([]fs.DirEntry, error) {
	e, err := t.find(name)
	if err != nil {
		return nil, err
	}
	if !e.mode.IsDir() {
		if err := checkReadable(e); err != nil {
			return nil, err
		}
		return nil, errNoDir
	}
	entries, err := t.entries(e.hash)
	if err != nil {
		return nil, err
	}
	list := make([]fs.DirEntry, len(entries))
	for i, e := range entries {
		list[i] = dirEntry{t, e}
	}
	return list, nil
}

// Stat is Lstat: links are never followed.
func (t *Tree) Stat(name string) (fs.FileInfo, error) { return t.stat("stat", name) }

// Lstat describes a file, a directory, a link or a submodule.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) { return t.stat("lstat", name) }

func (t *Tree) stat(op, name string) (fs.FileInfo, error) {
	e, err := t.find(name)
	if err != nil {
		return nil, pathError(op, name, err)
	}
	info, err := dirEntry{t, e}.Info()
	if err != nil {
		return nil, pathError(op, name, err)
	}
	return info, nil
}

// ReadLink returns where a link points, as it is written.
func (t *Tree) ReadLink(name string) (string, error) {
	e, err := t.find(name)
	if err == nil && e.mode&fs.ModeSymlink == 0 {
		err = fs.ErrInvalid
	}
	if err != nil {
		return "", pathError("readlink", name, err)
	}
	data, err := t.blob(e)
	if err != nil {
		return "", pathError("readlink", name, err)
	}
	return string(data), nil
}

// Open opens a file or a directory.
func (t *Tree) Open(name string) (fs.File, error) {
	e, err := t.find(name)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	if e.mode.IsDir() {
		list, err := t.list(name)
		if err != nil {
			return nil, pathError("open", name, err)
		}
		return &openDirectory{entry: dirEntry{t, e}, name: name, rest: list}, nil
	}
	if err := checkReadable(e); err != nil {
		return nil, pathError("open", name, err)
	}
	data, err := t.blob(e)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return &openFile{Reader: bytes.NewReader(data), entry: dirEntry{t, e}}, nil
}

type dirEntry struct {
	tree *Tree
	treeEntry
}

func (d dirEntry) Name() string { return path.Base(d.name) }

func (d dirEntry) IsDir() bool { return d.mode.IsDir() }

func (d dirEntry) Type() fs.FileMode { return d.mode.Type() }

func (d dirEntry) String() string { return fs.FormatDirEntry(d) }

func (d dirEntry) Info() (fs.FileInfo, error) {
	info := fileInfo{treeEntry: d.treeEntry}
	if d.mode.IsRegular() || d.mode&fs.ModeSymlink != 0 {
		size, err := d.tree.size(d.treeEntry)
		if err != nil {
			return nil, err
		}
		info.size = size
	}
	return info, nil
}

type fileInfo struct {
	treeEntry
	size int64
}

func (i fileInfo) Name() string { return i.name }

func (i fileInfo) Size() int64 { return i.size }

func (i fileInfo) Mode() fs.FileMode { return i.mode }

// ModTime is zero: git keeps no times of files.
func (i fileInfo) ModTime() time.Time { return time.Time{} }

func (i fileInfo) IsDir() bool { return i.mode.IsDir() }

func (i fileInfo) Sys() any { return nil }

func (i fileInfo) String() string { return fs.FormatFileInfo(i) }

type openFile struct {
	*bytes.Reader
	entry dirEntry
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.entry.Info() }

func (f *openFile) Close() error { return nil }

type openDirectory struct {
	entry dirEntry
	name  string
	rest  []fs.DirEntry
}

func (d *openDirectory) Stat() (fs.FileInfo, error) { return d.entry.Info() }

func (d *openDirectory) Close() error { return nil }

func (d *openDirectory) Read([]byte) (int, error) { return 0, pathError("read", d.name, errDirectory) }

func (d *openDirectory) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		list := d.rest
		d.rest = nil
		return list, nil
	}
	if len(d.rest) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.rest))
	list := d.rest[:n]
	d.rest = d.rest[n:]
	return list, nil
}
