package source

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// CredentialStore finds what opens a repository, among all that people keep beside their Applications. The zero value
// is empty.
type CredentialStore struct {
	// repositories are by NormalizeURL.
	repositories map[string]Credentials
	// prefixes hold for every repository whose URL begins with them, the longest first.
	prefixes []urlPrefix
	trust    Trust
}

type urlPrefix struct {
	url         string
	credentials Credentials
}

// NewCredentialStore reads Secrets of the types repository and repo-creds; others are left out.
func NewCredentialStore(secrets []corev1.Secret, trust Trust) CredentialStore {
	b := CredentialStore{repositories: map[string]Credentials{}, trust: trust}
	for _, s := range secrets {
		opened := OpenedBy(s)
		normal := NormalizeURL(opened.URL)
		if opened.URL == "" {
			continue
		}
		switch s.Labels[v1alpha1.SecretTypeLabel] {
		case v1alpha1.SecretTypeRepository:
			b.repositories[normal] = opened.Credentials
		case v1alpha1.SecretTypeRepoCredentials:
			b.prefixes = append(b.prefixes, urlPrefix{strings.TrimSuffix(normal, "/"), opened.Credentials})
		}
	}
	slices.SortStableFunc(b.prefixes, func(x, y urlPrefix) int { return cmp.Compare(len(y.url), len(x.url)) })
	return b
}

// OpenedBy is the repository that a Secret names, with what the Secret opens it by.
func OpenedBy(s corev1.Secret) Repository {
	text := func(key string) string { return strings.TrimSpace(string(s.Data[key])) }
	unchecked := text("insecure") == "true" || text("insecureIgnoreHostKey") == "true"
	return Repository{URL: text("url"), Credentials: Credentials{
		Username: text("username"), Password: text("password"), BearerToken: text("bearerToken"),
		SSHPrivateKey: string(s.Data["sshPrivateKey"]), TLSClientCert: string(s.Data["tlsClientCertData"]), TLSClientKey: string(s.Data["tlsClientCertKey"]),
		Insecure: unchecked, InsecureIgnoreHostKey: unchecked, Proxy: text("proxy"), NoProxy: text("noProxy"),
	}}
}

// Repository is a URL with what opens it. A repository without credentials of its own takes those of the longest
// prefix.
func (b CredentialStore) Repository(url string) Repository {
	c := b.credentials(NormalizeURL(url))
	c.SSHKnownHosts = cmp.Or(c.SSHKnownHosts, b.trust.KnownHosts[knownHostsKey])
	c.CA = cmp.Or(c.CA, b.trust.Certificates[hostOf(url)])
	return Repository{URL: url, Credentials: c}
}

func (b CredentialStore) credentials(normal string) Credentials {
	own := b.repositories[normal]
	if own.Username != "" || own.Password != "" || own.BearerToken != "" || own.SSHPrivateKey != "" || own.TLSClientCert != "" {
		return own
	}
	for _, p := range b.prefixes {
		if rest, ok := strings.CutPrefix(normal, p.url); ok && (rest == "" || rest[0] == '/') {
			c := p.credentials
			c.Insecure, c.InsecureIgnoreHostKey = c.Insecure || own.Insecure, c.InsecureIgnoreHostKey || own.InsecureIgnoreHostKey
			c.Proxy, c.NoProxy = cmp.Or(own.Proxy, c.Proxy), cmp.Or(own.NoProxy, c.NoProxy)
			return c
		}
	}
	return own
}
