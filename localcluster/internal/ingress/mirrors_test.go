package ingress

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

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
