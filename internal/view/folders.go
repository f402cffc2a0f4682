package view

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// What a form offers at most, and how much of a repository is looked at for it.
const (
	mostFolders = 1000
	mostEntries = 20000
	mostNames   = 1000
)

// RepositoryTree is what of a repository a form offers to choose from.
type RepositoryTree struct {
	Branches []string `json:"branches"`
	Tags     []string `json:"tags"`
	Folders  []Folder `json:"folders" doc:"those that something can be rendered from"`
	More     bool     `json:"more,omitempty" doc:"whether some are left out"`
}

// Folder is one of a repository.
type Folder struct {
	Path string `json:"path"`
	Type string `json:"type" enum:"Kustomize,Directory"`
}

// RepositoryTreeOf returns what a form offers of a commit's files. A walk that is too long is cut off.
func RepositoryTreeOf(branches, tags []string, files fs.FS) RepositoryTree {
	t := RepositoryTree{Branches: firstOf(branches, mostNames), Tags: firstOf(tags, mostNames), Folders: []Folder{}, More: len(branches) > mostNames || len(tags) > mostNames}
	kinds, entries := map[string]string{}, 0
	_ = fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		entries++
		switch {
		case entries > mostEntries || len(kinds) > mostFolders:
			t.More = true
			return fs.SkipAll
		case err != nil:
			return fs.SkipDir
		case e.IsDir() && strings.HasPrefix(e.Name(), ".") && name != ".":
			return fs.SkipDir
		case e.Type().IsRegular():
			note(kinds, path.Dir(name), e.Name())
		}
		return nil
	})
	for folder, kind := range kinds {
		t.Folders = append(t.Folders, Folder{folder, kind})
	}
	slices.SortFunc(t.Folders, func(a, b Folder) int { return strings.Compare(a.Path, b.Path) })
	t.Folders = t.Folders[:min(len(t.Folders), mostFolders)]
	return t
}

// note takes what a file makes of its folder.
func note(kinds map[string]string, folder, file string) {
	switch {
	case file == "kustomization.yaml", file == "kustomization.yml", file == "Kustomization":
		kinds[folder] = "Kustomize"
	case kinds[folder] == "" && slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(file)):
		kinds[folder] = "Directory"
	}
}
