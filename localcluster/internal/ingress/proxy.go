package ingress

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

const (
	headerLimit = 30 * time.Second
	idleLimit   = 3 * time.Minute
)

// Proxy serves the routes of a table, which can change at any time.
type Proxy struct {
	entry     routing.Entry
	current   atomic.Pointer[serving]
	upstreams *upstreams
	mirrors   *mirrors
	certs     *certificates
	buffers   *buffers
}

// serving is a table with what is made of it once.
type serving struct {
	routing.Table
	users map[string]passwords
	certs []hostCertificate
}

// NewProxy serves nothing yet. entry is how clients reach it.
func NewProxy(entry routing.Entry, authority issuer) *Proxy {
	p := &Proxy{entry: entry, upstreams: newUpstreams(), mirrors: newMirrors(), certs: newCertificates(authority), buffers: newBuffers()}
	p.current.Store(&serving{})
	return p
}

// Use makes a table the one that is served. Requests under way go on as they began.
func (p *Proxy) Use(table routing.Table) {
	before := p.current.Load()
	p.current.Store(&serving{Table: table, users: usersOf(table, before.users), certs: p.certs.parse(table.Certificates, before.certs)})
	p.upstreams.keep(table.Upstreams)
}

// server serves the listeners of one port. Where shared is set, it takes HTTP for port 80 and HTTPS for port 443.
func (p *Proxy) server(port int32, shared bool) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	config.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		at := port
		if shared {
			at = routing.HTTPSPort
		}
		return p.certificate(at, hello.ServerName)
	}
	return &http.Server{
		Protocols: protocols, TLSConfig: config, ReadHeaderTimeout: headerLimit, IdleTimeout: idleLimit,
		ErrorLog: log.New(discard{}, "", 0), // what clients do wrong is theirs to see
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			at, entry := port, p.entry
			if shared {
				entry.Here = true
				at = routing.HTTPPort
				if r.TLS != nil {
					at = routing.HTTPSPort
				}
			}
			p.serve(w, r, at, entry)
		}),
	}
}

type discard struct{}

func (discard) Write(data []byte) (int, error) { return len(data), nil }

// serve answers one request.
func (p *Proxy) serve(w http.ResponseWriter, r *http.Request, port int32, entry routing.Entry) {
	now := p.current.Load()
	asked := describe(r, port, entry)
	listener, route := now.Find(asked)
	if listener == nil || route == nil {
		fail(w, http.StatusNotFound, fmt.Sprintf("%s%s: no Ingress, HTTPRoute or GRPCRoute has this host and path", asked.Host, r.URL.Path))
		return
	}
	e := &exchange{proxy: p, asked: asked, route: route, action: route.Action, table: now}
	if !e.answered(w, r) {
		e.forward(w, r)
	}
}

// describe is what routes are chosen by.
func describe(r *http.Request, port int32, entry routing.Entry) *routing.Request {
	asked := &routing.Request{
		Port: port, Entry: entry, TLS: r.TLS != nil, Host: hostOf(r.Host), Method: r.Method, URL: r.URL, Header: r.Header, Cookies: map[string]string{},
	}
	for _, cookie := range r.Cookies() {
		if _, twice := asked.Cookies[cookie.Name]; !twice {
			asked.Cookies[cookie.Name] = cookie.Value
		}
	}
	if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		asked.Remote = at.Addr().Unmap()
	}
	return asked
}

// hostOf is the host that is asked for, without its port.
func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// exchange is a request and its answer.
type exchange struct {
	proxy  *Proxy
	asked  *routing.Request
	route  *routing.Route
	action *routing.Action
	table  *serving
}

// answered answers what needs no backend, and reports whether it has.
func (e *exchange) answered(w http.ResponseWriter, r *http.Request) bool {
	a := e.action
	switch {
	case a.Refused != "":
		fail(w, http.StatusServiceUnavailable, fmt.Sprintf("%s: %s", describeSource(e.route.Source), a.Refused))
	case !a.Allowed(e.asked):
		fail(w, http.StatusForbidden, fmt.Sprintf("%s: not among the addresses that may ask", e.asked.Remote))
	case a.SecureRedirect && !e.asked.TLS:
		redirect(w, routing.SecureLocation(e.asked), http.StatusPermanentRedirect)
	case e.preflight(w, r):
	case a.Auth != nil && !e.authenticated(r):
		w.Header().Set("WWW-Authenticate", "Basic realm="+strconv.Quote(a.Auth.Realm))
		fail(w, http.StatusUnauthorized, "a user and a password are needed")
	case a.AppRoot != "" && r.URL.Path == "/":
		redirect(w, routing.AppRootLocation(e.asked, a.AppRoot), http.StatusFound)
	case a.Redirect != nil:
		e.setResponseHeaders(w.Header(), nil)
		redirect(w, a.Redirect.Location(e.asked, e.route.Match.Path), a.Redirect.Status)
	case a.MaxBody > 0 && r.ContentLength > a.MaxBody:
		fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has %d bytes; at most %d are taken", r.ContentLength, a.MaxBody))
	default:
		return false
	}
	return true
}

// authenticated reports whether the request has one of the users' passwords.
func (e *exchange) authenticated(r *http.Request) bool {
	name, password, given := r.BasicAuth()
	users := e.table.users[e.action.Auth.File]
	return given && users != nil && users.Match(name, password)
}

// forward asks a backend.
func (e *exchange) forward(w http.ResponseWriter, r *http.Request) {
	backend, timeouts := e.action.Choose(e.asked, rand.Float64()) //nolint:gosec // which backend is asked is no secret
	switch {
	case backend == nil:
		fail(w, http.StatusInternalServerError, fmt.Sprintf("%s: no backend has this path", describeSource(e.route.Source)))
		return
	case backend.Refused != "":
		fail(w, backend.Status, fmt.Sprintf("%s: %s", describeSource(e.route.Source), backend.Refused))
		return
	}
	if e.action.MaxBody > 0 {
		r.Body = http.MaxBytesReader(w, r.Body, e.action.MaxBody)
	}
	if timeouts.Request > 0 {
		ctx, cancel := context.WithTimeout(r.Context(), timeouts.Request)
		defer cancel()
		r = r.WithContext(ctx)
	}
	e.proxy.mirrors.send(e, backend, r)
	asking := &attempts{proxy: e.proxy, backend: backend, timeouts: timeouts}
	if e.action.Sticky != nil {
		asking.wanted = e.asked.Cookies[e.action.Sticky.Name]
	}
	(&httputil.ReverseProxy{
		Rewrite:        func(pr *httputil.ProxyRequest) { e.rewrite(pr, backend) },
		Transport:      asking,
		ModifyResponse: func(response *http.Response) error { return e.modify(response, backend, asking) },
		ErrorHandler:   e.failed,
		FlushInterval:  -1,
		BufferPool:     e.proxy.buffers,
		ErrorLog:       log.New(discard{}, "", 0),
	}).ServeHTTP(w, r)
}

// failed answers a request that no backend has answered.
func (e *exchange) failed(w http.ResponseWriter, _ *http.Request, err error) {
	status := http.StatusBadGateway
	var large *http.MaxBytesError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &large):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, errNoEndpoints):
		status = http.StatusServiceUnavailable
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		status = http.StatusGatewayTimeout
	}
	fail(w, status, err.Error())
}

func redirect(w http.ResponseWriter, to string, status int) {
	w.Header().Set("Location", to)
	w.WriteHeader(status)
}

// fail answers with what is wrong, as text.
func fail(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "%d %s: %s\n", status, http.StatusText(status), text)
}

func describeSource(s routing.Source) string { return s.Kind + " " + s.String() }
