package source_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/source/gitserver"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// fakeGitHub hands out tokens to an app that proves who it is.
type fakeGitHub struct {
	*httptest.Server
	key    *rsa.PrivateKey
	asked  atomic.Int64
	lives  time.Duration
	status int
}

func newFakeGitHub(t *testing.T) *fakeGitHub {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	g := &fakeGitHub{key: key, lives: time.Hour, status: http.StatusCreated}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.asked.Add(1)
		switch err := g.check(r); {
		case err != nil:
			http.Error(w, "INNERMOST "+err.Error(), http.StatusUnauthorized)
		case g.status != http.StatusCreated:
			http.Error(w, "INNERMOST", g.status)
		default:
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, `{"token":"ghs_installation","expires_at":%q}`, time.Now().Add(g.lives).UTC().Format(time.RFC3339))
		}
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *fakeGitHub) check(r *http.Request) error {
	if r.Method != http.MethodPost || r.URL.Path != "/api/v3/app/installations/67/access_tokens" {
		return fmt.Errorf("%s %s", r.Method, r.URL.Path)
	}
	parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	if len(parts) != 3 {
		return errors.New("no JSON Web Token")
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&g.key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
		return err
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return err
	}
	var claims struct {
		Issued  int64  `json:"iat"`
		Expires int64  `json:"exp"`
		Issuer  string `json:"iss"`
	}
	if err := json.Unmarshal(text, &claims); err != nil {
		return err
	}
	now := time.Now().Unix()
	if claims.Issuer != "45" || claims.Issued > now || claims.Expires < now || claims.Expires-claims.Issued > 600 {
		return fmt.Errorf("claims %+v", claims)
	}
	return nil
}

func (g *fakeGitHub) secret(url string) corev1.Secret {
	s := secret(v1alpha1.SecretTypeRepoCredentials, "url="+url, "githubAppID=45", "githubAppInstallationID=67", "githubAppEnterpriseBaseUrl="+g.URL+"/api/v3/")
	s.Data["githubAppPrivateKey"] = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(g.key)})
	return s
}

func TestGitHubApps(t *testing.T) {
	repo := testkit.GitRepoWith(t, gitserver.Options{Users: map[string]string{"x-access-token": "ghs_installation"}})
	sha := repo.Commit(map[string]string{"a": "1"})
	at := func(g *fakeGitHub, change func(*source.Credentials)) source.Repository {
		r := source.NewCredentialStore([]corev1.Secret{g.secret(strings.TrimSuffix(repo.URL, "/app.git"))}, source.Trust{}).Repository(repo.URL, "any")
		if change != nil {
			change(&r.Credentials)
		}
		return r
	}
	github := newFakeGitHub(t)
	m := open(t, source.Options{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := readA(t.Context(), m, at(github, nil), sha, "1"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := github.asked.Load(); got != 1 {
		t.Errorf("asked for %d tokens, want one until it expires", got)
	}
	github.lives = time.Minute
	other := open(t, source.Options{})
	for range 2 {
		must(t, other.Refresh(t.Context(), at(github, nil)))
	}
	if got := github.asked.Load(); got != 3 {
		t.Errorf("asked for %d tokens, want a new one each time when they are about to expire", got-1)
	}

	for _, c := range []struct {
		rule   string
		status int
		change func(*source.Credentials)
		opts   source.Options
		want   error
		says   string
	}{
		{"another key", 201, func(c *source.Credentials) {
			c.GitHubApp.PrivateKey = string(newFakeGitHub(t).secret("x").Data["githubAppPrivateKey"])
		}, source.Options{}, source.ErrDenied, "status 401"},
		{"no key", 201, func(c *source.Credentials) { c.GitHubApp.PrivateKey = "" }, source.Options{}, source.ErrRefused, "githubAppPrivateKey: not in PEM"},
		{"no installation", 201, func(c *source.Credentials) { c.GitHubApp.InstallationID = "" }, source.Options{}, source.ErrRefused, "githubAppInstallationID"},
		{"an installation that is a path", 201, func(c *source.Credentials) { c.GitHubApp.InstallationID = "../x" }, source.Options{}, source.ErrRefused, "githubAppInstallationID"},
		{"an API that is none", 201, func(c *source.Credentials) { c.GitHubApp.APIURL = "file:///etc" }, source.Options{}, source.ErrRefused, "githubAppEnterpriseBaseUrl"},
		{"not installed", 404, nil, source.Options{}, source.ErrDenied, "status 404"},
		{"out of order", 502, nil, source.Options{}, source.ErrUnreachable, "status 502"},
		{"sent elsewhere", 302, nil, source.Options{}, source.ErrDenied, "status 302"},
		{"in a network that is denied", 201, nil, source.Options{DenyNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, source.ErrRefused, "--deny-network"},
	} {
		github.status = c.status
		r := at(github, c.change)
		_, err := open(t, c.opts).Resolve(t.Context(), r, "main")
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "INNERMOST") {
			t.Errorf("%s: got %v, want %v and %q", c.rule, err, c.want, c.says)
		}
		if errors.Is(c.want, source.ErrUnreachable) && !source.IsTemporary(err) {
			t.Errorf("%s: %v does not pass by itself", c.rule, err)
		}
	}
	shown := at(github, nil)
	if text := shown.Credentials.String() + shown.GoString(); !strings.Contains(text, "GitHub App") || strings.Contains(text, "PRIVATE KEY") {
		t.Errorf("shown as %q", text)
	}
}

func TestForcedBasicAuthentication(t *testing.T) {
	repo := testkit.GitRepo(t)
	sha := repo.Commit(map[string]string{"a": "1"})
	inner := repo.Server.Config.Handler
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Without credentials it hides that there is something.
		if user, password, ok := r.BasicAuth(); !ok || user != "ada" || password != "s3cret" {
			http.NotFound(w, r)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	defer web.Close()
	for force, want := range map[string]error{"true": nil, "false": source.ErrNoRepository} {
		r := source.NewCredentialStore([]corev1.Secret{
			secret(v1alpha1.SecretTypeRepository, "url="+web.URL+"/app", "username=ada", "password=s3cret", "forceHttpBasicAuth="+force),
		}, source.Trust{}).Repository(web.URL+"/app.git", "")
		got, err := open(t, source.Options{}).Resolve(t.Context(), r, "main")
		if !errors.Is(err, want) || want == nil && got != sha {
			t.Errorf("forceHttpBasicAuth %s: got %q, %v, want %v", force, got, err, want)
		}
	}
}
