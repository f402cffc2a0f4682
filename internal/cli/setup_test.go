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

// TestErrors is the contract of errors, word for word: the object, the cause and the remedy on stderr, and the exit
// code that scripts know.
func TestErrors(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("shop")
	s.run("cyan", "app", "create", "shop", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default")
	namespace := paused(s)
	config, err := clientcmd.LoadFromFile(s.cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$REPO", repo.URL, "$NS", namespace, "$CURRENT", config.CurrentContext)
	for _, c := range []struct {
		line   string
		code   int
		stderr string
	}{
		{"cyan app get shpo", 13, `Error: Application "shpo": not found in namespace "argocd"; did you mean "shop"?`},
		{"argocd app sync nothing-like-it", 13, `Error: Application "nothing-like-it": not found in namespace "argocd"; there are: shop`},
		{"cyan app create x", 2, `Error: Application "x": the source of its manifests is missing; add --repo URL and --path DIRECTORY`},
		{"cyan app create Not_A_Name --repo $REPO --path k8s", 20, `Error: creating Application Not_A_Name: Application.argoproj.io "Not_A_Name" is invalid: metadata.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`},
		{"cyan app create x --repo $REPO --path k8s --project nope --dest-namespace d", 13, `Error: Application "x": application is not allowed in project "nope": AppProject not found in namespace argocd; there are: default`},
		{"cyan app create x --repo $REPO --path k8s --dest-name nope --dest-namespace d", 13, "Error: Application \"x\": spec.destination: cluster \"nope\" not registered; register it with `cyan cluster add CONTEXT`; there are: https://kubernetes.default.svc"},
		{"cyan app create x --repo $REPO --path k8s --sync-policy sometimes", 2, `Error: --sync-policy: "sometimes" is invalid; give none or automated`},
		{"cyan app create shop --repo $REPO --path other --dest-namespace default", 20, "Error: Application \"shop\": existing application spec is different, use upsert flag to force update; add --upsert to change it, or see `cyan app set`"},
		{"cyan app set shop", 2, "Error: cyan app set: a flag is missing; `cyan app set --help` lists what can be set"},
		{"cyan app set shop --kustomize-replica web", 2, `Error: --kustomize-replica: "web" is not of the form KEY=VALUE`},
		{"cyan app list -o xml", 2, `Error: --output: unknown format "xml"; give one of json, yaml, wide, name`},
		{"cyan app list -l ===", 2, `Error: --selector: found '==', expected: !, identifier, or 'end of string'; write it as key=value,other!=value`},
		{"cyan app get shop --nonsense", 2, "Error: cyan app get: unknown flag: --nonsense; `cyan app get --help` lists its flags"},
		{"cyan app rollback shop", 13, `Error: Application "shop": no earlier deployment is known`},
		{"cyan app rollback shop 7", 13, `Error: Application "shop": status.history: ID 7 not found`},
		{"cyan app terminate-op shop", 20, `Error: Application "shop": no operation is in progress`},
		{"cyan app sync shop --resource web", 2, `Error: --resource: "web" is not of the form GROUP:KIND:NAME; the core group is empty, as in :Service:web`},
		{"cyan app sync shop --resource :Service:web", 13, `Error: Application "shop": object :Service:web not found`},
		{"cyan app sync shop --strategy slowly", 2, `Error: --strategy: unknown strategy "slowly"; give apply or hook`},
		{"cyan app delete shop", 2, `Error: confirmation: no terminal to ask on (delete Application "shop" and the 0 objects that it deployed?); add -y if you mean it`},
		{"cyan app delete shop -p sideways -y", 2, `Error: --propagation-policy: unknown policy "sideways"; give foreground or background`},
		{"cyan app logs shop", 13, "Error: Application \"shop\": no pods found; `cyan app get shop` shows what it has"},
		{"cyan app patch shop --patch {}", 2, `Error: --patch: an object, where a JSON patch is a list of operations; give --type merge to merge it in`},
		{"cyan app patch shop --patch 5", 2, `Error: --patch: not a list of operations; write it as [{"op":"replace","path":"/spec/…","value":…}]`},
		{"cyan app patch shop --type merge --patch []", 2, `Error: --patch: a list, where what is merged in is an object; give --type json for a list of operations`},
		{"cyan app patch shop --type merge --patch a", 2, `Error: --patch: not an object; write it as {"spec":{…}}`},
		{"cyan app patch-resource shop --kind Service --patch []", 2, `Error: --patch: a list, where what is merged in is an object; give --patch-type json for a list of operations`},
		{"cyan app patch-resource shop --kind Service --patch-type json --patch {}", 2, `Error: --patch: an object, where a JSON patch is a list of operations; give --patch-type merge to merge it in`},
		{"cyan app patch shop --type strategic --patch {}", 2, `Error: --type: unknown type "strategic"; give json or merge`},
		{"cyan app wait nope --timeout 1", 13, `Error: Application "nope": not found in namespace "argocd"; there are: shop`},
		{"cyan cluster get nope", 13, "Error: registered cluster \"nope\": not found in namespace \"argocd\"; `cyan cluster add CONTEXT` registers one"},
		{"cyan cluster rm nope -y", 13, "Error: registered cluster \"nope\": not found in namespace \"argocd\"; `cyan cluster add CONTEXT` registers one"},
		{"cyan proj get nope", 13, `Error: AppProject "nope": not found in namespace "argocd"; there are: default`},
		{"cyan proj delete default -y", 20, "Error: AppProject \"default\": used by the Applications shop; move them with `cyan app set NAME --project OTHER` first"},
		{"cyan proj create x --dest here", 2, `Error: --dest: "here" is not of the form SERVER,NAMESPACE`},
		{"cyan repo rm $REPO/nope -y", 13, "Error: repository \"$REPO/nope\": not found in namespace \"argocd\"; `cyan repo add URL` adds one"},
		{"cyan rollout get shpo -n $NS", 13, `Error: Rollout "shpo": not found in namespace "$NS"; did you mean "shop"?`},
		{"cyan rollout undo shop --to-revision 9 -n $NS", 13, `Error: Rollout "shop": revision 9 not found; there are: 2, 1`},
		{"cyan rollout set-image shop shpo=x:v1 -n $NS", 13, `Error: Rollout "shop": container "shpo" not found; there are: shop`},
		{"cyan rollout set-image shop shop -n $NS", 2, `Error: cyan rollout set-image: "shop" is not of the form KEY=VALUE; write CONTAINER=IMAGE; * stands for every container`},
		{"cyan rollout lint", 2, `Error: cyan rollout lint: the file is missing; give it with --filename`},
		{"cyan rollout lint -f /nowhere", 2, `Error: file /nowhere: not found`},
		{"cyan --kubeconfig /nowhere/config app list", 11, `Error: kubeconfig: stat /nowhere/config: no such file or directory; check --kubeconfig and $KUBECONFIG`},
		{"cyan --context nope app list", 11, `Error: kubeconfig: context "nope" not found; give --context one of: $CURRENT`},
		{"cyan render /nowhere", 2, `Error: directory /nowhere: not found`},
	} {
		line := strings.Fields(fill.Replace(c.line))
		out, note, err := s.try(line...)
		if message := kit.Message(err); message != "" {
			note += message + "\n"
		}
		if code := kit.ExitCode(err); code != c.code || out != "" || note != fill.Replace(c.stderr)+"\n" {
			t.Errorf("%s:\ngot  %d %q %q\nwant %d, nothing, %q", c.line, code, out, note, c.code, fill.Replace(c.stderr)+"\n")
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
