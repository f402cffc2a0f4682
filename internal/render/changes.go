package render

import (
	"path"
	"strings"
)

// Change is a file in which two trees differ.
type Change struct {
	Path string
	// Content is set when both trees have the file, as the same kind of file, with different content.
	Content bool
}

// Changes are the files in which two trees differ, with the directories that they are in.
type Changes struct {
	// files are those files; below are directories with such a file somewhere below, true when one of these came or went.
	files map[string]bool
	below map[string]bool
}

// NewChanges returns the changes that a list of files makes up.
func NewChanges(all []Change) Changes {
	c := Changes{files: make(map[string]bool, len(all)), below: map[string]bool{}}
	for _, change := range all {
		c.files[change.Path] = true
		for dir := path.Dir(change.Path); ; dir = path.Dir(dir) {
			c.below[dir] = c.below[dir] || !change.Content
			if dir == "." || dir == "/" {
				break
			}
		}
	}
	return c
}

// Within reports whether a file of a directory, or somewhere below it, is among the changes.
func (c Changes) Within(dir string) bool {
	_, within := c.below[path.Clean(dir)]
	return within
}

// TouchedBy reports whether changes may have changed what was read. It errs on the side of yes: where a file came or
// went, every directory above it that was listed counts as changed.
func (s ReadSet) TouchedBy(c Changes) bool {
	for name, was := range s {
		if c.files[name] {
			return true
		}
		if names, below := c.below[name]; below && (names || !strings.Contains(was, listingSeparator)) {
			return true
		}
	}
	return false
}
