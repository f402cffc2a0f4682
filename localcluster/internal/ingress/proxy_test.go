package ingress

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/localcluster/internal/pki"
	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

// world is a proxy on a port that takes HTTP and HTTPS, and what it is asked with.
type world struct {
	t         *testing.T
	proxy     *Proxy
	address   string
	authority *pki.Authority
	client    *http.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	authority, err := pki.OpenAuthority(t.TempDir(), "ingress-ca", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := int32(listener.Addr().(*net.TCPAddr).Port) //nolint:gosec // a port
	w := &world{t: t, authority: authority, address: listener.Addr().String(), proxy: NewProxy(routing.Entry{Port: port}, authority)}
	served := newPorts(w.proxy, nil)
	served.add(routing.HTTPPort, listener, true)
	t.Cleanup(served.closeAll)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.Certificate())
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, w.address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	w.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return w
}

// serve routes everything to endpoints, by an action.
func (w *world) serve(action routing.Action, endpoints ...string) {
	w.serveAs(routing.HTTP, action, endpoints...)
}

func (w *world) serveAs(protocol routing.Protocol, action routing.Action, endpoints ...string) {
	if action.Backends == nil {
		action.Backends = []routing.Backend{{Upstream: "s", Weight: 1, Protocol: protocol}}
	}
	routes := []routing.Route{{Source: routing.Source{Kind: "Ingress"}, Match: routing.Match{Path: routing.PathMatch{Value: "/"}}, Action: &action}}
	w.proxy.Use(routing.Table{
		Listeners: []routing.Listener{{Port: routing.HTTPPort, Routes: routes}, {Port: routing.HTTPSPort, TLS: true, Routes: routes}},
		Upstreams: map[string]routing.Upstream{"s": {Service: types.NamespacedName{Namespace: "n", Name: "s"}, Endpoints: endpoints}},
	})
}

// echo is a backend that answers with what it was asked.
func (w *world) echo() string {
	return w.backend(func(out http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		for name, values := range r.Header {
			out.Header()["Got-"+name] = values
		}
		fmt.Fprintf(out, "%s %s %s %s\n%s", r.Method, r.Host, r.URL, r.Proto, body)
	})
}

func (w *world) backend(handler http.HandlerFunc) string {
	server := httptest.NewServer(handler)
	w.t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (w *world) ask(method, url, body string, headers ...string) answer {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := w.client.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// TestForwarding: a request gets to the backend as it was, with what the backend needs to know of the client.
func TestForwarding(t *testing.T) {
	w := newWorld(t)
	w.serve(routing.Action{Filters: routing.Filters{
		Rewrite:  &routing.Rewrite{Path: routing.PathChange{Kind: routing.ReplacePrefix, Value: "/in"}},
		Request:  []routing.HeaderChange{{Operation: routing.SetHeader, Name: "X-Set", Value: "1"}, {Operation: routing.AddHeader, Name: "X-Has", Value: "b"}, {Operation: routing.RemoveHeader, Name: "X-Gone"}},
		Response: []routing.HeaderChange{{Operation: routing.SetHeader, Name: "X-Out", Value: "2"}}, Prefix: "/p",
	}}, w.echo())
	got := w.ask("POST", "https://a.localhost:8000/x%2Fy?q=1", "text", "X-Forwarded-For", "6.6.6.6", "X-Forwarded-Proto", "gopher", "X-Has", "a", "X-Gone", "x")
	if got.status != 200 || got.body != "POST a.localhost:8000 /in/x%2Fy?q=1 HTTP/1.1\ntext" {
		t.Errorf("got %d %q", got.status, got.body)
	}
	for name, want := range map[string]string{
		"Got-X-Forwarded-For": "127.0.0.1", "Got-X-Forwarded-Proto": "https", "Got-X-Forwarded-Host": "a.localhost:8000", "Got-X-Forwarded-Port": "443",
		"Got-X-Real-Ip": "127.0.0.1", "Got-X-Forwarded-Prefix": "/p", "Got-X-Set": "1", "Got-X-Has": "a,b", "Got-X-Gone": "", "X-Out": "2",
	} {
		if value := strings.Join(got.header.Values(name), ","); value != want {
			t.Errorf("%s: got %q, want %q", name, value, want)
		}
	}
	if len(got.header.Get("Got-X-Request-Id")) < 20 {
		t.Errorf("X-Request-Id: got %q", got.header.Get("Got-X-Request-Id"))
	}
}

// TestAnswers: what the proxy answers by itself.
func TestAnswers(t *testing.T) {
	w := newWorld(t)
	echo := w.echo()
	cors := &routing.CORS{Origins: []string{"https://page"}, Methods: []string{"GET", "PUT"}, Headers: []string{"X-A"}, Expose: []string{"X-B"}, Credentials: true, MaxAge: 60}
	echoing := &routing.CORS{Origins: []string{"*"}, Methods: []string{"*"}, Headers: []string{"*"}, Credentials: true, Echo: true}
	preflight := []string{"Origin", "https://page", "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "X-A"}
	// The password is "secret".
	auth := &routing.BasicAuth{Realm: `a "realm"`, File: "ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nplain:secret\n"}
	_, port, _ := net.SplitHostPort(w.address)
	for name, c := range map[string]struct {
		action  routing.Action
		method  string
		url     string
		body    string
		headers []string
		status  int
		has     map[string]string
		text    string
	}{
		"refused":             {action: routing.Action{Refused: "why"}, status: 503, text: "503 Service Unavailable: Ingress /: why\n"},
		"an address":          {action: routing.Action{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, status: 403},
		"to TLS":              {action: routing.Action{SecureRedirect: true}, url: "http://a.localhost/x?q=1", status: 308, has: map[string]string{"Location": "https://a.localhost:" + port + "/x?q=1"}},
		"with TLS":            {action: routing.Action{SecureRedirect: true}, url: "https://a.localhost/x", status: 200},
		"app root":            {action: routing.Action{AppRoot: "/start"}, status: 302, has: map[string]string{"Location": "http://a.localhost:" + port + "/start"}},
		"another path":        {action: routing.Action{AppRoot: "/start"}, url: "http://a.localhost/else", status: 200},
		"redirect":            {action: routing.Action{Redirect: &routing.Redirect{URL: "https://b", Status: 301}, Filters: routing.Filters{Response: []routing.HeaderChange{{Name: "X-Out", Value: "1"}}}}, status: 301, has: map[string]string{"Location": "https://b", "X-Out": "1"}},
		"too long":            {action: routing.Action{MaxBody: 3}, method: "POST", body: "1234", status: 413},
		"just not too long":   {action: routing.Action{MaxBody: 4}, method: "POST", body: "1234", status: 200},
		"no password":         {action: routing.Action{Auth: auth}, status: 401, has: map[string]string{"Www-Authenticate": `Basic realm="a \"realm\""`}},
		"wrong password":      {action: routing.Action{Auth: auth}, headers: []string{"Authorization", "Basic YW5uOndyb25n"}, status: 401},
		"password":            {action: routing.Action{Auth: auth}, headers: []string{"Authorization", "Basic YW5uOnNlY3JldA=="}, status: 200},
		"password not hashed": {action: routing.Action{Auth: auth}, headers: []string{"Authorization", "Basic cGxhaW46c2VjcmV0"}, status: 401},
		"preflight": {action: routing.Action{CORS: cors, Auth: auth}, method: "OPTIONS", headers: preflight, status: 204, has: map[string]string{
			"Access-Control-Allow-Origin": "https://page", "Access-Control-Allow-Methods": "GET, PUT", "Access-Control-Allow-Headers": "X-A",
			"Access-Control-Allow-Credentials": "true", "Access-Control-Max-Age": "60", "Vary": "Origin",
		}},
		"preflight of anybody": {action: routing.Action{CORS: echoing}, method: "OPTIONS", headers: preflight, status: 204, has: map[string]string{
			"Access-Control-Allow-Origin": "https://page", "Access-Control-Allow-Methods": "PUT", "Access-Control-Allow-Headers": "X-A", "Access-Control-Max-Age": "",
		}},
		"preflight of others": {action: routing.Action{CORS: cors}, method: "OPTIONS", headers: []string{"Origin", "https://other", "Access-Control-Request-Method", "PUT"}, status: 204, has: map[string]string{"Access-Control-Allow-Origin": "", "Access-Control-Allow-Methods": ""}},
		"no preflight":        {action: routing.Action{CORS: cors}, method: "OPTIONS", headers: []string{"Origin", "https://page"}, status: 200, has: map[string]string{"Access-Control-Expose-Headers": "X-B"}},
		"no endpoint":         {action: routing.Action{Backends: []routing.Backend{{Upstream: "none", Weight: 1}}}, status: 503, text: "503 Service Unavailable: Service none: no endpoint is ready\n"},
		"no backend":          {action: routing.Action{Backends: []routing.Backend{{Upstream: "s"}}}, status: 500},
		"backend refused":     {action: routing.Action{Backends: []routing.Backend{{Weight: 1, Refused: "gone", Status: 500}}}, status: 500, text: "500 Internal Server Error: Ingress /: gone\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w.serve(c.action, echo)
			method, url := c.method, c.url
			if method == "" {
				method = "GET"
			}
			if url == "" {
				url = "http://a.localhost/"
			}
			got := w.ask(method, url, c.body, c.headers...)
			if got.status != c.status || c.text != "" && got.body != c.text {
				t.Errorf("got %d %q, want %d %q", got.status, got.body, c.status, c.text)
			}
			for header, want := range c.has {
				if value := got.header.Get(header); value != want {
					t.Errorf("%s: got %q, want %q", header, value, want)
				}
			}
		})
	}
	w.proxy.Use(routing.Table{})
	if got := w.ask("GET", "http://a.localhost/x", ""); got.status != 404 || !strings.Contains(got.body, "a.localhost/x: no Ingress or HTTPRoute") {
		t.Errorf("nothing is served: got %+v", got)
	}
}

// TestCertificates: hosts below localhost get a certificate of the authority, which nobody's other names can have; a
// Secret's goes before it.
func TestCertificates(t *testing.T) {
	w := newWorld(t)
	w.serve(routing.Action{}, w.echo())
	for url, fine := range map[string]bool{"https://a.localhost/": true, "https://a.b.localhost/": true, "https://localhost/": true, "https://example.com/": false, "https://notlocalhost/": false} {
		response, err := w.client.Get(url) //nolint:noctx // a test's own server
		if err == nil {
			_ = response.Body.Close()
		}
		if (err == nil) != fine {
			t.Errorf("%s: got %v", url, err)
		}
	}
	// Even signed by it, another name is not taken.
	outside, err := w.authority.Serving("example.com")
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(outside.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.authority.Certificate())
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "example.com"}); err == nil {
		t.Error("the authority can sign for example.com")
	}
	if _, err := w.proxy.certs.issue("a.localhost"); err != nil {
		t.Error(err)
	}
	for i := range mostIssued + 10 {
		if _, err := w.proxy.certs.issue(fmt.Sprintf("n%d.localhost", i)); err != nil {
			t.Fatal(err)
		}
	}
	if kept := w.proxy.certs.issued.Len(); kept > mostIssued {
		t.Errorf("%d certificates are kept, want at most %d", kept, mostIssued)
	}
}

// TestStreams: what is answered bit by bit passes at once, and so do connections that are taken over, HTTP/2 without
// TLS, and trailers.
func TestStreams(t *testing.T) {
	w := newWorld(t)
	next := make(chan struct{})
	w.serve(routing.Action{}, w.backend(func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			conn, both, err := out.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = both.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			_ = both.Flush()
			line, _ := both.ReadString('\n')
			_, _ = both.WriteString("echo " + line)
			_ = both.Flush()
			return
		}
		out.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(out, "data: 1\n")
		_ = http.NewResponseController(out).Flush()
		<-next
		_, _ = io.WriteString(out, "data: 2\n")
	}))
	t.Run("events", func(t *testing.T) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.localhost/", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := w.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		reader := bufio.NewReader(response.Body)
		if line, err := reader.ReadString('\n'); line != "data: 1\n" {
			t.Fatal(line, err)
		}
		close(next) // the second comes only once the first was seen
		if line, err := reader.ReadString('\n'); line != "data: 2\n" {
			t.Fatal(line, err)
		}
	})
	t.Run("websocket", func(t *testing.T) {
		conn, err := net.Dial("tcp4", w.address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: a.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		reader := bufio.NewReader(conn)
		response, err := http.ReadResponse(reader, nil)
		if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(response, err)
		}
		fmt.Fprintf(conn, "hello\n")
		if line, err := reader.ReadString('\n'); line != "echo hello\n" {
			t.Fatal(line, err)
		}
	})
	t.Run("HTTP/2 without TLS", func(t *testing.T) {
		both := new(http.Protocols)
		both.SetUnencryptedHTTP2(true)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			out.Header().Set("Trailer", "Grpc-Status")
			_, _ = io.WriteString(out, r.Proto)
			out.Header().Set("Grpc-Status", "0")
		}))
		server.Config.Protocols = both
		server.Start()
		defer server.Close()
		w.serveAs(routing.H2C, routing.Action{}, server.Listener.Addr().String())
		client := &http.Client{Transport: &http.Transport{Protocols: both}}
		response, err := client.Get("http://" + w.address) //nolint:noctx // a test's own server
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || string(body) != "HTTP/2.0" || response.Proto != "HTTP/2.0" || response.Trailer.Get("Grpc-Status") != "0" {
			t.Errorf("got %s %q %v %v", response.Proto, body, response.Trailer, err)
		}
	})
	t.Run("TLS to the backend", func(t *testing.T) {
		server := httptest.NewTLSServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(out, r.Proto) }))
		defer server.Close()
		w.serveAs(routing.HTTPS, routing.Action{}, server.Listener.Addr().String())
		if got := w.ask("GET", "http://a.localhost/", ""); got.body != "HTTP/1.1" {
			t.Errorf("got %+v", got)
		}
	})
}

// TestTimeouts: a backend that is too late is answered for, with 504.
func TestTimeouts(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	slow := w.backend(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(release) }) // before the server waits for its handlers
	for name, timeouts := range map[string]routing.Timeouts{
		"request": {Request: 20 * time.Millisecond}, "backend": {BackendRequest: 20 * time.Millisecond}, "read": {Read: 20 * time.Millisecond},
	} {
		w.serve(routing.Action{Timeouts: timeouts}, slow)
		if got := w.ask("GET", "http://a.localhost/", ""); got.status != http.StatusGatewayTimeout {
			t.Errorf("%s: got %d %q, want 504", name, got.status, got.body)
		}
	}
}

// closedAddress is one that nobody listens at.
func closedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// TestAttempts: a request that no endpoint has seen goes to the next one, with its body; one that an endpoint may
// have seen is not repeated, unless it changes nothing.
func TestAttempts(t *testing.T) {
	w := newWorld(t)
	var asked atomic.Int32
	breaking := w.backend(func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		panic(http.ErrAbortHandler)
	})
	echo, closed := w.echo(), closedAddress(t)
	w.serve(routing.Action{}, closed, echo)
	for range 4 {
		if got := w.ask("POST", "http://a.localhost/", "body"); got.status != 200 || !strings.HasSuffix(got.body, "\nbody") {
			t.Errorf("beside a closed port: got %+v", got)
		}
	}
	w.serve(routing.Action{}, breaking)
	if got := w.ask("POST", "http://a.localhost/", "body"); got.status != http.StatusBadGateway || asked.Load() != 1 {
		t.Errorf("a change: got %d after %d attempts, want 502 after 1", got.status, asked.Load())
	}
	asked.Store(0)
	w.serve(routing.Action{}, breaking, echo)
	for range 4 {
		if got := w.ask("GET", "http://a.localhost/", ""); got.status != 200 {
			t.Errorf("a question: got %+v", got)
		}
	}
	if asked.Load() == 0 {
		t.Error("the endpoint that breaks was never asked")
	}
	w.serve(routing.Action{}, closed)
	if got := w.ask("GET", "http://a.localhost/", ""); got.status != http.StatusBadGateway || !strings.Contains(got.body, "Service n/s") {
		t.Errorf("all closed: got %+v", got)
	}
}

// load is clients that ask without a pause.
type load struct {
	answered [8]atomic.Int64
	lost     atomic.Int64
	failure  atomic.Value
}

// ask asks until ctx ends, and counts.
func (l *load) ask(ctx context.Context, w *world, client int, method string) {
	for ctx.Err() == nil {
		var body io.Reader
		if method == http.MethodPost {
			body = strings.NewReader("a body")
		}
		request, err := http.NewRequest(method, "http://a.localhost/", body) //nolint:noctx // each is to be answered
		if err != nil {
			l.failure.Store(err.Error())
			return
		}
		response, err := w.client.Do(request)
		if err == nil {
			text, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if response.StatusCode != http.StatusOK {
				err = errors.New(method + ": " + response.Status + " " + string(text))
			}
		}
		if err != nil {
			l.lost.Add(1)
			l.failure.Store(err.Error())
		}
		l.answered[client].Add(1)
	}
}

// pass returns once each client has had some more answers, so that what was asked before is over.
func (l *load) pass(t *testing.T, more int64) {
	t.Helper()
	var before [8]int64
	for i := range before {
		before[i] = l.answered[i].Load()
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := range before {
		for l.answered[i].Load() < before[i]+more {
			select {
			case <-tick.C:
			case <-t.Context().Done():
				t.Fatal("the clients are not answered any more")
			}
		}
	}
}

// TestSwitchUnderLoad: while endpoints come and go, every request is answered: changes, where an endpoint ends some
// time after it was taken out, as with a delay before its pods are scaled down; questions, even where it ends at
// once.
func TestSwitchUnderLoad(t *testing.T) {
	for name, c := range map[string]struct {
		methods []string
		delay   bool
	}{"later": {[]string{http.MethodGet, http.MethodPost}, true}, "at once": {[]string{http.MethodGet, http.MethodHead}, false}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			start := func(version string) (string, func()) {
				server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(out, version)
				}))
				return server.Listener.Addr().String(), func() { _ = server.Config.Shutdown(context.Background()) }
			}
			address, stop := start("0")
			w.serve(routing.Action{}, address)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var l load
			var clients sync.WaitGroup
			for i := range l.answered {
				clients.Go(func() { l.ask(ctx, w, i, c.methods[i%2]) })
			}
			for version := range 20 {
				l.pass(t, 10)
				next, stopNext := start(fmt.Sprint(version + 1))
				w.serve(routing.Action{}, next)
				if c.delay {
					l.pass(t, 2)
				}
				stop()
				stop = stopNext
			}
			cancel()
			clients.Wait()
			stop()
			if l.lost.Load() > 0 {
				t.Errorf("%d requests were lost: %v", l.lost.Load(), l.failure.Load())
			}
		})
	}
}

// TestMirrors: a copy of a request, with its body, goes to the mirror; its answer is nobody's.
func TestMirrors(t *testing.T) {
	w := newWorld(t)
	copies := make(chan string, 10)
	mirror := w.backend(func(out http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		copies <- r.Method + " " + r.URL.String() + " " + string(body)
		out.WriteHeader(http.StatusTeapot)
	})
	action := routing.Action{
		Filters:  routing.Filters{Mirrors: []routing.Mirror{{Backend: routing.Backend{Upstream: "m", Weight: 1}, Parts: 1, Of: 1}, {Backend: routing.Backend{Upstream: "m", Weight: 1}, Of: 1}}},
		Backends: []routing.Backend{{Upstream: "s", Weight: 1}},
	}
	w.serve(action, w.echo())
	table := w.proxy.current.Load().Table
	table.Upstreams["m"] = routing.Upstream{Endpoints: []string{mirror}}
	w.proxy.Use(table)
	if got := w.ask("POST", "http://a.localhost/x?q=1", "text"); got.status != 200 || !strings.HasSuffix(got.body, "\ntext") {
		t.Errorf("got %+v", got)
	}
	if copied := <-copies; copied != "POST /x?q=1 text" {
		t.Errorf("copied: %q", copied)
	}
	if got := w.ask("POST", "http://a.localhost/", strings.Repeat("x", mostMirrored+1)); got.status != 200 {
		t.Errorf("got %d", got.status)
	}
	if got := w.ask("GET", "http://a.localhost/last", ""); got.status != 200 {
		t.Errorf("got %d", got.status)
	}
	if copied := <-copies; copied != "GET /last " {
		t.Errorf("copied: %q; what is too long is not", copied)
	}
}

// TestKeptConnections: of endpoints that are gone no connection is kept.
func TestKeptConnections(t *testing.T) {
	w := newWorld(t)
	a, b := w.echo(), w.echo()
	w.serve(routing.Action{}, a, b)
	for range 4 {
		w.ask("GET", "http://a.localhost/", "")
	}
	if n := len(w.proxy.upstreams.transports); n != 2 {
		t.Fatalf("%d endpoints are connected, want 2", n)
	}
	w.serve(routing.Action{}, b)
	if n := len(w.proxy.upstreams.transports); n != 1 {
		t.Errorf("%d endpoints are connected, want 1", n)
	}
	w.proxy.Use(routing.Table{})
	if n, turns := len(w.proxy.upstreams.transports), len(w.proxy.upstreams.turns); n != 0 || turns != 0 {
		t.Errorf("%d endpoints and %d turns are kept, want none", n, turns)
	}
}
