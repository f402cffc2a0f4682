package source

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// allowedTransports are what git may use; anything else could run programs.
var allowedTransports = []string{"http", "https", "ssh", "git", "file"}

var defaultPorts = map[string]string{"http": "80", "https": "443", "ssh": "22", "git": "9418"}

// caselessHosts are hosts that take owners and repositories in any case.
var caselessHosts = []string{"github.com", "gitlab.com", "bitbucket.org"}

var (
	// scpForm is [user@]host:path, which ssh takes. A host of one letter would be a drive.
	scpForm         = regexp.MustCompile(`^(?:([^@/:\s]+)@)?(\[[0-9a-fA-F:]+\]|[^@/:\s\[\]]{2,}):(.*)$`)
	transportHelper = regexp.MustCompile(`^[A-Za-z0-9_+.-]+::`)
)

// parseURL reads every spelling that git takes into scheme, user, host and path.
func parseURL(raw string) (*url.URL, error) {
	if strings.HasPrefix(raw, "/") {
		return &url.URL{Scheme: "file", Path: raw}, nil
	}
	if !strings.Contains(raw, "://") {
		m := scpForm.FindStringSubmatch(raw)
		if m == nil {
			return nil, fmt.Errorf("%q is neither a URL nor user@host:path", raw)
		}
		u := &url.URL{Scheme: "ssh", Host: m[2], Path: "/" + strings.TrimPrefix(m[3], "/")}
		if m[1] != "" {
			u.User = url.User(m[1])
		}
		return u, nil
	}
	u, err := url.Parse(raw)
	if err != nil {
		// The error of url.Parse repeats the URL, password and all.
		return nil, fmt.Errorf("%q is not a URL", withoutSecrets(raw))
	}
	u.Scheme = strings.ToLower(u.Scheme)
	return u, nil
}

// checkURL refuses what is no repository's address, or would make git run something.
func checkURL(raw string) (*url.URL, error) {
	problem, remedy := unsafeText(raw)
	if problem != "" {
		return nil, newError(ErrRefused, withoutSecrets(raw), problem, remedy)
	}
	u, err := parseURL(raw)
	if err != nil {
		return nil, newError(ErrRefused, withoutSecrets(raw), err.Error(), giveURL)
	}
	if problem, remedy = unusable(u, raw); problem != "" {
		return nil, newError(ErrRefused, withoutSecrets(raw), problem, remedy)
	}
	return u, nil
}

const giveURL = "give the repository's https, http, ssh, git or file URL"

// unsafeText returns why a text must not come near git as a URL, and what to do; empty when nothing speaks against it.
func unsafeText(raw string) (problem, remedy string) {
	switch {
	case raw == "":
		return "the repository's URL is empty", giveURL
	case strings.HasPrefix(raw, "-"):
		return "the repository's URL begins with a dash, which git would read as an option", giveURL
	case strings.IndexFunc(raw, unicode.IsControl) >= 0:
		return "the repository's URL has control characters in it", giveURL
	case transportHelper.MatchString(raw):
		return "the repository's URL names a transport helper, which would run a program", giveURL
	}
	return "", ""
}

// unusable returns why a URL is not followed, and what to do; empty when nothing speaks against it.
func unusable(u *url.URL, raw string) (problem, remedy string) {
	switch {
	case !slices.Contains(allowedTransports, u.Scheme):
		return fmt.Sprintf("the transport %q is not allowed", u.Scheme), giveURL
	case u.Scheme == "file" && u.Host != "":
		return "a file URL with a host means another machine", "write file:///path"
	case u.Scheme != "file" && u.Hostname() == "":
		return "the repository's URL has no host", giveURL
	case hasDashedPart(u):
		return "a part of the repository's URL begins with a dash, which ssh would read as an option", giveURL
	case u.Scheme != "http" && u.Scheme != "https" && passwordIn(raw) != "":
		return "a password in this kind of URL is never used", "leave it out, and give an SSH key where one is needed"
	}
	return "", ""
}

func hasDashedPart(u *url.URL) bool {
	return strings.HasPrefix(u.Host, "-") || strings.HasPrefix(u.User.Username(), "-") ||
		u.Scheme == "ssh" && strings.HasPrefix(strings.TrimLeft(u.Path, "/"), "-")
}

// NormalizeURL returns one string for every spelling of a repository's URL: case of the host, default port, trailing
// slash and .git, user@host:path for ssh://, user names of http. http, https and ssh stay apart. It never holds a
// password. What is no URL is given back trimmed.
func NormalizeURL(raw string) string {
	raw = strings.TrimSpace(raw)
	u, err := parseURL(raw)
	if err != nil {
		return withoutSecrets(raw)
	}
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && port != defaultPorts[u.Scheme] {
		host += ":" + port
	}
	p := path.Clean("/" + u.Path)
	if u.Scheme != "file" {
		// On disk, a and a.git may both be there.
		for strings.HasSuffix(p, ".git") {
			p = path.Clean(strings.TrimSuffix(p, ".git"))
		}
	}
	if slices.Contains(caselessHosts, u.Hostname()) {
		p = strings.ToLower(p)
	}
	n := url.URL{Scheme: u.Scheme, Host: host, Path: p, RawQuery: u.RawQuery}
	if u.Scheme == "ssh" && u.User != nil {
		n.User = url.User(u.User.Username())
	}
	return n.String()
}

// IsURL reports whether a text is where a repository is served, and no folder.
func IsURL(text string) bool {
	if _, err := os.Stat(text); err == nil {
		return false
	}
	return strings.Contains(text, "://") || scpForm.MatchString(text)
}

// hostOf is the name of a repository's host, without a port.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

var userInfo = regexp.MustCompile(`(?i)([a-z][a-z0-9+.-]*://)([^/?#\s]*)@`)

// withoutSecrets removes what stands before @ in the URLs of a text; the user of ssh stays.
func withoutSecrets(text string) string {
	return userInfo.ReplaceAllStringFunc(text, func(found string) string {
		m := userInfo.FindStringSubmatch(found)
		if strings.EqualFold(m[1], "ssh://") {
			user, _, _ := strings.Cut(m[2], ":")
			return m[1] + user + "@"
		}
		return m[1]
	})
}

func passwordIn(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.User == nil {
		return ""
	}
	password, _ := u.User.Password()
	return password
}
