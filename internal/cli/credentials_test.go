package cli_test

import (
	"regexp"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// No command shows what opens a repository and was written into an Application, and what is printed can be sent back
// without losing it.
func TestNoCommandShowsWhatOpensARepository(t *testing.T) {
	s := newShell(t)
	const opened = "https://ada:s3cret@git.example/shop"
	source := v1alpha1.ApplicationSource{RepoURL: opened, Path: "k8s"}
	app := &v1alpha1.Application{
		ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "opened", Annotations: map[string]string{"kubectl.kubernetes.io/last-applied-configuration": `{"spec":{"source":{"repoURL":"` + opened + `"}}}`}},
		Spec:       v1alpha1.ApplicationSpec{Project: "default", Source: &source, Destination: v1alpha1.ApplicationDestination{Server: v1alpha1.InClusterServer, Namespace: "default"}},
		Status:     v1alpha1.ApplicationStatus{History: []v1alpha1.RevisionHistory{{ID: 1, Revision: "1111111", DeployedAt: metav1.Now(), Source: &source}}},
	}
	if err := s.cluster.Client.Create(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	s.forget("opened")
	for _, line := range []string{"app list -o wide", "app list -o json", "app get opened", "app get opened -o yaml", "app get opened -o json", "app get opened -o tree", "app get opened --show-operation", "app get opened --show-params", "app history opened", "app history opened -o yaml", "app manifests opened", "app diff opened", "app sync opened --dry-run --timeout 1s"} {
		out, note, err := s.try(append([]string{"cyan"}, strings.Fields(line)...)...)
		if text := out + note; strings.Contains(text, "s3cret") || err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %s%v", line, text, err)
		}
	}
	shown := s.run("cyan", "app", "get", "opened", "-o", "yaml")
	if !strings.Contains(shown, "repoURL: https://git.example/shop") {
		t.Errorf("got %s", shown)
	}
	changed := regexp.MustCompile(`(?m)^  (resourceVersion|uid): .*\n`).ReplaceAllString(strings.Replace(shown, "path: k8s", "path: elsewhere", 1), "")
	if out, note, err := s.tryWith(t.Context(), changed, "cyan", "app", "create", "-f", "-", "--upsert", "--validate=false"); err != nil {
		t.Fatalf("%s%s%v", out, note, err)
	}
	if got := s.app("opened").Spec.Source; got.RepoURL != opened || got.Path != "elsewhere" {
		t.Errorf("stored %+v, want it to open the repository still", got)
	}
}
