package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/repository"
)

// linkLocal are the networks that are never connected to: there the clouds keep the credentials of machines.
var linkLocal = []netip.Prefix{netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fe80::/10")}

// translated are the addresses of version 6 that a gateway makes addresses of version 4 of, their last four bytes.
var translated = netip.MustParsePrefix("64:ff9b::/96")

// networks decide which addresses are connected to.
type networks struct{ denied []netip.Prefix }

// allow reports whether an address may be connected to.
func (n networks) allow(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	if address.IsUnspecified() {
		// It leads to this machine.
		return n.allow(netip.MustParseAddr("127.0.0.1")) && n.allow(netip.IPv6Loopback())
	}
	if translated.Contains(address) {
		all := address.As16()
		if inner, ok := netip.AddrFromSlice(all[12:]); ok && !n.allow(inner) {
			return false
		}
	}
	return !slices.ContainsFunc(append(slices.Clone(linkLocal), n.denied...), func(p netip.Prefix) bool { return p.Contains(address) })
}

// lookup returns the addresses of a host that may be connected to, those of version 4 first.
func (n networks) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, newError(ErrUnreachable, host, "host name could not be resolved", "check the name and the network")
	}
	allowed := slices.DeleteFunc(slices.Clone(found), func(a netip.Addr) bool { return !n.allow(a) })
	if len(allowed) == 0 {
		return nil, n.refusal(host)
	}
	slices.SortStableFunc(allowed, func(a, b netip.Addr) int { return a.Unmap().BitLen() - b.Unmap().BitLen() })
	return allowed, nil
}

func (n networks) refusal(host string) error {
	err := newError(ErrRefused, host, "addresses of the host are in a network that is not connected to", "name another host, or change --deny-network")
	err.Kind = problem.Refused
	return err
}

// dial connects to a host: what was judged is what is connected to, whatever the name stands for a moment later.
func (n networks) dial(ctx context.Context, host, port string) (net.Conn, error) {
	addresses, err := n.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	const patience = 20 * time.Second
	dialer := net.Dialer{Timeout: patience}
	for _, a := range addresses {
		var conn net.Conn
		if conn, err = dialer.DialContext(ctx, "tcp", net.JoinHostPort(a.Unmap().String(), port)); err == nil {
			return conn, nil
		}
	}
	cause := "connection failed"
	if text := err.Error(); strings.Contains(text, "refused") {
		cause = "connection refused"
	} else if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
		cause = "connection timed out"
	}
	return nil, newError(ErrUnreachable, host, cause, "check the network and the host")
}

// egress is a proxy on this machine through which one call of git reaches one host, and no other: redirects elsewhere
// end here, and names are resolved and judged in one step. It lasts as long as the call.
type egress struct {
	networks networks
	scheme   string
	host     string
	port     string
	server   *http.Server
	address  string

	// left is how much may come yet, and bounded whether there is such a bound.
	left    atomic.Int64
	bounded atomic.Bool

	mu sync.Mutex
	// failed is why it let something not through; the first counts.
	failed error
}

// openEgress makes a proxy to the host of a URL of http or https.
func openEgress(u repository.URL, n networks) (*egress, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("making a proxy for git: %w", err)
	}
	e := &egress{networks: n, scheme: u.Scheme(), host: u.Host(), port: u.Port(), address: listener.Addr().String()}
	e.server = &http.Server{Handler: e, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = e.server.Serve(listener) }()
	return e, nil
}

func (e *egress) close() { _ = e.server.Close() }

// bound ends what comes after so many bytes.
func (e *egress) bound(bytes int64) {
	if e != nil {
		e.left.Store(bytes)
		e.bounded.Store(true)
	}
}

// over reports whether more came than may.
func (e *egress) over() bool { return e != nil && e.bounded.Load() && e.left.Load() < 0 }

// boundedConn is a connection of an egress with a bound.
type boundedConn struct {
	net.Conn
	egress *egress
}

func (c boundedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.egress.bounded.Load() && c.egress.left.Add(-int64(n)) < 0 {
		return 0, errTooMuch
	}
	return n, err
}

// dial connects to the host.
func (e *egress) dial(ctx context.Context, port string) (net.Conn, error) {
	conn, err := e.networks.dial(ctx, e.host, port)
	if err != nil {
		return nil, err
	}
	return boundedConn{conn, e}, nil
}

func (e *egress) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failed == nil {
		e.failed = err
	}
}

// err returns why something was not let through; nil when all was.
func (e *egress) err() error {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.failed
}

// permits reports whether git may go to a host: to the one it was sent to, and from http over to https there.
func (e *egress) permits(scheme, host, port string) bool {
	if !strings.EqualFold(strings.Trim(host, "[]"), e.host) {
		return false
	}
	switch {
	case scheme == e.scheme && port == e.port:
		return true
	case e.scheme == "http" && scheme == "https":
		return port == "443" || port == e.port
	}
	return false
}

// ServeHTTP answers git: CONNECT is for https.
func (e *egress) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	scheme, port := "http", r.URL.Port()
	if r.Method == http.MethodConnect {
		scheme = "https"
	} else if port == "" {
		port = "80"
	}
	if !r.URL.IsAbs() && r.Method != http.MethodConnect || !e.permits(scheme, r.URL.Hostname(), port) {
		e.fail(newError(ErrDenied, e.host, "redirects to another host, which is not followed", "give the repository's new URL"))
		http.Error(w, "not permitted", http.StatusForbidden)
		return
	}
	if r.Method == http.MethodConnect {
		e.tunnel(w, r, port)
		return
	}
	forward := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) { p.Out.URL, p.Out.Host = p.In.URL, p.In.Host },
		Transport: &http.Transport{
			DisableCompression: true, DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return e.dial(ctx, port) },
		},
		FlushInterval: -1, ErrorLog: e.server.ErrorLog,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			if problem.Of(err) != nil {
				e.fail(problem.Of(err))
			}
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	forward.ServeHTTP(w, r)
}

// tunnel connects git to the host, over which the two speak TLS.
func (e *egress) tunnel(w http.ResponseWriter, r *http.Request, port string) {
	there, err := e.dial(r.Context(), port)
	if err != nil {
		e.fail(err)
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	if _, err := io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	ended := make(chan struct{}, 2)
	pass := func(to io.Writer, from io.Reader) {
		_, _ = io.Copy(to, from)
		ended <- struct{}{}
	}
	go pass(there, buffered)
	go pass(here, there)
	<-ended
}

// ParseNetworks reads networks such as 10.0.0.0/8, or single addresses.
func ParseNetworks(texts []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range texts {
		if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
			text += "/" + strconv.Itoa(address.BitLen())
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a network", text)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}
