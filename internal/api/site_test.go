package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cyan-cd/cyan/internal/auth"
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
	w.options.Hooks = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("hooks " + r.Method)) })
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
		{"/assets/app-1.js", 200, "app()"}, {"/assets/app-2.js", 404, "not found"}, {"/healthz", 200, "hooks GET"},
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

// A stranger gets no further than to the calls that are for anybody: nothing of the rest is read or checked before it
// is known who asks.
func TestStrangersAreAskedFirst(t *testing.T) {
	w := newWorld(t).withPage("")
	large := strings.Repeat(" ", strangersBody) + `{"username":"admin","password":"wrong"}`
	for _, c := range []struct {
		as, method, path, body string
		status                 int
	}{
		{"", http.MethodPost, "/api/v1/applications/shop-web/sync", "not JSON", 401},
		{"", http.MethodPost, "/api/v1/applications/shop-web/sync", large, 401},
		{"", http.MethodGet, "/api/v1/applications?nonsense=1", "", 401},
		{"", http.MethodPost, "/api/v1/session", large, 413},
		{"nobody", http.MethodPost, "/api/v1/applications/shop-web/sync", strings.Repeat(" ", strangersBody) + "{}", 403},
	} {
		status, answer := w.call(c.as, c.method, c.path, c.body)
		if status != c.status || answer["error"] == "" {
			t.Errorf("%s %s as %q: %d %v, want %d", c.method, c.path, c.as, status, answer, c.status)
		}
	}
}

// What is refused before a call is in the audit lines as well, and no number of refusals makes the log grow by more
// than a bound.
func TestRefusalsAreAudited(t *testing.T) {
	w := newWorld(t).withPage("")
	w.ask(http.MethodPost, "/api/v1/session", map[string]string{"Content-Type": "text/plain"})
	w.ask(http.MethodDelete, "/api/v1/session", map[string]string{"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"})
	w.ask(http.MethodGet, "/api/v1/applications", map[string]string{"Authorization": "Bearer forged"})
	for _, want := range []string{"content type is not application/json", "request comes from another site", "call=listApplications"} {
		if !strings.Contains(w.log.String(), want) {
			t.Errorf("the log has no %q: %s", want, w.log)
		}
	}
	for _, c := range []struct{ name, method, path, body, token string }{
		{"a forged token", http.MethodGet, "/api/v1/applications", "", "forged"},
		{"no token", http.MethodPost, "/api/v1/applications/shop-web/sync", "{}", ""},
		{"wrong passwords", http.MethodPost, "/api/v1/session", `{"username":"admin","password":"wrong"}`, ""},
	} {
		w := newWorld(t)
		w.log.Reset()
		for range 2 * refusalsAtOnce {
			r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/json")
			if c.token != "" {
				r.Header.Set("Authorization", "Bearer "+c.token)
			}
			w.handler.ServeHTTP(httptest.NewRecorder(), r)
		}
		if lines := strings.Count(w.log.String(), "outcome=refused"); lines < refusalsAtOnce/2 || lines > refusalsAtOnce*3/2 || lines != strings.Count(w.log.String(), "\n") {
			t.Errorf("%s: %d refusals in %d lines, want about %d", c.name, lines, strings.Count(w.log.String(), "\n"), refusalsAtOnce)
		}
	}
}

// A browser's session that ends soon goes on; one that was sent as a header is the program's own affair.
func TestSessionsAreRenewed(t *testing.T) {
	w := newWorld(t)
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/api/v1/session", strings.NewReader(`{"username":"admin","password":"correct horse"}`))
	r.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	var session *http.Cookie
	for _, cookie := range answer.Result().Cookies() {
		if cookie.Name == "argocd.token" {
			session = cookie
		}
	}
	if session == nil {
		t.Fatalf("logging in: %d %s", answer.Code, answer.Body)
	}
	for _, c := range []struct {
		before  time.Duration
		headers map[string]string
		renewed bool
	}{
		{time.Hour, map[string]string{"Cookie": session.String()}, false},
		{time.Minute, map[string]string{"Cookie": session.String()}, true},
		{time.Minute, map[string]string{"Authorization": "Bearer " + session.Value}, false},
		// What a proxy in front has asked for is not the program's.
		{time.Minute, map[string]string{"Cookie": session.String(), "Authorization": "Basic cHJveHk6cGFzcw=="}, true},
	} {
		now := session.Expires.Add(-c.before)
		w.options.Auth = auth.New(auth.Options{Objects: auth.ClusterObjects{Client: w.Client, Namespace: control}, Now: func() time.Time { return now }})
		w.handler = Handler(w.options)
		answer := w.ask(http.MethodGet, "/api/v1/session/userinfo", c.headers)
		if got := strings.Contains(answer.Header().Get("Set-Cookie"), "argocd.token="); got != c.renewed || !strings.Contains(answer.Body.String(), `"loggedIn":true`) {
			t.Errorf("%s before its end, %v: renewed %v, want %v (%d %s)", c.before, c.headers, got, c.renewed, answer.Code, answer.Body)
		}
	}
}
