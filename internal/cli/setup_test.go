package cli_test

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/source/gitserver"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func (s *shell) secrets(kind string) []corev1.Secret {
	s.t.Helper()
	var all corev1.SecretList
	if err := s.cluster.Client.List(s.t.Context(), &all, client.InNamespace("argocd"), client.MatchingLabels{v1alpha1.SecretTypeLabel: kind}); err != nil {
		s.t.Fatal(err)
	}
	return all.Items
}

func TestRepositories(t *testing.T) {
	s := newShell(t)
	repo := testkit.GitRepoWith(t, gitserver.Options{Users: map[string]string{"ada": "s3cret"}})
	repo.Commit(map[string]string{"a": "b"})
	_, _, err := s.try("cyan", "repo", "add", repo.URL, "--username", "ada", "--password", "wr0ng")
	if err == nil || strings.Contains(err.Error(), "wr0ng") || len(s.secrets(v1alpha1.SecretTypeRepository)) > 0 {
		t.Error("a repository that cannot be opened is not kept:", err)
	}
	out, note, err := s.tryWith(t.Context(), "s3cret\n", "cyan", "repo", "add", repo.URL, "--username", "ada", "--password-stdin")
	if err != nil || strings.Contains(out+note, "s3cret") {
		t.Fatal(out, note, err)
	}
	kept := s.secrets(v1alpha1.SecretTypeRepository)
	if len(kept) != 1 || string(kept[0].Data["url"]) != repo.URL || string(kept[0].Data["username"]) != "ada" || string(kept[0].Data["password"]) != "s3cret" {
		t.Errorf("%+v", kept)
	}
	for _, format := range []string{"", "json", "yaml", "wide"} {
		line := []string{"argocd", "repo", "list"}
		if format != "" {
			line = append(line, "-o", format)
		}
		if out := s.run(line...); !strings.Contains(out, repo.URL) || strings.Contains(out, "s3cret") {
			t.Errorf("%s: %s", format, out)
		}
	}
	if _, _, err := s.try("cyan", "repo", "rm", repo.URL); err == nil || !strings.Contains(err.Error(), "-y") {
		t.Error("nobody was asked:", err)
	}
	s.run("cyan", "repo", "rm", repo.URL, "--yes")
	if kept := s.secrets(v1alpha1.SecretTypeRepository); len(kept) > 0 {
		t.Errorf("%+v", kept)
	}
}

func TestClusters(t *testing.T) {
	s := newShell(t)
	config, err := clientcmd.LoadFromFile(s.cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	name := config.CurrentContext
	out, note, err := s.try("argocd", "cluster", "add", name, "--yes")
	if err != nil {
		t.Fatal(out, note, err)
	}
	kept := s.secrets(v1alpha1.SecretTypeCluster)
	if len(kept) != 1 || string(kept[0].Data["server"]) != config.Clusters[config.Contexts[name].Cluster].Server || !strings.Contains(string(kept[0].Data["config"]), "bearerToken") {
		t.Fatalf("%+v", kept)
	}
	token := string(kept[0].Data["config"])
	for _, line := range [][]string{{"argocd", "cluster", "list"}, {"cyan", "cluster", "list", "-o", "json"}, {"cyan", "cluster", "list", "-o", "wide"}} {
		if out := s.run(line...); !strings.Contains(out, "https://kubernetes.default.svc") || !strings.Contains(out, string(kept[0].Data["server"])) || strings.Contains(out, token) {
			t.Errorf("%v: %s", line, out)
		}
	}
	if _, _, err := s.try("cyan", "cluster", "add", "nowhere"); err == nil || !strings.Contains(err.Error(), "nowhere") || !strings.Contains(err.Error(), name) {
		t.Error("the error names the contexts that there are:", err)
	}
	s.run("cyan", "cluster", "rm", name, "--yes")
	if kept := s.secrets(v1alpha1.SecretTypeCluster); len(kept) > 0 {
		t.Errorf("%+v", kept)
	}
}

// Every error names the object, the cause and the remedy, and scripts know it by its code.
func TestErrors(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("shop")
	s.run("cyan", "app", "create", "shop", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default")
	namespace := paused(s)
	for _, c := range []struct {
		line []string
		code int
		says []string
	}{
		{[]string{"cyan", "app", "get", "shpo"}, 13, []string{`"shpo"`, `did you mean "shop"?`}},
		{[]string{"argocd", "app", "sync", "nothing-like-it"}, 13, []string{`"nothing-like-it"`, "argocd"}},
		{[]string{"cyan", "app", "create", "x"}, 0, []string{"--repo"}},
		{[]string{"cyan", "app", "create", "Not_A_Name", "--repo", repo.URL, "--path", "k8s"}, 0, []string{"Not_A_Name"}},
		{[]string{"cyan", "app", "create", "x", "--repo", repo.URL, "--path", "k8s", "--project", "nope", "--dest-namespace", "d"}, 0, []string{"nope"}},
		{[]string{"cyan", "app", "create", "x", "--repo", repo.URL, "--path", "k8s", "--dest-name", "nope", "--dest-namespace", "d"}, 0, []string{"nope"}},
		{[]string{"cyan", "app", "create", "x", "--repo", repo.URL, "--path", "k8s", "--sync-policy", "sometimes"}, 0, []string{"sometimes", "automated"}},
		{[]string{"cyan", "app", "list", "-o", "xml"}, 2, []string{"xml", "json"}},
		{[]string{"cyan", "app", "get", "shop", "--nonsense"}, 2, []string{"--nonsense", "--help"}},
		{[]string{"cyan", "rollout", "get", "shpo", "-n", namespace}, 13, []string{`"shpo"`, `did you mean "shop"?`}},
		{[]string{"cyan", "rollout", "get", "shop", "-n", "default"}, 13, []string{"test-", "--namespace"}},
		{[]string{"cyan", "rollout", "undo", "shop", "--to-revision", "9", "-n", namespace}, 0, []string{"9", "shop"}},
		{[]string{"cyan", "rollout", "set-image", "shop", "shpo=x:v1", "-n", namespace}, 0, []string{"shpo", "shop"}},
		{[]string{"cyan", "--kubeconfig", "/nowhere/config", "app", "list"}, 0, []string{"/nowhere/config"}},
		{[]string{"cyan", "--context", "nope", "app", "list"}, 0, []string{"nope"}},
		{[]string{"cyan", "render", "/nowhere"}, 0, []string{"/nowhere"}},
	} {
		_, _, err := s.try(c.line...)
		if err == nil {
			t.Errorf("%v gives no error", c.line)
			continue
		}
		if code := kit.ExitCode(err); code == 0 || c.code != 0 && code != c.code {
			t.Errorf("%v ends with %d", c.line, code)
		}
		for _, part := range c.says {
			if !strings.Contains(kit.Message(err), part) {
				t.Errorf("%v: %q does not say %q", c.line, kit.Message(err), part)
			}
		}
	}
}

func TestCompletion(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("complete-me")
	s.run("cyan", "app", "create", "complete-me", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default")
	namespace := paused(s)
	for _, c := range []struct {
		line []string
		want string
	}{
		{[]string{"cyan", "__complete", "app", "get", "comp"}, "complete-me"},
		{[]string{"argocd", "__complete", "app", "sync", ""}, "complete-me"},
		{[]string{"cyan", "__complete", "rollout", "promote", "-n", namespace, ""}, "shop"},
		{[]string{"kubectl-argo-rollouts", "__complete", "get", "rollout", "-n", namespace, ""}, "shop"},
		{[]string{"cyan", "__complete", "rollout", "get", "--namespace", "test-"}, namespace},
		{[]string{"cyan", "__complete", "app", "get", "complete-me", "-o", ""}, "json"},
		{[]string{"cyan", "__complete", "cluster", "add", ""}, ""},
	} {
		if out := s.run(c.line...); !strings.Contains(out, c.want) || !strings.Contains(out, ":4") {
			t.Errorf("%v: %s", c.line, out)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		s.says([]string{"cyan", "completion", shell}, "cyan")
	}
}

// TestHelp: every command has a word and an example, and so does every group.
func TestHelp(t *testing.T) {
	for _, name := range []string{"cyan", "argocd", "kubectl-argo-rollouts", "kubectl-cyan"} {
		var walk func(*cobra.Command)
		walk = func(cmd *cobra.Command) {
			if cmd.Short == "" || cmd.Example == "" {
				t.Errorf("%s: short %q, example %q; want both", cmd.CommandPath(), cmd.Short, cmd.Example)
			}
			for _, below := range cmd.Commands() {
				walk(below)
			}
		}
		walk(cli.New(name, "v1", kit.Streams{In: strings.NewReader(""), Out: &strings.Builder{}, Err: &strings.Builder{}}))
	}
}
