package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

// idp is a small issuer of OpenID Connect.
type idp struct {
	*httptest.Server
	key *ecdsa.PrivateKey
	now func() time.Time
	// user are the claims of who logs in there, which a test changes; info is what /userinfo answers.
	user, info map[string]any
	// sign makes an ID token.
	sign func(claims jwt.MapClaims) string
	// asked is what the last authorization request was, and challenge its PKCE challenge.
	asked url.Values
	// discoveries counts how often it was asked what it is.
	discoveries, keys int
	down              bool
}

const clientID, clientSecret = "cd", "s3cret"

func newIDP(t *testing.T, now func() time.Time) *idp {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &idp{key: key, now: now, user: map[string]any{"sub": "u-17", "email": "ada@example.com", "groups": []string{"org:devs", "org:ops"}}}
	p.sign = func(c jwt.MapClaims) string { return p.signed(t, jwt.SigningMethodES256, p.key, c) }
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, value any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(value)
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.discoveries++
		if p.down {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		answer(w, map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys", "userinfo_endpoint": p.URL + "/userinfo"})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		p.keys++
		answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		id, secret, basic := r.BasicAuth()
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if !basic || id != clientID || secret != clientSecret || r.FormValue("code") != "the-code" || r.FormValue("redirect_uri") != p.asked.Get("redirect_uri") ||
			base64.RawURLEncoding.EncodeToString(sum[:]) != p.asked.Get("code_challenge") || p.asked.Get("code_challenge_method") != "S256" {
			w.WriteHeader(http.StatusBadRequest)
			answer(w, map[string]any{"error": "invalid_grant", "error_description": "s3cret words"})
			return
		}
		answer(w, map[string]any{"access_token": "access", "token_type": "Bearer", "id_token": p.sign(p.claims())})
	})
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer access" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer(w, p.info)
	})
	p.Server = httptest.NewUnstartedServer(mux)
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.StartTLS()
	t.Cleanup(p.Close)
	return p
}

// claims are those of an ID token for who logs in.
func (p *idp) claims() jwt.MapClaims {
	c := jwt.MapClaims{"iss": p.URL, "aud": clientID, "iat": p.now().Unix(), "exp": p.now().Add(2 * time.Hour).Unix(), "nonce": p.asked.Get("nonce")}
	maps.Copy(c, p.user)
	return c
}

func (p *idp) signed(t *testing.T, method jwt.SigningMethod, key crypto.PrivateKey, c jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	token.Header["kid"] = "k"
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// authority is the certificate that the issuer's is signed by.
func (p *idp) authority() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw}))
}

// config is oidc.config for it, with more fields.
func (p *idp) config(t *testing.T, more map[string]any) string {
	t.Helper()
	fields := map[string]any{"name": "IdP", "issuer": p.URL, "clientID": clientID, "clientSecret": "$oidc.secret", "rootCA": p.authority()}
	maps.Copy(fields, more)
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// newOIDCWorld is a world with an issuer.
func newOIDCWorld(t *testing.T, more map[string]any) (*world, *idp) {
	w := newWorld(t, "url", "https://cd.example", "additionalUrls", "[https://other.example]")
	p := newIDP(t, func() time.Time { return w.now })
	w.set("oidc.config", p.config(t, more))
	w.secrets[SecretName].Data["oidc.secret"] = []byte(clientSecret)
	return w, p
}

// begun is a log-in that has been sent to the issuer.
type begun struct {
	to      *url.URL
	cookies []*http.Cookie
}

func (w *world) begin(p *idp, path string, change ...func(*http.Request)) begun {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "cd.example"
	for _, c := range change {
		c(r)
	}
	answer := httptest.NewRecorder()
	if err := w.BeginLogin(answer, r); err != nil {
		w.t.Fatal(err)
	}
	to, err := answer.Result().Location()
	if err != nil || answer.Code != http.StatusSeeOther {
		w.t.Fatalf("got %d, %v", answer.Code, err)
	}
	if p != nil {
		p.asked = to.Query()
	}
	return begun{to, answer.Result().Cookies()}
}

// finish comes back from the issuer.
func (w *world) finish(b begun, query url.Values) (Identity, *http.Response, error) {
	answer := httptest.NewRecorder()
	id, err := w.FinishLogin(answer, httptest.NewRequest(http.MethodGet, "/auth/callback?"+query.Encode(), nil))
	if len(b.cookies) > 0 {
		answer = httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/auth/callback?"+query.Encode(), nil)
		withCookies(b.cookies)(r)
		id, err = w.FinishLogin(answer, r)
	}
	return id, answer.Result(), err
}

func (b begun) back() url.Values {
	return url.Values{"code": {"the-code"}, "state": {b.to.Query().Get("state")}}
}

func codeOf(err error) string {
	var flow *FlowError
	if errors.As(err, &flow) {
		return flow.Code
	}
	return ""
}

// TestOIDC: from the page to the issuer and back, with a session of the groups that the issuer names.
func TestOIDC(t *testing.T) {
	w, p := newOIDCWorld(t, map[string]any{"requestedIDTokenClaims": map[string]any{"groups": map[string]any{"essential": true}}, "domainHint": "example.com"})
	b := w.begin(p, "/auth/login?return_url=/applications/shop%3Fview%3Dtree")
	q := b.to.Query()
	if b.to.Path != "/authorize" || q.Get("client_id") != clientID || q.Get("redirect_uri") != "https://cd.example/auth/callback" || q.Get("scope") != "openid profile email groups" || q.Get("response_type") != "code" ||
		q.Get("claims") != `{"id_token":{"groups":{"essential":true}}}` || q.Get("domain_hint") != "example.com" || len(q.Get("state")) < 40 || len(q.Get("nonce")) < 40 || len(q.Get("code_challenge")) < 40 {
		t.Errorf("got %s", b.to)
	}
	if c := cookieNamed(b.cookies, stateCookie); c == nil || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Expires.Sub(w.now) > stateLasts+time.Second {
		t.Errorf("got the cookie %+v", c)
	}
	id, answer, err := w.finish(b, b.back())
	if err != nil {
		t.Fatal(err)
	}
	if answer.Header.Get("Location") != "/applications/shop?view=tree" || cookieNamed(answer.Cookies(), stateCookie).MaxAge >= 0 {
		t.Errorf("got %v", answer.Header)
	}
	session := cookieNamed(answer.Cookies(), sessionCookie)
	got, err := w.Authenticate(request(withCookies([]*http.Cookie{session})))
	if err != nil || got.Name != "u-17" || !got.Foreign || got.DisplayName != "ada@example.com" || !slices.Equal(got.Groups, []string{"org:devs", "org:ops"}) || got.Issuer != p.URL || got.How != BySession || got.TokenID != id.TokenID {
		t.Errorf("got %+v, %v", got, err)
	}
	// The issuer's word ends before a session of an account would.
	if want := w.now.Add(2 * time.Hour).Unix(); got.Expires.Unix() != want {
		t.Errorf("expires %s", got.Expires)
	}
	if strings.Contains(session.Value, "access") {
		t.Error("the issuer's tokens are in the cookie")
	}
	w.restart()
	w.stays("after a restart", session.Value)
	config := w.configMaps[ConfigName]["oidc.config"]
	w.set("oidc.config", strings.Replace(config, p.URL, "https://another.example", 1))
	w.ends("after the issuer was changed", session.Value)
	delete(w.configMaps[ConfigName], "oidc.config")
	w.ends("after the issuer was removed", session.Value)
	w.set("oidc.config", config)
	w.set("accounts.u-17", "login")
	w.ends("after an account got the name", session.Value)
	delete(w.configMaps[ConfigName], "accounts.u-17")
	if _, err := w.Logout(request(withBearer(session.Value))); err != nil {
		t.Fatal(err)
	}
	w.restart()
	w.ends("after log-out", session.Value)
	// A short session duration ends it before the issuer's word does.
	w.set("users.session.duration", "1h")
	b = w.begin(p, "/auth/login", func(r *http.Request) { r.Host = "OTHER.example" })
	if got := b.to.Query().Get("redirect_uri"); got != "https://other.example/auth/callback" {
		t.Errorf("from the other address: got %s", got)
	}
	if id, answer, err = w.finish(b, b.back()); err != nil || id.Expires.Unix() != w.now.Add(time.Hour).Unix() || answer.Header.Get("Location") != "/" {
		t.Errorf("got %+v, %v, %v", id, answer.Header, err)
	}
	if p.discoveries > 2 {
		t.Errorf("the issuer was asked %d times what it is", p.discoveries)
	}
}

// TestWhoIssuersVouchFor: what of a verified token is a name and what are groups.
func TestWhoIssuersVouchFor(t *testing.T) {
	for _, c := range []struct {
		rule        string
		settings    map[string]any
		scopes      []string
		claims      map[string]any
		info        map[string]any
		name, shown string
		groups      []string
	}{
		{"sub, and groups by default", nil, nil, map[string]any{"sub": "a", "groups": []string{"g2", "g1", "g2"}}, nil, "a", "a", []string{"g1", "g2"}},
		{"claims that scopes name", nil, []string{"email", "teams"}, map[string]any{"sub": "a", "email": "a@b", "teams": []string{"t"}, "groups": []string{"no"}}, nil, "a", "a@b", []string{"a@b", "t"}},
		{"a federated user", nil, nil, map[string]any{"sub": "a", "federated_claims": map[string]any{"user_id": "17"}}, nil, "17", "17", nil},
		{"what are no names is left out", nil, nil, map[string]any{"sub": "a", "groups": []any{"g", 17, nil, map[string]any{}}}, nil, "a", "a", []string{"g"}},
		{"groups of the user's information", map[string]any{"enableUserInfoGroups": true}, nil, map[string]any{"sub": "a", "groups": []string{"no"}}, map[string]any{"sub": "a", "groups": []string{"yes"}}, "a", "a", []string{"yes"}},
		{"at another path", map[string]any{"enableUserInfoGroups": true, "userInfoPath": "/userinfo"}, nil, map[string]any{"sub": "a"}, map[string]any{"sub": "a", "groups": "one"}, "a", "a", []string{"one"}},
		{"information about another user", map[string]any{"enableUserInfoGroups": true}, nil, map[string]any{"sub": "a"}, map[string]any{"sub": "b", "groups": []string{"yes"}}, "", "", nil},
		{"the name of an account", nil, nil, map[string]any{"sub": "alice"}, nil, "", "", nil},
		{"the name admin", nil, nil, map[string]any{"sub": "admin"}, nil, "", "", nil},
	} {
		w, p := newOIDCWorld(t, c.settings)
		if c.scopes != nil {
			w.scopes = func() []string { return c.scopes }
		}
		p.user, p.info = c.claims, c.info
		b := w.begin(p, "/auth/login")
		id, _, err := w.finish(b, b.back())
		if c.name == "" {
			if codeOf(err) != CodeRefused {
				t.Errorf("%s: got %+v, %v", c.rule, id, err)
			}
		} else if err != nil || id.Name != c.name || id.DisplayName != c.shown || !slices.Equal(id.Groups, c.groups) || !id.Foreign {
			t.Errorf("%s: got %+v, %v", c.rule, id, err)
		}
	}
}

// TestTheClassOfForgedLogins: an answer that is not the issuer's, to the request of this browser, begins no session;
// the log-in page gets a fixed code, and nothing of what was sent.
func TestTheClassOfForgedLogins(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	with := func(claim string, value any) func(*testing.T, *world, *idp, *begun, url.Values) {
		return func(_ *testing.T, _ *world, p *idp, _ *begun, _ url.Values) { p.user[claim] = value }
	}
	for what, c := range map[string]struct {
		code   string
		change func(t *testing.T, w *world, p *idp, b *begun, back url.Values)
	}{
		"another state":   {CodeState, func(_ *testing.T, _ *world, _ *idp, _ *begun, back url.Values) { back.Set("state", "x") }},
		"no state":        {CodeState, func(_ *testing.T, _ *world, _ *idp, _ *begun, back url.Values) { back.Del("state") }},
		"another browser": {CodeState, func(_ *testing.T, _ *world, _ *idp, b *begun, _ url.Values) { b.cookies = nil }},
		"too late":        {CodeState, func(_ *testing.T, w *world, _ *idp, _ *begun, _ url.Values) { w.pass(stateLasts + 5*time.Second) }},
		"a session in place of a state": {CodeState, func(t *testing.T, w *world, _ *idp, b *begun, back url.Values) {
			session := w.login("alice", alicePassword).Token
			id, err := w.Verify(t.Context(), session)
			if err != nil {
				t.Fatal(err)
			}
			b.cookies[0].Value = session
			back.Set("state", id.TokenID)
		}},
		"another's cookie": {CodeState, func(_ *testing.T, w *world, p *idp, b *begun, _ url.Values) {
			asked := p.asked
			b.cookies = w.begin(p, "/auth/login").cookies
			p.asked = asked
		}},
		"the issuer's refusal": {CodeDenied, func(_ *testing.T, _ *world, _ *idp, _ *begun, back url.Values) {
			back.Set("error", "<script>alert(1)</script>")
			back.Set("error_description", "come to evil.example")
		}},
		"no code":             {CodeDenied, func(_ *testing.T, _ *world, _ *idp, _ *begun, back url.Values) { back.Del("code") }},
		"another code":        {CodeRefused, func(_ *testing.T, _ *world, _ *idp, _ *begun, back url.Values) { back.Set("code", "x") }},
		"another verifier":    {CodeRefused, func(_ *testing.T, _ *world, p *idp, _ *begun, _ url.Values) { p.asked.Set("code_challenge", "x") }},
		"another nonce":       {CodeRefused, with("nonce", "x")},
		"another audience":    {CodeRefused, with("aud", "other")},
		"no audience":         {CodeRefused, with("aud", []string{})},
		"an empty audience":   {CodeRefused, with("aud", "")},
		"another issuer":      {CodeRefused, with("iss", "https://evil.example")},
		"an expired token":    {CodeRefused, with("exp", 1)},
		"a token of tomorrow": {CodeRefused, with("nbf", time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC).Unix())},
		"no subject":          {CodeRefused, with("sub", "")},
		"another key": {CodeRefused, func(t *testing.T, _ *world, p *idp, _ *begun, _ url.Values) {
			p.sign = func(c jwt.MapClaims) string { return p.signed(t, jwt.SigningMethodES256, other, c) }
		}},
		"no signature": {CodeRefused, func(t *testing.T, _ *world, p *idp, _ *begun, _ url.Values) {
			p.sign = func(c jwt.MapClaims) string {
				return p.signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, c)
			}
		}},
		"signed by the secret": {CodeRefused, func(t *testing.T, _ *world, p *idp, _ *begun, _ url.Values) {
			p.sign = func(c jwt.MapClaims) string { return p.signed(t, jwt.SigningMethodHS256, []byte(clientSecret), c) }
		}},
		"no token": {CodeRefused, func(_ *testing.T, _ *world, p *idp, _ *begun, _ url.Values) {
			p.sign = func(jwt.MapClaims) string { return "" }
		}},
		"a huge token": {CodeRefused, func(_ *testing.T, _ *world, p *idp, _ *begun, _ url.Values) {
			p.sign = func(jwt.MapClaims) string { return strings.Repeat("x", longestToken+1) }
		}},
		"no secret": {CodeNotConfigured, func(_ *testing.T, w *world, _ *idp, _ *begun, _ url.Values) {
			delete(w.secrets[SecretName].Data, "oidc.secret")
		}},
		"no issuer any more": {CodeNotConfigured, func(_ *testing.T, w *world, _ *idp, _ *begun, _ url.Values) {
			delete(w.configMaps[ConfigName], "oidc.config")
		}},
		"no key any more": {CodeNotConfigured, func(_ *testing.T, w *world, _ *idp, _ *begun, _ url.Values) {
			delete(w.secrets[SecretName].Data, signingKey)
		}},
	} {
		w, p := newOIDCWorld(t, nil)
		b := w.begin(p, "/auth/login?return_url=/settings")
		back := b.back()
		c.change(t, w, p, &b, back)
		id, answer, err := w.finish(b, back)
		if codeOf(err) != c.code || id.LoggedIn() || answer.Header.Get("Location") != "/login?error="+c.code || cookieNamed(answer.Cookies(), sessionCookie) != nil {
			t.Errorf("%s: got %+v, %v, %v; want %s", what, id, err, answer.Header, c.code)
		}
		if err != nil && strings.Contains(err.Error(), clientSecret) {
			t.Errorf("%s: the log would have a secret: %v", what, err)
		}
	}
	// A code that somebody steals is of no use without what the browser keeps, and nobody guesses that.
	w, p := newOIDCWorld(t, nil)
	seen := map[string]bool{}
	for range 3 {
		asked := w.begin(p, "/auth/login").to.Query()
		if asked.Get("code_challenge_method") != "S256" || asked.Get("response_type") != "code" {
			t.Errorf("the issuer is asked for %v", asked)
		}
		for _, name := range []string{"code_challenge", "state", "nonce"} {
			if value := asked.Get(name); len(value) < 26 || seen[value] {
				t.Errorf("%s is %q, want one that cannot be guessed", name, value)
			}
			seen[asked.Get(name)] = true
		}
	}
}

// TestTokensOfIssuers: those that a command has got from the issuer by itself.
func TestTokensOfIssuers(t *testing.T) {
	w, p := newOIDCWorld(t, map[string]any{"cliClientID": "cli"})
	token := func(change map[string]any) string {
		c := p.claims()
		maps.Copy(c, change)
		return p.sign(c)
	}
	for _, audience := range []any{clientID, "cli", []string{"other", "cli"}} {
		good := token(map[string]any{"aud": audience, "jti": "t-1"})
		id, err := w.Authenticate(request(withBearer(good)))
		if err != nil || id.Name != "u-17" || !id.Foreign || id.How != ByIssuer || id.TokenID != "t-1" || !slices.Equal(id.Groups, []string{"org:devs", "org:ops"}) || id.Expires.Unix() != w.now.Add(2*time.Hour).Unix() {
			t.Errorf("for %v: got %+v, %v (%s)", audience, id, err, ReasonOf(err))
		}
	}
	for what, bad := range map[string]string{
		"for others": token(map[string]any{"aud": "other"}), "for nobody": token(map[string]any{"aud": []string{}}), "expired": token(map[string]any{"exp": 1}), "the name of an account": token(map[string]any{"sub": "alice"}),
		"a slash at the issuer": token(map[string]any{"iss": p.URL + "/"}), "HS256": p.signed(t, jwt.SigningMethodHS256, []byte(clientSecret), p.claims()),
	} {
		w.ends(what, bad)
	}
	plain := token(nil)
	if _, err := w.Logout(request(withBearer(plain))); err != nil {
		t.Fatal(err)
	}
	w.restart()
	w.ends("after log-out", plain)
	w.set("oidc.config", p.config(t, map[string]any{"allowedAudiences": []string{"api"}}))
	w.ends("for the client, where audiences are listed", token(map[string]any{"iat": w.now.Unix() - 1}))
	w.stays("for one of the audiences", token(map[string]any{"aud": "api"}))
	delete(w.configMaps[ConfigName], "oidc.config")
	w.ends("without an issuer", token(map[string]any{"aud": "api"}))
}

// TestBelowAPath: behind a path prefix, people come back to below it.
func TestBelowAPath(t *testing.T) {
	w, p := newOIDCWorld(t, nil)
	w.cookies = Cookies{Path: "/cd/"}
	b := w.begin(p, "/auth/login")
	if _, answer, err := w.finish(b, b.back()); err != nil || answer.Header.Get("Location") != "/cd/" {
		t.Errorf("got %v, %v", answer.Header, err)
	}
	if _, answer, _ := w.finish(b, nil); answer.Header.Get("Location") != "/cd/login?error="+CodeState {
		t.Errorf("got %v", answer.Header)
	}
}
