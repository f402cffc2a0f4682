package image

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/authn"
)

// maxLogin bounds the file with the login of a local cluster's registry.
const maxLogin = 64 << 10

// localLogins are the credentials of the registries that this user's local clusters have while they run. Each cluster
// keeps a file of docker's configuration in its own directory for sockets, which only its owner can open.
type localLogins struct {
	// patterns are those of the files.
	patterns []string
}

func newLocalLogins() localLogins {
	user := os.Geteuid()
	patterns := []string{filepath.Join(os.TempDir(), fmt.Sprintf("cyan-%d-*", user), "docker", "config.json")}
	if user == 0 {
		patterns = append(patterns, "/run/cyan/*/docker/config.json")
	}
	return localLogins{patterns: patterns}
}

// Resolve returns the login for a registry of this machine; for any other, nobody's.
func (l localLogins) Resolve(target authn.Resource) (authn.Authenticator, error) {
	address := target.RegistryStr()
	if !onThisMachine(address) {
		return authn.Anonymous, nil
	}
	for _, pattern := range l.patterns {
		files, _ := filepath.Glob(pattern) // the patterns are well-formed
		for _, file := range files {
			if auth := loginFor(file, address); auth != "" {
				return authn.FromConfig(authn.AuthConfig{Auth: auth}), nil
			}
		}
	}
	return authn.Anonymous, nil
}

// loginFor returns the credentials for an address in a file that nobody else can have written; "" without them.
func loginFor(file, address string) string {
	info, err := os.Lstat(filepath.Dir(file))
	if err != nil || !info.IsDir() || !ownedAlone(info) {
		return ""
	}
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil || !info.Mode().IsRegular() || !ownedAlone(info) {
		return ""
	}
	var content struct {
		Auths map[string]struct {
			Auth string `json:"auth"`
		} `json:"auths"`
	}
	if json.NewDecoder(io.LimitReader(f, maxLogin)).Decode(&content) != nil {
		return ""
	}
	return content.Auths[address].Auth
}

// ownedAlone reports whether a file is this user's, and nobody else may use it.
func ownedAlone(info fs.FileInfo) bool {
	uid, known := owner(info)
	return known && uid == os.Geteuid() && info.Mode().Perm()&0o077 == 0
}
