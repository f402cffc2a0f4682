package cli_test

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// setting writes ConfigMap argocd-cm for the time of a test.
func (s *shell) setting(data map[string]string) {
	s.t.Helper()
	written := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "argocd-cm", Namespace: "argocd"}, Data: data}
	if err := s.cluster.Client.Create(s.t.Context(), written); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = s.cluster.Client.Delete(context.Background(), written) })
}

// TestSettingsHoldForCommands: what the controller takes from argocd-cm, commands take from it too.
func TestSettingsHoldForCommands(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	repo.Commit(map[string]string{"few/secret.yaml": `apiVersion: v1
kind: Secret
metadata: {name: few, annotations: {token: t0ken-of-git, note: plain}}
`})
	s.forget("held")
	namespace := s.cluster.Namespace(t)
	s.setting(map[string]string{"application.resourceTrackingMethod": "label", "resource.sensitive.mask.annotations": "token"})
	s.run("cyan", "app", "create", "held", "--repo", repo.URL, "--path", "few", "--dest-namespace", namespace)
	marked := map[string]string{"app.kubernetes.io/instance": "held"}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "few", Namespace: namespace, Labels: marked, Annotations: map[string]string{"token": "t0ken-of-cluster", "note": "other"}}}
	gone := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "gone", Namespace: namespace, Labels: marked}}
	if err := s.cluster.Client.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if err := s.cluster.Client.Create(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	app := s.app("held")
	app.Status.Resources = []v1alpha1.ResourceStatus{
		{Version: "v1", Kind: "Secret", Namespace: namespace, Name: "few"}, {Version: "v1", Kind: "ConfigMap", Namespace: namespace, Name: "before"},
	}
	if err := s.cluster.Client.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ line, want string }{
		{"app diff held", "ConfigMap " + namespace + "/gone ====== not in git"},
		{"app diff held", "+    note: plain"},
		{"app diff held", "+    token: hidden, fingerprint"},
		{"app manifests held", "note: plain"},
		{"app manifests held", "token: hidden, fingerprint"},
		{"app manifests held --source live", "token: hidden, fingerprint"},
		{"app get-resource held --kind Secret -o yaml", "token: hidden, fingerprint"},
		{"app manifests held --reveal --yes", "token: t0ken-of-git"},
	} {
		out, note, _ := s.try(append([]string{"cyan"}, strings.Fields(c.line)...)...)
		if !strings.Contains(out, c.want) || strings.Contains(out, "t0ken") != strings.Contains(c.line, "--reveal") || strings.Contains(out, "tracking-id") {
			t.Errorf("%s: got %s%s, want %q, and no token nor annotation of tracking", c.line, out, note, c.want)
		}
	}
}

// TestWhatIsNotServedIsNamedAtOnce: a person learns when writing what the controller would say later; what was there
// before is not repeated.
func TestWhatIsNotServedIsNamedAtOnce(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("unserved", "served")
	const warning = "warning: Application unserved: spec.source.helm"
	for _, c := range []struct {
		line, want string
	}{
		{"create unserved --repo " + repo.URL + " --path k8s --dest-namespace default --validate=false --helm-set a=b", warning},
		{"set unserved --release-name other --validate=false", ""},
		{"create served --repo " + repo.URL + " --path k8s --dest-namespace default", ""},
		{"set served --helm-set a=b --validate=false", strings.Replace(warning, "unserved", "served", 1)},
	} {
		got := s.ends(append([]string{"cyan", "app"}, strings.Fields(c.line)...)...)
		if got.code != 0 || !strings.HasPrefix(got.stderr, c.want) || (c.want == "") != (got.stderr == "") {
			t.Errorf("%s: got %+v, want the warning %q", c.line, got, c.want)
		}
	}
}
