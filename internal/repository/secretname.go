package repository

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
)

// SecretName returns the name of the Secret that has what an address of a repository or a cluster needs: one of a
// project stands beside that of all.
func SecretName(prefix, address, project string) string {
	sum := sha256.Sum256([]byte(address + project))
	name := prefix
	if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
		name += "-" + strings.ToLower(strings.Trim(strings.ReplaceAll(u.Hostname(), ":", "-"), "-."))
	}
	return name + "-" + hex.EncodeToString(sum[:])[:10]
}
