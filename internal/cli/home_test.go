package cli_test

import (
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// An Application elsewhere is within the same project, settings, repositories and clusters, whether its namespace is
// part of its name or a flag.
func TestTheNamespaceOfAnApplicationIsNotTheControlNamespace(t *testing.T) {
	s, repo := newShell(t), shopRepo(t)
	elsewhere, target := s.cluster.Namespace(t), s.cluster.Namespace(t)
	s.storeProject("away", `{"sourceRepos":["*"],"sourceNamespaces":["`+elsewhere+`"],"destinations":[{"server":"*","namespace":"`+target+`"}]}`)
	create := []string{"--project", "away", "--repo", repo.URL, "--path", "k8s", "--dest-namespace", target}
	for name, line := range map[string][]string{"one": {elsewhere + "/one"}, "two": {"two", "-N", elsewhere}} {
		s.run(append(append([]string{"cyan", "app", "create"}, line...), create...)...)
		if err := s.cluster.Client.Get(t.Context(), client.ObjectKey{Namespace: elsewhere, Name: name}, &v1alpha1.Application{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		t.Cleanup(func() {
			_ = s.cluster.Client.Delete(context.Background(), &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: elsewhere, Name: name}})
		})
	}
	for _, line := range []string{"diff one -N " + elsewhere + " --exit-code=false", "manifests two -N " + elsewhere, "diff " + elsewhere + "/one --exit-code=false", "set one -N " + elsewhere + " --revision main", "resources one -N " + elsewhere} {
		if got := s.ends(append([]string{"cyan", "app"}, strings.Fields(line)...)...); got.code != 0 {
			t.Errorf("%s: got %+v", line, got)
		}
	}
	create[len(create)-1] = "kube-system"
	if got := s.ends(append([]string{"cyan", "app", "create", "three", "-N", elsewhere}, create...)...); got.code != 20 || !strings.Contains(got.stderr, "away") {
		t.Errorf("a place that the project does not allow: got %+v", got)
	}
	// What it could not be deployed by is refused, where it is changed.
	for _, c := range []struct {
		line string
		code int
	}{
		{"set one -N " + elsewhere + " --dest-namespace kube-system", 20},
		{"set " + elsewhere + "/one --dest-namespace kube-system", 20},
		{"set one -N " + elsewhere + " --dest-namespace kube-system --validate=false", 0},
		{"set one -N " + elsewhere + " --sync-option Prune=false", 0},
		{"set one -N " + elsewhere + " --dest-namespace " + target, 0},
	} {
		got := s.ends(append([]string{"cyan", "app"}, strings.Fields(c.line)...)...)
		if got.code != c.code || c.code != 0 && !strings.Contains(got.stderr, "namespace 'kube-system' do not match any of the allowed destinations in project 'away'") {
			t.Errorf("%s: got %+v, want exit code %d", c.line, got, c.code)
		}
	}
	// A namespace with a project of its own is another control namespace.
	own := &v1alpha1.AppProject{}
	own.Namespace, own.Name = elsewhere, v1alpha1.DefaultProject
	if err := s.cluster.Client.Create(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cluster.Client.Delete(context.Background(), own) })
	if got := s.ends("cyan", "app", "diff", "one", "-N", elsewhere); got.code != 2 || !strings.Contains(got.stderr, `AppProject "away": not found in namespace "`+elsewhere) {
		t.Errorf("of another control namespace: got %+v", got)
	}
}
