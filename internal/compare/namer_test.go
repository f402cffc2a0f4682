package compare_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// TestNamer: two commits have the same name where the source renders to the same objects, and only there.
func TestNamer(t *testing.T) {
	repo := testkit.GitRepo(t)
	object := func(colour string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {colour: " + colour + "}\n"
	}
	first := repo.Commit(map[string]string{"k8s/a.yaml": object("green")})
	elsewhere := repo.Commit(map[string]string{"README.md": "hello"})
	comment := repo.Commit(map[string]string{"k8s/a.yaml": "# A word.\n" + object("green")})
	changed := repo.Commit(map[string]string{"k8s/a.yaml": object("red")})
	broken := repo.Commit(map[string]string{"k8s/kustomization.yaml": "resources: [missing.yaml]\n"})
	mirrors, err := source.Open(t.TempDir(), source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mirrors.Close() }()
	src := v1alpha1.ApplicationSource{RepoURL: repo.URL, Path: "k8s"}
	app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "shop"}, Spec: v1alpha1.ApplicationSpec{Source: &src}}
	permitted, violation := project.PermitSource(project.Default("argocd"), src)
	if violation != nil {
		t.Fatal(violation)
	}
	namer := compare.NewNamer(compare.NewRenderer(mirrors, compare.RenderOptions{}))
	name := func(revision string) string {
		t.Helper()
		got, err := namer.Manifests(t.Context(), app, permitted, source.Repository{URL: src.RepoURL}, revision)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	want := name(first)
	if !strings.HasPrefix(want, "sha256:") {
		t.Errorf("name: got %q, want a digest", want)
	}
	for _, c := range []struct {
		name, revision string
		same           bool
	}{
		{"again", first, true},
		{"a commit elsewhere", elsewhere, true},
		{"a comment", comment, true},
		{"a change", changed, false},
	} {
		if got := name(c.revision); got == "" || (got == want) != c.same {
			t.Errorf("%s: got %q; want the same as %q: %v", c.name, got, want, c.same)
		}
	}
	namer.Forget(types.NamespacedName{Namespace: "argocd", Name: "shop"})
	if got := name(first); got != want {
		t.Errorf("forgotten: got %q, want %q", got, want)
	}
	if got := name(broken); got != "" {
		t.Errorf("a source that is wrong: got %q, want none", got)
	}
	if _, err := namer.Manifests(t.Context(), app, permitted, source.Repository{URL: src.RepoURL}, strings.Repeat("1", 40)); err == nil {
		t.Error("a commit that is missing: got no error")
	}
}
