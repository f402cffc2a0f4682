package skaffold

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxFound bounds the files that one pattern stands for.
const maxFound = 10_000

// globbed returns the files that a pattern stands for: those that it matches, and all below folders that it matches.
func globbed(fsys fs.FS, pattern string) []string {
	matches := []string{pattern}
	if _, err := fs.Stat(fsys, pattern); err != nil {
		matches, _ = fs.Glob(fsys, pattern)
	}
	var all []string
	for _, match := range matches {
		_ = fs.WalkDir(fsys, match, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				all = append(all, name)
			}
			if len(all) > maxFound {
				return fs.SkipAll
			}
			return nil
		})
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Files returns the files of raw manifests, each once, in order.
func (r Raw) Files(fsys fs.FS) []string { return globbed(fsys, r.Pattern) }

// isManifest reports whether a file has a name of YAML or JSON.
func isManifest(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(path.Ext(name)))
}
