package repository

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/cyan-cd/cyan/internal/glob"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Permitted returns nil when patterns permit a repository: one of them has to match, and none of those that begin
// with an exclamation mark may. A pattern is a URL in any spelling, in which * stands for anything but a slash, **
// for anything, ? for one character, [ab] and {a,b} for one of several; * alone permits everything. Case does not
// count. A pattern that is invalid permits nothing, and denies everything where it was to deny.
func Permitted(patterns []string, u URL) error {
	permitted := false
	for _, p := range patterns {
		pattern, denies := strings.CutPrefix(strings.TrimSpace(p), "!")
		matched, err := matches(pattern, u, denies)
		switch {
		case err != nil && denies:
			return notPermitted(u, fmt.Sprintf("pattern %q, which was to deny some repositories, is invalid", p), "correct the pattern")
		case matched && denies:
			return notPermitted(u, fmt.Sprintf("denied by the pattern %q", p), "choose a repository that is permitted, or remove the pattern")
		}
		permitted = permitted || matched
	}
	if !permitted {
		return notPermitted(u, "no pattern permits it", "permit its URL, or a pattern of it")
	}
	return nil
}

// Match reports whether a pattern, as [Permitted] takes them, matches a repository, whatever its user is. A pattern
// that is empty, or denies, is invalid here.
func Match(pattern string, u URL) (bool, error) {
	pattern = strings.TrimSpace(pattern)
	switch {
	case pattern == "":
		return false, errors.New("pattern is empty")
	case strings.HasPrefix(pattern, "!"):
		return false, errors.New("a leading ! denies, which only lists that permit can do")
	}
	return matches(pattern, u, true)
}

func notPermitted(u URL, cause, remedy string) error {
	return &problem.Error{Kind: problem.Refused, Object: "repository " + u.String(), Cause: cause, Remedy: remedy}
}

// matches reports whether a pattern matches. What denies matches whatever the user is.
func matches(pattern string, u URL, denies bool) (bool, error) {
	if pattern == "*" || pattern == "**" {
		return true, nil
	}
	if len(pattern) > longest {
		return false, fmt.Errorf("longer than %d bytes", longest)
	}
	user, normal := normalPattern(pattern)
	compiled, err := glob.Compile(normal, "/")
	if err != nil {
		return false, err
	}
	if !compiled.Match(plain(u)) {
		return false, nil
	}
	if denies || user == "" {
		return true, nil
	}
	users, err := glob.Compile(user, "")
	return err == nil && users.Match(strings.ToLower(u.user)), err
}

// plain is a URL as patterns are compared with it: without a user, decoded and in lower case.
func plain(u URL) string {
	return strings.ToLower(u.Origin() + strings.TrimSuffix(u.path, "/"))
}

var (
	// patternURL is scheme, user, host with port, path; all but the scheme may have wildcards.
	patternURL = regexp.MustCompile(`^([a-z0-9+*?.-]+)://(?:([^/@]*)@)?([^/]*)(/.*)?$`)
	// patternSCP is user, host and path of user@host:path.
	patternSCP = regexp.MustCompile(`^([^@/:\s]+)@([^@/:\s]+):(.*)$`)
)

// wildcards are what makes a pattern more than a URL.
const wildcards = `*?[]{}\\!`

// normalPattern returns a pattern in the one spelling that URLs have, as far as wildcards let it, and the user that it
// asks for.
func normalPattern(pattern string) (user, normal string) {
	pattern = strings.ToLower(strings.TrimSpace(pattern))
	if u, err := Parse(pattern); err == nil && !strings.ContainsAny(u.path+u.user, wildcards) && !strings.ContainsAny(u.host, "*?") {
		return userOf(u.scheme, u.user), glob.QuoteMeta(plain(u))
	}
	if strings.HasPrefix(pattern, "/") {
		pattern = "file://" + pattern
	}
	if m := patternSCP.FindStringSubmatch(pattern); m != nil && !strings.Contains(pattern, "://") {
		pattern = "ssh://" + m[1] + "@" + m[2] + "/" + strings.TrimPrefix(m[3], "/")
	}
	m := patternURL.FindStringSubmatch(pattern)
	if m == nil {
		return "", pattern
	}
	scheme, user, authority, at := m[1], m[2], m[3], m[4]
	return userOf(scheme, user), scheme + "://" + normalAuthority(scheme, authority) + normalPath(scheme, at)
}

// userOf is the user that matters: that of ssh, unless it may be any.
func userOf(scheme, user string) string {
	if scheme != "ssh" || user == "*" {
		return ""
	}
	return user
}

var address = regexp.MustCompile(`^\[[0-9a-f:.]+\](:[0-9]+)?$`)

func normalAuthority(scheme, authority string) string {
	if u, err := Parse(scheme + "://" + authority); err == nil && (address.MatchString(authority) || !strings.ContainsAny(authority, wildcards)) {
		return glob.QuoteMeta(u.authority())
	}
	if port := defaultPorts[scheme]; port != "" {
		authority = strings.TrimSuffix(authority, ":"+port)
	}
	return authority
}

func normalPath(scheme, p string) string {
	if p == "" {
		return ""
	}
	p = path.Clean(encoded.ReplaceAllStringFunc(p, func(code string) string {
		char, err := url.PathUnescape(code)
		if err != nil {
			return code
		}
		return glob.QuoteMeta(char)
	}))
	if scheme != "file" {
		p, _ = cutDotGit(p)
	}
	return strings.TrimSuffix(p, "/")
}
