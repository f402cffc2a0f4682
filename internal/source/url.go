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
	refuse := func(problem, remedy string) (*url.URL, error) {
		return nil, newError(ErrRefused, withoutSecrets(raw), problem, remedy)
	}
	const give = "give the repository's https, http, ssh, git or file URL"
	switch {
	case raw == "":
		return refuse("the repository's URL is empty", give)
	case strings.HasPrefix(raw, "-"):
		return refuse("the repository's URL begins with a dash, which git would read as an option", give)
	case strings.IndexFunc(raw, unicode.IsControl) >= 0:
		return refuse("the repository's URL has control characters in it", give)
	case transportHelper.MatchString(raw):
		return refuse("the repository's URL names a transport helper, which would run a program", give)
	}
	u, err := parseURL(raw)
	if err != nil {
		return refuse(err.Error(), give)
	}
	switch {
	case !slices.Contains(allowedTransports, u.Scheme):
		return refuse(fmt.Sprintf("the transport %q is not allowed", u.Scheme), give)
	case u.Scheme == "file" && u.Host != "":
		return refuse("a file URL with a host means another machine", "write file:///path")
	case u.Scheme != "file" && u.Hostname() == "":
		return refuse("the repository's URL has no host", give)
	case strings.HasPrefix(u.Host, "-"), strings.HasPrefix(u.User.Username(), "-"), strings.HasPrefix(strings.TrimLeft(u.Path, "/"), "-") && u.Scheme == "ssh":
		return refuse("a part of the repository's URL begins with a dash, which ssh would read as an option", give)
	case u.Scheme != "http" && u.Scheme != "https" && passwordIn(raw) != "":
		return refuse("a password in this kind of URL is never used", "leave it out, and give an SSH key where one is needed")
	}
	return u, nil
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
