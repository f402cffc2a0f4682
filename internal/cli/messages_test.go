package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/source/gitserver"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// outcome is what a command line comes to.
type outcome struct {
	code           int
	stdout, stderr string
}

// ends runs a command line as main does.
func (s *shell) ends(line ...string) outcome {
	s.t.Helper()
	return s.endsWith("", line...)
}

// endsWith is ends for a command that reads standard input.
func (s *shell) endsWith(in string, line ...string) outcome {
	s.t.Helper()
	out, note, err := s.tryWith(s.t.Context(), in, line...)
	if message := kit.Message(err); message != "" {
		note += message + "\n"
	}
	return outcome{kit.ExitCode(err), out, note}
}

// TestCreateLooksAtTheSource: what could never be synced is refused before it is written, and --validate=false skips
// the look.
func TestCreateLooksAtTheSource(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	repo.Commit(map[string]string{"broken/kustomization.yaml": "resources: [nowhere.yaml]\n"})
	private := testkit.GitRepoWith(t, gitserver.Options{Users: map[string]string{"ada": "s3cret"}})
	private.Commit(map[string]string{"k8s/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"})
	s.forget("looked")
	const skip = ", or add --validate=false to leave the source unchecked\n"
	fill := strings.NewReplacer("$REPO", repo.URL, "$PRIVATE", private.URL, "$NOWHERE", strings.Replace(repo.URL, "app.git", "nope.git", 1))
	for _, c := range []struct {
		line string
		want outcome
	}{
		{"--repo http://127.0.0.1:1/x.git --path k8s", outcome{11, "", `Error: Application "looked": repository http://127.0.0.1:1/x.git: asking for its branches and tags: unable to access 'http://127.0.0.1:1/x.git/': `}},
		{"--repo $NOWHERE --path k8s", outcome{13, "", `Error: Application "looked": repository $NOWHERE: asking for its branches and tags: `}},
		{"--repo $PRIVATE --path k8s", outcome{20, "", `Error: Application "looked": repository $PRIVATE: asking for its branches and tags: credentials are required, and none are known for it; add them with ` + "`cyan repo add URL --username NAME --password-stdin`" + skip}},
		{"--repo $REPO --path k8s --revision nope", outcome{13, "", `Error: Application "looked": repository $REPO: branch or tag "nope" not found; check the spelling, or push it` + skip}},
		{"--repo $REPO --path k8z", outcome{0, "", `k8z`}},
		{"--repo $REPO --path broken", outcome{0, "", `nowhere.yaml`}},
		{"--repo https://github.com/a/b/tree/main/k8s --path .", outcome{2, "", `Error: Application "looked": spec.source.repoURL: https://github.com/a/b/tree/main/k8s is a page for people; give --repo https://github.com/a/b --revision main --path k8s` + "\n"}},
	} {
		line := append([]string{"cyan", "app", "create", "looked", "--dest-namespace", "default"}, strings.Fields(fill.Replace(c.line))...)
		got := s.ends(line...)
		want := c.want
		want.stderr = fill.Replace(want.stderr)
		if want.code != 0 && got.code != want.code || got.code == 0 || got.stdout != "" || !strings.Contains(got.stderr, want.stderr) || strings.Count(got.stderr, "\n") != 1 || strings.Contains(got.stderr, "by itself") {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.line, got, want)
		}
		if err := s.cluster.Client.Get(t.Context(), client.ObjectKey{Namespace: "argocd", Name: "looked"}, &v1alpha1.Application{}); err == nil {
			t.Errorf("%s: the Application was created", c.line)
			s.run("cyan", "app", "delete", "looked", "--cascade=false", "-y")
		}
	}
	s.run("cyan", "app", "create", "looked", "--dest-namespace", "default", "--repo", "http://127.0.0.1:1/x.git", "--path", "k8s", "--validate=false")
	if got := s.ends("cyan", "app", "set", "looked", "--repo", repo.URL, "--revision", "nope"); got.code != 13 || !strings.Contains(got.stderr, `"nope" not found`) {
		t.Errorf("app set: got %+v, want that the revision is not found", got)
	}
	if got := s.ends("cyan", "app", "set", "looked", "--sync-option", "Prune=false"); got.code != 0 {
		t.Errorf("app set of what is no source: got %+v, want no look at the source", got)
	}
}

// TestMessagesOfApplications: rows about a single line, where its output is for people.
func TestMessagesOfApplications(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("told", "gone")
	namespace := s.cluster.Namespace(t)
	for _, name := range []string{"told", "gone"} {
		s.run("cyan", "app", "create", name, "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default")
	}
	app := s.app("told")
	app.Status.Resources = []v1alpha1.ResourceStatus{{Version: "v1", Kind: "Service", Namespace: "default", Name: "a"}, {Version: "v1", Kind: "Service", Namespace: "default", Name: "b"}}
	if err := s.cluster.Client.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	other := app.DeepCopy()
	other.ObjectMeta = metav1.ObjectMeta{Name: "told", Namespace: namespace}
	if err := s.cluster.Client.Create(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cluster.Client.Delete(context.Background(), other) })
	s.run("cyan", "app", "delete", "gone", "-y")
	project := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "held", Namespace: "argocd", Finalizers: []string{v1alpha1.ResourcesFinalizer}}}
	if err := s.cluster.Client.Create(t.Context(), project); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cluster.Client.Patch(context.Background(), project, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`)))
	})
	for _, c := range []struct {
		line           string
		code           int
		stdout, stderr string
	}{
		{"app list -A", 0, namespace, ""},
		{"app get gone", 0, "Deletion:           Deleting for ", ""},
		{"app list", 0, "Deleting", ""},
		{"app get gone -o tree", 0, "Deleting", ""},
		{"app set told --sync-option Bogus=true", 0, "application 'told' updated", `warning: spec.syncPolicy.syncOptions: "Bogus=true": unknown sync option`},
		{"app set told --sync-option Prunes=true", 0, "application 'told' updated", `warning: spec.syncPolicy.syncOptions: "Prunes=true": unknown sync option; did you mean Prune?`},
		{"app set told --sync-option Prune=false", 0, "application 'told' updated", ""},
		{"proj get nosuch", 13, "", `Error: AppProject "nosuch": not found in namespace "argocd"; there are: default, held`},
		{"proj delete held -y", 0, "project 'held' is being deleted; waiting for its finalizers: " + v1alpha1.ResourcesFinalizer, ""},
		{"app sync told --resource !:Service:nope --async", 13, "", `Error: Application "told": object :Service:nope not found; there are: :Service:a, :Service:b`},
		{"app sync told --resource !*:*:* --async", 13, "", `Error: Application "told": every object is excluded; leave a --resource out`},
		{"app sync told --resource !:Service:b --async", 0, "application 'told' sync asked for", ""},
	} {
		got := s.ends(append([]string{"cyan"}, strings.Fields(c.line)...)...)
		if got.code != c.code || !strings.Contains(got.stdout, c.stdout) || !strings.Contains(got.stderr, c.stderr) || c.stderr == "" && got.stderr != "" {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.line, got, c)
		}
	}
	if op := s.app("told").Operation; op == nil || len(op.Sync.Resources) != 1 || op.Sync.Resources[0].Name != "a" {
		t.Errorf("asked for %+v, want what is not excluded", op)
	}
	for _, line := range []string{"app list", "proj list", "repo list", "cluster list"} {
		want := "Error: namespace \"nope\": not found; start `cyan server`, which makes its namespace, or name that of the Applications by --app-namespace\n"
		if got := s.ends(append(append([]string{"cyan"}, strings.Fields(line)...), "-N", "nope")...); got.code != 13 || got.stderr != want || got.stdout != "" {
			t.Errorf("%s -N nope: got %+v, want %q", line, got, want)
		}
	}
}

// TestAFailedSyncIsToldOnce: the reason stands in one place of what a command prints.
func TestAFailedSyncIsToldOnce(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("fails")
	s.run("cyan", "app", "create", "fails", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default")
	const reason = "the quota is used up"
	object := &v1alpha1.ResourceResult{Kind: "Deployment", Group: "apps", Namespace: "default", Name: "shop", Status: v1alpha1.ResultSyncFailed, Message: reason}
	for _, c := range []struct {
		name    string
		objects []*v1alpha1.ResourceResult
		format  []string
		error   string
	}{
		{"before any object", nil, nil, `Error: Application "fails": sync ended with Failed: one or more objects failed: the quota is used up` + "\n"},
		{"of an object", []*v1alpha1.ResourceResult{object}, nil, "Error: Application \"fails\": sync ended with Failed: 1 of 1 objects failed, as told above; `cyan app get fails` shows every object\n"},
		{"for a program", []*v1alpha1.ResourceResult{object}, []string{"-o", "name"}, "Error: Application \"fails\": sync ended with Failed: 1 of 1 objects failed, as told above; `cyan app get fails` shows every object\n"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		go s.endSync(ctx, "fails", v1alpha1.OperationFailed, "one or more objects failed: "+reason, c.objects)
		got := s.ends(append([]string{"cyan", "app", "sync", "fails"}, c.format...)...)
		cancel()
		if got.code != 1 || got.stderr != c.error || strings.Count(got.stdout+got.stderr, reason) != 1 {
			t.Errorf("%s: got %+v, want exit code 1, the reason once, and %q", c.name, got, c.error)
		}
	}
}

// TestPruningIsRequired: what a sync has left that git no longer has is an error for who calls argocd, since its
// scripts read that from the exit code; what is to stay is none.
func TestPruningIsRequired(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("left")
	s.run("cyan", "app", "create", "left", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", "default")
	left := func(message string) *v1alpha1.ResourceResult {
		return &v1alpha1.ResourceResult{Kind: "ConfigMap", Version: "v1", Namespace: "default", Name: "c", Status: v1alpha1.ResultPruneSkipped, Message: message}
	}
	for i, c := range []struct {
		line    string
		objects []*v1alpha1.ResourceResult
		want    outcome
	}{
		{"argocd app sync left", []*v1alpha1.ResourceResult{left("ignored (requires pruning)"), left("ignored (requires pruning)")}, outcome{code: 1, stderr: "Error: Application \"left\": 2 resources require pruning; sync with --prune\n"}},
		{"argocd app sync left", []*v1alpha1.ResourceResult{left("ignored (no prune)")}, outcome{}},
		{"argocd app sync left", nil, outcome{}},
		{"cyan app sync left", []*v1alpha1.ResourceResult{left("ignored (requires pruning)")}, outcome{}},
		{"argocd app sync left", []*v1alpha1.ResourceResult{left("ignored (requires pruning)")}, outcome{}},
	} {
		if i == 4 {
			// What is left does not count.
			app := s.app("left")
			app.Status.Sync.Status = v1alpha1.Synced
			if err := s.cluster.Client.Update(t.Context(), app); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		go s.endSync(ctx, "left", v1alpha1.OperationSucceeded, "successfully synced", c.objects)
		got := s.ends(strings.Fields(c.line)...)
		cancel()
		if got.code != c.want.code || got.stderr != c.want.stderr {
			t.Errorf("%s: got %+v, want %+v", c.line, got, c.want)
		}
		// Such scripts read how the Application is by then, too.
		if shown := strings.Contains(got.stdout, "Sync Status:"); shown != strings.HasPrefix(c.line, "argocd") {
			t.Errorf("%s: the Application is shown: %v:\n%s", c.line, shown, got.stdout)
		}
	}
}

// endSync does what a controller would whose sync ends.
func (s *shell) endSync(ctx context.Context, name string, phase v1alpha1.OperationPhase, message string, objects []*v1alpha1.ResourceResult) {
	_ = wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		app := &v1alpha1.Application{}
		if err := s.cluster.Client.Get(ctx, client.ObjectKey{Namespace: "argocd", Name: name}, app); err != nil || app.Operation == nil {
			return false, nil //nolint:nilerr // it is tried again until ctx ends
		}
		now := metav1.Now()
		app.Status.OperationState = &v1alpha1.OperationState{
			Operation: *app.Operation, Phase: phase, Message: message, StartedAt: now, FinishedAt: &now,
			SyncResult: &v1alpha1.SyncOperationResult{Revision: strings.Repeat("a", 40), Resources: objects},
		}
		app.Operation = nil
		return s.cluster.Client.Update(ctx, app) == nil, nil
	})
}

// TestLogsOfSimulatedPods: a node that only pretends to run pods has no logs, which is said.
func TestLogsOfSimulatedPods(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("simulated")
	namespace := s.cluster.Namespace(t)
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "simulated-of-a-test", Labels: map[string]string{"cyan.dev/simulated": "true"}},
		Status:     corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}},
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "pod", Namespace: namespace}, Spec: corev1.PodSpec{NodeName: node.Name, Containers: []corev1.Container{{Name: "c", Image: "x"}}}}
	for _, o := range []client.Object{node, pod} {
		if err := s.cluster.Client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.cluster.Client.Delete(context.Background(), o) })
	}
	s.run("cyan", "app", "create", "simulated", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", namespace)
	app := s.app("simulated")
	app.Status.Resources = []v1alpha1.ResourceStatus{{Version: "v1", Kind: "Pod", Namespace: namespace, Name: "pod"}}
	if err := s.cluster.Client.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	want := "Error: Pod " + namespace + "/pod: runs on the simulated node simulated-of-a-test, where no program runs and nothing is logged; run it on a cluster with real nodes, such as that of `cyan local up` as root\n"
	if got := s.ends("cyan", "app", "logs", "simulated"); got.code != 20 || got.stderr != want {
		t.Errorf("got %+v, want %q", got, want)
	}
}

// TestKubeconfigIsNamed: a kubeconfig that is not there, or holds nothing, is named.
func TestKubeconfigIsNamed(t *testing.T) {
	s := newShell(t)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	empty := write(t, "empty", "")
	const remedy = "; start a cluster on this machine with `cyan local up`, or name one by --kubeconfig, --context or $KUBECONFIG\n"
	const correct = "; correct $KUBECONFIG or unset it, or name a cluster by --kubeconfig\n"
	for _, c := range []struct{ value, want string }{
		{"/nosuch", "Error: kubeconfig: $KUBECONFIG names /nosuch, not found" + correct},
		{"/nosuch" + string(filepath.ListSeparator) + "/nowhere", "Error: kubeconfig: $KUBECONFIG names /nosuch and /nowhere, not found" + correct},
		{empty, "Error: kubeconfig: " + empty + " (of $KUBECONFIG) has no clusters" + remedy},
		{os.DevNull, "Error: kubeconfig: not found, so that no cluster is known" + remedy},
	} {
		t.Setenv("KUBECONFIG", c.value)
		if got := s.ends("cyan", "app", "list"); got.code != 11 || got.stderr != c.want {
			t.Errorf("KUBECONFIG=%s: got %+v, want %q", c.value, got, c.want)
		}
	}
}

// TestKubeconfigInPlaceOfAnother: the cluster of `cyan local up` is used where no kubeconfig is named, and never in
// place of one that is named and not there.
func TestKubeconfigInPlaceOfAnother(t *testing.T) {
	s := newShell(t)
	data, err := os.ReadFile(s.cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	t.Setenv("XDG_DATA_HOME", home)
	if err := os.Mkdir(filepath.Join(home, "cyan"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "cyan", "kubeconfig"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	between := string(filepath.ListSeparator)
	for _, c := range []struct {
		rule, value, flag string
		code              int
		says              string
	}{
		{"an empty file", write(t, "empty", ""), "", 0, ""},
		{"a file that is not there", "/nosuch", "", 11, "$KUBECONFIG names /nosuch, not found"},
		{"two of them", "/nosuch" + between + "/nowhere", "", 11, "$KUBECONFIG names /nosuch and /nowhere, not found"},
		{"one of two", "/nosuch" + between + s.cluster.Kubeconfig, "", 0, ""},
		{"a flag for one that is not there", os.DevNull, "--kubeconfig=/nosuch", 11, "/nosuch: no such file"},
		{"a flag for one that is", "/nosuch", "--kubeconfig=" + s.cluster.Kubeconfig, 0, ""},
	} {
		t.Setenv("KUBECONFIG", c.value)
		line := []string{"cyan", "app", "list"}
		if c.flag != "" {
			line = append(line, c.flag)
		}
		if got := s.ends(line...); got.code != c.code || !strings.Contains(got.stderr, c.says) {
			t.Errorf("%s: got %+v, want %d, %q", c.rule, got, c.code, c.says)
		}
	}
}
