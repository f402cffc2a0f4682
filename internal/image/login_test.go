package image

import (
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	ggcrregistry "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/cyan-cd/cyan/internal/problem"
)

// The login of a local cluster's registry is found by the address of the registry alone, and only in files that
// nobody else can have written or read.
func TestLocalLogins(t *testing.T) {
	const address = "127.0.0.1:5000"
	auth := base64.StdEncoding.EncodeToString([]byte("cyan:secret"))
	content := `{"auths": {"` + address + `": {"auth": "` + auth + `"}}}`
	for _, c := range []struct {
		name, content string
		mode, dirMode os.FileMode
		target        string
		want          string
	}{
		{"of this user", content, 0o600, 0o700, address, auth},
		{"another port", content, 0o600, 0o700, "127.0.0.1:5001", ""},
		{"another machine", strings.ReplaceAll(content, "127.0.0.1", "192.0.2.1"), 0o600, 0o700, "192.0.2.1:5000", ""},
		{"a name", strings.ReplaceAll(content, "127.0.0.1", "registry.example"), 0o600, 0o700, "registry.example:5000", ""},
		{"by the name of this machine", strings.ReplaceAll(content, "127.0.0.1", "localhost"), 0o600, 0o700, "localhost:5000", auth},
		{"readable by others", content, 0o644, 0o700, address, ""},
		{"in a directory that others may write to", content, 0o600, 0o777, address, ""},
		{"not JSON", "secret", 0o600, 0o700, address, ""},
		{"longer than the bound", strings.Repeat(" ", maxLogin) + content, 0o600, 0o700, address, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "docker")
			file := filepath.Join(dir, "config.json")
			for _, err := range []error{os.Mkdir(dir, 0o700), os.WriteFile(file, []byte(c.content), 0o600), os.Chmod(file, c.mode), os.Chmod(dir, c.dirMode)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			registry, err := name.NewRegistry(c.target, name.Insecure)
			if err != nil {
				t.Fatal(err)
			}
			found, err := localLogins{patterns: []string{filepath.Join(filepath.Dir(dir), "*", "config.json")}}.Resolve(registry)
			if err != nil {
				t.Fatal(err)
			}
			config, err := authn.Authorization(t.Context(), found)
			if err != nil || config.Auth != c.want {
				t.Errorf("login %q, %v; want %q", config.Auth, err, c.want)
			}
		})
	}
}

// A push to a registry that asks for a login: with the file of a local cluster it works, without it the message names
// the command that stores one.
func TestPushLogsIn(t *testing.T) {
	images := ggcrregistry.New(ggcrregistry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		images.ServeHTTP(w, r)
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	image, err := random.Image(128, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	err = Registries{}.push(t.Context(), address+"/app:1", image)
	if text := problem.Message(err); err == nil || !strings.Contains(text, "`cyan local login`") {
		t.Errorf("without a login: %q, want the command that stores one", text)
	}
	dir := filepath.Join(tmp, fmt.Sprintf("cyan-%d-test", os.Geteuid()), "docker")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	login := `{"auths": {"` + address + `": {"auth": "` + base64.StdEncoding.EncodeToString([]byte("cyan:secret")) + `"}}}`
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(login), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (Registries{}).push(t.Context(), address+"/app:1", image); err != nil {
		t.Errorf("with the login of a local cluster: %v", err)
	}
	if _, err := (Registries{}).Digest(t.Context(), address+"/app:1"); err != nil {
		t.Errorf("asking with the login of a local cluster: %v", err)
	}
}
