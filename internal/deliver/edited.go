package deliver

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"time"

	"github.com/cyan-cd/cyan/internal/source"
)

// editedTree is a commit's tree with other contents in one file.
type editedTree struct {
	*source.Tree
	file string
	data []byte
}

func edit(tree *source.Tree, file string, data []byte) fs.FS { return editedTree{tree, file, data} }

func (t editedTree) is(name string) bool { return path.Clean(name) == t.file }

// Open opens the file as it is edited, or another as it is.
func (t editedTree) Open(name string) (fs.File, error) {
	if !t.is(name) {
		return t.Tree.Open(name)
	}
	info, err := t.Stat(name)
	if err != nil {
		return nil, err
	}
	return &openFile{Reader: bytes.NewReader(t.data), info: info}, nil
}

// ReadFile returns what the file is edited to, or another as it is.
func (t editedTree) ReadFile(name string) ([]byte, error) {
	if t.is(name) {
		return bytes.Clone(t.data), nil
	}
	return t.Tree.ReadFile(name)
}

// Stat returns the edited size.
func (t editedTree) Stat(name string) (fs.FileInfo, error) {
	info, err := t.Tree.Stat(name)
	if err != nil || !t.is(name) {
		return info, err
	}
	return editedInfo{info, int64(len(t.data))}, nil
}

// Hash is only that of files as they were committed, so the edited one has none of its own; renders of an edited tree
// are not cached.
func (t editedTree) Hash(name string) (string, error) {
	if t.is(name) {
		return "edited", nil
	}
	return t.Tree.Hash(name)
}

type editedInfo struct {
	fs.FileInfo
	size int64
}

func (i editedInfo) Size() int64        { return i.size }
func (i editedInfo) ModTime() time.Time { return time.Time{} }

type openFile struct {
	io.Reader
	info fs.FileInfo
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }
