package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// TestBackup: what export writes, import restores; Secrets only with consent, and nothing that is there is deleted.
func TestBackup(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("backed-up")
	s.run("cyan", "app", "create", "backed-up", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default")
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name, Namespace: "argocd"} }
	credentials := &corev1.Secret{ObjectMeta: meta("backup-repo"), StringData: map[string]string{"url": "https://git.example/backup", "password": "s3cret"}}
	credentials.Labels = map[string]string{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeRepository}
	for _, o := range []client.Object{credentials, &corev1.ConfigMap{ObjectMeta: meta("argocd-cm"), Data: map[string]string{"timeout.reconciliation": "60s"}}, &corev1.ConfigMap{ObjectMeta: meta("of-others")}} {
		if err := s.cluster.Client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.cluster.Client.Delete(context.Background(), o) })
	}
	got := s.ends("argocd", "admin", "export", "-n", "argocd")
	if got.code != 0 || !strings.Contains(got.stdout, "name: backed-up") || !strings.Contains(got.stdout, "name: argocd-cm") || strings.Contains(got.stdout, "of-others") ||
		strings.Contains(got.stdout, "backup-repo") || strings.Contains(got.stdout, "resourceVersion") ||
		got.stderr != "warning: 1 Secrets (credentials of clusters and repositories) are not in this backup; --secrets adds them, in clear\n" {
		t.Errorf("got %+v", got)
	}
	if got, want := s.ends("argocd", "admin", "export", "--secrets"), (outcome{2, "", "Error: confirmation: no terminal to ask on (write the passwords and keys of 1 Secrets in clear?); add -y if you mean it\n"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	file := filepath.Join(t.TempDir(), "backup.yaml")
	s.run("argocd", "admin", "export", "--secrets", "--yes", "-o", file, "--strip-status")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v, %v; want that only its owner may read it", info, err)
	}
	spec := s.app("backed-up").Spec
	s.run("cyan", "app", "set", "backed-up", "--path", "elsewhere", "--validate=false")
	if err := s.cluster.Client.Delete(t.Context(), credentials); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line string
		want outcome
	}{
		{"import " + file + " --dry-run", outcome{0, "Secret argocd/backup-repo would be created\nApplication argocd/backed-up would be updated\n", ""}},
		{"import " + file, outcome{2, "", "Error: confirmation: no terminal to ask on (change 1 objects that are there to what the backup has?); add -y if you mean it\n"}},
		{"import " + file + " --yes", outcome{0, "Secret argocd/backup-repo created\nApplication argocd/backed-up updated\n", ""}},
		{"import " + file + " --yes", outcome{0, "", ""}},
		{"import " + file + " --prune", outcome{2, "", "Error: argocd admin import: --prune is not served by Cyan; delete what is not wanted with kubectl: no Application is deleted for not being in a file\n"}},
		{"import " + write(t, "pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"), outcome{2, "", "*Pod \"p\": not an object of an installation; apply others with kubectl\n"}},
		{"settings validate", outcome{0, "the settings are valid, and all are served\n", ""}},
		{"settings validate --argocd-cm-path " + write(t, "cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\ndata: {timeout.reconcilation: 60s}\n"), outcome{1, "*timeout.reconcilation", ""}},
		{"settings validate --group accounts", outcome{0, "the settings are valid, and all are served\n", "note: --group has no effect: all settings are validated\n"}},
	} {
		got := s.ends(append([]string{"argocd", "admin"}, strings.Fields(c.line)...)...)
		if got.code != c.want.code || !says(got.stdout, c.want.stdout) || !says(got.stderr, c.want.stderr) {
			t.Errorf("admin %s:\ngot  %+v\nwant %+v", c.line, got, c.want)
		}
	}
	restored := &corev1.Secret{}
	if s.get(restored, "argocd", "backup-repo"); string(restored.Data["password"]) != "s3cret" || s.app("backed-up").Spec.Source.Path != spec.Source.Path {
		t.Errorf("restored %v and path %s", restored.Data, s.app("backed-up").Spec.Source.Path)
	}
}
