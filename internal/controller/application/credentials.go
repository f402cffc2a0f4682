package application

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/source"
)

// credentialBook finds the credentials of a repository among the Secrets.
type credentialBook struct {
	// repositories are by NormalizeURL.
	repositories map[string]source.Credentials
	// prefixes hold for every repository whose URL begins with them, the longest first.
	prefixes []prefixCredentials
}

type prefixCredentials struct {
	url         string
	credentials source.Credentials
}

func newCredentialBook(secrets []*corev1.Secret) credentialBook {
	b := credentialBook{repositories: map[string]source.Credentials{}}
	for _, s := range secrets {
		url := strings.TrimSpace(string(s.Data["url"]))
		if url == "" {
			continue
		}
		if s.Labels[v1alpha1.SecretTypeLabel] == v1alpha1.SecretTypeRepoCredentials {
			b.prefixes = append(b.prefixes, prefixCredentials{source.NormalizeURL(url), credentialsIn(s)})
			continue
		}
		b.repositories[source.NormalizeURL(url)] = credentialsIn(s)
	}
	slices.SortStableFunc(b.prefixes, func(x, y prefixCredentials) int { return cmp.Compare(len(y.url), len(x.url)) })
	return b
}

func credentialsIn(s *corev1.Secret) source.Credentials {
	text := func(name string) string { return strings.TrimSpace(string(s.Data[name])) }
	return source.Credentials{
		Username: text("username"), Password: text("password"), BearerToken: text("bearerToken"),
		SSHPrivateKey: string(s.Data["sshPrivateKey"]), TLSClientCert: string(s.Data["tlsClientCertData"]), TLSClientKey: string(s.Data["tlsClientCertKey"]),
		Insecure: text("insecure") == "true", InsecureIgnoreHostKey: text("insecureIgnoreHostKey") == "true",
		Proxy: text("proxy"), NoProxy: text("noProxy"),
	}
}

// repository is a URL with its credentials. A repository Secret without credentials of its own takes those of the longest prefix.
func (b credentialBook) repository(url string) source.Repository {
	normal := source.NormalizeURL(url)
	own := b.repositories[normal]
	if own.Username != "" || own.Password != "" || own.BearerToken != "" || own.SSHPrivateKey != "" || own.TLSClientCert != "" {
		return source.Repository{URL: url, Credentials: own}
	}
	for _, p := range b.prefixes {
		if rest, ok := strings.CutPrefix(normal, strings.TrimSuffix(p.url, "/")); ok && (rest == "" || rest[0] == '/') {
			c := p.credentials
			c.Insecure = c.Insecure || own.Insecure
			c.InsecureIgnoreHostKey = c.InsecureIgnoreHostKey || own.InsecureIgnoreHostKey
			c.Proxy, c.NoProxy = cmp.Or(own.Proxy, c.Proxy), cmp.Or(own.NoProxy, c.NoProxy)
			return source.Repository{URL: url, Credentials: c}
		}
	}
	return source.Repository{URL: url, Credentials: own}
}
