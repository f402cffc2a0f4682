package ingress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
