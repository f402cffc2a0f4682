package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// localFiles are a directory of somebody's machine, with what lies beside it.
var localFiles = map[string]string{
	"good/all.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: same}\ndata: {k: v}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {k: new}\n" +
		"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: fresh}\ndata: {k: v}\n" +
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: s3cret}\n",
	"bad/all.yaml":                  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: same}\ndatta: {k: v}\n",
	"outside/kustomization.yaml":    "resources: [../../beside]\n",
	"../beside/all.yaml":            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: beside}\n",
	"../beside/kustomization.yaml":  "resources: [all.yaml]\n",
	"role/all.yaml":                 "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\n",
	"elsewhere/all.yaml":            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: kube-system}\n",
	"whole/base/all.yaml":           "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: whole}\n",
	"whole/base/kustomization.yaml": "resources: [all.yaml]\n",
	"whole/k8s/kustomization.yaml":  "resources: [../base]\n",
	"refused/all.yaml":              "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: same, finalizers: [no domain]}\ndata: {k: v}\n",
}

// TestLocalDirectories: what a local directory would make of an Application, within the bounds that git has.
func TestLocalDirectories(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	s.forget("local")
	namespace := s.cluster.Namespace(t)
	root := filepath.Join(t.TempDir(), "root")
	for name, text := range localFiles {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(root, "link"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(root, "link", "all.yaml")); err != nil {
		t.Fatal(err)
	}
	s.storeProject("local", `{"sourceRepos":["*"],"destinations":[{"server":"*","namespace":"`+namespace+`"}]}`)
	s.run("cyan", "app", "create", "local", "--project", "local", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", namespace)
	for name, value := range map[string]string{"same": "v", "other": "old", "gone": "v"} {
		tracked := map[string]string{"argocd.argoproj.io/tracking-id": "local:/ConfigMap:" + namespace + "/" + name}
		m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: tracked}, Data: map[string]string{"k": value}}
		if err := s.cluster.Client.Create(t.Context(), m, client.FieldOwner("cyan-application")); err != nil {
			t.Fatal(err)
		}
	}
	app := s.app("local")
	app.Status.Resources = []v1alpha1.ResourceStatus{{Version: "v1", Kind: "ConfigMap", Namespace: namespace, Name: "other"}}
	if err := s.cluster.Client.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$ROOT", root, "$NS", namespace)
	const all = "ConfigMap $NS/fresh created (dry run)\nConfigMap $NS/other configured (dry run)\nConfigMap $NS/same unchanged (dry run)\nSecret $NS/s created (dry run)\n"
	for _, c := range []struct {
		line           string
		code           int
		stdout, stderr string
	}{
		{"diff local --local $ROOT/good", 1, "*===== /ConfigMap $NS/fresh ====== new", ""},
		{"diff local --local $ROOT/good", 1, "*-  k: old\n+  k: new", ""},
		{"diff local --local $ROOT/good --exit-code=false", 0, "*===== /ConfigMap $NS/gone ====== not in git", ""},
		{"diff local --local $ROOT/whole --server-side-generate", 1, "*===== /ConfigMap $NS/whole ====== new", ""},
		{"diff local --local $ROOT/good --server-side-generate", 2, "", "*k8s"},
		{"diff local --server-side-generate", 2, "", "Error: --server-side-generate: given without --local; add --local, or leave it out\n"},
		{"diff local --local $ROOT/good --server-side-generate --local-repo-root $ROOT", 2, "", "Error: --local-repo-root: given together with --server-side-generate, which takes --local for it; leave one out\n"},
		{"diff local --local $ROOT/bad", 2, "*===== /ConfigMap $NS/same ====== the API server refuses", "*.datta: field not declared in schema; correct the field in the manifest"},
		{"diff local --local $ROOT/nosuch", 2, "", "*not found"},
		{"diff local --local $ROOT/outside --local-repo-root $ROOT", 2, "", "*beside"},
		{"diff local --local $ROOT/../beside --local-repo-root $ROOT", 2, "", "*not below"},
		{"diff local --local $ROOT/link --local-repo-root $ROOT", 2, "", "*link"},
		{"diff local --local $ROOT/role", 2, "*", "*not permitted in project local"},
		{"manifests local --local $ROOT/good", 0, "*name: fresh", "*hidden"},
		{"manifests local --local $ROOT/link --local-repo-root $ROOT", 20, "", "*link"},
		{"sync local --local $ROOT/good", 2, "", "Error: --local: without --dry-run not served: what is synced comes from a repository that the project permits; commit it; `cyan app sync --local PATH --dry-run` shows what it would do\n"},
		{"sync local --local-repo-root $ROOT", 2, "", "Error: --local-repo-root: given without --local; add --local, or leave it out\n"},
		{"sync local --local $ROOT/good --dry-run --revision main", 2, "", "Error: --local: given together with --revision; leave one out\n"},
		{"sync local local --local $ROOT/good --dry-run", 2, "", "*given for 2 Applications"},
		{"sync local --local $ROOT/good --dry-run", 0, "*", ""},
		{"sync local --local $ROOT/good --dry-run --prune", 0, "*ConfigMap $NS/gone pruned (dry run)\n", ""},
		{"sync local --local $ROOT/good --dry-run --resource :ConfigMap:other", 0, "ConfigMap $NS/other configured (dry run)\n", ""},
		{"sync local --local $ROOT/bad --dry-run", 1, "*ConfigMap $NS/gone left alone: ignored (requires pruning) (dry run)\n", "*did you mean data"},
		{"sync local --local $ROOT/role --dry-run", 1, "*", "*would fail: ClusterRole r: ClusterRole.rbac.authorization.k8s.io is not permitted in project local"},
		{"sync local --local $ROOT/elsewhere --dry-run", 1, "*", "*would fail: ConfigMap kube-system/x: namespace \"kube-system\" of https://kubernetes.default.svc is not permitted in project local"},
		{"sync local --local $ROOT/refused --dry-run", 1, "*", "*1 of 3 objects would fail: ConfigMap $NS/same: "},
	} {
		got := s.ends(append([]string{"cyan", "app"}, strings.Fields(fill.Replace(c.line))...)...)
		if got.code != c.code || !says(got.stdout, fill.Replace(c.stdout)) || !says(got.stderr, fill.Replace(c.stderr)) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.line, got, c)
		}
	}
	for line := range strings.Lines(fill.Replace(all)) {
		if got := s.run("cyan", "app", "sync", "local", "--local", root+"/good", "--dry-run"); !strings.Contains(got, line) {
			t.Errorf("the dry run does not say %q:\n%s", line, got)
		}
	}
	s.run("cyan", "app", "set", "local", "--sync-policy", "automated")
	got := s.ends("argocd", "app", "sync", "local", "--local", root+"/good")
	const want = "Error: Application \"local\": Cannot use local sync when Automatic Sync Policy is enabled except with --dry-run; `argocd app sync --local PATH --dry-run` shows what it would do\n"
	if got != (outcome{20, "", want}) {
		t.Errorf("while automated: got %+v, want %q", got, want)
	}
	if got := s.ends("argocd", "app", "sync", "local", "--local", root+"/good", "--dry-run"); got.code != 0 {
		t.Errorf("while automated, as a dry run: got %+v", got)
	}
	// Nothing was written, and no operation begun.
	err := s.cluster.Client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "fresh"}, &corev1.ConfigMap{})
	if !apierrors.IsNotFound(err) || s.app("local").Operation != nil {
		t.Errorf("after the dry runs: reading what is new: %v, operation %v", err, s.app("local").Operation)
	}
}
