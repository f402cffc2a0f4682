package source

import (
	"fmt"
	"regexp"
	"strings"
)

var objectName = regexp.MustCompile(`^[0-9a-f]{40}$`)

var (
	shortName = regexp.MustCompile(`^[0-9a-f]{7,39}$`)
	// refName is narrower than git's own rule and holds every name that people give to branches and tags.
	badRefName = regexp.MustCompile(`[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/$|^/|\.lock$|\.$`)
)

// checkRevision refuses what git would read as an option or as an expression.
func checkRevision(repository, revision string) error {
	if _, ok := versionRange(revision); ok {
		return nil
	}
	if strings.HasPrefix(revision, "-") || badRefName.MatchString(revision) || len(revision) > 1024 {
		return newError(ErrRefused, repository, fmt.Sprintf("%.200q cannot be a revision", revision), "give a branch, a tag, a commit SHA, HEAD, or a range of versions such as 1.x")
	}
	return nil
}
