package auth

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestTheClassOfCrossSiteRequests: what another site has a browser send changes nothing.
func TestTheClassOfCrossSiteRequests(t *testing.T) {
	reached, refused := false, 0
	handler := SameOrigin(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }), func(*http.Request, string) { refused++ })
	for _, c := range []struct {
		what, method string
		headers      map[string]string
		want         int
	}{
		{"a script", http.MethodPost, map[string]string{"Content-Type": "application/json"}, 200},
		{"this page", http.MethodPost, map[string]string{"Content-Type": "application/json; charset=utf-8", "Sec-Fetch-Site": "same-origin", "Origin": "https://cd.example"}, 200},
		{"this page, in an old browser", http.MethodPut, map[string]string{"Content-Type": "application/json", "Origin": "https://cd.example"}, 200},
		{"a read from another site", http.MethodGet, map[string]string{"Sec-Fetch-Site": "cross-site"}, 200},
		{"a form of another site", http.MethodPost, map[string]string{"Content-Type": "text/plain", "Sec-Fetch-Site": "cross-site"}, 403},
		{"a sibling of this site", http.MethodPost, map[string]string{"Content-Type": "application/json", "Sec-Fetch-Site": "same-site"}, 403},
		{"a sibling, in an old browser", http.MethodDelete, map[string]string{"Content-Type": "application/json", "Origin": "https://evil.cd.example"}, 403},
		{"a form", http.MethodPost, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 415},
		{"no content type", http.MethodDelete, nil, 415},
		{"another type", http.MethodPatch, map[string]string{"Content-Type": "text/plain; application/json"}, 415},
		{"a type that looks like it", http.MethodPost, map[string]string{"Content-Type": "application/json-patch+json"}, 415},
	} {
		r := httptest.NewRequest(c.method, "https://cd.example/api/v1/session", strings.NewReader("{}"))
		for k, v := range c.headers {
			r.Header.Set(k, v)
		}
		reached, refused = false, 0
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		if answer.Code != c.want || reached != (c.want == 200) || refused > 0 == reached {
			t.Errorf("%s: got %d, reached %v, told of %d refusals, want %d", c.what, answer.Code, reached, refused, c.want)
		}
	}
}

func TestHeaders(t *testing.T) {
	for scripts, want := range map[string]string{"": "script-src 'self';", "sha256-abc=": "script-src 'self' 'sha256-abc=';"} {
		var hashes []string
		if scripts != "" {
			hashes = []string{scripts}
		}
		answer := httptest.NewRecorder()
		Headers(http.NotFoundHandler(), hashes...).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "https://cd.example/", nil))
		h := answer.Header()
		policy := h.Get("Content-Security-Policy")
		if !has(policy, want, "default-src 'none'", "frame-ancestors 'none'", "base-uri 'self'", "form-action 'self'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("got %s", policy)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Strict-Transport-Security") == "" {
			t.Errorf("got %v", h)
		}
	}
	answer := httptest.NewRecorder()
	Headers(http.NotFoundHandler()).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://localhost/", nil))
	if got := answer.Header().Get("Strict-Transport-Security"); got != "" {
		t.Errorf("by plain HTTP: got %s", got)
	}
}
