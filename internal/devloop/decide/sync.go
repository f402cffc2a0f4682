package decide

import (
	"path"
	"strings"
)

// SyncRule is where files go. Src is a pattern of paths in the artifact's context; the destination is Dest, joined with
// the path of the file without Strip.
type SyncRule struct {
	Src, Dest, Strip string
}

// destination returns where the first rule that matches has a file, or where the Dockerfile does. What is gone is
// copied by rules alone: what stands below it in the image would come back.
func (a Artifact) destination(c Change) (string, bool) {
	inside, ok := below(a.Context, c.Path)
	if !ok {
		return "", false
	}
	for _, rule := range a.Sync {
		if matchesPath(rule.Src, inside) {
			// Whatever is left of the path, it stays below the destination.
			return path.Join(rule.Dest, path.Clean("/"+strings.TrimPrefix(inside, rule.Strip))), true
		}
	}
	if c.Gone {
		return "", false
	}
	return a.Inferred.destination(inside)
}
