package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// A call that forgets to ask whether it is allowed answers nothing.
func TestCallsThatAreNotJudgedAnswerNothing(t *testing.T) {
	w := newWorld(t)
	s, mux := assemble(w.options)
	register(s, huma.Operation{OperationID: "forgetful", Method: http.MethodGet, Path: "/api/forgetful", Security: anybody}, func(context.Context, *caller, *struct{}) (*versionInfo, error) {
		out := &versionInfo{}
		out.Body.Version = "secret"
		return out, nil
	})
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/api/forgetful", http.NoBody))
	if answer.Code != http.StatusInternalServerError || strings.Contains(answer.Body.String(), "secret") {
		t.Errorf("got %d %s", answer.Code, answer.Body)
	}
}

// deadlines remembers when a request has to have been read.
type deadlines struct {
	*httptest.ResponseRecorder
	last time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.last = at
	return nil
}

// The time that a request may take to arrive does not end what is done about it.
func TestACallMayTakeLongerThanItsRequest(t *testing.T) {
	w := newWorld(t)
	s, mux := assemble(w.options)
	answer := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	var within time.Time
	register(s, huma.Operation{OperationID: "slow", Method: http.MethodPost, Path: "/api/slow", Security: anybody}, func(_ context.Context, c *caller, _ *credentials) (*versionInfo, error) {
		c.open()
		within = answer.last
		return &versionInfo{}, nil
	})
	answer.last = time.Unix(1, 0)
	r := httptest.NewRequest(http.MethodPost, "/api/slow", strings.NewReader(`{"username":"a","password":"b"}`))
	r.Header.Set("Content-Type", "application/json")
	if mux.ServeHTTP(answer, r); answer.Code != http.StatusOK || !within.IsZero() {
		t.Errorf("%d %s: while the call goes on, the request has to be read until %s", answer.Code, answer.Body, within)
	}
	if answer.last.IsZero() {
		t.Error("what is left of a request may take for ever")
	}
}

// A call that panics is an error like others, and the server goes on.
func TestACallThatPanics(t *testing.T) {
	w := newWorld(t)
	s, mux := assemble(w.options)
	register(s, huma.Operation{OperationID: "panicking", Method: http.MethodGet, Path: "/api/panicking", Security: anybody}, func(context.Context, *caller, *struct{}) (*versionInfo, error) {
		panic("secret words")
	})
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/api/panicking", http.NoBody))
	if answer.Code != http.StatusInternalServerError || !strings.Contains(answer.Body.String(), `"code":2`) || strings.Contains(answer.Body.String(), "secret") || !strings.Contains(w.log.String(), "secret words") {
		t.Errorf("got %d %s, and the log %s", answer.Code, answer.Body, w.log)
	}
}

// Errors have the shape that clients of Argo CD's API read.
func TestErrors(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name, as, method, path, body string
		status, code                 int
		text                         string
	}{
		{"no token", "", http.MethodGet, "/api/v1/applications", "", 401, 16, "no session information"},
		{"a wrong password", "", http.MethodPost, "/api/v1/session", `{"username":"admin","password":"x"}`, 401, 16, "invalid username or password"},
		{"a name that is too long", "", http.MethodPost, "/api/v1/session", `{"username":"` + strings.Repeat("x", 33) + `","password":"x"}`, 400, 3, "validation failed"},
		{"no right", "deployer", http.MethodPost, "/api/v1/applications/bank-web/sync", `{}`, 403, 7, "permission denied"},
		{"a misspelt field", "admin", http.MethodPost, "/api/v1/applications/shop-web/sync", `{"prun":true}`, 400, 3, "unexpected property"},
		{"no JSON", "admin", http.MethodPost, "/api/v1/applications/shop-web/sync", `{`, 400, 3, ""},
		{"too much", "admin", http.MethodPost, "/api/v1/applications/shop-web/sync", `{"revision":"` + strings.Repeat("x", largestBody) + `"}`, 413, 3, ""},
		{"a refresh of another kind", "admin", http.MethodGet, "/api/v1/applications/shop-web?refresh=soft", "", 400, 3, "refresh"},
		{"a right that there is not", "admin", http.MethodGet, "/api/v1/account/can-i/aplications/get/shop/web", "", 400, 3, "applications"},
		{"a query that is misspelt", "admin", http.MethodGet, "/api/v1/applications?proyects=shop", "", 400, 3, "proyects"},
		{"a query that a call does not have", "admin", http.MethodPost, "/api/v1/applications/shop-web/sync?prune=true", `{}`, 400, 3, "prune"},
		{"a selector that is none", "admin", http.MethodGet, "/api/v1/applications?selector=a%3D%3D%3Db", "", 400, 3, "selector"},
		{"nothing to terminate", "admin", http.MethodDelete, "/api/v1/applications/shop-web/operation", "", 400, 9, "no operation is in progress"},
		{"a deployment that is not in the history", "admin", http.MethodPost, "/api/v1/applications/shop-web/rollback", `{"id":7}`, 400, 3, "no deployment 7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer := w.call(c.as, c.method, c.path, c.body)
			text, _ := answer["error"].(string)
			if status != c.status || answer["code"] != float64(c.code) || answer["message"] != text || text == "" || !strings.Contains(text, c.text) {
				t.Errorf("got %d %v, want %d with code %d and %q", status, answer, c.status, c.code, c.text)
			}
		})
	}
}

// Changes and refusals leave a line that says who did what; reading leaves none, and no line has a secret.
func TestAudit(t *testing.T) {
	w := newWorld(t)
	deployerToken := w.tokenID("deployer")
	for _, c := range []struct {
		as, method, path, body string
		want                   []string
	}{
		{"deployer", http.MethodGet, "/api/v1/applications/shop-web", "", nil},
		{"deployer", http.MethodPost, "/api/v1/applications/shop-web/sync", `{}`, []string{"who=deployer", "call=syncApplication", "shop/shop-web", "outcome=done", `how="account token"`, "token=" + deployerToken, "from=192.0.2.1"}},
		{"deployer", http.MethodPost, "/api/v1/applications/bank-web/sync", `{}`, []string{"who=deployer", "bank/bank-web", "outcome=refused", "token=" + deployerToken}},
		{"reader", http.MethodPost, "/api/v1/applications/shop-web/sync", `{}`, []string{"who=reader", "outcome=refused"}},
		{"deployer", http.MethodPost, "/api/v1/applications/shop-web/rollback", `{"id":7}`, []string{"outcome=failed", "no deployment 7"}},
		{"", http.MethodPost, "/api/v1/session", `{"username":"admin","password":"hunter2"}`, []string{"call=login", "about=admin", "outcome=refused"}},
	} {
		w.log.Reset()
		w.call(c.as, c.method, c.path, c.body)
		line := w.log.String()
		if (line == "") != (c.want == nil) {
			t.Errorf("%s %s as %s: %q", c.method, c.path, c.as, line)
		}
		for _, want := range c.want {
			if !strings.Contains(line, want) {
				t.Errorf("%s %s as %s: %q has no %q", c.method, c.path, c.as, line, want)
			}
		}
		if strings.Contains(line, "hunter2") || c.as != "" && strings.Contains(line, w.tokens[c.as]) {
			t.Errorf("%s %s: a secret is in %q", c.method, c.path, line)
		}
	}
}

// tokenID returns the name of the token of an account, as it stands in the token.
func (w *world) tokenID(as string) string {
	w.Helper()
	var claims struct {
		ID string `json:"jti"`
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(w.tokens[as], ".")[1])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil || claims.ID == "" {
		w.Fatalf("the token of %s: %+v, %v", as, claims, err)
	}
	return claims.ID
}
