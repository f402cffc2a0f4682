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

func TestCredentials(t *testing.T) {
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
		"https://git.example/team/../other/shop": {Password: "two", CA: "PEM"},
		"https://GIT.example/team/%73hop":        {Username: "ada", Password: "one", CA: "PEM"},
		"ssh://git@git.example/team/tools":       {SSHPrivateKey: "KEY", CA: "PEM"},
	} {
		want.SSHKnownHosts = "git.example ssh-ed25519 AAAA"
		got := book.Repository(url, "")
		if got.URL != url || got.Credentials != want {
			t.Errorf("%s: %#v", url, got)
		}
	}
	if got := (source.CredentialStore{}).Repository("https://git.example/a", ""); got.Credentials != (source.Credentials{}) {
		t.Errorf("%#v", got)
	}
}

// What is for a project serves that project, and comes before what is for all.
func TestCredentialsOfProjects(t *testing.T) {
	const own, prefix = v1alpha1.SecretTypeRepository, v1alpha1.SecretTypeRepoCredentials
	book := source.NewCredentialStore([]corev1.Secret{
		secret(own, "url=https://h/both", "project=a", "password=of a"),
		secret(own, "url=https://h/both", "password=of all"),
		secret(own, "url=https://h/both", "project=b", "password=of b"),
		secret(own, "url=https://h/a-only", "project=a", "password=of a alone"),
		secret(prefix, "url=https://h/team", "project=a", "password=prefix of a"),
		secret(prefix, "url=https://h/team/sub", "password=longer prefix of all"),
		secret(prefix, "url=https://h", "password=prefix of all"),
		secret(own, "url=https://h/team/proxied", "proxy=http://proxy.example"),
		secret(own, "url=https://h/twice", "password=first"),
		secret(own, "url=https://h/twice", "password=second"),
		secret(own, "url=https://h/%zz", "password=invalid"),
	}, source.Trust{})
	for _, c := range []struct{ rule, url, project, want string }{
		{"a project's own", "https://h/both", "a", "of a"},
		{"another project's own", "https://h/both.git", "b", "of b"},
		{"those for all, for a project that has none", "https://h/both", "c", "of all"},
		{"those for all, without a project", "https://h/both", "", "of all"},
		{"a project's own, for that project", "https://h/a-only", "a", "of a alone"},
		{"a project's own is not for others", "https://h/a-only", "b", "prefix of all"},
		{"a project's prefix before a longer one of all", "https://h/team/sub/x", "a", "prefix of a"},
		{"the longest prefix of all", "https://h/team/sub/x", "b", "longer prefix of all"},
		{"a prefix beside an entry without credentials", "https://h/team/proxied", "a", "prefix of a"},
		{"the later of two", "https://h/twice", "a", "second"},
	} {
		if got := book.Repository(c.url, c.project).Credentials.Password; got != c.want {
			t.Errorf("%s: %s for project %q: got %q, want %q", c.rule, c.url, c.project, got, c.want)
		}
	}
}

func TestUnservedKeys(t *testing.T) {
	const own = v1alpha1.SecretTypeRepository
	for _, c := range []struct {
		rule string
		data []string
		want string
	}{
		{"all served", []string{"url=https://h/x", "type=git", "name=x", "project=p", "password=secret", "proxy=http://p", "insecure=true"}, ""},
		{"a key that is not served", []string{"url=https://h/x", "gcpServiceAccountKey=secret"}, "Secret : gcpServiceAccountKey: keys of Google Cloud are not signed in with; use a token as password"},
		{"switched off", []string{"url=https://h/x", "useAzureWorkloadIdentity=false", "gcpServiceAccountKey="}, ""},
		{"what concerns nothing", []string{"url=https://h/x", "depth=1"}, ""},
		{"a misspelt key", []string{"url=https://h/x", "pasword=secret"}, "Secret : pasword: unknown key; did you mean password?"},
		{"another type", []string{"url=https://h/x", "type=helm", "enableOCI=true"},
			"Secret : enableOCI: registries are not read as a source; use a git repository|Secret : type: Helm charts are not rendered; render them in CI and commit what comes out"},
		{"an invalid URL", []string{"url=ftp://h/x"}, `Secret : repository ftp://h/x: transport "ftp" is not allowed; give the repository's https, http, ssh, git or file URL`},
	} {
		if got := strings.Join(source.UnservedKeys(secret(own, c.data...)), "|"); got != c.want {
			t.Errorf("%s: got %q, want %q", c.rule, got, c.want)
		}
	}
}

// What is not served is named where it would have been used, and nowhere else.
func TestUnservedKeysOfARepository(t *testing.T) {
	lfs, azure := secret(v1alpha1.SecretTypeRepository, "url=https://h/x", "enableLfs=true"), secret(v1alpha1.SecretTypeRepoCredentials, "url=https://h", "project=a", "useAzureWorkloadIdentity=true")
	lfs.Name, azure.Name = "repo-x", "creds-h"
	book := source.NewCredentialStore([]corev1.Secret{lfs, azure}, source.Trust{})
	for _, c := range []struct{ url, project, want string }{
		{"https://h/x", "b", `Secret repo-x: enableLfs: files of LFS are not fetched; keep manifests in git itself`},
		{"https://h/x.git", "a", `Secret repo-x: enableLfs: files of LFS are not fetched; keep manifests in git itself|Secret creds-h: useAzureWorkloadIdentity: identities of Azure are not signed in with; use a token as password`},
		{"https://h/y", "a", `Secret creds-h: useAzureWorkloadIdentity: identities of Azure are not signed in with; use a token as password`},
		{"https://h/y", "b", ""},
		{"https://other/x", "a", ""},
		{"-x", "a", ""},
	} {
		if got := strings.Join(book.Unserved(c.url, c.project), "|"); got != c.want {
			t.Errorf("%s for project %s: got %q, want %q", c.url, c.project, got, c.want)
		}
	}
}

// What a project has for itself is told to nobody else, and a prefix is no repository.
func TestOfProject(t *testing.T) {
	const own, prefix = v1alpha1.SecretTypeRepository, v1alpha1.SecretTypeRepoCredentials
	store := source.NewCredentialStore([]corev1.Secret{
		secret(own, "url=https://git.example/shop.git", "project=shop"),
		secret(own, "url=https://git.example/blog", "project=blog"),
		secret(own, "url=https://git.example/all"),
		secret(own, "url=git@git.example:team/tools.git", "project=shop"),
		secret(prefix, "url=https://git.example/team/", "project=shop"),
		secret(own, "url=:", "project=shop"),
	}, source.Trust{})
	for project, want := range map[string]int{"shop": 2, "blog": 1, "other": 0, "": 0} {
		if got := store.OfProject(project); len(got) != want {
			t.Errorf("project %q has %v, want %d", project, got, want)
		}
	}
}
