package routing

import (
	"cmp"
	"slices"
	"strings"
)

// Stream is a host on a port whose connections with TLS are passed on by the name that clients ask for.
type Stream struct {
	Port int32
	// Host is a name, a name with "*." before it, or empty for any.
	Host string
	// Routes are in the order in which they are tried.
	Routes []StreamRoute
}

// StreamRoute is where connections go.
type StreamRoute struct {
	Source Source
	// Host is a name, a name with "*." before it, or empty for any.
	Host string
	// Terminate is set where TLS ends here, and the backend gets what was in it.
	Terminate bool
	Backends  []Backend

	order order
}

// Handling is what becomes of a connection with TLS.
type Handling int

// The ways in which a connection with TLS is handled.
const (
	// AsRequests is for the listeners of requests.
	AsRequests Handling = iota
	// AsStream is for the route that was found.
	AsStream
	// AsRefused is for nobody: the connection is closed.
	AsRefused
)

// FindStream decides about a connection with TLS by the name that the client asks for, "" for none. The most specific
// host has it. Where a stream and a listener of requests have the same one, whichever has a route for the name.
func (t *Table) FindStream(port int32, name string) (*StreamRoute, Handling) {
	stream, listener := t.stream(port, name), t.Listener(port, name)
	switch {
	case stream == nil && listener == nil:
		return nil, AsRefused
	case stream == nil:
		return nil, AsRequests
	case listener != nil && MoreSpecific(listener.Host, stream.Host):
		return nil, AsRequests
	}
	for i := range stream.Routes {
		if route := &stream.Routes[i]; HostMatches(route.Host, name) {
			return route, AsStream
		}
	}
	if listener != nil && listener.Host == stream.Host && listener.hasRoute(name) {
		return nil, AsRequests
	}
	return nil, AsRefused
}

// stream returns the most specific one of a port that has the host, or nil.
func (t *Table) stream(port int32, host string) *Stream {
	var found *Stream
	for i := range t.Streams {
		s := &t.Streams[i]
		if s.Port == port && HostMatches(s.Host, host) && (found == nil || MoreSpecific(s.Host, found.Host)) {
			found = s
		}
	}
	return found
}

// hasRoute reports whether requests for a host can have a route.
func (l *Listener) hasRoute(host string) bool {
	return slices.ContainsFunc(l.Routes, func(r Route) bool { return HostMatches(r.Host, host) })
}

// Choose returns the backend of a connection; at is a random number of [0,1). It is nil when there is none.
func (r *StreamRoute) Choose(at float64) *Backend { return pick(r.Backends, at) }

// stream returns the stream of a port and host, and makes it.
func (b *builder) stream(port int32, host string) *Stream {
	key := listenerKey{port, host}
	if b.streams[key] == nil {
		b.streams[key] = &Stream{Port: port, Host: host}
	}
	return b.streams[key]
}

// sortStreams puts routes in the order in which they are tried: the more specific host, then the older object, its
// name, and the place in it.
func sortStreams(routes []StreamRoute) {
	slices.SortStableFunc(routes, func(a, b StreamRoute) int {
		return cmp.Or(
			compareHosts(a.Host, b.Host), a.order.created.Compare(b.order.created.Time),
			strings.Compare(a.Source.String(), b.Source.String()), cmp.Compare(a.order.index, b.order.index),
		)
	})
}
