package registry

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/cyan-cd/cyan/localcluster/internal/config"
)

func account(t *testing.T) Account {
	t.Helper()
	a, err := OpenAccount(filepath.Join(t.TempDir(), "password"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Every request of every kind asks for the credentials; no handler behind it sees one without.
func TestOnlyTheOwnerIsServed(t *testing.T) {
	own, other := account(t), account(t)
	reached := 0
	guarded := own.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	digest := "sha256:" + strings.Repeat("0", 64)
	for _, request := range []string{
		"GET /v2/", "HEAD /v2/", "GET /", "GET /v2/_catalog", "GET /v2/a/tags/list", "GET /v2/a/manifests/1", "HEAD /v2/a/manifests/1",
		"PUT /v2/a/manifests/1", "DELETE /v2/a/manifests/" + digest, "GET /v2/a/blobs/" + digest, "HEAD /v2/a/blobs/" + digest, "DELETE /v2/a/blobs/" + digest,
		"POST /v2/a/blobs/uploads/", "PATCH /v2/a/blobs/uploads/x", "PUT /v2/a/blobs/uploads/x?digest=" + digest, "GET /v2/a/referrers/" + digest,
		"GET /v2/private/app/manifests/1?ns=registry.example", "OPTIONS /v2/", "GET /debug/pprof/", "GET //v2/a/manifests/1",
	} {
		method, path, _ := strings.Cut(request, " ")
		for _, c := range []struct {
			as     string
			header string
			want   int
		}{
			{"nobody", "", http.StatusUnauthorized},
			{"somebody else", other.Header(), http.StatusUnauthorized},
			{"a token", "Bearer " + own.password, http.StatusUnauthorized},
			{"no credentials", "Basic ", http.StatusUnauthorized},
			{"an empty password", "Basic Y3lhbjo=", http.StatusUnauthorized},
			{"the owner", own.Header(), http.StatusOK},
		} {
			r := httptest.NewRequest(method, path, nil)
			if c.header != "" {
				r.Header.Set("Authorization", c.header)
			}
			w, before := httptest.NewRecorder(), reached
			guarded.ServeHTTP(w, r)
			if w.Code != c.want || (reached > before) != (c.want == http.StatusOK) {
				t.Errorf("%s as %s: status %d, want %d; handler called %d times", request, c.as, w.Code, c.want, reached-before)
			}
			if c.want == http.StatusUnauthorized && !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("%s as %s: clients are not asked for a password", request, c.as)
			}
		}
	}
	w := httptest.NewRecorder()
	Account{}.guard(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v2/", nil))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("an account without a password lets everybody in: %d", w.Code)
	}
}

// Clients push and pull with the owner's login, and not without it.
func TestPushesNeedTheLogin(t *testing.T) {
	own := account(t)
	server := httptest.NewServer(own.guard(New(t.Context(), t.TempDir(), config.Settings{})))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	image, err := random.Image(512, 2)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewTag(address+"/team/app:1", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	push := func(auth authn.Authenticator) error { return remote.Write(ref, image, remote.WithAuth(auth)) }
	pull := func(auth authn.Authenticator) (v1.Image, error) { return remote.Image(ref, remote.WithAuth(auth)) }
	if err := push(authn.Anonymous); err == nil {
		t.Error("pushed without a login")
	}
	if err := push(account(t).Auth()); err == nil {
		t.Error("pushed with another registry's login")
	}
	if err := push(own.Auth()); err != nil {
		t.Fatalf("pushing with the login: %v", err)
	}
	if _, err := pull(authn.Anonymous); err == nil {
		t.Error("pulled without a login")
	}
	if _, err := pull(own.Auth()); err != nil {
		t.Errorf("pulling with the login: %v", err)
	}
	t.Setenv("DOCKER_CONFIG", filepath.Join(t.TempDir(), "docker"))
	file, err := own.Login(address)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v; want 0600", file, info.Mode(), err)
	}
	if _, err := remote.Image(ref, remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		t.Errorf("pulling after logging docker in: %v", err)
	}
	login := filepath.Join(t.TempDir(), "docker", "config.json")
	if err := own.WriteLogin(login, address); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", filepath.Dir(login))
	if _, err := remote.Image(ref, remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		t.Errorf("pulling with the cluster's own docker configuration: %v", err)
	}
	if info, err := os.Stat(login); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v; want 0600", login, info.Mode(), err)
	}
}

// A cluster that is started again keeps its password; one in a file that holds none is refused.
func TestThePasswordStays(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	first, err := OpenAccount(file)
	if err != nil || len(first.password) < 20 {
		t.Fatalf("a new password has %d characters, %v", len(first.password), err)
	}
	if again, err := OpenAccount(file); err != nil || again != first {
		t.Errorf("another password the second time, %v", err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; want 0600", info.Mode(), err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenAccount(file); err == nil {
		t.Error("an empty password is taken")
	}
}

// Load logs in as well.
func TestLoadLogsIn(t *testing.T) {
	own := account(t)
	server := httptest.NewServer(own.guard(New(t.Context(), t.TempDir(), config.Settings{})))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	image, err := random.Image(512, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := push(context.Background(), at{address, own}, "team/app:1", image); err != nil {
		t.Errorf("with the login: %v", err)
	}
	if err := push(context.Background(), at{address, account(t)}, "team/app:1", image); err == nil {
		t.Error("pushed with another registry's login")
	}
}
