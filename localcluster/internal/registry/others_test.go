package registry

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/cyan-cd/cyan/localcluster/internal/config"
)

// TestMirrorsAndAccounts: an image is fetched from the mirrors of its registry, in their order and as whom the settings
// say, and from the registry itself when none has it.
func TestMirrorsAndAccounts(t *testing.T) {
	own := account(t)
	empty := httptest.NewServer(New(t.Context(), t.TempDir(), config.Settings{}))
	guarded := httptest.NewServer(own.guard(New(t.Context(), t.TempDir(), config.Settings{})))
	origin := httptest.NewServer(New(t.Context(), t.TempDir(), config.Settings{}))
	for _, server := range []*httptest.Server{empty, guarded, origin} {
		defer server.Close()
	}
	host := func(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }
	push := func(s *httptest.Server, path string, options ...remote.Option) v1.Hash {
		t.Helper()
		image, err := random.Image(1000, 1)
		if err != nil {
			t.Fatal(err)
		}
		tag, err := name.NewTag(host(s)+"/"+path, name.Insecure)
		if err == nil {
			err = remote.Write(tag, image, options...)
		}
		if err != nil {
			t.Fatal(err)
		}
		digest, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return digest
	}
	mirrored := push(guarded, "team/app:1", remote.WithAuth(own.Auth()))
	hers := push(origin, "team/app:1")
	only := push(origin, "team/only:1")
	mirrors := map[string][]string{host(origin): {"http://" + host(empty), "http://" + host(guarded)}}
	for _, test := range []struct {
		name     string
		settings config.Settings
		path     string
		want     v1.Hash
	}{
		{"a mirror's", config.Settings{Mirrors: mirrors, Registries: map[string]config.Registry{host(guarded): {Username: user, Password: own.password}}}, "team/app", mirrored},
		{"what no mirror has", config.Settings{Mirrors: mirrors, Registries: map[string]config.Registry{host(guarded): {Username: user, Password: own.password}}}, "team/only", only},
		{"without the account of a mirror", config.Settings{Mirrors: mirrors}, "team/app", hers},
		{"without mirrors", config.Settings{}, "team/app", hers},
	} {
		s := httptest.NewServer(New(t.Context(), t.TempDir(), test.settings))
		response, err := http.Get(s.URL + "/v2/" + test.path + "/manifests/1?ns=" + host(origin))
		s.Close()
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if got := response.Header.Get("Docker-Content-Digest"); got != test.want.String() {
			t.Errorf("%s: got %s, status %d; want %s", test.name, got, response.StatusCode, test.want)
		}
	}
}
