package registry

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// user is the name that goes with the password of a registry.
const user = "cyan"

// Account is who may use a registry: whoever can read the file of its password.
type Account struct{ password string }

// OpenAccount returns the account whose password is in a file, and makes both when the file does not exist.
func OpenAccount(file string) (Account, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		data = []byte(rand.Text())
		err = state.WriteFile(file, data, 0o600)
	}
	if err != nil {
		return Account{}, fmt.Errorf("reading the password of the registry: %w", err)
	}
	password := strings.TrimSpace(string(data))
	if password == "" {
		return Account{}, fmt.Errorf("%s: the password of the registry is empty: remove the file and start the cluster again", file)
	}
	return Account{password: password}, nil
}

// Auth returns the credentials for a client of the registry.
func (a Account) Auth() authn.Authenticator {
	return &authn.Basic{Username: user, Password: a.password}
}

// Authorize adds the credentials to a request.
func (a Account) Authorize(r *http.Request) { r.SetBasicAuth(user, a.password) }

// Header is the value of the header Authorization that carries the credentials.
func (a Account) Header() string {
	r := &http.Request{Header: http.Header{}}
	a.Authorize(r)
	return r.Header.Get("Authorization")
}

// WriteLogin writes the credentials for the registry at address into a file of docker's configuration.
func (a Account) WriteLogin(file, address string) error {
	content := map[string]any{"auths": map[string]any{address: map[string]string{"auth": strings.TrimPrefix(a.Header(), "Basic ")}}}
	data, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the login of the registry: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("writing the login of the registry: %w", err)
	}
	return state.WriteFile(file, data, 0o600)
}

// Login stores the credentials for the registry at address where docker, podman and buildah look for them, and returns
// the file of docker's configuration.
func (a Account) Login(address string) (string, error) {
	file, err := config.Load(config.Dir())
	if err != nil {
		return "", fmt.Errorf("reading docker's configuration: %w", err)
	}
	err = file.GetCredentialsStore(address).Store(types.AuthConfig{ServerAddress: address, Username: user, Password: a.password})
	if err != nil {
		return "", fmt.Errorf("storing the login of the registry: %w", err)
	}
	return file.Filename, nil
}

// guard lets only requests with the account's credentials through, reads as well: an image that is not here is fetched
// with the credentials of the cluster's owner.
func (a Account) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		if a.password != "" && subtle.ConstantTimeCompare([]byte(password), []byte(a.password)) == 1 {
			next.ServeHTTP(w, r)
			return
		}
		header := w.Header()
		header.Set("WWW-Authenticate", `Basic realm="registry of cyan local"`)
		header.Set("Docker-Distribution-Api-Version", "registry/2.0")
		header.Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		const refusal = "registry of cyan local: authentication required; run `cyan local login` as the cluster's owner"
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]string{"code": "UNAUTHORIZED", "message": refusal}}})
	})
}
