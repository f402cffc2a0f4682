package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/auth"
)

// browser keeps cookies, as a browser does.
type browser struct {
	*world
	cookies map[string]string
}

func (w *world) browser() *browser { return &browser{w, map[string]string{}} }

// do makes a request, and returns the status, the answer and where it leads on to.
func (b *browser) do(method, path, body string, headers ...string) (int, map[string]any, string) {
	b.Helper()
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		if b.cookies[cookie.Name] = cookie.Value; cookie.MaxAge < 0 {
			delete(b.cookies, cookie.Name)
		}
	}
	out := map[string]any{}
	_ = json.Unmarshal(w.Body.Bytes(), &out)
	return w.Code, out, w.Header().Get("Location")
}

func (b *browser) login(name, password string) int {
	status, _, _ := b.do(http.MethodPost, "/api/v1/session", `{"username":"`+name+`","password":"`+password+`"}`)
	return status
}

// set writes keys of ConfigMap argocd-cm.
func (w *world) set(keys ...string) {
	w.Helper()
	found := &corev1.ConfigMap{}
	if err := w.Get(context.Background(), client.ObjectKey{Namespace: control, Name: auth.ConfigName}, found); err != nil {
		w.Fatal(err)
	}
	for i := 0; i+1 < len(keys); i += 2 {
		found.Data[keys[i]] = keys[i+1]
	}
	if err := w.Update(context.Background(), found); err != nil {
		w.Fatal(err)
	}
}

// A password is changed by who knows the one that holds; the other sessions end, and this one goes on.
func TestPasswords(t *testing.T) {
	w := newWorld(t)
	here, there := w.browser(), w.browser()
	if here.login("admin", "correct horse") != 200 || there.login("admin", "correct horse") != 200 {
		t.Fatal("logging in")
	}
	change := func(current, next string) (int, any) {
		status, answer, _ := here.do(http.MethodPut, "/api/v1/account/password", `{"currentPassword":"`+current+`","newPassword":"`+next+`"}`)
		return status, answer["error"]
	}
	if status, text := change("wrong", "battery staple"); status != 403 || text != "currentPassword: not the password of account admin" {
		t.Errorf("a wrong one: %d %v", status, text)
	}
	if status, text := change("correct horse", "short"); status != 400 || !strings.Contains(text.(string), "passwordPattern") {
		t.Errorf("one that is too short: %d %v", status, text)
	}
	if status, text := change("correct horse", "battery staple"); status != 200 {
		t.Errorf("a right one: %d %v", status, text)
	}
	for name, c := range map[string]struct {
		*browser
		want bool
	}{"who has changed it": {here, true}, "another browser": {there, false}} {
		if _, answer, _ := c.do(http.MethodGet, "/api/v1/view/me", ""); answer["loggedIn"] != c.want {
			t.Errorf("%s: logged in %v, want %v", name, answer["loggedIn"], c.want)
		}
	}
	if status := there.login("admin", "correct horse"); status != 401 {
		t.Errorf("the old password: %d, want 401", status)
	}
	// admin may set another's password, and only by a session.
	if status, answer, _ := here.do(http.MethodPut, "/api/v1/account/password", `{"name":"reader","currentPassword":"battery staple","newPassword":"a good reader"}`); status != 200 {
		t.Errorf("of another account: %d %v", status, answer)
	}
	if status := there.login("reader", "a good reader"); status != 200 {
		t.Errorf("as reader: %d", status)
	}
	if status, answer := w.call("shopper", http.MethodPut, "/api/v1/account/password", `{"currentPassword":"battery staple","newPassword":"another one"}`); status != 400 {
		t.Errorf("with a token: %d %v, want 400", status, answer)
	}
}

// A token is made, listed and taken back, and holds no longer than the one that it was asked for with.
func TestTokensOfAccounts(t *testing.T) {
	w := newWorld(t)
	create := func(as, body string) (int, string) {
		status, answer := w.call(as, http.MethodPost, "/api/v1/account/nobody/token", body)
		token, _ := answer["token"].(string)
		return status, token
	}
	status, ending := create("nobody", `{"expiresIn":"600","id":"short"}`)
	if status != 200 {
		t.Fatalf("making one: %d", status)
	}
	w.tokens["short"] = ending
	for body, want := range map[string]int{`{}`: 400, `{"expiresIn":6000}`: 400, `{"expiresIn":60,"id":"shorter"}`: 200, `{"expiresIn":-1}`: 400, `{"expiresIn":99999999999}`: 400, `{"expiresIn":"soon"}`: 400} {
		if status, _ := create("short", body); status != want {
			t.Errorf("with one that ends, %s: %d, want %d", body, status, want)
		}
	}
	if status, _ := create("admin", `{"id":"for ever"}`); status != 200 {
		t.Errorf("with a right: %d", status)
	}
	ids := func() []string {
		_, answer := w.call("reader", http.MethodGet, "/api/v1/account/nobody", "")
		var ids []string
		for _, token := range answer["tokens"].([]any) {
			ids = append(ids, token.(map[string]any)["id"].(string))
		}
		slices.Sort(ids)
		return ids
	}
	if got := ids(); !slices.Contains(got, "short") || !slices.Contains(got, "shorter") || !slices.Contains(got, "for ever") {
		t.Errorf("tokens %v", got)
	}
	if status, answer := w.call("nobody", http.MethodDelete, "/api/v1/account/nobody/token/short", ""); status != 200 {
		t.Errorf("deleting: %d %v", status, answer)
	}
	if status, _ := w.call("short", http.MethodGet, "/api/v1/account", ""); status != 401 || slices.Contains(ids(), "short") {
		t.Errorf("after that: %d %v", status, ids())
	}
	for as, want := range map[string]int{"admin": len(accounts), "reader": len(accounts), "shopper": 1} {
		if _, answer := w.call(as, http.MethodGet, "/api/v1/account", ""); len(answer["items"].([]any)) != want {
			t.Errorf("accounts as %s: %v, want %d", as, answer["items"], want)
		}
	}
}

func TestWhoAsksAndWhatTheyMay(t *testing.T) {
	w := newWorld(t)
	w.set("ui.bannercontent", "Maintenance at noon", "ui.bannerurl", "javascript:alert(1)", "help.chatUrl", "https://chat.example/cd", "help.chatText", "Chat")
	for as, want := range map[string]map[string]any{
		"":         {"loggedIn": false, "name": "", "admin": false, "create": []any{}, "settings": false, "banner": nil},
		"admin":    {"loggedIn": true, "name": "admin", "admin": true, "create": []any{"bank", "shop"}, "settings": true, "banner": map[string]any{"text": "Maintenance at noon"}},
		"reader":   {"loggedIn": true, "name": "reader", "admin": false, "create": []any{}, "settings": true, "banner": map[string]any{"text": "Maintenance at noon"}},
		"shopper":  {"loggedIn": true, "name": "shopper", "admin": false, "create": []any{"shop"}, "settings": false, "banner": map[string]any{"text": "Maintenance at noon"}},
		"deployer": {"loggedIn": true, "name": "deployer", "admin": false, "create": []any{}, "settings": false, "banner": map[string]any{"text": "Maintenance at noon"}},
	} {
		status, answer := w.call(as, http.MethodGet, "/api/v1/view/me", "")
		may, _ := answer["may"].(map[string]any)
		got := map[string]any{"loggedIn": answer["loggedIn"], "name": answer["name"], "admin": answer["admin"], "create": may["createApplication"], "settings": may["settings"], "banner": answer["banner"]}
		if status != 200 || !reflect.DeepEqual(got, want) {
			t.Errorf("as %q: %d %v, want %v", as, status, got, want)
		}
		if !reflect.DeepEqual(answer["help"], map[string]any{"chatUrl": "https://chat.example/cd", "chatText": "Chat"}) || answer["methods"].(map[string]any)["password"] != true || answer["serverTime"] == "" {
			t.Errorf("as %q: %v", as, answer)
		}
	}
}

// What strangers are told before they log in holds no secret, and no more than they need.
func TestTheClassOfSettingsBeforeLogIn(t *testing.T) {
	w := newWorld(t)
	w.set("url", "https://cd.example", "oidc.config", "name: Okta\nissuer: https://issuer.example\nclientID: cd\nclientSecret: hush\ncliClientID: cd-cli\n", "ui.bannercontent", "internal", "passwordPattern", "^.{9,}$")
	for as, more := range map[string]bool{"": false, "nobody": true} {
		status, answer := w.call(as, http.MethodGet, "/api/v1/settings", "")
		text, _ := json.Marshal(answer)
		oidc, _ := answer["oidcConfig"].(map[string]any)
		if status != 200 || oidc["clientID"] != "cd" || oidc["cliClientID"] != "cd-cli" || answer["url"] != "https://cd.example" || strings.Contains(string(text), "hush") {
			t.Errorf("as %q: %d %s", as, status, text)
		}
		if got := answer["passwordPattern"] != nil && answer["uiBannerContent"] == "internal" && answer["controllerNamespace"] == control; got != more {
			t.Errorf("as %q: %s, want more than the least: %v", as, text, more)
		}
	}
	_, answer := w.call("", http.MethodGet, "/api/v1/view/me", "")
	if got := answer["methods"].(map[string]any)["sso"]; !reflect.DeepEqual(got, map[string]any{"name": "Okta", "loginUrl": "/auth/login"}) {
		t.Errorf("sso %v", got)
	}
}

// A browser is sent to the issuer, and back to the log-in page with a fixed code where that fails; nothing that a link
// has in it is shown or followed.
func TestTheClassOfLogInLinks(t *testing.T) {
	w := newWorld(t).withPage("the page")
	b := w.browser()
	for path, want := range map[string]string{
		"/auth/login": "/login?error=" + auth.CodeNotConfigured,
		"/auth/callback?code=x&state=y&error=%3Cscript%3E&error_description=call+us": "/login?error=" + auth.CodeState,
		"/api/dex/callback?code=x&state=y":                                           "/login?error=" + auth.CodeState,
	} {
		if status, _, location := b.do(http.MethodGet, path, ""); status != http.StatusSeeOther || location != want {
			t.Errorf("%s: %d to %q, want %q", path, status, location, want)
		}
	}
	if !strings.Contains(w.log.String(), "call=issuerLogin") {
		t.Errorf("no audit line: %s", w.log)
	}
	w.set("url", "https://cd.example", "oidc.config", "name: Okta\nissuer: https://issuer.invalid\nclientID: cd\nlogoutURL: https://issuer.invalid/logout?back={{logoutRedirectURL}}&hint={{token}}\n")
	if _, _, location := b.do(http.MethodGet, "/auth/login", ""); location != "/login?error="+auth.CodeUnreachable {
		t.Errorf("an issuer that is away: %q", location)
	}
	// A link of another site does not log out; this page's does.
	if status := b.login("admin", "correct horse"); status != 200 {
		t.Fatalf("logging in: %d", status)
	}
	if _, _, location := b.do(http.MethodGet, "/auth/logout", "", "Sec-Fetch-Site", "cross-site"); location != "/" || b.cookies["argocd.token"] == "" {
		t.Errorf("another site: to %q with %v", location, b.cookies)
	}
	session := b.cookies["argocd.token"]
	if _, _, location := b.do(http.MethodGet, "/auth/logout", "", "Sec-Fetch-Site", "same-origin"); location != "https://issuer.invalid/logout?back=https%3A%2F%2Fcd.example&hint=" || b.cookies["argocd.token"] != "" {
		t.Errorf("this page: to %q with %v", location, b.cookies)
	}
	if !strings.Contains(w.log.String(), "who=admin how=session token=") || !strings.Contains(w.log.String(), "call=logout path=/auth/logout outcome=done") {
		t.Errorf("the log-out has no audit line: %s", w.log)
	}
	b.cookies["argocd.token"] = session
	if _, answer, _ := b.do(http.MethodGet, "/api/v1/view/me", ""); answer["loggedIn"] != false {
		t.Errorf("the session that was ended: %v", answer)
	}
}
