// Package routing decides where requests go: Ingresses, Gateways, HTTPRoutes and GRPCRoutes, as they were observed,
// become one table of listeners, routes and upstreams, and what is to be said of each object.
//
// It is pure: no clock, no network, no clients.
package routing

import (
	"net/netip"
	"regexp"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// The ports that Ingresses are served at.
const (
	HTTPPort  int32 = 80
	HTTPSPort int32 = 443
)

// Table is everything that is served.
type Table struct {
	// Listeners differ in port and host. Those of one port all speak TLS, or none does.
	Listeners []Listener
	// Streams are connections with TLS that are not requests; they differ in port and host, too.
	Streams []Stream
	// Certificates are those of Secrets. A host without one gets one from the cluster's authority.
	Certificates []Certificate
	// Upstreams are the endpoints of Services, by the key that backends have.
	Upstreams map[string]Upstream
}

// Listener is a host on a port.
type Listener struct {
	Port int32
	TLS  bool
	// Host is a name, a name with "*." before it, or empty for any.
	Host string
	// Routes are in the order in which they are tried.
	Routes []Route
}

// Certificate is a Secret's certificate and key in PEM, for a host on a port.
type Certificate struct {
	Port int32
	// Host is as that of a listener.
	Host      string
	Secret    types.NamespacedName
	Cert, Key string
}

// Upstream is where a port of a Service is reached.
type Upstream struct {
	Service types.NamespacedName
	// Endpoints are addresses with ports, in order.
	Endpoints []string
}

// Source is the object that a route comes from.
type Source struct {
	Kind string
	types.NamespacedName
}

// Route is what is done with requests that match.
type Route struct {
	Source Source
	// Host is a name, a name with "*." before it, or empty for any.
	Host   string
	Match  Match
	Action *Action

	order order
}

// Action is what a route does.
type Action struct {
	// Refused is why nobody may ask, when that is so.
	Refused  string
	Redirect *Redirect
	// SecureRedirect sends clients without TLS to the same place with it.
	SecureRedirect bool
	// AppRoot is where requests for "/" are sent.
	AppRoot  string
	Filters  Filters
	Backends []Backend
	Canaries []Canary
	CORS     *CORS
	Auth     *BasicAuth
	// Sticky is how a client stays with an endpoint; nil where it does not.
	Sticky *Sticky
	// Allow lists the addresses that may ask, when there are any; Deny those that may not.
	Allow, Deny []netip.Prefix
	// MaxBody is the most bytes of a request's body; 0 is any number.
	MaxBody  int64
	Timeouts Timeouts
}

// Filters change requests and responses. A route has some, and so may each backend.
type Filters struct {
	Rewrite           *Rewrite
	Request, Response []HeaderChange
	Mirrors           []Mirror
	// Prefix is told to the backend as X-Forwarded-Prefix.
	Prefix string
}

// HeaderOperation is what is done with a header.
type HeaderOperation int

// The operations on headers.
const (
	SetHeader HeaderOperation = iota
	AddHeader
	RemoveHeader
)

// HeaderChange is a header that is set, added or removed.
type HeaderChange struct {
	Operation   HeaderOperation
	Name, Value string
}

// Protocol is what a backend speaks.
type Protocol string

// The protocols of backends.
const (
	HTTP  Protocol = "HTTP"
	H2C   Protocol = "H2C"
	HTTPS Protocol = "HTTPS"
	// H2 is HTTP/2 within TLS.
	H2 Protocol = "H2"
)

// Backend is where requests go.
type Backend struct {
	// Upstream is a key in the table; empty when requests for this backend are refused.
	Upstream string
	Protocol Protocol
	Weight   int
	Filters  Filters
	// TLS is how a backend proves who it is; nil where that is not asked for.
	TLS *BackendTLS
	// Refused is why, and Status with what.
	Refused string
	Status  int
}

// Canary is where a part of the requests goes.
type Canary struct {
	Header, HeaderValue string
	HeaderPattern       *regexp.Regexp
	Cookie              string
	Weight, Total       int
	Backends            []Backend
	Timeouts            Timeouts
}

// Mirror is where a copy of requests goes, Parts of Of.
type Mirror struct {
	Backend   Backend
	Parts, Of int
}

// CORS is which pages of other origins may ask.
type CORS struct {
	// Origins may have one "*" each.
	Origins          []string
	Methods, Headers []string
	Expose           []string
	Credentials      bool
	// MaxAge is in seconds.
	MaxAge int
	// Echo answers "*" with the origin that asks, as credentials need it.
	Echo bool
}

// Sticky is the cookie by which a client stays with an endpoint.
type Sticky struct {
	Name, Path, SameSite string
	// MaxAge and Expires are in seconds; 0 is as long as the browser runs.
	MaxAge, Expires int
	Secure          bool
}

// BasicAuth is who may ask.
type BasicAuth struct {
	Realm string
	// File has a line "user:hash" for each user.
	File string
}

// Timeouts bound how long a backend may take; 0 is for ever.
type Timeouts struct {
	Connect, Read, Send time.Duration
	// Request bounds the whole, and BackendRequest each attempt.
	Request, BackendRequest time.Duration
}
