// Package source reads git repositories and writes back to them: one bare mirror per repository, driven by the git
// program; trees as fs.FS straight from the object store, never checked out; polling by ls-remote; webhooks; and
// commits that replay an intent on the newest tip.
//
// Everything that comes from a repository, its URL and its host is taken for hostile: no hook, no helper program and no
// transport but http, https, ssh, git and file is run.
package source

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cyan-cd/cyan/internal/repository"
)

// Repository is where a git repository is, and what opens it.
type Repository struct {
	// URL is http, https, ssh, git or file, in the spelling of ssh also user@host:path; or an absolute path. A password
	// in it is taken for Credentials.Password.
	URL         string
	Credentials Credentials
}

// String is the URL without any secret.
func (r Repository) String() string { return repository.Shown(r.URL) }

// GoString keeps %#v from showing secrets.
func (r Repository) GoString() string {
	return fmt.Sprintf("source.Repository{URL:%q, Credentials:%s}", r.String(), r.Credentials)
}

// split returns the URL, and what opens it: a password in the URL goes where no process list shows it.
func (r Repository) split() (repository.URL, Credentials, error) {
	u, err := parseURL(r.URL)
	if err != nil {
		return u, Credentials{}, err
	}
	c := r.Credentials
	if web(u) {
		c.Username = cmp.Or(c.Username, u.User())
		c.Password = cmp.Or(c.Password, repository.Password(strings.TrimSpace(r.URL)))
	}
	return u, c, nil
}

// web reports whether a repository is reached over http or https.
func web(u repository.URL) bool { return u.Scheme() == "http" || u.Scheme() == "https" }

// Identity names the repository together with what opens it: what was fetched with one credential is not read with
// another. Two that have one are the same; it holds no secret.
func (r Repository) Identity() string {
	u, c, err := r.split()
	if err != nil {
		return "invalid: " + r.String()
	}
	return u.Identity() + " " + c.fingerprint(nil)
}

// Credentials open a repository. The zero value opens what is public.
type Credentials struct {
	// Username and Password are for http and https. A token is a Password; its Username may be empty.
	Username string
	Password string
	// BearerToken is sent in place of Username and Password.
	BearerToken string
	// ForceBasicAuth sends Username and Password before they are asked for.
	ForceBasicAuth bool
	// GitHubApp is in place of Username and Password.
	GitHubApp GitHubApp
	// SSHPrivateKey is a key in PEM or OpenSSH format without a passphrase.
	SSHPrivateKey string
	// SSHKnownHosts are lines of a known_hosts file. Empty: those of the machine and of its user count.
	SSHKnownHosts string
	// TLSClientCert and TLSClientKey are PEM.
	TLSClientCert string
	TLSClientKey  string
	// CA are the certificates, in PEM, that are trusted in place of the machine's.
	CA string
	// Insecure leaves the server's TLS certificate unchecked.
	Insecure bool
	// InsecureIgnoreHostKey leaves the ssh host key unchecked.
	InsecureIgnoreHostKey bool
	// Proxy is the URL of a proxy for http and https, and NoProxy the hosts that are reached without it.
	Proxy   string
	NoProxy string
}

// String returns which credentials there are, never what they are.
func (c Credentials) String() string {
	var parts []string
	for _, p := range []struct{ name, value string }{
		{"password", c.Password}, {"bearer token", c.BearerToken}, {"GitHub App", c.GitHubApp.ID + c.GitHubApp.PrivateKey}, {"ssh key", c.SSHPrivateKey}, {"client certificate", c.TLSClientCert + c.TLSClientKey},
	} {
		if p.value != "" {
			parts = append(parts, p.name)
		}
	}
	if len(parts) == 0 {
		return "no credentials"
	}
	return strings.Join(parts, ", ")
}

// GoString keeps %#v from showing secrets.
func (c Credentials) GoString() string { return "source.Credentials{" + c.String() + "}" }

// fingerprint names what opens a repository, under a key, so that who sees it cannot guess at a password. Whom to trust
// at the other end is no part of it.
func (c Credentials) fingerprint(key []byte) string {
	c.SSHKnownHosts, c.CA = "", ""
	mac := hmac.New(sha256.New, key)
	// Encoding texts cannot fail.
	_ = json.NewEncoder(mac).Encode(c)
	const enough = 12
	return hex.EncodeToString(mac.Sum(nil)[:enough])
}

// secrets are the strings that must never be seen.
func (c Credentials) secrets() []string {
	var all []string
	if c.Password == "" {
		// Some hosts take a token for a name.
		all = append(all, c.Username)
	}
	for _, s := range []string{c.Password, c.BearerToken, c.SSHPrivateKey, c.TLSClientKey, c.GitHubApp.PrivateKey, repository.Password(c.Proxy)} {
		if s != "" {
			all = append(all, s)
		}
	}
	return all
}

// fromHeader reads the Authorization header that a CI system's checkout leaves in the configuration.
func fromHeader(header string) Credentials {
	name, value, _ := strings.Cut(header, ":")
	scheme, secret, _ := strings.Cut(strings.TrimSpace(value), " ")
	if !strings.EqualFold(name, "Authorization") {
		return Credentials{}
	}
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return Credentials{BearerToken: secret}
	case strings.EqualFold(scheme, "Basic"):
		plain, err := base64.StdEncoding.DecodeString(secret)
		if username, password, ok := strings.Cut(string(plain), ":"); ok && err == nil {
			return Credentials{Username: username, Password: password}
		}
	}
	return Credentials{}
}
