package login

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// issuerWorld is a server that names an issuer, and the issuer.
type issuerWorld struct {
	issuer, server *httptest.Server
	key            *ecdsa.PrivateKey

	mu    sync.Mutex
	asked url.Values
	// nonce replaces the one that was asked for.
	nonce string
}

func newIssuerWorld(t *testing.T) *issuerWorld {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := &issuerWorld{key: key}
	answer := func(rw http.ResponseWriter, value any) {
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(value)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(rw http.ResponseWriter, _ *http.Request) {
		at := w.issuer.URL
		answer(rw, map[string]any{"issuer": at, "authorization_endpoint": at + "/authorize", "token_endpoint": at + "/token", "jwks_uri": at + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"}})
	})
	mux.HandleFunc("GET /keys", func(rw http.ResponseWriter, _ *http.Request) {
		answer(rw, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("POST /token", func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if r.FormValue("code") != "the-code" || base64.RawURLEncoding.EncodeToString(sum[:]) != w.asked.Get("code_challenge") || w.asked.Get("code_challenge_method") != "S256" || r.FormValue("redirect_uri") != w.asked.Get("redirect_uri") {
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(http.StatusBadRequest)
			answer(rw, map[string]any{"error": "invalid_grant"})
			return
		}
		nonce := w.asked.Get("nonce")
		if w.nonce != "" {
			nonce = w.nonce
		}
		token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"iss": w.issuer.URL, "aud": w.asked.Get("client_id"), "sub": "ada", "nonce": nonce, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()})
		token.Header["kid"] = "k"
		signed, err := token.SignedString(key)
		if err != nil {
			t.Error(err)
		}
		answer(rw, map[string]any{"access_token": "access", "token_type": "Bearer", "id_token": signed})
	})
	w.issuer = httptest.NewServer(mux)
	t.Cleanup(w.issuer.Close)
	api := http.NewServeMux()
	api.HandleFunc("GET /api/version", func(rw http.ResponseWriter, _ *http.Request) { answer(rw, map[string]string{"Version": "v1"}) })
	api.HandleFunc("GET /api/v1/settings", func(rw http.ResponseWriter, _ *http.Request) {
		answer(rw, map[string]any{"oidcConfig": map[string]any{"name": "Okta", "issuer": w.issuer.URL, "clientID": "cd", "cliClientID": "cd-cli", "scopes": []string{"groups"}}})
	})
	api.HandleFunc("GET /api/v1/session/userinfo", func(rw http.ResponseWriter, r *http.Request) {
		answer(rw, map[string]any{"loggedIn": strings.Count(r.Header.Get("Authorization"), ".") == 2, "username": "ada"})
	})
	w.server = httptest.NewServer(api)
	t.Cleanup(w.server.Close)
	return w
}

// notes are what a command prints beside its output, of which the browser reads where to go.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
	come chan struct{}
	once sync.Once
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text.Write(p)
	if bytes.Contains(n.text.Bytes(), []byte("code_challenge=")) {
		n.once.Do(func() { close(n.come) })
	}
	return len(p), nil
}

func (n *notes) address(t *testing.T) *url.URL {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	found, err := url.Parse(regexp.MustCompile(`http://\S+/authorize\S+`).FindString(n.text.String()))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// visit goes to the address that the browser is sent back to, with these parameters, and returns what it is shown.
func visit(t *testing.T, back string, query url.Values) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, back+"?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// login runs `login --sso`; come is called in the browser's place, with what it was sent with.
func (w *issuerWorld) login(t *testing.T, come func(asked url.Values)) (config string, err error) {
	t.Helper()
	config = filepath.Join(t.TempDir(), "config")
	printed := &notes{come: make(chan struct{})}
	e := &kit.Env{Program: kit.NameCyan, Streams: kit.Streams{In: strings.NewReader(""), Out: io.Discard, Err: printed}}
	cmd := newLogin(e)
	e.Server.Bind(cmd)
	cmd.SetArgs([]string{w.server.URL, "--sso", "--sso-port", "0", "--sso-launch-browser=false", "--config", config})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	ended := make(chan error, 1)
	go func() { ended <- cmd.ExecuteContext(t.Context()) }()
	select {
	case <-printed.come:
	case err := <-ended:
		return config, err
	}
	asked := printed.address(t).Query()
	w.mu.Lock()
	w.asked = asked
	w.mu.Unlock()
	come(asked)
	return config, <-ended
}

func TestLoginInTheBrowser(t *testing.T) {
	w := newIssuerWorld(t)
	config, err := w.login(t, func(asked url.Values) {
		if asked.Get("client_id") != "cd-cli" || asked.Get("scope") != "openid groups" || asked.Get("code_challenge_method") != "S256" || len(asked.Get("state")) < 32 || !regexp.MustCompile(`^http://localhost:\d+/auth/callback$`).MatchString(asked.Get("redirect_uri")) {
			t.Errorf("asked for %v", asked)
		}
		back := asked.Get("redirect_uri")
		// Whoever sends the browser here with another state ends nothing, and nothing of the request is shown.
		for _, state := range []string{"", "guess", "<script>alert(1)</script>"} {
			status, text := visit(t, back, url.Values{"code": {"evil"}, "state": {state}, "error": {"<script>"}})
			if status != http.StatusBadRequest || strings.Contains(text, "script") {
				t.Errorf("state %q: %d %s", state, status, text)
			}
		}
		if status, _ := visit(t, strings.Replace(back, "/auth/callback", "/elsewhere", 1), url.Values{"code": {"the-code"}, "state": {asked.Get("state")}}); status != http.StatusNotFound {
			t.Errorf("elsewhere: %d", status)
		}
		if status, text := visit(t, back, url.Values{"code": {"the-code"}, "state": {asked.Get("state")}}); status != http.StatusOK || !strings.Contains(text, "Logged in") {
			t.Errorf("coming back: %d %s", status, text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(config)
	if err != nil || !strings.Contains(string(text), "auth-token: ey") {
		t.Errorf("kept: %s %v", text, err)
	}
}

func TestLoginInTheBrowserThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		nonce string
		query url.Values
		want  string
	}{
		"refused":              {"", url.Values{"error": {"access_denied"}, "error_description": {"call +1 555"}}, "--sso: the issuer has refused"},
		"another code":         {"", url.Values{"code": {"another"}}, `the issuer answers 400 Bad Request, "invalid_grant"`},
		"of another log-in":    {"replayed", url.Values{"code": {"the-code"}}, "sent a token that does not hold"},
		"neither code nor any": {"", url.Values{}, "--sso: the issuer has refused"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newIssuerWorld(t)
			w.nonce = c.nonce
			config, err := w.login(t, func(asked url.Values) {
				c.query.Set("state", asked.Get("state"))
				if _, text := visit(t, asked.Get("redirect_uri"), c.query); strings.Contains(text, "555") {
					t.Errorf("shows what a link has: %s", text)
				}
			})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "555") {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if _, err := os.Stat(config); err == nil {
				t.Error("a log-in was kept")
			}
		})
	}
}

func TestWhoWas(t *testing.T) {
	token := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	for _, c := range []struct {
		token, account string
		byIssuer       bool
	}{
		{token(`{"iss":"argocd","sub":"admin:login"}`), "admin", false}, {token(`{"iss":"https://issuer.example","sub":"ada"}`), "ada", true}, {token(`?`), "", false}, {"", "", false}, {"a.b.c", "", false},
	} {
		if account, byIssuer := whoWas(c.token); account != c.account || byIssuer != c.byIssuer {
			t.Errorf("%q: %q %v, want %q %v", c.token, account, byIssuer, c.account, c.byIssuer)
		}
	}
}
