package view

import (
	"fmt"
	"reflect"
	"testing"
	"testing/fstest"
)

func TestRepositoryTreeOf(t *testing.T) {
	files := fstest.MapFS{}
	for _, name := range []string{"README.md", "k8s/base/kustomization.yaml", "k8s/base/a.yaml", "k8s/base/zz.yaml", "plain/a.yml", "json/a.json", "old/Kustomization", "other/kustomization.yml", ".github/a.yaml", "go/main.go"} {
		files[name] = &fstest.MapFile{}
	}
	got := RepositoryTreeOf([]string{"main"}, nil, files)
	want := RepositoryTree{Branches: []string{"main"}, Tags: []string{}, Folders: []Folder{{"json", "Directory"}, {"k8s/base", "Kustomize"}, {"old", "Kustomize"}, {"other", "Kustomize"}, {"plain", "Directory"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := RepositoryTreeOf(nil, nil, fstest.MapFS{"a.yaml": &fstest.MapFile{}}); !reflect.DeepEqual(got.Folders, []Folder{{".", "Directory"}}) || got.Branches == nil {
		t.Errorf("files at the top: got %+v", got)
	}
}

func TestRepositoryTreesAreBounded(t *testing.T) {
	many := fstest.MapFS{}
	for i := range mostFolders + 50 {
		many[fmt.Sprintf("f%05d/a.yaml", i)] = &fstest.MapFile{}
	}
	if got := RepositoryTreeOf(nil, nil, many); len(got.Folders) != mostFolders || !got.More {
		t.Errorf("got %d folders, more: %v", len(got.Folders), got.More)
	}
	long := fstest.MapFS{}
	for i := range mostEntries + 10 {
		long[fmt.Sprintf("f/a%05d.txt", i)] = &fstest.MapFile{}
	}
	if got := RepositoryTreeOf(make([]string, mostNames+1), nil, long); !got.More || len(got.Branches) != mostNames {
		t.Errorf("got %d branches, more: %v", len(got.Branches), got.More)
	}
}
