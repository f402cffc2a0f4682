package renderers_test

import (
	"errors"
	"io/fs"
	"path"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
)

// failingTree cannot read one file, until it is mended.
type failingTree struct {
	fstest.MapFS
	unreadable string
	err        error
}

var errDamaged = errors.New("damaged mirror")

func (f *failingTree) Open(name string) (fs.File, error) {
	if path.Base(name) == f.unreadable {
		f.err = errDamaged
		return nil, &fs.PathError{Op: "open", Path: name, Err: f.err}
	}
	return f.MapFS.Open(name)
}

func (f *failingTree) ReadFile(name string) ([]byte, error) {
	if path.Base(name) == f.unreadable {
		_, err := f.Open(name)
		return nil, err
	}
	return f.MapFS.ReadFile(name)
}

func (f *failingTree) Hash(name string) (string, error) {
	if name == "." {
		return "root", nil
	}
	return render.Hashed(f.MapFS).Hash(name)
}

func (f *failingTree) Err() error { return f.err }

// A file that cannot be read for a moment is what the next rendering reads: nothing of it is remembered.
func TestWhatFailsForAMomentIsReadAgain(t *testing.T) {
	configMap := &fstest.MapFile{Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"), Mode: 0o644}
	for name, files := range map[string]fstest.MapFS{
		"directory":     {"a.yaml": configMap},
		"kustomization": {"kustomization.yaml": {Data: []byte("resources: [a.yaml]\n"), Mode: 0o644}, "a.yaml": configMap},
		"patch": {
			"kustomization.yaml": {Data: []byte("resources: [b.yaml]\npatches: [{path: a.yaml}]\n"), Mode: 0o644},
			"a.yaml":             configMap, "b.yaml": configMap,
		},
		"base": {
			"kustomization.yaml": {Data: []byte("resources: [base]\n"), Mode: 0o644}, "base/kustomization.yaml": {Data: []byte("resources: [a.yaml]\n"), Mode: 0o644},
			"base/a.yaml": configMap,
		},
	} {
		t.Run(name, func(t *testing.T) {
			render := render.Cached(renderers.Render, 4, 1<<20)
			source := v1alpha1.ApplicationSource{Path: "."}
			if _, err := render(&failingTree{MapFS: files, unreadable: "a.yaml"}, source, renderOptions()); !errors.Is(err, errDamaged) {
				t.Fatalf("got %v, want %v", err, errDamaged)
			}
			result, err := render(&failingTree{MapFS: files}, source, renderOptions())
			if err != nil || len(result.Objects) != 1 {
				t.Fatalf("got %v, want one object, as there is nothing wrong any more", err)
			}
		})
	}
}

func renderOptions() render.Options { return render.Options{Namespace: "default"} }
