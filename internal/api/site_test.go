package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/internal/page"
)

// withPage has the API serve a page as well.
func (w *world) withPage(index string) *world {
	w.Helper()
	files, err := page.New(fstest.MapFS{"dist/page/index.html": {Data: []byte(index)}, "dist/page/assets/app-1.js": {Data: []byte("app()")}}, "/")
	if err != nil {
		w.Fatal(err)
	}
	w.options.Page = files
	w.handler = Handler(w.options)
	return w
}

// ask makes a request as a browser does.
func (w *world) ask(method, path string, headers map[string]string) *httptest.ResponseRecorder {
	w.Helper()
	r := httptest.NewRequestWithContext(context.Background(), method, path, nil)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	return answer
}

// The page is at every address but those of calls, with the headers that guard browsers.
func TestThePageIsServedBesideTheAPI(t *testing.T) {
	w := newWorld(t).withPage("<head></head>the page")
	for _, c := range []struct {
		path   string
		status int
		body   string
	}{
		{"/", 200, "the page"}, {"/applications/argocd/shop-web", 200, "the page"}, {"/login?error=state", 200, "the page"}, {"/apish", 200, "the page"},
		{"/assets/app-1.js", 200, "app()"}, {"/assets/app-2.js", 404, "not found"}, {"/healthz", 200, "ok"},
		{"/api/v1/nowhere", 404, `"code":5`}, {"/api/", 404, `"code":5`}, {"/auth/nowhere", 404, `"code":5`}, {"/api/version", 200, "v1.2.3"},
	} {
		answer := w.ask(http.MethodGet, c.path, nil)
		if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.body) {
			t.Errorf("%s: %d %q, want %d %q", c.path, answer.Code, answer.Body, c.status, c.body)
		}
		for name, want := range map[string]string{"Content-Security-Policy": "script-src 'self';", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"} {
			if got := answer.Header().Get(name); !strings.Contains(got, want) {
				t.Errorf("%s: %s is %q, want %q in it", c.path, name, got, want)
			}
		}
	}
	if policy := w.ask(http.MethodGet, "/", nil).Header().Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q", policy)
	}
	w = newWorld(t).withPage("<head><script>alert(1)</script></head>")
	if policy := w.ask(http.MethodGet, "/", nil).Header().Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self' 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='") {
		t.Errorf("the policy is %q", policy)
	}
}
