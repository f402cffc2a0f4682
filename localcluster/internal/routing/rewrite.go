package routing

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// PathChangeKind is how a path is changed.
type PathChangeKind int

// The ways to change a path.
const (
	KeepPath PathChangeKind = iota
	ReplacePath
	// ReplacePrefix puts the value in the place of the prefix that matched.
	ReplacePrefix
	// ExpandPath puts the value in the place of the path, with what the groups of the pattern have matched.
	ExpandPath
)

// PathChange is a change of a path.
type PathChange struct {
	Kind  PathChangeKind
	Value string
}

// Rewrite is a change of what the backend is asked for.
type Rewrite struct {
	// Host replaces that of the request, unless empty.
	Host string
	Path PathChange
}

// URL returns the URL that the backend is asked for.
func (r *Rewrite) URL(u *url.URL, m PathMatch) *url.URL {
	changed := *u
	switch r.Path.Kind {
	case KeepPath:
	case ExpandPath:
		p, query, _ := strings.Cut(r.Path.expand(cleanPath(u.Path), m.Pattern), "?")
		changed.Path, changed.RawPath = p, ""
		changed.RawQuery = joinQuery(query, u.RawQuery)
	default:
		changed.Path, changed.RawPath = r.Path.apply(u.Path, m), ""
		if u.RawPath != "" && r.Path.Kind == ReplacePrefix && hasPathPrefix(u.RawPath, m.Value) {
			changed.RawPath = r.Path.apply(u.RawPath, m)
		}
	}
	return &changed
}

func joinQuery(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + "&" + second
}

// apply returns the path that comes of p.
func (c PathChange) apply(p string, m PathMatch) string {
	switch c.Kind {
	case ReplacePath:
		return rooted(c.Value)
	case ReplacePrefix:
		prefix := strings.TrimSuffix(m.Value, "/")
		rest := strings.TrimPrefix(cleanedFor(p, prefix), prefix)
		return rooted(strings.TrimSuffix(c.Value, "/") + rest)
	}
	return p
}

// cleanedFor is p as it was matched, where p itself does not begin with the prefix.
func cleanedFor(p, prefix string) string {
	if hasPathPrefix(p, prefix) {
		return p
	}
	return cleanPath(p)
}

func rooted(p string) string {
	if strings.HasPrefix(p, "/") {
		return p
	}
	return "/" + p
}

// expand puts what the groups of the pattern have matched into the value.
func (c PathChange) expand(p string, pattern *regexp.Regexp) string {
	if pattern == nil {
		return rooted(c.Value)
	}
	found := pattern.FindStringSubmatchIndex(p)
	if found == nil {
		return p
	}
	return rooted(string(pattern.ExpandString(nil, groupTemplate(c.Value), p, found)))
}

var groupReference = regexp.MustCompile(`\$(\d)`)

// groupTemplate writes $1 as ${1}, so that letters behind it are no part of the name.
func groupTemplate(value string) string { return groupReference.ReplaceAllString(value, "$${$1}") }

// Entry is how clients reach the cluster.
type Entry struct {
	// Port is the one that is always there and takes HTTP and HTTPS.
	Port int32
	// Here is set for a request that came in by it.
	Here bool
	// HTTP and HTTPS report whether ports 80 and 443 are served as well.
	HTTP, HTTPS bool
}

// Outside is the port by which clients reach the listener on port.
func (e Entry) Outside(port int32) int32 {
	if port == HTTPPort && (e.Here || !e.HTTP) || port == HTTPSPort && (e.Here || !e.HTTPS) {
		return e.Port
	}
	return port
}

// Redirect is where clients are sent.
type Redirect struct {
	// URL is the whole of it; without one, it is the request's with what follows changed.
	URL    string
	Scheme string
	Host   string
	Port   int32
	Path   PathChange
	Status int
}

// Location returns where a client is sent that has asked r.
func (d *Redirect) Location(r *Request, m PathMatch) string {
	if d.URL != "" {
		return d.URL
	}
	scheme, host, port := d.Scheme, d.Host, d.Port
	if scheme == "" {
		scheme = schemeOf(r.TLS)
	}
	if host == "" {
		host = r.Host
	}
	if port == 0 && d.Scheme != "" {
		port = standardPort(scheme)
	}
	if port == 0 {
		port = r.Port
	}
	to := *r.URL
	to.Scheme, to.Host = scheme, r.Entry.authority(scheme, host, port)
	if d.Path.Kind != KeepPath {
		to.Path, to.RawPath = d.Path.apply(r.URL.Path, m), ""
	}
	return to.String()
}

// SecureLocation is the request's own place with TLS.
func SecureLocation(r *Request) string {
	return (&Redirect{Scheme: "https"}).Location(r, PathMatch{})
}

// AppRootLocation is another path of the request's own host.
func AppRootLocation(r *Request, root string) string {
	host := r.Entry.authority(schemeOf(r.TLS), r.Host, r.Port)
	return schemeOf(r.TLS) + "://" + host + root
}

// authority is a host as URLs have it, with its port unless that is the scheme's own.
func (e Entry) authority(scheme, host string, port int32) string {
	if port = e.Outside(port); port == standardPort(scheme) {
		return host
	}
	return host + ":" + strconv.Itoa(int(port))
}

func schemeOf(tls bool) string {
	if tls {
		return "https"
	}
	return "http"
}

func standardPort(scheme string) int32 {
	if scheme == "https" {
		return HTTPSPort
	}
	return HTTPPort
}
