package repo

import (
	"net/url"
	"slices"
	"strings"
)

// FromPage splits the address of a page on which a host shows a folder or a file, as people copy it from their
// browser, into the repository, the revision and the path; ok is false for any other URL. A branch with a slash in its
// name cannot be told from a path.
func FromPage(address string) (repository, revision, path string, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return "", "", "", false
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	at := slices.IndexFunc(parts, func(s string) bool { return s == "tree" || s == "blob" || s == "src" })
	if at < 2 || at+1 >= len(parts) {
		return "", "", "", false
	}
	repositoryParts, rest := parts[:at], parts[at+1:]
	switch {
	case parts[at] == "src" && len(rest) > 1 && slices.Contains([]string{"branch", "tag", "commit"}, rest[0]):
		// Gitea and Forgejo.
		rest = rest[1:]
	case parts[at] == "src" && u.Hostname() != "bitbucket.org":
		return "", "", "", false
	case parts[at-1] == "-":
		// GitLab.
		repositoryParts = parts[:at-1]
	}
	u.Path, u.RawQuery, u.Fragment = "/"+strings.Join(repositoryParts, "/"), "", ""
	return u.String(), rest[0], strings.Join(rest[1:], "/"), true
}
