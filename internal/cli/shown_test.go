package cli_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// evil steers a terminal: it sets the window's title, goes back in its line, and turns what follows round.
const evil = "\x1b]0;owned\x07\x1b[2K\rgood\u202e\u009b31m"

// shownEvil is how that is shown.
const shownEvil = `\x1b]0;owned\x07\x1b[2K\x0dgood\u202e\x9b31m`

// onTerminal runs a command whose output is a terminal, and returns what that got to show.
func (s *shell) onTerminal(line ...string) string {
	s.t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		s.t.Skip("this machine has no pseudo terminals: ", err)
	}
	defer func() { _ = keyboard.Close() }()
	number, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	screen, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	shown := make(chan string)
	go func() {
		// The end of a pseudo terminal is an error.
		all, _ := io.ReadAll(keyboard)
		shown <- string(all)
	}()
	command := cli.New(line[0], "v1", kit.Streams{In: strings.NewReader(""), Out: screen, Err: screen})
	command.SetArgs(line[1:])
	if err := command.ExecuteContext(s.t.Context()); err != nil {
		fmt.Fprintln(screen, kit.Message(err))
	}
	if err := screen.Close(); err != nil {
		s.t.Fatal(err)
	}
	return <-shown
}

// steers reports whether anything but a colour of ours, a line feed or a redrawn block is in what a terminal got.
func steers(text string) bool {
	return strings.ContainsAny(text, "\x07\u202e\u009b") || strings.Contains(text, "\x1b]") || strings.Contains(text, "\x1b[2K")
}

// TestForeignTextSteersNoTerminal: an escape in each place where a stranger may write reaches neither a terminal nor a
// pipe that shows text.
func TestForeignTextSteersNoTerminal(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	repo.Commit(map[string]string{
		"k8s/config.yaml":         "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: evil}\ndata:\n  a: \"" + `\e]0;owned\a\e[2K\rgood` + "\u202e" + `\x9b31m` + "\"\n",
		"k8s/kustomization.yaml":  "resources: [deployment.yaml, config.yaml]\n",
		"kind/a.yaml":             "apiVersion: v1\nkind: \"A" + `\e]0;owned\a` + "\"\nmetadata: {name: \"b" + `\e[2K` + "\u202e\"}\n",
		"file/a" + evil + ".yaml": "apiVersion: v1\nkind: [\n",
	})
	s.forget("evil", "evil-kind", "evil-file", "evil-url")
	namespace := s.cluster.Namespace(t)
	for name, path := range map[string]string{"evil": "k8s", "evil-kind": "kind", "evil-file": "file"} {
		s.run("cyan", "app", "create", name, "--repo", repo.URL, "--path", path, "--dest-namespace", namespace, "--validate=false")
	}
	s.run("cyan", "app", "create", "evil-url", "--repo", repo.URL+"/"+evil, "--path", evil, "--revision", evil, "--dest-namespace", namespace, "--validate=false")
	app := s.app("evil")
	now := metav1.Now()
	app.Status.Conditions = []v1alpha1.ApplicationCondition{{Type: "SyncError", Message: evil, LastTransitionTime: &now}}
	app.Status.Health.Message = evil
	app.Status.Summary.Images, app.Status.Summary.ExternalURLs = []string{evil}, []string{evil}
	app.Status.Resources = []v1alpha1.ResourceStatus{{Version: "v1", Kind: "K" + evil, Name: "n\n" + evil, Status: v1alpha1.Synced, Health: &v1alpha1.HealthStatus{Message: evil}}}
	app.Status.OperationState = &v1alpha1.OperationState{Phase: v1alpha1.OperationFailed, Message: evil, StartedAt: now, FinishedAt: &now, SyncResult: &v1alpha1.SyncOperationResult{
		Revision: evil, Resources: []*v1alpha1.ResourceResult{{Kind: evil, Name: evil, Message: evil}},
	}}
	app.Status.History = []v1alpha1.RevisionHistory{{Revision: evil, DeployedAt: now, Source: &v1alpha1.ApplicationSource{RepoURL: evil, Path: evil}}}
	app.Spec.Info = []v1alpha1.Info{{Name: evil, Value: evil}}
	if err := s.cluster.Client.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	for _, o := range []client.Object{
		&v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "evil", Namespace: "argocd"}, Spec: v1alpha1.AppProjectSpec{Description: evil, SourceRepos: []string{evil}}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "evil-repo", Namespace: "argocd", Labels: map[string]string{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeRepository}}, Data: map[string][]byte{
			"url": []byte("https://git.example/" + evil), "name": []byte(evil), "username": []byte(evil), "project": []byte(evil),
		}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "evil-cluster", Namespace: "argocd", Labels: map[string]string{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeCluster}}, Data: map[string][]byte{
			"server": []byte("https://" + evil), "name": []byte(evil), "namespaces": []byte(evil), "project": []byte(evil), "config": []byte("{}"),
		}},
	} {
		if err := s.cluster.Client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.cluster.Client.Delete(context.Background(), o) })
	}
	for _, c := range []struct {
		line string
		// text is set where the output is text for people wherever it goes; data reaches a file as it is.
		text bool
	}{
		{"app get evil", true}, {"app get evil -o wide", true}, {"app get evil -o tree", true}, {"app get evil --show-operation --show-params", false},
		{"app get evil -o yaml", false}, {"app get evil -o json", false}, {"app list", true}, {"app list -o wide", true}, {"app list -o json", false},
		{"app history evil", true}, {"app resources evil", true}, {"app resources evil -o name", true}, {"app resources evil -o tree", true},
		{"app manifests evil", false}, {"app diff evil", true}, {"app manifests evil-kind", false}, {"app diff evil-kind", true}, {"app diff evil-file", true},
		{"app manifests evil-url", true}, {"app wait evil --timeout 1 --health", true},
		{"proj get evil", false}, {"proj list", true}, {"proj list -o yaml", false}, {"repo list", true}, {"repo list -o json", false}, {"cluster list", true}, {"cluster list -o yaml", false},
		{"app get " + evil, true}, {evil, true}, {"app get evil -o " + evil, true}, {"render /nowhere/" + evil, true},
	} {
		line := append([]string{"cyan"}, strings.Fields(c.line)...)
		if strings.Contains(c.line, evil) {
			line = append([]string{"cyan"}, strings.Split(c.line, " ")...)
		}
		if got := s.onTerminal(line...); steers(got) {
			t.Errorf("%q: the terminal got %q", c.line, got)
		}
		if !c.text {
			continue
		}
		out, note, err := s.try(line...)
		if got := out + note + kit.Message(err); steers(got) || strings.Contains(got, "\x1b") {
			t.Errorf("%q: the pipe got %q", c.line, got)
		}
	}
	s.says([]string{"cyan", "app", "get", "evil"}, "Health Status:", shownEvil)
}

// TestSecretsAreHidden: no command prints a value of a Secret, unless it is asked to, and the person says so.
func TestSecretsAreHidden(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	repo.Commit(map[string]string{"secrets/a.yaml": `apiVersion: v1
kind: Secret
metadata: {name: plain}
stringData: {password: s3cret-text}
---
apiVersion: v1
kind: Secret
metadata: {name: encoded}
data: {password: czNjcmV0LWRhdGE=}
`})
	s.forget("secrets")
	namespace := s.cluster.Namespace(t)
	s.run("cyan", "app", "create", "secrets", "--repo", repo.URL, "--path", "secrets", "--dest-namespace", namespace)
	app := s.app("secrets")
	for _, name := range []string{"plain", "encoded"} {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, StringData: map[string]string{"password": "s3cret-live"}}
		if err := s.cluster.Client.Create(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		app.Status.Resources = append(app.Status.Resources, v1alpha1.ResourceStatus{Version: "v1", Kind: "Secret", Namespace: namespace, Name: name})
	}
	if err := s.cluster.Client.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	values := []string{"s3cret", "czNjcmV0"}
	for _, line := range []string{"app manifests secrets", "app manifests secrets --source live", "app diff secrets", "app get secrets -o yaml"} {
		out, note, err := s.try(append([]string{"cyan"}, strings.Fields(line)...)...)
		for _, value := range values {
			if strings.Contains(out+note+kit.Message(err), value) {
				t.Errorf("%s shows %q:\n%s%s%v", line, value, out, note, err)
			}
		}
		if strings.Contains(line, "manifests") && (!strings.Contains(out, "password: hidden, fingerprint") || note != "note: the values of 2 Secrets are hidden; --reveal prints them\n") {
			t.Errorf("%s: got %s%s, want masked values and a note", line, out, note)
		}
	}
	out, _, err := s.try("cyan", "app", "manifests", "secrets", "--reveal")
	if want := "Error: confirmation: no terminal to ask on (print the values of 2 Secrets in clear?); add -y if you mean it"; kit.Message(err) != want || kit.ExitCode(err) != 2 || out != "" {
		t.Errorf("--reveal alone: got %q, %q; want %q", out, kit.Message(err), want)
	}
	s.says([]string{"cyan", "app", "manifests", "secrets", "--reveal", "--yes"}, "password: s3cret-text", "password: czNjcmV0LWRhdGE=")
}
