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

// RepositoryTreeOf returns what a form offers of a commit's files. The folders near the top come first: of a repository
// that is too large to be looked at as a whole, these are offered.
func RepositoryTreeOf(branches, tags []string, files fs.FS) RepositoryTree {
	t := RepositoryTree{Branches: firstOf(branches, mostNames), Tags: firstOf(tags, mostNames), Folders: []Folder{}, More: len(branches) > mostNames || len(tags) > mostNames}
	entries := 0
	for waiting := []string{"."}; len(waiting) > 0; waiting = waiting[1:] {
		if entries > mostEntries || len(t.Folders) == mostFolders {
			t.More = true
			break
		}
		// What cannot be read is passed over.
		found, _ := fs.ReadDir(files, waiting[0])
		entries += len(found)
		kind, below := contentOf(found)
		if kind != "" {
			t.Folders = append(t.Folders, Folder{waiting[0], kind})
		}
		for _, name := range below {
			waiting = append(waiting, path.Join(waiting[0], name))
		}
	}
	slices.SortFunc(t.Folders, func(a, b Folder) int { return strings.Compare(a.Path, b.Path) })
	return t
}

// contentOf returns what a folder can be rendered as, "" for nothing, and the folders in it. A chart cannot be, nor
// what is below it.
func contentOf(entries []fs.DirEntry) (kind string, below []string) {
	chart := false
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasPrefix(name, "."):
		case e.IsDir():
			below = append(below, name)
		case !e.Type().IsRegular():
		case name == "Chart.yaml":
			chart = true
		case name == "kustomization.yaml", name == "kustomization.yml", name == "Kustomization":
			kind = "Kustomize"
		case kind == "" && slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name)):
			kind = "Directory"
		}
	}
	if chart && kind != "Kustomize" {
		return "", nil
	}
	return kind, below
}
