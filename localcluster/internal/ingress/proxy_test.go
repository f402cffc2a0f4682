package ingress

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

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
	if got := w.ask("GET", "http://a.localhost/x", ""); got.status != 404 || !strings.Contains(got.body, "a.localhost/x: no Ingress, HTTPRoute or GRPCRoute") {
		t.Errorf("nothing is served: got %+v", got)
	}
}
