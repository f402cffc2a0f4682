package view

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

func filesOf(names ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for _, name := range names {
		files[name] = &fstest.MapFile{}
	}
	return files
}

// Which folders a form offers, and as what.
func TestRepositoryTreeOf(t *testing.T) {
	for _, c := range []struct {
		rule, files, want string
	}{
		{"nothing", "", ""},
		{"a kustomization, whatever it is called", "a/kustomization.yaml b/kustomization.yml c/Kustomization", "a:Kustomize b:Kustomize c:Kustomize"},
		{"whatever else is there", "a/a.yaml a/kustomization.yaml a/zz.yaml", "a:Kustomize"},
		{"manifests, in YAML or JSON", "a/a.yaml b/b.yml c/c.json", "a:Directory b:Directory c:Directory"},
		{"files at the top", "a.yaml", ".:Directory"},
		{"folders in folders", "k8s/base/kustomization.yaml k8s/overlays/prod/kustomization.yaml", "k8s/base:Kustomize k8s/overlays/prod:Kustomize"},
		{"files of another kind are none", "README.md go/main.go yaml/yaml a.yaml.bak", ""},
		{"hidden folders and files are none", ".github/a.yaml .golangci.yml", ""},
		{"a chart is none, nor what is in it", "chart/Chart.yaml chart/values.yaml chart/templates/a.yaml other/a.yaml", "other:Directory"},
		{"a kustomization beside a chart", "a/Chart.yaml a/kustomization.yaml a/b/c.yaml", "a:Kustomize a/b:Directory"},
		{"in the order of their paths", "z/a.yaml a/z/a.yaml a/b/c/d.yaml", "a/b/c:Directory a/z:Directory z:Directory"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got := RepositoryTreeOf(nil, nil, filesOf(strings.Fields(c.files)...))
			var is []string
			for _, f := range got.Folders {
				is = append(is, f.Path+":"+f.Type)
			}
			if text := strings.Join(is, " "); text != c.want || got.More || got.Folders == nil || got.Branches == nil || got.Tags == nil {
				t.Errorf("got %s (%+v), want %s", text, got, c.want)
			}
		})
	}
	files := filesOf("b/a.yaml")
	for name, mode := range map[string]fs.FileMode{"a/link.yaml": fs.ModeSymlink, "a/kustomization.yaml": fs.ModeSymlink, "b/Chart.yaml": fs.ModeSymlink} {
		files[name] = &fstest.MapFile{Mode: mode}
	}
	if got := RepositoryTreeOf([]string{"main"}, []string{"v1"}, files); !reflect.DeepEqual(got, RepositoryTree{Branches: []string{"main"}, Tags: []string{"v1"}, Folders: []Folder{{"b", "Directory"}}}) {
		t.Errorf("links are no files: got %+v", got)
	}
}

// broken is a tree of files in which a folder cannot be read.
type broken struct{ fstest.MapFS }

func (b broken) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == "a" {
		return nil, errors.New("broken")
	}
	return b.MapFS.ReadDir(name)
}

func TestAFolderThatCannotBeReadIsPassedOver(t *testing.T) {
	got := RepositoryTreeOf(nil, nil, broken{filesOf("a/a.yaml", "b/a.yaml")})
	if !reflect.DeepEqual(got.Folders, []Folder{{"b", "Directory"}}) {
		t.Errorf("got %+v", got.Folders)
	}
}

func TestRepositoryTreesAreBounded(t *testing.T) {
	folders := func(count int) fstest.MapFS {
		files := fstest.MapFS{}
		for i := range count {
			files[fmt.Sprintf("f%05d/a.yaml", i)] = &fstest.MapFile{}
		}
		return files
	}
	for _, c := range []struct {
		rule           string
		files          fs.FS
		branches, tags int
		want           int
		more           bool
	}{
		{"as many folders as there may be", folders(mostFolders), 0, 0, mostFolders, false},
		{"more folders", folders(mostFolders + 50), 0, 0, mostFolders, true},
		{"as many names as there may be", filesOf(), mostNames, mostNames, 0, false},
		{"more branches", filesOf(), mostNames + 1, 0, 0, true},
		{"more tags", filesOf(), 0, mostNames + 1, 0, true},
	} {
		got := RepositoryTreeOf(make([]string, c.branches), make([]string, c.tags), c.files)
		if len(got.Folders) != c.want || got.More != c.more || len(got.Branches) != min(c.branches, mostNames) || len(got.Tags) != min(c.tags, mostNames) {
			t.Errorf("%s: got %d folders, %d branches, %d tags, more: %v", c.rule, len(got.Folders), len(got.Branches), len(got.Tags), got.More)
		}
	}
	// A folder that is too large hides nothing that stands beside it, but what is further down.
	for _, c := range []struct {
		entries int
		want    string
	}{{mostEntries - 4, "[{deep/down Directory} {k8s Directory}] false"}, {mostEntries - 3, "[{deep/down Directory} {k8s Directory}] false"}, {mostEntries - 2, "[{k8s Directory}] true"}} {
		files := filesOf("k8s/a.yaml", "deep/down/b.yaml")
		for i := range c.entries - 2 {
			files[fmt.Sprintf("assets/%05d.txt", i)] = &fstest.MapFile{}
		}
		if got := RepositoryTreeOf(nil, nil, files); fmt.Sprint(got.Folders, got.More) != c.want {
			t.Errorf("beside %d files: got %v, more: %v, want %s", c.entries, got.Folders, got.More, c.want)
		}
	}
}
