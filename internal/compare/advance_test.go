package compare_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// TestAdvance: a rendering stands at another commit where nothing that it read has changed, and where neither the
// revision nor an error is in it.
func TestAdvance(t *testing.T) {
	repo := testkit.GitRepo(t)
	first := repo.Commit(map[string]string{
		"plain/a.yaml":               "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
		"stamped/kustomization.yaml": "resources: [a.yaml]\n",
		"stamped/a.yaml":             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
		"broken/kustomization.yaml":  "resources: [missing.yaml]\n",
	})
	second := repo.Commit(map[string]string{"README.md": "hello"})
	mirrors, err := source.Open(t.TempDir(), source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mirrors.Close() }()
	elsewhere := []render.Change{{Path: "README.md"}}
	for _, c := range []struct {
		name    string
		src     v1alpha1.ApplicationSource
		changes []render.Change
		other   bool
		want    bool
	}{
		{"a change elsewhere", v1alpha1.ApplicationSource{Path: "plain"}, elsewhere, false, true},
		{"a change of what it read", v1alpha1.ApplicationSource{Path: "plain"}, []render.Change{{Path: "plain/a.yaml", Content: true}}, false, false},
		{"the revision is in it", v1alpha1.ApplicationSource{Path: "stamped", Kustomize: &v1alpha1.KustomizeSource{
			CommonAnnotations: map[string]string{"commit": "$ARGOCD_APP_REVISION_SHORT"}, CommonAnnotationsEnvsubst: true,
		}}, elsewhere, false, false},
		{"another variable is in it", v1alpha1.ApplicationSource{Path: "stamped", Kustomize: &v1alpha1.KustomizeSource{
			CommonAnnotations: map[string]string{"app": "$ARGOCD_APP_NAME"}, CommonAnnotationsEnvsubst: true,
		}}, elsewhere, false, true},
		{"an error", v1alpha1.ApplicationSource{Path: "broken"}, elsewhere, false, false},
		{"another source by now", v1alpha1.ApplicationSource{Path: "plain"}, elsewhere, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.src.RepoURL, c.src.TargetRevision = repo.URL, "main"
			app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "shop"}, Spec: v1alpha1.ApplicationSpec{Source: &c.src}}
			at := source.Repository{URL: c.src.RepoURL}
			renderer := compare.NewRenderer(mirrors, compare.RenderOptions{})
			if got := renderer.Rendered(app, c.src, at); got != "" {
				t.Errorf("rendered at %q before anything was", got)
			}
			permitted, violation := project.PermitSource(project.Default("argocd"), c.src)
			if violation != nil {
				t.Fatal(violation)
			}
			if _, err := renderer.Render(t.Context(), app, permitted, at, first); err != nil {
				t.Fatal(err)
			}
			if got := renderer.Rendered(app, c.src, at); got != first {
				t.Errorf("rendered at %q, want the first commit", got)
			}
			if c.other {
				c.src.Path = "stamped"
			}
			if got := renderer.Advance(app, c.src, at, second, render.NewChanges(c.changes)); got != c.want {
				t.Errorf("advances: %v, want %v", got, c.want)
			}
			if got := renderer.Rendered(app, c.src, at); c.want != (got == second) {
				t.Errorf("rendered at %q now; want the second commit: %v", got, c.want)
			}
		})
	}
}
