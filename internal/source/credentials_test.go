package source_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/source"
)

// secret is one of repositories: its type and its data as key=value.
func secret(kind string, data ...string) corev1.Secret {
	s := corev1.Secret{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{v1alpha1.SecretTypeLabel: kind}}, Data: map[string][]byte{}}
	for _, d := range data {
		key, value, _ := strings.Cut(d, "=")
		s.Data[key] = []byte(value)
	}
	return s
}

func TestBook(t *testing.T) {
	const own, prefix = v1alpha1.SecretTypeRepository, v1alpha1.SecretTypeRepoCredentials
	book := source.NewCredentialStore([]corev1.Secret{
		secret(own, "url=https://git.example/team/shop.git", "username=ada", "password=one"),
		secret(own, "url=https://git.example/team/blog", "proxy=http://proxy.example"),
		secret(own, "url=https://lax.example/a", "insecure=true"),
		secret(own, "url=git@git.example:team/tools.git", "sshPrivateKey=KEY"),
		secret(own, "username=nobody", "password=nowhere"),
		secret(prefix, "url=https://git.example", "password=two"),
		secret(prefix, "url=https://git.example/team/", "password=three\n"),
		secret("cluster", "url=https://git.example/team/other", "password=four"),
	}, source.Trust{
		KnownHosts:   map[string]string{"ssh_known_hosts": "git.example ssh-ed25519 AAAA"},
		Certificates: map[string]string{"git.example": "PEM"},
	})
	for url, want := range map[string]source.Credentials{
		"https://git.example/team/shop":          {Username: "ada", Password: "one", CA: "PEM"},
		"https://git.example:443/team/shop.git/": {Username: "ada", Password: "one", CA: "PEM"},
		"https://git.example/team/blog.git":      {Password: "three", Proxy: "http://proxy.example", CA: "PEM"},
		"https://git.example/team/other":         {Password: "three", CA: "PEM"},
		"https://git.example/teammates/x":        {Password: "two", CA: "PEM"},
		"https://git.example.evil/team/x":        {},
		"https://lax.example/a":                  {Insecure: true, InsecureIgnoreHostKey: true},
		"ssh://git@git.example/team/tools":       {SSHPrivateKey: "KEY", CA: "PEM"},
	} {
		want.SSHKnownHosts = "git.example ssh-ed25519 AAAA"
		got := book.Repository(url)
		if got.URL != url || got.Credentials != want {
			t.Errorf("%s: %#v", url, got)
		}
	}
	if got := (source.CredentialStore{}).Repository("https://git.example/a"); got.Credentials != (source.Credentials{}) {
		t.Errorf("%#v", got)
	}
}
