package directory

import (
	"fmt"

	gobwas "github.com/gobwas/glob"

	"github.com/cyan-cd/cyan/internal/problem"
)

// glob is a pattern for paths below a source's path. A star matches slashes as well, and {a,b} is a or b.
type glob struct{ pattern *gobwas.Pattern }

func parseGlob(field, pattern string) (glob, error) {
	if pattern == "" {
		return glob{}, nil
	}
	g, err := gobwas.Compile(pattern)
	if err != nil {
		return glob{}, &problem.Error{Kind: problem.Usage, Cause: fmt.Sprintf("%s %q: invalid pattern: %v", field, pattern, err), Remedy: "write it with *, ?, [a-z] and {a,b}"}
	}
	return glob{g}, nil
}

func (g glob) given() bool                 { return g.pattern != nil }
func (g glob) matches(relPath string) bool { return g.pattern.Match(relPath) }
