package cli_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// TestRepositoryFlags: what each flag writes into the Secret, as existing tools read it.
func TestRepositoryFlags(t *testing.T) {
	s := newShell(t)
	key := write(t, "key.pem", "KEY")
	const url = "https://git.example/flags"
	fill := strings.NewReplacer("$KEY", key, "$URL", url)
	for _, c := range []struct {
		line, kind, key, value, note string
	}{
		{"repo add $URL --skip-check --github-app-id 1 --upsert", v1alpha1.SecretTypeRepository, "githubAppID", "1", ""},
		{"repo add $URL --skip-check --github-app-installation-id 2 --upsert", v1alpha1.SecretTypeRepository, "githubAppInstallationID", "2", ""},
		{"repo add $URL --skip-check --github-app-private-key-path $KEY --upsert", v1alpha1.SecretTypeRepository, "githubAppPrivateKey", "KEY", ""},
		{"repo add $URL --skip-check --github-app-enterprise-base-url https://github.example/api/v3 --upsert", v1alpha1.SecretTypeRepository, "githubAppEnterpriseBaseUrl", "https://github.example/api/v3", ""},
		{"repo add $URL --skip-check --force-http-basic-auth --upsert", v1alpha1.SecretTypeRepository, "forceHttpBasicAuth", "true", ""},
		{"repo add $URL --skip-check --enable-lfs --upsert", v1alpha1.SecretTypeRepository, "enableLfs", "true", "enableLfs: files of LFS are not fetched; keep manifests in git itself\n"},
		{"repo add $URL --skip-check --depth 1 --upsert", v1alpha1.SecretTypeRepository, "depth", "1", ""},
		{"repo add $URL --skip-check --project p --upsert", v1alpha1.SecretTypeRepository, "project", "p", ""},
		{"repocreds add https://git.example/ --username u --proxy-url http://p --type git", v1alpha1.SecretTypeRepoCredentials, "proxy", "http://p", ""},
	} {
		got := s.ends(append([]string{"argocd"}, strings.Fields(fill.Replace(c.line))...)...)
		kept := s.secrets(c.kind)
		if got.code != 0 || !strings.HasSuffix(got.stderr, c.note) || c.note == "" && got.stderr != "" || !slices.ContainsFunc(kept, func(k corev1.Secret) bool { return string(k.Data[c.key]) == c.value }) {
			t.Errorf("%s: got %+v and %d Secrets, want the note %q and %s=%s", c.line, got, len(kept), c.note, c.key, c.value)
		}
	}
	s.run("cyan", "repo", "add", url, "--skip-check", "--project", "large", "--enable-lfs")
	const warning = "enableLfs: files of LFS are not fetched; keep manifests in git itself\n"
	for _, line := range []string{"repo list", "repo get $URL --project large"} {
		if got := s.ends(append([]string{"argocd"}, strings.Fields(fill.Replace(line))...)...); got.code != 0 || !strings.HasPrefix(got.stderr, "warning: Secret repo-git.example-") || !strings.HasSuffix(got.stderr, warning) {
			t.Errorf("%s: got %+v, want the warning %q", line, got, warning)
		}
	}
	if got := s.ends("cyan", "adopt"); !strings.Contains(got.stdout, warning) {
		t.Errorf("adopt: got %+v, want %q", got, warning)
	}
	s.run("cyan", "repo", "rm", url, "--project", "large", "-y")
	for _, c := range []struct {
		line string
		want outcome
	}{
		{"repo get $URL -o url", outcome{0, url + "\n" + url + "\n", ""}},
		{"repo get $URL -o url --project p", outcome{0, url + "\n", ""}},
		{"repo get $URL -o url --project p --refresh hard", outcome{0, url + "\n", "note: --refresh has no effect: nothing is cached here\n"}},
		{"repo get $URL --project other", outcome{13, "", "Error: repository \"" + url + "\": not found in namespace \"argocd\"; `argocd repo add URL` adds one\n"}},
		{"repo get https://nope", outcome{13, "", "Error: repository \"https://nope\": not found in namespace \"argocd\"; there are: " + url + "\n"}},
		{"repo rm $URL --project other -y", outcome{13, "", "Error: repository \"" + url + "\": not found in namespace \"argocd\"; `argocd repo add URL` adds one\n"}},
		{"repo rm $URL --project p -y", outcome{0, "repository '" + url + "' removed\n", ""}},
		{"repo rm $URL -y", outcome{0, "repository '" + url + "' removed\n", ""}},
		{"repocreds rm https://git.example/ -y", outcome{0, "repository 'https://git.example/' removed\n", ""}},
	} {
		if got := s.ends(append([]string{"argocd"}, strings.Fields(fill.Replace(c.line))...)...); got != c.want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.line, got, c.want)
		}
	}
}

// TestClusterIsChanged: a registered cluster gets another name, namespaces and token; and is added by a program.
func TestClusterIsChanged(t *testing.T) {
	s := newShell(t)
	s.says([]string{"cyan", "cluster", "get", "in-cluster", "-o", "server"}, v1alpha1.InClusterServer)
	config, err := clientcmd.LoadFromFile(s.cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	name := config.CurrentContext
	s.run("argocd", "cluster", "add", name, "--yes", "--name", "before")
	t.Cleanup(func() {
		if out, note, err := s.tryWith(context.Background(), "", "argocd", "cluster", "rm", "after", "--yes"); err != nil {
			t.Errorf("cleaning up: %v\n%s%s", err, out, note)
		}
	})
	connection := func() (c struct {
		BearerToken        string
		DisableCompression bool
		Exec               struct{ Command, APIVersion string } `json:"execProviderConfig"`
	}) {
		if err := json.Unmarshal(s.secrets(v1alpha1.SecretTypeCluster)[0].Data["config"], &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	token := connection().BearerToken
	for _, c := range []struct {
		line string
		want outcome
	}{
		{"cluster set before", outcome{2, "", "Error: argocd cluster set: a flag is missing; `argocd cluster set --help` lists what can be set\n"}},
		{"cluster set nope --name x", outcome{13, "", "Error: registered cluster \"nope\": not found in namespace \"argocd\"; there are: before\n"}},
		{"cluster set before --name after --namespace a --namespace b --label env=prod", outcome{0, "cluster 'after' updated\n", ""}},
		{"cluster set after --label env", outcome{2, "", "Error: --label: \"env\" is not of the form KEY=VALUE\n"}},
		{"cluster rotate-auth after", outcome{0, "cluster 'after' rotated auth\n", ""}},
	} {
		if got := s.ends(append([]string{"argocd"}, strings.Fields(c.line)...)...); got != c.want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.line, got, c.want)
		}
	}
	kept := s.secrets(v1alpha1.SecretTypeCluster)[0]
	if string(kept.Data["namespaces"]) != "a,b" || kept.Labels["env"] != "prod" || connection().BearerToken == token || connection().BearerToken == "" {
		t.Errorf("kept are namespaces %q, labels %v, and the same token: %v", kept.Data["namespaces"], kept.Labels, connection().BearerToken == token)
	}
	if got := s.ends("argocd", "cluster", "add", name, "--name", "after", "--exec-command-args", "x"); got.code != 2 || !strings.HasPrefix(got.stderr, "Error: --exec-command: missing; ") {
		t.Errorf("got %+v", got)
	}
	s.run("argocd", "cluster", "add", name, "--name", "after", "--upsert", "--exec-command", "aws", "--disable-compression")
	if c := connection(); c.Exec.Command != "aws" || c.Exec.APIVersion == "" || c.BearerToken != "" || !c.DisableCompression {
		t.Errorf("%+v", c)
	}
}
