package ingress

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

// lines answers each line with its own name, plainly.
func lines(t *testing.T, name string) string {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				text, _ := io.ReadAll(conn) // until the client has said all
				fmt.Fprintf(conn, "%s got %s", name, text)
			}()
		}
	}()
	return listener.Addr().String()
}

// serveStreams serves requests for everything, and streams for some hosts.
func (w *world) serveStreams(routes []routing.StreamRoute, upstreams map[string]string) {
	action := &routing.Action{Backends: []routing.Backend{{Upstream: "web", Weight: 1, Protocol: routing.HTTP}}}
	all := []routing.Route{{Source: routing.Source{Kind: "Ingress"}, Host: "web.localhost", Match: routing.Match{Path: routing.PathMatch{Value: "/"}}, Action: action}}
	table := routing.Table{
		Listeners: []routing.Listener{{Port: routing.HTTPPort, Routes: all}, {Port: routing.HTTPSPort, TLS: true, Routes: all}},
		Streams:   []routing.Stream{{Port: routing.HTTPSPort, Routes: routes}}, Upstreams: map[string]routing.Upstream{},
	}
	for name, endpoint := range upstreams {
		table.Upstreams[name] = routing.Upstream{Service: types.NamespacedName{Name: name}, Endpoints: strings.Split(endpoint, ",")}
	}
	w.proxy.Use(table)
}

// TestTLSByItsName: a connection with TLS goes where the name says that its client asks for: passed on as it is, ended
// here, to requests, or nowhere.
func TestTLSByItsName(t *testing.T) {
	w := newWorld(t)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { fmt.Fprintf(out, "itself for %s", r.TLS.ServerName) }))
	defer secure.Close()
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := free.Addr().String()
	_ = free.Close()
	w.serveStreams([]routing.StreamRoute{
		{Host: "pass.localhost", Backends: []routing.Backend{{Upstream: "secure", Weight: 1}}},
		{Host: "end.localhost", Terminate: true, Backends: []routing.Backend{{Upstream: "lines", Weight: 1}}},
		{Host: "gone.localhost", Backends: []routing.Backend{{Weight: 1, Refused: "gone", Status: 500}}},
		{Host: "dead.localhost", Backends: []routing.Backend{{Upstream: "dead", Weight: 1}}},
		{Host: "empty.localhost", Backends: []routing.Backend{{Upstream: "none", Weight: 1}}},
		{Host: "nobody.localhost"},
	}, map[string]string{"secure": dead + "," + secure.Listener.Addr().String(), "lines": lines(t, "plain"), "web": w.echo(), "dead": dead})

	t.Run("passed on", func(t *testing.T) {
		for range 4 { // whichever endpoint comes first
			conn := w.dialTLS(t, "pass.localhost", &tls.Config{InsecureSkipVerify: true})
			if got := conn.ConnectionState().PeerCertificates[0]; !got.Equal(secure.Certificate()) {
				t.Fatalf("the certificate is that of %s; want the backend's own", got.Subject)
			}
			fmt.Fprintf(conn, "GET / HTTP/1.0\r\nHost: pass.localhost\r\n\r\n")
			if text, err := io.ReadAll(conn); err != nil || !strings.HasSuffix(string(text), "itself for pass.localhost") {
				t.Errorf("got %q, %v", text, err)
			}
		}
	})
	t.Run("ended here", func(t *testing.T) {
		conn := w.dialTLS(t, "end.localhost", w.trusting())
		fmt.Fprint(conn, "hello")
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(conn); err != nil || string(text) != "plain got hello" {
			t.Errorf("got %q, %v", text, err)
		}
	})
	t.Run("requests", func(t *testing.T) {
		if got := w.ask("GET", "https://web.localhost/x", ""); got.status != 200 || !strings.HasPrefix(got.body, "GET web.localhost /x") {
			t.Errorf("got %+v", got)
		}
		if got := w.ask("GET", "http://web.localhost/x", ""); got.status != 200 {
			t.Errorf("without TLS: got %+v", got)
		}
	})
	for _, name := range []string{"gone.localhost", "dead.localhost", "empty.localhost", "nobody.localhost", "unknown.localhost"} {
		conn, err := tls.Dial("tcp4", w.address, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err == nil {
			_ = conn.Close()
			t.Errorf("%s: connected; want the connection closed", name)
		} else if alert := tls.AlertError(0); errors.As(err, &alert) {
			t.Errorf("%s: got %v; want no answer at all", name, err)
		}
	}
	t.Run("no TLS at all", func(t *testing.T) {
		conn, err := net.Dial("tcp4", w.address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "\x16 and then nonsense that is no handshake")
		if line, err := bufio.NewReader(conn).ReadString('\n'); err == nil {
			t.Errorf("got %q", line)
		}
	})
}

func (w *world) trusting() *tls.Config {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.authority.Certificate())
	return &tls.Config{RootCAs: roots, ServerName: "localhost"}
}

func (w *world) dialTLS(t *testing.T, name string, config *tls.Config) *tls.Conn {
	t.Helper()
	config.ServerName = name
	conn, err := tls.Dial("tcp4", w.address, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestBackendsProveWhoTheyAre: a backend with another name, or of another authority, gets no request.
func TestBackendsProveWhoTheyAre(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewTLSServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { fmt.Fprint(out, r.TLS.ServerName) }))
	defer server.Close()
	// Its certificate has the names example.com and *.example.com.
	roots := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	others := string(w.authority.Certificate())
	for name, c := range map[string]struct {
		proof  *routing.BackendTLS
		status int
		text   string
	}{
		"no proof":                 {status: 200},
		"its name":                 {&routing.BackendTLS{Name: "example.com", Roots: roots}, 200, "example.com"},
		"another name":             {&routing.BackendTLS{Name: "other.org", Roots: roots}, 502, "not other.org"},
		"another authority":        {&routing.BackendTLS{Name: "example.com", Roots: others}, 502, "verifying the backend's certificate"},
		"the system's authorities": {&routing.BackendTLS{Name: "example.com"}, 502, "verifying the backend's certificate"},
		"one of the names":         {&routing.BackendTLS{Name: "ask.org", Roots: roots, Names: []string{"other.org", "www.example.com"}}, 200, "ask.org"},
		"the name as it is there":  {&routing.BackendTLS{Name: "ask.org", Roots: roots, Names: []string{"*.Example.com"}}, 200, "ask.org"},
		"none of the names":        {&routing.BackendTLS{Name: "example.com", Roots: roots, Names: []string{"other.org"}, URIs: []string{"spiffe://x"}}, 502, "none of the names other.org, spiffe://x"},
	} {
		w.serve(routing.Action{Backends: []routing.Backend{{Upstream: "s", Weight: 1, Protocol: routing.HTTPS, TLS: c.proof}}}, server.Listener.Addr().String())
		if got := w.ask("GET", "http://a.localhost/", ""); got.status != c.status || !strings.Contains(got.body, c.text) {
			t.Errorf("%s: got %d %q, want %d and in it %q", name, got.status, got.body, c.status, c.text)
		}
	}
}

// TestPortsThatAreTaken: why a port can't be had is said with what gets it.
func TestPortsThatAreTaken(t *testing.T) {
	other, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	w := newWorld(t)
	for name, c := range map[string]struct {
		listen func(int32) (net.Listener, error)
		want   string
	}{
		"another program": {func(int32) (net.Listener, error) { return net.Listen("tcp4", other.Addr().String()) }, "end that (`sudo ss -ltnp 'sport = :8443'` shows it), or choose another port"},
		"root alone": {func(int32) (net.Listener, error) {
			return nil, &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EACCES)}
		}, "choose a port above 1023"},
		"something else": {func(int32) (net.Listener, error) { return nil, io.ErrClosedPipe }, io.ErrClosedPipe.Error()},
	} {
		served := newPorts(w.proxy, c.listen)
		if served.open(routing.Table{Listeners: []routing.Listener{{Port: 8443}}}) || !strings.HasSuffix(served.taken[8443], c.want) {
			t.Errorf("%s: got %q, want in it %q", name, served.taken[8443], c.want)
		}
	}
}

// TestPortsChange: a port that is asked for with TLS after it was without speaks TLS, and is closed when nobody asks
// for it any more.
func TestPortsChange(t *testing.T) {
	w := newWorld(t)
	var opened []string
	served := newPorts(w.proxy, func(int32) (net.Listener, error) {
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err == nil {
			opened = append(opened, listener.Addr().String())
		}
		return listener, err
	})
	defer served.closeAll()
	use := func(table routing.Table) string {
		if !served.open(table) {
			t.Fatal("the port could not be opened")
		}
		w.proxy.Use(table)
		return opened[len(opened)-1]
	}
	at := use(routing.Table{Listeners: []routing.Listener{{Port: 8443}}})
	if response, err := http.Get("http://" + at); err != nil || response.Body.Close() != nil { //nolint:noctx // a test's own server
		t.Error(err)
	}
	if again := use(routing.Table{Listeners: []routing.Listener{{Port: 8443}}}); again != at {
		t.Error("a port that stays as it is was opened anew")
	}
	secure := use(routing.Table{Listeners: []routing.Listener{{Port: 8443, TLS: true}}})
	conn, err := tls.Dial("tcp4", secure, w.trusting())
	if err != nil {
		t.Errorf("after TLS was asked for: %v", err)
	} else {
		_ = conn.Close()
	}
	streams := routing.Table{Streams: []routing.Stream{{Port: 8443, Routes: []routing.StreamRoute{{Terminate: true, Backends: []routing.Backend{{Upstream: "s", Weight: 1}}}}}},
		Upstreams: map[string]routing.Upstream{"s": {Endpoints: []string{lines(t, "stream")}}}}
	if again := use(streams); again != secure {
		t.Error("a port with TLS was opened anew for streams")
	}
	if conn, err := tls.Dial("tcp4", secure, w.trusting()); err != nil {
		t.Errorf("a stream: %v", err)
	} else {
		_ = conn.CloseWrite()
		if text, err := io.ReadAll(conn); string(text) != "stream got " {
			t.Errorf("a stream: got %q, %v", text, err)
		}
	}
	use(routing.Table{})
	if conn, err := net.Dial("tcp4", secure); err == nil {
		_ = conn.Close()
		t.Error("a port that nobody asks for is still open")
	}
}
