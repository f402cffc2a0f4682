package manifests

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
)

// longestStream is how much is read of standard input.
const longestStream = 64 << 20

// Stream renders manifests that come by standard input.
func Stream(in io.Reader, options render.Options) (*render.Result, error) {
	return stream(in, "standard input", "stdin.yaml", options)
}

// Pipe renders manifests that come by what is no regular file, such as a shell's <(COMMAND).
func Pipe(path string, options render.Options) (*render.Result, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, &problem.Error{Kind: problem.Usage, Object: path, Cause: err.Error(), Err: err}
	}
	defer func() { _ = in.Close() }()
	name := filepath.Base(path)
	if !render.IsManifest(name) {
		name += ".yaml"
	}
	return stream(in, path, name, options)
}

// stream renders what a reader has, as a file of a name.
func stream(in io.Reader, object, name string, options render.Options) (*render.Result, error) {
	data, err := io.ReadAll(io.LimitReader(in, longestStream+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", object, err)
	case len(data) > longestStream:
		return nil, &problem.Error{Kind: problem.Refused, Object: object, Cause: fmt.Sprintf("more than the limit of %d bytes", longestStream), Remedy: "give it in parts"}
	}
	options.Limits.FileSize = longestStream
	if options.Keys, err = Keys(); err != nil {
		return nil, err
	}
	return one(name, data, options)
}

func one(name string, data []byte, options render.Options) (*render.Result, error) {
	result, err := renderers.Render(oneFile{name, data}, v1alpha1.ApplicationSource{Path: ".", Directory: &v1alpha1.DirectorySource{Recurse: true}}, options)
	if err != nil {
		return nil, inWords(refusal(err), ofFile)
	}
	return warningsInWords(result, ofFile), nil
}

// oneFile is a directory with a file.
type oneFile struct {
	name string
	data []byte
}

var _ fs.FS = oneFile{}

// Open implements fs.FS.
func (f oneFile) Open(name string) (fs.File, error) {
	switch name {
	case ".":
		return &openDirectory{of: f}, nil
	case f.name:
		return openFile{bytes.NewReader(f.data), f}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

type openFile struct {
	*bytes.Reader
	of oneFile
}

func (o openFile) Stat() (fs.FileInfo, error) { return info{o.of.name, o.of.data, 0o444}, nil }
func (openFile) Close() error                 { return nil }

type openDirectory struct {
	of   oneFile
	read bool
}

func (*openDirectory) Stat() (fs.FileInfo, error) { return info{".", nil, fs.ModeDir | 0o555}, nil }
func (*openDirectory) Close() error               { return nil }
func (*openDirectory) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: ".", Err: fs.ErrInvalid}
}

func (o *openDirectory) ReadDir(int) ([]fs.DirEntry, error) {
	if o.read {
		return nil, io.EOF
	}
	o.read = true
	return []fs.DirEntry{fs.FileInfoToDirEntry(info{o.of.name, o.of.data, 0o444})}, nil
}

type info struct {
	name string
	data []byte
	mode fs.FileMode
}

func (i info) Name() string      { return i.name }
func (i info) Size() int64       { return int64(len(i.data)) }
func (i info) Mode() fs.FileMode { return i.mode }
func (info) ModTime() time.Time  { return time.Time{} }
func (i info) IsDir() bool       { return i.mode.IsDir() }
func (info) Sys() any            { return nil }
