package cli

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/source"
)

// openedBy is the repository of a Secret, with what opens it.
func openedBy(s corev1.Secret) source.Repository {
	text := func(key string) string { return string(s.Data[key]) }
	return source.Repository{URL: text("url"), Credentials: source.Credentials{
		Username: text("username"), Password: text("password"), BearerToken: text("bearerToken"), SSHPrivateKey: text("sshPrivateKey"),
		TLSClientCert: text("tlsClientCertData"), TLSClientKey: text("tlsClientCertKey"), Insecure: text("insecure") == "true",
		InsecureIgnoreHostKey: text("insecureIgnoreHostKey") == "true" || text("insecure") == "true", Proxy: text("proxy"), NoProxy: text("noProxy"),
	}}
}

// bookOf finds what opens a URL: the Secret of that repository, or else the credentials with the longest URL that it begins with.
func bookOf(secrets []corev1.Secret) func(url string) source.Repository {
	return func(url string) source.Repository {
		found := source.Repository{URL: url}
		longest := -1
		for _, s := range secrets {
			opened := openedBy(s)
			if s.Labels[v1alpha1.SecretTypeLabel] == v1alpha1.SecretTypeRepository && source.NormalizeURL(opened.URL) == source.NormalizeURL(url) {
				return source.Repository{URL: url, Credentials: opened.Credentials}
			}
			if s.Labels[v1alpha1.SecretTypeLabel] == v1alpha1.SecretTypeRepoCredentials && strings.HasPrefix(url, opened.URL) && len(opened.URL) > longest {
				longest, found.Credentials = len(opened.URL), opened.Credentials
			}
		}
		return found
	}
}
