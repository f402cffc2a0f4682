package directory

import (
	"fmt"

	"github.com/cyan-cd/cyan/internal/glob"
	"github.com/cyan-cd/cyan/internal/problem"
)

// parseGlob reads a pattern for paths below a source's path, in which a star matches slashes as well; nil for an empty
// one.
func parseGlob(field, pattern string) (*glob.Pattern, error) {
	if pattern == "" {
		return nil, nil
	}
	p, err := glob.Compile(pattern, "")
	if err != nil {
		return nil, &problem.Error{
			Kind: problem.Usage, Field: field, Cause: fmt.Sprintf("%.100q: invalid pattern: %v", pattern, err), Remedy: "write it with *, ?, [a-z] and {a,b}",
		}
	}
	return &p, nil
}
