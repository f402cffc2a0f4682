package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// names are those that the program answers to.
var names = []string{"cyan", "argocd", "kubectl-argo-rollouts", "kubectl-cyan"}

// line runs a command line as main does, where no cluster can be reached.
func line(t *testing.T, name string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	root := newRoot(name, kit.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	if message := kit.Message(err); message != "" {
		errs.WriteString(message + "\n")
	}
	return kit.ExitCode(err), out.String(), errs.String()
}

func withoutCluster(t *testing.T) {
	t.Helper()
	t.Setenv("KUBECONFIG", os.DevNull)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("ARGOCD_CONFIG_DIR", t.TempDir())
}

// everyCommand calls visit with the words below the root that lead to each command.
func everyCommand(name string, visit func(cmd *cobra.Command, words []string)) {
	var walk func(cmd *cobra.Command, words []string)
	walk = func(cmd *cobra.Command, words []string) {
		visit(cmd, words)
		for _, below := range cmd.Commands() {
			walk(below, append(words[:len(words):len(words)], below.Name()))
		}
	}
	walk(newRoot(name, kit.Streams{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &bytes.Buffer{}}), nil)
}

// wrong checks a line that is wrong: one line of error on stderr, nothing on stdout, exit code 2.
func wrong(t *testing.T, name string, args []string, want string) {
	t.Helper()
	code, stdout, stderr := line(t, name, args...)
	if code != 2 || stdout != "" || !strings.HasPrefix(stderr, "Error: ") || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
		t.Errorf("%s %s: got exit code %d, stdout %q, stderr %q; want 2, nothing, and one line of error with %q", name, strings.Join(args, " "), code, stdout, stderr, want)
	}
}

func words(all ...[]string) []string {
	var joined []string
	for _, some := range all {
		joined = append(joined, some...)
	}
	return joined
}

// A command that does not exist is an error in every group, whatever comes after it, and names what was probably meant.
func TestUnknownCommands(t *testing.T) {
	withoutCluster(t)
	groups := map[string]int{}
	for _, name := range names {
		everyCommand(name, func(cmd *cobra.Command, path []string) {
			if !cmd.HasSubCommands() {
				return
			}
			groups[name]++
			unknown := cmd.CommandPath() + `: unknown command "zzzzzzzzzz"; `
			wrong(t, name, words(path, []string{"zzzzzzzzzz"}), unknown)
			wrong(t, name, words(path, []string{"zzzzzzzzzz", "shop", "--prune", "-y"}), unknown)
			wrong(t, name, words([]string{"help"}, path, []string{"zzzzzzzzzz"}), unknown)
			wrong(t, name, words(path, []string{"--no-such-flag", "zzzzzzzzzz"}), "unknown flag: --no-such-flag")
			for _, below := range cmd.Commands() {
				slip := below.Name() + "zq"
				wrong(t, name, words(path, []string{below.Name() + "z", "shop"}), `unknown command "`+below.Name()+`z"; did you mean "`)
				if len(slip) > 7 {
					wrong(t, name, words(path, []string{slip, "shop"}), `did you mean "`+below.Name()+`"?`)
				}
			}
			code, stdout, stderr := line(t, name, path...)
			if len(path) > 0 && (code != 2 || stdout != "" || !strings.Contains(stderr, "Usage:")) {
				t.Errorf("%s %v alone: got exit code %d, stdout %q, stderr %q; want 2, nothing, and its help", name, path, code, stdout, stderr)
			}
			if len(path) == 0 && (code != 0 || stderr != "" || !strings.Contains(stdout, "Usage:")) {
				t.Errorf("%s alone: got exit code %d, stderr %q; want 0, nothing, and its help on stdout", name, code, stderr)
			}
			if code, stdout, stderr := line(t, name, words(path, []string{"--help"})...); code != 0 || stderr != "" || !strings.Contains(stdout, "Usage:") {
				t.Errorf("%s %v --help: got exit code %d, stderr %q; want 0, nothing, and its help on stdout", name, path, code, stderr)
			}
		})
	}
	for name, least := range map[string]int{"cyan": 7, "argocd": 7, "kubectl-argo-rollouts": 6, "kubectl-cyan": 7} {
		if groups[name] < least {
			t.Errorf("%s has %d groups, want at least %d", name, groups[name], least)
		}
	}
}

// A flag that does not exist, an argument too many or too few is an error of every command, before anything else is
// looked at.
func TestUsageErrors(t *testing.T) {
	withoutCluster(t)
	commands := 0
	for _, name := range names {
		everyCommand(name, func(cmd *cobra.Command, path []string) {
			// What follows a command that parses no flags is another program's.
			if cmd.HasSubCommands() || cmd.DisableFlagParsing || cmd.Name() == "help" {
				return
			}
			commands++
			wrong(t, name, words(path, []string{"--no-such-flag"}), cmd.CommandPath()+": unknown flag: --no-such-flag; ")
			usage := strings.Fields(cmd.Use)[1:]
			if !strings.Contains(cmd.Use, "…") {
				wrong(t, name, words(path, strings.Fields("a=b a=b a=b a=b a=b a=b")), cmd.CommandPath()+": ")
			}
			if len(usage) > 0 && !strings.HasPrefix(usage[0], "[") {
				wrong(t, name, path, cmd.CommandPath()+": ")
			}
			if cmd.Flags().Lookup("output") != nil && !outputsAnything[cmd.Name()] {
				wrong(t, name, words(path, minimal(cmd), []string{"-o", "zzz"}), `--output: unknown format "zzz"; give `)
			}
		})
	}
	if commands < 100 {
		t.Errorf("%d commands were checked, want at least 100", commands)
	}
}

// outputsAnything are the commands whose --output is a file or a template, so that any text is one.
var outputsAnything = map[string]bool{"render": true, "build": true, "diagnose": true}

// minimal are the arguments and flags that a command cannot do without.
func minimal(cmd *cobra.Command) (args []string) {
	for _, word := range strings.Fields(cmd.Use)[1:] {
		if !strings.HasPrefix(word, "[") {
			args = append(args, "a=b")
		}
	}
	if cmd.CommandPath() == "cyan delivery run" || cmd.CommandPath() == "kubectl cyan delivery run" {
		args = append(args, "--image", "registry.example/shop", "--overlay", "k8s")
	}
	if cmd.Name() == "get-resource" {
		args = append(args, "--kind", "Pod")
	}
	return args
}

// What other programs have and Cyan has not is named in one line, and is an error.
func TestCommandsOfOtherPrograms(t *testing.T) {
	withoutCluster(t)
	for _, c := range []struct{ name, commands string }{
		{"argocd", argocdCommands}, {"kubectl-argo-rollouts", pluginCommands},
	} {
		for command := range strings.Lines(c.commands) {
			path := strings.Fields(command)
			if len(path) == 0 {
				continue
			}
			if cmd, rest, err := newRoot(c.name, kit.Streams{}).Find(path); err == nil && len(rest) == 0 && !cmd.HasSubCommands() {
				continue
			}
			for _, more := range [][]string{nil, {"shop"}, {"shop", "--flag", "value"}} {
				wrong(t, c.name, words(path, more), "not served by Cyan; ")
			}
		}
	}
	for _, name := range []string{"cyan", "kubectl-cyan"} {
		wrong(t, name, []string{"account", "session-token", "--account", "ci"}, "account session-token: not served by Cyan; ")
	}
}

// TestLines is the contract of single lines, word for word.
func TestLines(t *testing.T) {
	withoutCluster(t)
	const noCluster = "Error: kubeconfig: not found, so that no cluster is known; start a cluster on this machine with `cyan local up`, or name one by --kubeconfig, --context or $KUBECONFIG\n"
	const noContext = "Error: kubeconfig: context \"nope\" not found; start a cluster on this machine with `cyan local up`, or name one by --kubeconfig, --context or $KUBECONFIG\n"
	for _, c := range []struct {
		line           string
		code           int
		stdout, stderr string
	}{
		{"cyan version --short", 0, "unknown\n", ""},
		{"argocd version", 0, "cyan unknown\n", ""},
		{"argocd login", 2, "", "Error: argocd login: the server's address is missing; write it as `argocd login SERVER [flags]`\n"},
		{"cyan login ftp://cd.example", 2, "", "Error: server \"ftp://cd.example\": unknown scheme; give HOST:PORT, such as cd.example or localhost:8080\n"},
		{"cyan logout", 2, "", "Error: cyan logout: not logged in; name a context\n"},
		{"cyan relogin", 2, "", "Error: cyan relogin: not logged in to a server; log in with `login SERVER`\n"},
		{"cyan account get-user-info", 2, "", "Error: cyan account get-user-info: not logged in to a server; rights are those of the kubeconfig's user: see `kubectl auth whoami`\n"},
		{"argocd app list --server cd.example", 20, "", "Error: server cd.example: not logged in; log in with `argocd login cd.example`, or give a token by $ARGOCD_AUTH_TOKEN, or use the kubeconfig with --core\n"},
		{"cyan app diff shop --server cd.example", 2, "", "Error: --server: given to a command that reads the cluster itself, with the rights of the kubeconfig; leave it out, or add --core\n"},
		{"cyan app list --server cd.example --core", 11, "", noCluster},
		{"argocd app snyc shop", 2, "", "Error: argocd app: unknown command \"snyc\"; did you mean \"sync\"?\n"},
		{"cyan app snyc shop --prune", 2, "", "Error: cyan app: unknown command \"snyc\"; did you mean \"sync\"?\n"},
		{"cyan rolout get shop", 2, "", "Error: cyan: unknown command \"rolout\"; did you mean \"rollout\"?\n"},
		{"kubectl-cyan rollout promot shop", 2, "", "Error: kubectl cyan rollout: unknown command \"promot\"; did you mean \"promote\"?\n"},
		{"kubectl-argo-rollouts get rolout shop", 2, "", "Error: kubectl argo rollouts get: unknown command \"rolout\"; did you mean \"rollout\"?\n"},
		{"cyan delivery rn", 2, "", "Error: cyan delivery: unknown command \"rn\"; did you mean \"run\"?\n"},
		{"cyan app get", 2, "", "Error: cyan app get: the Application's name is missing; write it as `cyan app get NAME [flags]`\n"},
		{"cyan app get a b", 2, "", "Error: cyan app get: unexpected argument \"b\"; write it as `cyan app get NAME [flags]`\n"},
		{"cyan app sync", 2, "", "Error: cyan app sync: the Application's name is missing; give names, or --selector\n"},
		{"cyan app sync shop -l a=b", 2, "", "Error: cyan app sync: --selector is given together with names; leave one out\n"},
		{"cyan delivery run --image r.example/x --overlay k8s --platform linux/amd64,linux/arm64", 2, "", "Error: --platform: \"linux/amd64,linux/arm64\" is not a single platform; give one, as OS/ARCH such as linux/amd64; images of several platforms are not built\n"},
		{"cyan delivery run --image r.example/x --overlay k8s --platform linux", 2, "", "Error: --platform: \"linux\" is not a single platform; give one, as OS/ARCH such as linux/amd64; images of several platforms are not built\n"},
		{"cyan delivery run", 2, "", "Error: cyan delivery run: required flag(s) \"image\", \"overlay\" not set; `cyan delivery run --help` shows how it is written\n"},
		{"cyan server --log-level loud", 2, "", "Error: --log-level: unknown level \"loud\"; give debug, info, warn or error\n"},
		{"cyan server --exec-provider-allow ./aws", 2, "", "Error: --exec-provider-allow: program \"./aws\" is invalid; give a name such as aws, or an absolute path\n"},
		{"cyan server --allow-repository-directory git", 2, "", "Error: --allow-repository-directory: \"git\" is not an absolute path; give the absolute path of a directory\n"},
		{"cyan server --deny-network ten", 2, "", "Error: --deny-network: \"ten\" is not a network; give an address, or one with the length of its prefix, such as 10.0.0.0/8\n"},
		{"cyan demo --registry r.example/x", 2, "", "Error: --registry, --kubeconfig: given without the context of another cluster; name it with --context\n"},

		// One loader of kubeconfigs, with one set of words, wherever the flag stands.
		{"cyan app list", 11, "", noCluster},
		{"argocd app get shop", 11, "", noCluster},
		{"cyan server", 11, "", noCluster},
		{"cyan delivery run --image r.example/x --overlay k8s --require-cluster", 11, "", noCluster},
		{"cyan app list --context nope", 11, "", noContext},
		{"cyan --context nope app list", 11, "", noContext},
		{"argocd cluster list --context nope", 11, "", noContext},
		{"argocd repo list --kube-context nope", 11, "", noContext},
		{"cyan proj list --context nope", 11, "", noContext},
		{"kubectl-argo-rollouts list rollouts --context nope", 11, "", noContext},
		{"kubectl-cyan rollout status shop --context nope", 11, "", noContext},
		{"cyan server --context nope", 11, "", noContext},
		{"cyan --context nope server", 11, "", noContext},
		{"cyan delivery run --image r.example/x --overlay k8s --context nope", 11, "", noContext},
		{"cyan --context nope delivery run --image r.example/x --overlay k8s", 11, "", noContext},
		{"cyan --context nope demo --registry r.example/x --example .", 11, "", noContext},
		{"cyan cluster add nope", 11, "", noContext},
	} {
		args := strings.Fields(c.line)
		if code, stdout, stderr := line(t, args[0], args[1:]...); code != c.code || stdout != c.stdout || stderr != c.stderr {
			t.Errorf("%s:\ngot  %d %q %q\nwant %d %q %q", c.line, code, stdout, stderr, c.code, c.stdout, c.stderr)
		}
	}
}

// TestDeadCluster: a cluster that does not answer is to blame, whatever is asked of it, with one exit code.
func TestDeadCluster(t *testing.T) {
	withoutCluster(t)
	config := filepath.Join(t.TempDir(), "config")
	dead := `{current-context: dead, contexts: [{name: dead, context: {cluster: dead, user: u}}], clusters: [{name: dead, cluster: {server: "http://127.0.0.1:1"}}], users: [{name: u, user: {token: x}}]}`
	if err := os.WriteFile(config, []byte(dead), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "cluster \"dead\" (http://127.0.0.1:1) does not answer: dial tcp 127.0.0.1:1: connect: connection refused; see whether it runs (`cyan local status` for one of Cyan's own), or choose another by --context\n"
	for _, l := range []string{"app list", "app get shop", "rollout list", "server --listen 127.0.0.1:0", "proj list", "repo list", "cluster list"} {
		args := append(strings.Fields(l), "--kubeconfig", config)
		if code, stdout, stderr := line(t, "cyan", args...); code != 11 || stdout != "" || !strings.HasPrefix(stderr, "Error: ") || !strings.HasSuffix(stderr, want) {
			t.Errorf("%s: got %d %q %q, want 11, nothing, and %q", l, code, stdout, stderr, want)
		}
	}
}

// argocdCommands are the commands of the argocd program, as its reference lists them.
const argocdCommands = `
account bcrypt
account can-i
account delete-token
account generate-token
account get
account get-user-info
account list
account session-token
account update-password
admin app diff-reconcile-results
admin app generate-spec
admin app get-reconcile-results
admin cluster generate-spec
admin cluster kubeconfig
admin cluster namespaces
admin cluster namespaces disable-namespaced-mode
admin cluster namespaces enable-namespaced-mode
admin cluster shards
admin cluster stats
admin dashboard
admin export
admin import
admin initial-password
admin notifications template get
admin notifications template notify
admin notifications trigger get
admin notifications trigger run
admin proj generate-allow-list
admin proj generate-spec
admin proj update-role-policy
admin redis-initial-password
admin repo generate-spec
admin settings rbac can
admin settings rbac validate
admin settings resource-overrides health
admin settings resource-overrides ignore-differences
admin settings resource-overrides ignore-resource-updates
admin settings resource-overrides list-actions
admin settings resource-overrides run-action
admin settings validate
app actions list
app actions run
app add-source
app confirm-deletion
app create
app delete
app delete-resource
app diff
app edit
app get
app get-resource
app history
app list
app logs
app manifests
app patch
app patch-resource
app remove-source
app rename
app resources
app rollback
app set
app sync
app terminate-op
app unset
app wait
appset create
appset delete
appset generate
appset get
appset list
cert add-ssh
cert add-tls
cert list
cert rm
cluster add
cluster get
cluster list
cluster rm
cluster rotate-auth
cluster set
completion bash
configure
context
gpg add
gpg get
gpg list
gpg rm
login
logout
proj add-destination
proj add-destination-service-account
proj add-orphaned-ignore
proj add-signature-key
proj add-source
proj add-source-namespace
proj allow-cluster-resource
proj allow-namespace-resource
proj create
proj delete
proj deny-cluster-resource
proj deny-namespace-resource
proj edit
proj get
proj list
proj remove-destination
proj remove-destination-service-account
proj remove-orphaned-ignore
proj remove-signature-key
proj remove-source
proj remove-source-namespace
proj role add-group
proj role add-policy
proj role create
proj role create-token
proj role delete
proj role delete-token
proj role get
proj role list
proj role list-tokens
proj role remove-group
proj role remove-policy
proj set
proj source-integrity git policies list
proj windows add
proj windows delete
proj windows disable-manual-sync
proj windows enable-manual-sync
proj windows list
proj windows update
relogin
repo add
repo get
repo list
repo rm
repocreds add
repocreds list
repocreds rm
version
`

// pluginCommands are those of kubectl's plugin for Rollouts.
const pluginCommands = `
abort
completion bash
create
create analysisrun
dashboard
get experiment
get rollout
lint
list experiments
list rollouts
notifications template get
notifications template notify
notifications trigger get
notifications trigger run
pause
promote
restart
retry experiment
retry rollout
set image
status
terminate analysisrun
terminate experiment
undo
version
`
