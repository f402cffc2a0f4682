// Package repository is where a git repository is: one value for every spelling of its URL, by which projects,
// credentials, mirrors and git all judge the same repository, and the patterns of such URLs.
package repository

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/secret"
)

// Transports are what git may use; anything else could run programs.
var Transports = []string{"http", "https", "ssh", "git", "file"}

var defaultPorts = map[string]string{"http": "80", "https": "443", "ssh": "22", "git": "9418"}

// caselessHosts are hosts that take owners and repositories in any case.
var caselessHosts = []string{"github.com", "gitlab.com", "bitbucket.org"}

var (
	// scpForm is [user@]host:path, which ssh takes.
	scpForm = regexp.MustCompile(`^(?:([^@/:\s]+)@)?(\[[0-9a-fA-F:.]+\]|[^@/:\s\[\]]+):(.*)$`)
	// scpPassword is what somebody took for a password in that form.
	scpPassword     = regexp.MustCompile(`^([^@/:\s]+):(?:[^/@\s][^@\s]*|/[^/@\s][^@\s]*)?@`)
	transportHelper = regexp.MustCompile(`^[A-Za-z0-9_+.-]+::`)
	hostName        = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$`)
	number          = regexp.MustCompile(`^(0x[0-9a-f]*|[0-9]+)$`)
	encoded         = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	// userName is what ssh and http take for a user without a doubt about where it ends.
	userName = regexp.MustCompile(`^[A-Za-z0-9_.~+=%@-]*$`)
)

// URL is where a repository is. Two spellings of one place make equal strings; the zero value is no place. It never
// holds a password.
type URL struct {
	scheme, user, host, port string
	// path begins with a slash, is clean, decoded, and has no .git at its end, but for that of a file; suffix is what was
	// written there.
	path, suffix string
	// scp is set for user@host:path, whose path begins in the user's home directory.
	scp bool
}

// Parse reads every spelling that git takes. A URL of which it is not certain what it names, or which would make git or
// ssh run something, is a problem.
func Parse(raw string) (URL, error) {
	raw = strings.TrimSpace(raw)
	u, cause, remedy := parse(raw)
	if cause != "" {
		return URL{}, &problem.Error{Kind: problem.Usage, Object: "repository " + Shown(raw), Cause: cause, Remedy: remedy}
	}
	return u, nil
}

const giveURL = "give the repository's https, http, ssh, git or file URL"

// parse returns a URL, or why it is none, and what to do.
func parse(raw string) (u URL, cause, remedy string) {
	if cause := unsafeText(raw); cause != "" {
		return URL{}, cause, giveURL
	}
	if strings.HasPrefix(raw, "/") {
		return URL{scheme: "file"}.finish(raw)
	}
	if !strings.Contains(raw, "://") {
		return parseSCP(raw)
	}
	parsed, err := url.Parse(raw)
	if err != nil {
		// The error of url.Parse repeats the URL, password and all.
		return URL{}, "URL is invalid", giveURL
	}
	u.scheme = strings.ToLower(parsed.Scheme)
	if cause, remedy := u.unserved(raw, parsed); cause != "" {
		return URL{}, cause, remedy
	}
	if cause, remedy := u.setUser(parsed.User); cause != "" {
		return URL{}, cause, remedy
	}
	if u.scheme != "file" {
		if cause := u.setHost(parsed.Hostname(), parsed.Port()); cause != "" {
			return URL{}, cause, giveURL
		}
	}
	return u.finish(parsed.Path)
}

// unserved returns why a URL of this scheme is not that of a repository, and what to do; "" when it is.
func (u URL) unserved(raw string, parsed *url.URL) (cause, remedy string) {
	switch {
	case u.scheme == "oci":
		return "OCI registries are not served as sources", "set the URL of a git repository"
	case !slices.Contains(Transports, u.scheme):
		return fmt.Sprintf("transport %q is not allowed", u.scheme), giveURL
	case parsed.RawQuery != "" || parsed.ForceQuery || parsed.Fragment != "" || strings.Contains(raw, "#"):
		return "query or fragment in a repository's URL", "leave it out, and give a revision in its own field"
	case u.scheme == "file" && parsed.Host != "":
		return "a file URL with a host means another machine", "write file:///path"
	}
	return "", ""
}

// parseSCP reads user@host:path.
func parseSCP(raw string) (u URL, cause, remedy string) {
	m := scpForm.FindStringSubmatch(raw)
	if m == nil {
		return URL{}, "neither a URL nor user@host:path", giveURL
	}
	u = URL{scheme: "ssh", user: m[1], scp: !strings.HasPrefix(m[3], "/")}
	if cause := u.setHost(strings.Trim(m[2], "[]"), ""); cause != "" {
		return URL{}, cause, giveURL
	}
	if u.user == "" && len(u.host) == 1 {
		return URL{}, "neither a URL nor user@host:path, but a drive", giveURL
	}
	if !userName.MatchString(u.user) || strings.HasPrefix(u.user, "-") {
		return URL{}, "user is invalid", giveURL
	}
	return u.finish(m[3])
}

// unsafeText returns why a text must not come near git as a URL; empty when nothing speaks against it.
func unsafeText(raw string) string {
	switch {
	case raw == "":
		return "URL is empty"
	case strings.HasPrefix(raw, "-"):
		return "URL begins with a dash, which git would read as an option"
	case strings.ContainsFunc(raw, unicode.IsControl):
		return "URL has control characters in it"
	case transportHelper.MatchString(raw):
		return "URL names a transport helper, which would run a program"
	case len(raw) > longest:
		return fmt.Sprintf("URL is longer than %d bytes", longest)
	}
	return ""
}

// longest is the longest URL or pattern that is read, in bytes.
const longest = 2048

func (u *URL) setUser(info *url.Userinfo) (cause, remedy string) {
	if info == nil {
		return "", ""
	}
	u.user = info.Username()
	_, password := info.Password()
	web := u.scheme == "http" || u.scheme == "https"
	switch {
	case password && !web:
		return "a password in this kind of URL is never used", "leave it out, and give an SSH key where one is needed"
	case strings.HasPrefix(u.user, "-"):
		return "user begins with a dash, which ssh would read as an option", giveURL
	case !web && !userName.MatchString(u.user):
		return "user is invalid", giveURL
	}
	return "", ""
}

// setHost takes a host in the one spelling that it has, and returns what is wrong with it.
func (u *URL) setHost(host, port string) (cause string) {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	address, err := netip.ParseAddr(host)
	labels := strings.Split(host, ".")
	switch {
	case host == "":
		return "host is missing"
	case err == nil && address.Zone() == "":
		host = address.Unmap().String()
	case strings.HasPrefix(host, "-"):
		return "host begins with a dash, which ssh would read as an option"
	case number.MatchString(labels[len(labels)-1]):
		return fmt.Sprintf("host %q looks like an address and is written in another way than one", host)
	case !hostName.MatchString(host) || strings.Contains(host, ".."):
		return fmt.Sprintf("host %q is invalid", host)
	}
	u.host = host
	if port == "" {
		return ""
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return fmt.Sprintf("port %q is invalid", port)
	}
	if port = strconv.FormatUint(n, 10); port != defaultPorts[u.scheme] {
		u.port = port
	}
	return ""
}

// finish takes the decoded path.
func (u URL) finish(decoded string) (_ URL, cause, remedy string) {
	if u.scheme == "ssh" {
		decoded = "/" + strings.TrimLeft(decoded, "/")
	}
	if cause, remedy := u.unsafePath(decoded); cause != "" {
		return URL{}, cause, remedy
	}
	u.path = path.Clean("/" + decoded)
	if u.scp && strings.HasPrefix(u.path, "/:") {
		return URL{}, "path begins with a colon, which git would read as a transport helper", giveURL
	}
	if u.scheme != "file" {
		// On disk, a and a.git may both be there.
		u.path, u.suffix = cutDotGit(u.path)
	}
	if strings.TrimSpace(u.path) != u.path {
		return URL{}, "path ends with a space", giveURL
	}
	if u.scheme == "file" {
		return u, "", ""
	}
	if cause, remedy := page(u); cause != "" {
		return URL{}, cause, remedy
	}
	return u, "", ""
}

// unsafePath returns why a decoded path must not come near git or ssh, and what to do.
func (u URL) unsafePath(decoded string) (cause, remedy string) {
	web := u.scheme == "http" || u.scheme == "https"
	switch {
	case strings.ContainsFunc(decoded, unicode.IsControl) || !utf8.ValidString(decoded):
		return "path has control characters in it, or is not UTF-8", giveURL
	case web && strings.Contains(decoded, ";"):
		return "path has parameters in it, which servers read in different ways", "leave them out"
	case u.scheme != "file" && encoded.MatchString(decoded):
		return "path is encoded twice, or encoded in user@host:path", "encode it once, in a URL"
	case u.scheme != "file" && strings.Contains(decoded, `\`):
		return `path has a \ in it`, "write / instead"
	case u.scheme == "ssh" && strings.HasPrefix(path.Clean(decoded), "/-"):
		return "path begins with a dash, which ssh would read as an option", giveURL
	}
	return "", ""
}

// cutDotGit takes .git off a clean path, as a suffix or as a directory, in any case, since git and its hosts
// find the repository with and without.
func cutDotGit(whole string) (short, suffix string) {
	const dotGit = ".git"
	for short = whole; len(short) > len(dotGit); {
		rest := short[:len(short)-len(dotGit)]
		if !strings.EqualFold(short[len(rest):], dotGit) || strings.Trim(rest, "/") == "" {
			break
		}
		short = path.Clean(rest)
	}
	return short, whole[len(short):]
}

// page recognizes what people copy from a browser, and returns what they mean.
func page(u URL) (cause, remedy string) {
	parts := strings.Split(strings.TrimPrefix(u.path, "/"), "/")
	i := slices.IndexFunc(parts, func(p string) bool { return p == "tree" || p == "blob" })
	const ownerAndName = 2
	switch {
	case !slices.Contains(caselessHosts, u.host) || i < ownerAndName || i+1 >= len(parts):
		return "", ""
	case parts[i-1] == "-":
		u.path = "/" + strings.Join(parts[:i-1], "/")
	case u.host == "github.com" && i == ownerAndName:
		u.path = "/" + strings.Join(parts[:i], "/")
	default:
		return "", ""
	}
	remedy = fmt.Sprintf("give the repository %s and the revision %s", u.Remote(), parts[i+1])
	if rest := strings.Join(parts[i+2:], "/"); rest != "" {
		remedy += ", with the path " + rest
	}
	return "URL is that of a page about a directory of a repository", remedy
}

// String returns one string for every spelling of a place: case of the host, default port, dots in the path,
// encoding, trailing slash and .git, user@host:path for ssh://, user names of http. http, https and ssh stay apart,
// and so do users of ssh.
func (u URL) String() string {
	if u.scheme == "" {
		return ""
	}
	n := url.URL{Scheme: u.scheme, Host: u.authority(), Path: u.path}
	if slices.Contains(caselessHosts, u.host) {
		n.Path = strings.ToLower(n.Path)
	}
	if u.scheme == "ssh" && u.user != "" {
		n.User = url.User(u.user)
	}
	return strings.TrimSuffix(n.String(), "/")
}

// Remote returns what git is given: the same place, with .git and in the form of scp where it was written so.
func (u URL) Remote() string {
	p := u.path + u.suffix
	switch {
	case u.scheme == "file":
		return p
	case u.scp && u.user != "":
		return u.user + "@" + u.authority() + ":" + strings.TrimPrefix(p, "/")
	case u.scp:
		return u.authority() + ":" + strings.TrimPrefix(p, "/")
	}
	n := url.URL{Scheme: u.scheme, Host: u.authority(), Path: p}
	if u.scheme == "ssh" && u.user != "" {
		n.User = url.User(u.user)
	}
	return n.String()
}

// Identity names the place for what is kept of it: two places of which it is not certain that they are one have two.
func (u URL) Identity() string {
	if u.scp {
		return u.String() + " in the home directory"
	}
	return u.String()
}

// authority is host and port as a URL has them.
func (u URL) authority() string {
	host := u.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if u.port != "" {
		host += ":" + u.port
	}
	return host
}

// Scheme returns http, https, ssh, git or file.
func (u URL) Scheme() string { return u.scheme }

// User returns the user that the URL names; "" when it names none.
func (u URL) User() string { return u.user }

// Host returns the host, in lower case and without a port; "" for a file.
func (u URL) Host() string { return u.host }

// Port returns the port, also where it is the default one; "" for a file.
func (u URL) Port() string {
	if u.port != "" {
		return u.port
	}
	return defaultPorts[u.scheme]
}

// Origin returns scheme, host and port, for which credentials are given.
func (u URL) Origin() string { return u.scheme + "://" + u.authority() }

// Path returns the path, which begins with a slash.
func (u URL) Path() string { return u.path }

// Within reports whether a prefix, which ends between two parts of a path, holds for u. One of ssh without a user holds
// for all users.
func (u URL) Within(prefix URL) bool {
	if u.scheme != prefix.scheme || u.host != prefix.host || u.port != prefix.port {
		return false
	}
	if u.scheme == "ssh" && prefix.user != "" && prefix.user != u.user {
		return false
	}
	mine, its := u.path, strings.TrimSuffix(prefix.path, "/")
	if slices.Contains(caselessHosts, u.host) {
		mine, its = strings.ToLower(mine), strings.ToLower(its)
	}
	rest, ok := strings.CutPrefix(mine, its)
	return ok && (rest == "" || rest[0] == '/')
}

// SamePlace reports whether two URLs name one host and path, by whatever transport, port and user. It is for notices,
// which let nobody in.
func (u URL) SamePlace(other URL) bool {
	return u.host == other.host && strings.EqualFold(u.path, other.path)
}

// Same reports whether two texts are spellings of one URL.
func Same(a, b string) bool {
	x, err := Parse(a)
	y, other := Parse(b)
	if err != nil || other != nil {
		return strings.TrimSpace(a) == strings.TrimSpace(b)
	}
	return x.String() == y.String()
}

// Shown returns a URL as people may see it: without what opens the repository, also where it is invalid and that stands
// behind a question mark.
func Shown(raw string) string {
	raw = secret.WithoutCredentials(strings.TrimSpace(raw))
	if place, query, _ := strings.Cut(raw, "?"); query != "" {
		return place + "?…"
	}
	return scpPassword.ReplaceAllString(raw, "$1@")
}

// Password returns the password that a URL has in it, for which there are better places; "" when there is none.
func Password(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.User == nil {
		return ""
	}
	password, _ := u.User.Password()
	return password
}
