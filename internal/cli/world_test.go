package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// shell runs commands against the real API server. No controller runs: what one would write, the test writes.
type shell struct {
	t       *testing.T
	cluster *testkit.LocalCluster
}

func newShell(t *testing.T) *shell {
	t.Helper()
	s := &shell{t, testkit.Cluster(t)}
	t.Setenv("KUBECONFIG", s.cluster.Kubeconfig)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("ARGOCD_CONFIG_DIR", t.TempDir())
	for _, o := range []client.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "argocd"}}, &v1alpha1.AppProject{
		ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: "argocd"},
		Spec: v1alpha1.AppProjectSpec{
			SourceRepos: []string{"*"}, Destinations: []v1alpha1.ApplicationDestination{{Server: "*", Namespace: "*"}},
			ClusterResourceWhitelist: []v1alpha1.GroupKindPattern{{Group: "*", Kind: "*"}},
		},
	}} {
		if err := s.cluster.Client.Create(t.Context(), o); err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	return s
}

// try runs a command line, whose first word is the program's name, and gives what it printed and its error.
func (s *shell) try(line ...string) (out, note string, err error) {
	return s.tryWith(s.t.Context(), "", line...)
}

func (s *shell) tryWith(ctx context.Context, in string, line ...string) (out, note string, err error) {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	command := cli.New(line[0], "v1.2.3", kit.Streams{In: strings.NewReader(in), Out: &stdout, Err: &stderr})
	command.SetArgs(line[1:])
	err = command.ExecuteContext(ctx)
	return stdout.String(), stderr.String(), err
}

// run is try for what must succeed.
func (s *shell) run(line ...string) string {
	s.t.Helper()
	out, note, err := s.try(line...)
	if err != nil {
		s.t.Fatalf("%s: %v\n%s%s", strings.Join(line, " "), err, out, note)
	}
	return out
}

// says runs a command and checks that its output has all parts.
func (s *shell) says(line []string, parts ...string) {
	s.t.Helper()
	out := s.run(line...)
	for _, part := range parts {
		if !strings.Contains(out, part) {
			s.t.Errorf("%s does not say %q:\n%s", strings.Join(line, " "), part, out)
		}
	}
}

func (s *shell) get(o client.Object, namespace, name string) {
	s.t.Helper()
	if err := s.cluster.Client.Get(context.Background(), client.ObjectKey{Namespace: namespace, Name: name}, o); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shell) app(name string) *v1alpha1.Application {
	s.t.Helper()
	app := &v1alpha1.Application{}
	s.get(app, "argocd", name)
	return app
}

// forget deletes Applications after the test, finalizers and all: nobody here would carry them out.
func (s *shell) forget(names ...string) {
	s.t.Cleanup(func() {
		for _, name := range names {
			app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: name}}
			_ = s.cluster.Client.Patch(context.Background(), app, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`)))
			if err := s.cluster.Client.Delete(context.Background(), app); client.IgnoreNotFound(err) != nil {
				s.t.Error(err)
			}
		}
	})
}

// shopRepo is a repository with one Deployment in k8s/.
func shopRepo(t *testing.T) *testkit.Repo {
	t.Helper()
	repo := testkit.GitRepo(t)
	repo.Commit(map[string]string{"k8s/deployment.yaml": deployment("shop", "registry.example/shop:v1"), "k8s/kustomization.yaml": "resources: [deployment.yaml]\n"})
	return repo
}

func deployment(name, image string) string {
	return strings.NewReplacer("NAME", name, "IMAGE", image).Replace(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
spec:
  selector:
    matchLabels: {app: NAME}
  template:
    metadata:
      labels: {app: NAME}
    spec:
      containers:
        - name: NAME
          image: IMAGE
`)
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
