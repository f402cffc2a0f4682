package ingress

import (
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

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
