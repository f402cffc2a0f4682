package decide

import (
	"path"
	"slices"
	"strings"
)

// SyncRule is where files go. Src is a pattern of paths in the artifact's context; the destination is Dest, joined with
// the path of the file without Strip.
type SyncRule struct {
	Src, Dest, Strip string
}

// destination returns where the first rule that matches has a file, or where the Dockerfile does. What is gone is
// copied by rules alone: what stands below it in the image would come back. A link that is named itself is built,
// since a build has what it leads to instead, and so is one that no rule has.
func (a Artifact) destination(c Change) (string, bool) {
	inside, ok := below(a.Context, c.Path)
	if !ok {
		return "", false
	}
	for _, rule := range a.Sync {
		if matchesPath(rule.Src, inside) {
			// Whatever is left of the path, it stays below the destination.
			return path.Join(rule.Dest, path.Clean("/"+strings.TrimPrefix(inside, rule.Strip))), !c.Link || path.Clean(rule.Src) != inside
		}
	}
	if c.Gone || c.Link {
		return "", false
	}
	return a.Inferred.destination(inside)
}

// Arrange returns what is removed from a container and what is put into it behind that, of files by where they are
// there. What is put where a folder was needs its place, and so does what is put into a folder where a file was.
func Arrange(files map[string]Change) (remove, put []string) {
	for dest, c := range files {
		if !c.Gone {
			put = append(put, dest)
			continue
		}
		remove = append(remove, highest(files, dest))
	}
	slices.Sort(remove)
	slices.Sort(put)
	return slices.Compact(remove), put
}

// highest is the highest of the files that a path is, or is below.
func highest(files map[string]Change, dest string) string {
	top := dest
	for at := dest; at != path.Dir(at); at = path.Dir(at) {
		if _, is := files[at]; is {
			top = at
		}
	}
	return top
}
