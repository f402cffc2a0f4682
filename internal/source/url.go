package source

import (
	"os"
	"regexp"
	"strings"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/repository"
	"github.com/cyan-cd/cyan/internal/secret"
)

// parseURL reads every spelling that git takes. What names no place for certain, or would make git run something, is
// ErrRefused.
func parseURL(raw string) (repository.URL, error) {
	u, err := repository.Parse(raw)
	if p := problem.Of(err); p != nil {
		return repository.URL{}, newError(ErrRefused, repository.Shown(raw), p.Cause, p.Remedy)
	}
	return u, err
}

// looksLikeSCP recognizes [user@]host:path.
var looksLikeSCP = regexp.MustCompile(`^(?:[^@/:\s]+@)?(?:\[[0-9a-fA-F:.]+\]|[^@/:\s\[\]]{2,}):`)

// IsURL reports whether a text is where a repository is served, and no folder.
func IsURL(text string) bool {
	if _, err := os.Stat(text); err == nil {
		return false
	}
	return strings.Contains(text, "://") || looksLikeSCP.MatchString(text)
}

// withoutSecrets removes what stands before @ in the URLs of a text; the user of ssh stays.
func withoutSecrets(text string) string { return secret.WithoutCredentials(text) }
