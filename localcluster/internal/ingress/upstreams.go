package ingress

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

const (
	connectLimit = 5 * time.Second
	// idleUpstream is shorter than servers are known to keep a connection that nobody uses, which is 5 s for some: one
	// that they are about to close is never asked.
	idleUpstream = 4 * time.Second
	// mostAttempts is how often a request is tried that no backend has seen.
	mostAttempts = 5
	retryPause   = 100 * time.Millisecond
)

var errNoEndpoints = errors.New("no endpoint is ready")

// upstreams are the connections to backends.
type upstreams struct {
	mu         sync.Mutex
	transports map[transportKey]*http.Transport
	turns      map[string]*atomic.Uint64
}

type transportKey struct {
	endpoint            string
	protocol            routing.Protocol
	connect, read, send time.Duration
	// proof is the key of how the endpoint proves who it is; "" where that is not asked for.
	proof string
	// fresh connections are used once.
	fresh bool
}

func newUpstreams() *upstreams {
	return &upstreams{transports: map[transportKey]*http.Transport{}, turns: map[string]*atomic.Uint64{}}
}

// keep forgets endpoints that are no more. Requests under way end as they would; what is idle is closed, so that no
// request goes to what ends.
func (u *upstreams) keep(upstreams map[string]routing.Upstream) {
	endpoints := map[string]bool{}
	for _, upstream := range upstreams {
		for _, e := range upstream.Endpoints {
			endpoints[e] = true
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, transport := range u.transports {
		if !endpoints[key.endpoint] {
			transport.CloseIdleConnections()
			delete(u.transports, key)
		}
	}
	for key := range u.turns {
		if _, stays := upstreams[key]; !stays {
			delete(u.turns, key)
		}
	}
}

// endpointID names an endpoint to a client, and says nothing of where it is.
func endpointID(endpoint string) string {
	sum := sha256.Sum256([]byte(endpoint))
	return hex.EncodeToString(sum[:8])
}

// next returns the endpoint whose turn it is, of those that were not tried; "" when there is none.
func (u *upstreams) next(key string, endpoints, tried []string) string {
	u.mu.Lock()
	turn := u.turns[key]
	if turn == nil {
		turn = &atomic.Uint64{}
		u.turns[key] = turn
	}
	u.mu.Unlock()
	start := turn.Add(1)
	for i := range endpoints {
		e := endpoints[(start+uint64(i))%uint64(len(endpoints))]
		if !slices.Contains(tried, e) {
			return e
		}
	}
	return ""
}

// transport returns the connections to an endpoint. A request that could not be repeated gets one of its own: one
// that is kept may be closed by the endpoint just when it is used, and then nobody knows whether the request was
// seen.
func (u *upstreams) transport(endpoint string, backend *routing.Backend, t routing.Timeouts, repeatable bool) *http.Transport {
	multiplexed := backend.Protocol == routing.H2C || backend.Protocol == routing.H2
	key := transportKey{endpoint, backend.Protocol, t.Connect, t.Read, t.Send, backend.TLS.Key(), !repeatable && !multiplexed}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.transports[key] == nil {
		u.transports[key] = newTransport(key, backend.TLS)
	}
	return u.transports[key]
}

func newTransport(key transportKey, proof *routing.BackendTLS) *http.Transport {
	dialer := &net.Dialer{Timeout: connectLimit, KeepAlive: 15 * time.Second}
	if key.connect > 0 {
		dialer.Timeout = key.connect
	}
	protocols := new(http.Protocols)
	switch key.protocol {
	case routing.H2C:
		protocols.SetUnencryptedHTTP2(true)
	case routing.H2:
		protocols.SetHTTP2(true)
	default:
		protocols.SetHTTP1(true)
	}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, key.endpoint)
			if err != nil || key.read == 0 && key.send == 0 {
				return conn, err
			}
			return &timedConn{Conn: conn, read: key.read, send: key.send}, nil
		},
		TLSClientConfig: backendTLS(proof),
		Protocols:       protocols, IdleConnTimeout: idleUpstream, MaxIdleConnsPerHost: 100, DisableCompression: true, DisableKeepAlives: key.fresh,
	}
}

// timedConn bounds how long nothing may come, or go.
type timedConn struct {
	net.Conn
	read, send time.Duration
}

func (c *timedConn) Read(data []byte) (int, error) {
	if c.read > 0 {
		_ = c.SetReadDeadline(time.Now().Add(c.read))
	}
	return c.Conn.Read(data)
}

func (c *timedConn) Write(data []byte) (int, error) {
	if c.send > 0 {
		_ = c.SetWriteDeadline(time.Now().Add(c.send))
	}
	if c.read > 0 {
		_ = c.SetReadDeadline(time.Now().Add(c.read)) // what is asked is no time in which an answer is late
	}
	return c.Conn.Write(data)
}

// attempts asks the endpoints of a backend, the next one where one can't be reached.
type attempts struct {
	proxy    *Proxy
	backend  *routing.Backend
	timeouts routing.Timeouts
	// wanted is the ID of the endpoint that the client has stayed with, and used that of the one that has answered.
	wanted, used string
}

// RoundTrip asks until an endpoint answers, or may have seen the request.
func (a *attempts) RoundTrip(r *http.Request) (*http.Response, error) {
	body := &requestBody{ReadCloser: r.Body}
	var tried []string
	var failure error
	for n := range mostAttempts {
		upstream := a.proxy.current.Load().Upstreams[a.backend.Upstream]
		endpoint := a.next(upstream.Endpoints, tried)
		if endpoint == "" && len(tried) > 0 {
			// All have failed: the next table may have others.
			if err := pause(r.Context(), retryPause); err != nil {
				return nil, err
			}
			tried = nil
			continue
		}
		if endpoint == "" {
			return nil, fmt.Errorf("Service %s: %w", a.serviceName(upstream), errNoEndpoints)
		}
		response, err := a.once(r, endpoint, body)
		if err == nil {
			a.used = endpointID(endpoint)
			return response, nil
		}
		failure = fmt.Errorf("Service %s: %w", upstream.Service, err)
		if !mayRepeat(r, body, err, n) {
			return nil, failure
		}
		tried = append(tried, endpoint)
	}
	return nil, failure
}

// next returns the endpoint to try: the one that the client stays with, else the one whose turn it is.
func (a *attempts) next(endpoints, tried []string) string {
	if a.wanted != "" {
		for _, e := range endpoints {
			if endpointID(e) == a.wanted && !slices.Contains(tried, e) {
				return e
			}
		}
	}
	return a.proxy.upstreams.next(a.backend.Upstream, endpoints, tried)
}

func (a *attempts) serviceName(upstream routing.Upstream) string {
	if upstream.Service.Name == "" {
		return a.backend.Upstream // the table has lost it in the meantime
	}
	return upstream.Service.String()
}

// once asks one endpoint.
func (a *attempts) once(r *http.Request, endpoint string, body *requestBody) (*http.Response, error) {
	ctx, cancel := r.Context(), context.CancelFunc(func() {})
	if a.timeouts.BackendRequest > 0 {
		ctx, cancel = context.WithTimeout(ctx, a.timeouts.BackendRequest)
	}
	out := r.WithContext(ctx)
	target := *r.URL
	target.Host = endpoint
	out.URL = &target
	if r.Body != nil && r.Body != http.NoBody {
		out.Body = body
	}
	response, err := a.proxy.upstreams.transport(endpoint, a.backend, a.timeouts, repeatable(r)).RoundTrip(out)
	if err != nil {
		cancel()
		return nil, err
	}
	response.Body = endsWith(response.Body, cancel)
	return response, nil
}

// mayRepeat reports whether a request that has failed can be asked again: when it was not sent, or changes nothing
// and was tried but once.
func mayRepeat(r *http.Request, body *requestBody, err error, attempt int) bool {
	if r.Context().Err() != nil || body.used.Load() {
		return false
	}
	var failed *net.OpError
	if errors.As(err, &failed) && failed.Op == "dial" {
		return true
	}
	return !errors.Is(err, context.DeadlineExceeded) && repeatable(r) && attempt == 0
}

// repeatable reports whether a request changes nothing and has no body, so that it can be asked twice.
func repeatable(r *http.Request) bool {
	if r.Body != nil && r.Body != http.NoBody {
		return false
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return r.Header.Get("Upgrade") == ""
	}
	return false
}

// requestBody remembers whether any of it was read, and stays open for the next attempt: the server closes it.
type requestBody struct {
	io.ReadCloser
	used atomic.Bool
}

func (b *requestBody) Read(data []byte) (int, error) {
	b.used.Store(true)
	return b.ReadCloser.Read(data)
}

func (b *requestBody) Close() error { return nil }

// endsWith calls done when the body is closed. The body of a connection that was taken over stays one to write to.
func endsWith(body io.ReadCloser, done func()) io.ReadCloser {
	ending := endingBody{body, done}
	if w, ok := body.(io.Writer); ok {
		return &endingConn{ending, w}
	}
	return &ending
}

type endingBody struct {
	io.ReadCloser
	done func()
}

func (b *endingBody) Close() error {
	defer b.done()
	return b.ReadCloser.Close()
}

type endingConn struct {
	endingBody
	io.Writer
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
