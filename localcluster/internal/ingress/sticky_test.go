package ingress

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

// TestClientsStay: a client that comes back with its cookie gets to the endpoint that it had, as long as there is one.
func TestClientsStay(t *testing.T) {
	w := newWorld(t)
	var endpoints []string
	for _, name := range []string{"one", "two", "three"} {
		endpoints = append(endpoints, w.backend(func(out http.ResponseWriter, _ *http.Request) { _, _ = out.Write([]byte(name)) }))
	}
	sticky := routing.Action{Sticky: &routing.Sticky{Name: "stay", Path: "/x", SameSite: "Lax", MaxAge: 60, Expires: 60}}
	w.serve(sticky, endpoints...)
	first := w.ask("GET", "http://a.localhost/x", "")
	set := first.header.Get("Set-Cookie")
	for _, want := range []string{"stay=", "; Path=/x", "; Max-Age=60", "; HttpOnly", "; SameSite=Lax", "; Expires="} {
		if !strings.Contains(set, want) {
			t.Errorf("Set-Cookie: got %q; want in it %q", set, want)
		}
	}
	if strings.Contains(set, "Secure") || !strings.Contains(w.ask("GET", "https://a.localhost/x", "").header.Get("Set-Cookie"), "; Secure") {
		t.Errorf("Set-Cookie: got %q; want Secure with TLS alone", set)
	}
	cookie, _, _ := strings.Cut(set, ";")
	for range 6 {
		if again := w.ask("GET", "http://a.localhost/x", "", "Cookie", cookie); again.body != first.body || again.header.Get("Set-Cookie") != "" {
			t.Fatalf("with its cookie: got %q and %q, want %q again and no other cookie", again.body, again.header.Get("Set-Cookie"), first.body)
		}
	}
	gone := map[string]int{"one": 0, "two": 1, "three": 2}[first.body]
	w.serve(sticky, append(append([]string{}, endpoints[:gone]...), endpoints[gone+1:]...)...)
	if other := w.ask("GET", "http://a.localhost/x", "", "Cookie", cookie); other.status != 200 || other.body == first.body || other.header.Get("Set-Cookie") == "" {
		t.Errorf("once that endpoint is gone: got %+v, want another one and its cookie", other)
	}
	w.serve(routing.Action{}, endpoints...)
	if plain := w.ask("GET", "http://a.localhost/x", "", "Cookie", cookie); plain.header.Get("Set-Cookie") != "" {
		t.Errorf("where nobody stays: got %q", plain.header.Get("Set-Cookie"))
	}
}
