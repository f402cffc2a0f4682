package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// No command runs what a cluster Secret names: it would run as the person who typed the command.
func TestCommandsRunNoProgramOfASecret(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("far-away")
	ran := filepath.Join(t.TempDir(), "ran")
	program := write(t, "token", "#!/bin/sh\ntouch "+ran+"\n")
	if err := os.Chmod(program, 0o700); err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "far", Labels: map[string]string{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeCluster}},
		Data: map[string][]byte{
			"name": []byte("far"), "server": []byte("https://127.0.0.1:1"),
			"config": []byte(`{"execProviderConfig":{"command":"` + program + `","apiVersion":"client.authentication.k8s.io/v1"}}`),
		},
	}
	if err := s.cluster.Client.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cluster.Client.Delete(context.Background(), secret) })
	s.run("cyan", "app", "create", "far-away", "--repo", repo.URL, "--path", "k8s", "--dest-name", "far", "--dest-namespace", "default")
	app := s.app("far-away")
	app.Status.Resources = []v1alpha1.ResourceStatus{{Version: "v1", Kind: "ConfigMap", Namespace: "default", Name: "x"}}
	if err := s.cluster.Client.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	for _, line := range [][]string{{"cyan", "app", "diff", "far-away"}, {"argocd", "app", "diff", "far-away"}, {"cyan", "app", "manifests", "far-away", "--source", "live"}} {
		_, _, err := s.try(line...)
		if want := `Secret argocd/far: execProviderConfig command "` + program + `" not allowed; commands run no program`; !strings.Contains(kit.Message(err), want) {
			t.Errorf("%v: got %q, want %q", line, kit.Message(err), want)
		}
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the program was run")
	}
}
