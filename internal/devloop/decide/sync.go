package decide

import (
	"path"
	"strings"

	"github.com/moby/patternmatcher"
)

// SyncRule is where files go. Src is a pattern of paths in the artifact's context; the destination is Dest, joined with
// the path of the file without Strip.
type SyncRule struct {
	Src, Dest, Strip string
}

// destination returns where the first rule that matches has a file.
func (a Artifact) destination(file string) (string, bool) {
	inside, ok := below(a.Context, file)
	if !ok {
		return "", false
	}
	for _, rule := range a.Sync {
		if !rule.matches(inside) {
			continue
		}
		return path.Join(rule.Dest, strings.TrimPrefix(inside, rule.Strip)), true
	}
	return "", false
}

// matches reports whether the pattern is one of a file itself; ** stands for any folders.
func (r SyncRule) matches(inside string) bool {
	m, err := patternmatcher.New([]string{strings.TrimPrefix(r.Src, "./")})
	if err != nil {
		return false
	}
	matched, err := m.MatchesOrParentMatches(inside)
	return err == nil && matched
}
