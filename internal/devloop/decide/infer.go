package decide

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
)

// Inferred is what is copied into containers where the Dockerfile has it copied from the context as it is.
type Inferred struct {
	// Patterns are those of paths in the context that are meant.
	Patterns []string
	Copies   []Copied
}

// Copied is a copy of a Dockerfile: files of the context, and where they go. A Dest that ends in a slash is a folder.
type Copied struct {
	Sources []string
	Dest    string
}

// destination returns where a file of the context goes. There has to be one place: what is copied to several, or to
// none, is built.
func (i Inferred) destination(inside string) (string, bool) {
	if !slices.ContainsFunc(i.Patterns, func(pattern string) bool { return matchesPath(pattern, inside) }) {
		return "", false
	}
	var found []string
	for _, c := range i.Copies {
		for _, source := range c.Sources {
			if dest, ok := c.of(source, inside); ok && !slices.Contains(found, dest) {
				found = append(found, dest)
			}
		}
	}
	if len(found) != 1 {
		return "", false
	}
	return found[0], true
}

// of returns where a source of the copy has a file.
func (c Copied) of(source, inside string) (string, bool) {
	folder := strings.HasSuffix(c.Dest, "/")
	if source == "" {
		return path.Join(c.Dest, inside), true
	}
	if rest, below := strings.CutPrefix(inside, source+"/"); below {
		// The contents of a folder go where it goes.
		return path.Join(c.Dest, rest), true
	}
	matched, err := path.Match(source, inside)
	switch {
	case err != nil || !matched && source != inside:
		return "", false
	case folder || len(c.Sources) > 1 || strings.ContainsAny(source, "*?["):
		return path.Join(c.Dest, path.Base(inside)), true
	}
	return c.Dest, true
}

// matchesPath reports whether a pattern is one of a path itself, or of a folder above; ** stands for any folders.
func matchesPath(pattern, inside string) bool {
	m, err := patternmatcher.New([]string{strings.TrimPrefix(pattern, "./")})
	if err != nil {
		return false
	}
	matched, err := m.MatchesOrParentMatches(inside)
	return err == nil && matched
}
