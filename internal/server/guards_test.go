package server

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestWhoIsBehindAProxy(t *testing.T) {
	proxies, err := ParseProxies([]string{"10.0.0.0/8", "2001:db8::1", " 192.0.2.9 "})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ what, remote, forwarded, proto, client string }{
		{"nobody is in front", "203.0.113.5:4711", "", "", "203.0.113.5:4711"},
		{"a stranger writes what he likes", "203.0.113.5:4711", "198.51.100.1", "https", "203.0.113.5:4711"},
		{"a proxy", "10.1.2.3:80", "198.51.100.1", "https", "198.51.100.1"},
		{"what is in front of the last that is no proxy was written by anybody", "10.1.2.3:80", "127.0.0.1, 198.51.100.1, 10.9.9.9", "http", "198.51.100.1"},
		{"a proxy that says nothing", "192.0.2.9:80", "", "", "192.0.2.9"},
		{"nonsense", "[2001:db8::1]:80", "198.51.100.1, <script>", "", "2001:db8::1"},
		{"all are proxies", "10.1.2.3:80", "10.0.0.1, 10.0.0.2", "", "10.0.0.1"},
		{"an address with its port", "10.1.2.3:80", "198.51.100.1:1234", "", "198.51.100.1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		r.Header.Set("X-Forwarded-Proto", c.proto)
		if got := proxies.Client(r); got != c.client {
			t.Errorf("%s: got %s, want %s", c.what, got, c.client)
		}
		if want := c.what == "a proxy"; proxies.Secure(r) != want {
			t.Errorf("%s: secure %v, want %v", c.what, !want, want)
		}
	}
	if _, err := ParseProxies([]string{"everybody"}); err == nil {
		t.Error("no network: no error")
	}
}

// TestTheClassOfRebinding: a name of a stranger that leads to this machine is not answered.
func TestTheClassOfRebinding(t *testing.T) {
	handler := OnlyHosts(http.NotFoundHandler(), func(_ *http.Request, host string) bool { return host == "cd.example" })
	for host, want := range map[string]int{
		"127.0.0.1:8080": 404, "localhost:8080": 404, "LOCALHOST": 404, "[::1]:8080": 404, "10.0.0.1": 404, "cyan.localhost:1": 404, "cd.example": 404, "CD.example:8080": 404,
		"evil.example": 421, "evil.example:8080": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example:8080": 421, "cd.example.evil.example": 421, "": 421, "0x7f.1": 421,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%q: %d, want %d", host, w.Code, want)
		}
	}
}

func TestBelowARoot(t *testing.T) {
	handler := Below("/cd/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.URL.Path)) }))
	for path, want := range map[string]string{"/cd/": "/", "/cd/api/version": "/api/version", "/api/version": "/api/version", "/cdn": "/cdn", "/cd": "redirect"} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		got := w.Body.String()
		if w.Code == http.StatusPermanentRedirect && w.Header().Get("Location") == "/cd/" {
			got = "redirect"
		}
		if got != want {
			t.Errorf("%s: %d %q, want %q", path, w.Code, got, want)
		}
	}
	// What a path means is below the root as well.
	for path, want := range map[string]string{
		"/cd//api/version": "/cd/api/version", "/cd/api//version?a=b&c=%2F": "/cd/api/version?a=b&c=%2F", "/cd//evil.example": "/cd/evil.example", "/cd///evil.example//": "/cd/evil.example/",
		"/cd/../api/version": "/cd/api/version", "/cd/./": "/cd/", "/cd/..": "/cd/", "/cd/api/v1/repositories/https:%2F%2Fgit.example//refs": "/cd/api/v1/repositories/https:%2F%2Fgit.example/refs",
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if got := w.Header().Get("Location"); w.Code != http.StatusTemporaryRedirect || got != want {
			t.Errorf("%s: %d %q, want to be sent to %q", path, w.Code, got, want)
		}
	}
	for path, want := range map[string]string{"/cd/api/v1/repositories/https:%2F%2Fgit.example/refs": "/api/v1/repositories/https://git.example/refs", "/cd/a/%2e%2e/b": "/a/../b"} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if got := w.Body.String(); got != want {
			t.Errorf("%s: %d %q, want %q", path, w.Code, got, want)
		}
	}
	for root, want := range map[string]string{"": "", "/": "", "cd": "/cd", "/a/b/": "/a/b", "/a//b": "!", "/..": "!", "/a\"b": "!", "/api": "!", "//evil.example": "/evil.example"} {
		got, err := CheckRoot(root)
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("root %q: %q %v, want %q", root, got, err, want)
		}
	}
}

// fakeListener accepts connections of addresses.
type fakeListener struct {
	net.Listener
	from []string
}

type fakeConn struct {
	net.Conn
	remote net.Addr
	closed *int
}

func (c fakeConn) RemoteAddr() net.Addr { return c.remote }
func (c fakeConn) Close() error         { *c.closed++; return nil }

var errNoMore = errors.New("no more connections")

func (l *fakeListener) Accept() (net.Conn, error) {
	if len(l.from) == 0 {
		return nil, errNoMore
	}
	address, err := net.ResolveTCPAddr("tcp", l.from[0])
	l.from = l.from[1:]
	return fakeConn{remote: address, closed: new(int)}, err
}

// One address has room for a few connections, and leaves the others room; there is a bound for all.
func TestConnectionsAreBounded(t *testing.T) {
	from := []string{"203.0.113.5:1", "203.0.113.5:2", "203.0.113.5:3", "198.51.100.1:1", "[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1", "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3", "198.51.100.2:1"}
	trusted, _ := ParseProxies([]string{"10.0.0.0/8"})
	l := Limit(&fakeListener{from: from}, trusted).(*limited)
	l.most, l.ofAddress = 11, 2
	var got []string
	var conns []net.Conn
	for {
		conn, err := l.Accept()
		if err != nil {
			break
		}
		got, conns = append(got, conn.RemoteAddr().String()), append(conns, conn)
	}
	want := []string{from[0], from[1], from[3], from[4], from[5], from[7], from[8], from[9], from[10], from[11], from[12]}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("connection %d: got %s, want %s", i, got[i], want[i])
		}
	}
	_ = conns[0].Close()
	_ = conns[0].Close()
	l.Listener = &fakeListener{from: []string{"203.0.113.5:4", "203.0.113.5:5"}}
	if conn, err := l.Accept(); err != nil || conn.RemoteAddr().String() != "203.0.113.5:4" {
		t.Errorf("after one was closed: %v %v, want room for one", conn, err)
	}
	if _, err := l.Accept(); !errors.Is(err, errNoMore) {
		t.Errorf("one more: %v, want it closed", err)
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
	if len(l.open) != 1 || l.all != 1 {
		t.Errorf("%d are remembered of %d addresses, want 1 of 1", l.all, len(l.open))
	}
}

// A certificate that was renewed is served at once, and one that cannot be read leaves the one before.
func TestCertificatesAreRenewed(t *testing.T) {
	pair, err := SelfMade([]string{"localhost", "127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	next, err := SelfMade([]string{"localhost", "127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	current, failed := KeyPair{}, error(nil)
	c := &certificates{current: func() (KeyPair, error) { return current, failed }}
	if _, err := c.get(); err == nil {
		t.Error("none at all: no error")
	}
	serial := func() string {
		got, err := c.get()
		if err != nil {
			t.Fatal(err)
		}
		return got.Leaf.SerialNumber.String()
	}
	of := func(p KeyPair) string {
		parsed, err := tls.X509KeyPair(p.Certificate, p.Key)
		if err != nil {
			t.Fatal(err)
		}
		return parsed.Leaf.SerialNumber.String()
	}
	if current = pair; serial() != of(pair) {
		t.Error("the first one is not served")
	}
	if current = next; serial() != of(next) {
		t.Error("the second one is not served")
	}
	if current = (KeyPair{[]byte("?"), []byte("?")}); serial() != of(next) {
		t.Error("one that cannot be read takes the one before away")
	}
	if failed = errors.New("no answer"); serial() != of(next) {
		t.Error("an API server that does not answer takes it away")
	}
}
