package routing

import (
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// Request is what routes are chosen by.
type Request struct {
	// Port is that of the listener, and Entry how clients reach it.
	Port  int32
	Entry Entry
	TLS   bool
	// Host is in lower case and without a port.
	Host   string
	Method string
	URL    *url.URL
	// Header has canonical names.
	Header  map[string][]string
	Cookies map[string]string
	Remote  netip.Addr
}

// PathKind is how a path is compared.
type PathKind int

// The kinds of paths.
const (
	// Prefix is compared element by element.
	Prefix PathKind = iota
	Exact
	Regex
)

// PathMatch is which paths match.
type PathMatch struct {
	Kind  PathKind
	Value string
	// Pattern is compared where Kind is Regex.
	Pattern *regexp.Regexp
}

// ValueMatch is which values of a header or a parameter match.
type ValueMatch struct {
	Name, Value string
	Pattern     *regexp.Regexp
}

// Match is which requests match.
type Match struct {
	Path    PathMatch
	Method  string
	Headers []ValueMatch
	Query   []ValueMatch
}

// Find returns the route for a request: of the most specific listener that has the host, the first route that matches.
// The listener is nil when there is none, and so is the route.
func (t *Table) Find(r *Request) (*Listener, *Route) {
	listener := t.Listener(r.Port, r.Host)
	if listener == nil {
		return nil, nil
	}
	for i := range listener.Routes {
		if route := &listener.Routes[i]; HostMatches(route.Host, r.Host) && route.Match.matches(r) {
			return listener, route
		}
	}
	return listener, nil
}

// Listener returns the most specific listener of a port that has the host, or nil.
func (t *Table) Listener(port int32, host string) *Listener {
	var found *Listener
	for i := range t.Listeners {
		l := &t.Listeners[i]
		if l.Port == port && HostMatches(l.Host, host) && (found == nil || MoreSpecific(l.Host, found.Host)) {
			found = l
		}
	}
	return found
}

// HostMatches reports whether a pattern of hosts has a host. "*." stands for one label or more.
func HostMatches(pattern, host string) bool {
	if pattern == "" || pattern == host {
		return true
	}
	suffix, wild := strings.CutPrefix(pattern, "*")
	return wild && len(host) > len(suffix) && strings.HasSuffix(host, suffix)
}

// MoreSpecific reports whether pattern a goes before b: a name before a wildcard, the longer before the shorter.
func MoreSpecific(a, b string) bool { return compareHosts(a, b) < 0 }

func compareHosts(a, b string) int {
	rank := func(host string) (int, int) {
		switch {
		case host == "":
			return 2, 0
		case strings.HasPrefix(host, "*"):
			return 1, -len(host)
		}
		return 0, -len(host)
	}
	aKind, aLength := rank(a)
	bKind, bLength := rank(b)
	if aKind != bKind {
		return aKind - bKind
	}
	return aLength - bLength
}

// intersect returns the hosts that both patterns have, as a pattern.
func intersect(a, b string) (string, bool) {
	switch {
	case a == "" || a == b:
		return b, true
	case b == "":
		return a, true
	case HostMatches(a, b) && !strings.HasPrefix(b, "*"), wildcardIn(a, b):
		return b, true
	case HostMatches(b, a) && !strings.HasPrefix(a, "*"), wildcardIn(b, a):
		return a, true
	}
	return "", false
}

// wildcardIn reports whether every host of the wildcard inner is one of the wildcard outer.
func wildcardIn(outer, inner string) bool {
	o, outerWild := strings.CutPrefix(outer, "*")
	i, innerWild := strings.CutPrefix(inner, "*")
	return outerWild && innerWild && strings.HasSuffix(i, o)
}

func (m *Match) matches(r *Request) bool {
	if m.Method != "" && m.Method != r.Method || !m.Path.matches(cleanPath(r.URL.Path)) {
		return false
	}
	for _, h := range m.Headers {
		if !h.matches(r.Header[h.Name]) {
			return false
		}
	}
	if len(m.Query) == 0 {
		return true
	}
	query := r.URL.Query()
	for _, q := range m.Query {
		values := query[q.Name]
		if len(values) == 0 || !q.has(values[0]) {
			return false
		}
	}
	return true
}

// matches reports whether the values of a header, put together as HTTP does, are those that are wanted.
func (v *ValueMatch) matches(values []string) bool {
	return len(values) > 0 && v.has(strings.Join(values, ","))
}

func (v *ValueMatch) has(value string) bool {
	if v.Pattern != nil {
		return v.Pattern.MatchString(value)
	}
	return v.Value == value
}

func (m *PathMatch) matches(p string) bool {
	switch m.Kind {
	case Exact:
		return p == m.Value
	case Regex:
		return m.Pattern.MatchString(p)
	default:
		return hasPathPrefix(p, m.Value)
	}
}

// hasPathPrefix compares by elements: "/a" and "/a/" have "/a" and "/a/b", but not "/ab".
func hasPathPrefix(p, prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	rest, ok := strings.CutPrefix(p, prefix)
	return ok && (rest == "" || rest[0] == '/')
}

// cleanPath is the path without "..", "." and double slashes, so that a rule for a path can't be passed by.
func cleanPath(p string) string {
	if !strings.Contains(p, "//") && !strings.Contains(p, "/.") {
		if p == "" {
			return "/"
		}
		return p
	}
	cleaned := path.Clean("/" + p)
	if cleaned != "/" && (strings.HasSuffix(p, "/") || strings.HasSuffix(p, "/.") || strings.HasSuffix(p, "/..")) {
		cleaned += "/"
	}
	return cleaned
}
