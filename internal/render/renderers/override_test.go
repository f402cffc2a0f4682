package renderers

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: web:v1}]}\n"

func kustomizedPod(more map[string]string) map[string]string {
	files := map[string]string{"app/kustomization.yaml": "resources: [pod.yaml]\n", "app/pod.yaml": pod}
	for name, data := range more {
		files[name] = data
	}
	return files
}

// Files beside the manifests are merged over the source.
func TestOverrides(t *testing.T) {
	images := func(v string) string { return "kustomize:\n  images: ['web:" + v + "']\n" }
	for name, c := range map[string]struct {
		files   map[string]string
		src     v1alpha1.ApplicationSource
		image   string
		warning string
	}{
		"none":                           {kustomizedPod(nil), v1alpha1.ApplicationSource{}, "web:v1", ""},
		"for all":                        {kustomizedPod(map[string]string{"app/.argocd-source.yaml": images("v2")}), v1alpha1.ApplicationSource{}, "web:v2", ""},
		"for this one":                   {kustomizedPod(map[string]string{"app/.argocd-source-shop.yaml": images("v3")}), v1alpha1.ApplicationSource{}, "web:v3", ""},
		"for this one, in its namespace": {kustomizedPod(map[string]string{"app/.argocd-source-team_shop.yaml": images("v3")}), v1alpha1.ApplicationSource{}, "web:v3", ""},
		"for another one":                {kustomizedPod(map[string]string{"app/.argocd-source-other.yaml": images("v3")}), v1alpha1.ApplicationSource{}, "web:v1", ""},
		"for all and this one":           {kustomizedPod(map[string]string{"app/.argocd-source.yaml": images("v2"), "app/.argocd-source-shop.yaml": images("v3")}), v1alpha1.ApplicationSource{}, "web:v3", ""},
		"over the source":                {kustomizedPod(map[string]string{"app/.argocd-source.yaml": images("v2")}), v1alpha1.ApplicationSource{Kustomize: &v1alpha1.KustomizeSource{Images: []string{"web:v0"}, NamePrefix: "a-"}}, "web:v2", ""},
		"empty":                          {kustomizedPod(map[string]string{"app/.argocd-source.yaml": "# nothing\n"}), v1alpha1.ApplicationSource{}, "web:v1", ""},
		"where the source is":            {kustomizedPod(map[string]string{"app/.argocd-source.yaml": "path: other\n"}), v1alpha1.ApplicationSource{}, "web:v1", "app/.argocd-source.yaml: path: not used here"},
		"a field that is unknown":        {kustomizedPod(map[string]string{"app/.argocd-source.yaml": "kustomise: {}\n"}), v1alpha1.ApplicationSource{}, "web:v1", `app/.argocd-source.yaml: unknown field "kustomise"`},
		"a deeper one":                   {kustomizedPod(map[string]string{"app/.argocd-source.yaml": "kustomize: {image: [a]}\n"}), v1alpha1.ApplicationSource{}, "web:v1", `unknown field "kustomize.image"`},
		"of a directory":                 {map[string]string{"app/a/pod.yaml": pod, "app/.argocd-source.yaml": "directory: {recurse: true}\n"}, v1alpha1.ApplicationSource{}, "web:v1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.src.Path = "app"
			result, err := Render(mapFS(c.files), c.src, render.Options{Names: []string{"shop", "team_shop"}})
			if err != nil {
				t.Fatal(err)
			}
			containers := result.Objects[0].Object.Object["spec"].(map[string]any)["containers"].([]any)
			if got := containers[0].(map[string]any)["image"]; got != c.image {
				t.Errorf("image: got %v, want %s", got, c.image)
			}
			var warnings []string
			for _, w := range result.Warnings {
				if w.Type == v1alpha1.ConditionUnsupportedWarning {
					warnings = append(warnings, w.Message)
				}
			}
			if got := strings.Join(warnings, "\n"); !strings.Contains(got, c.warning) || (c.warning == "") != (got == "") {
				t.Errorf("warnings: got %q, want %q", got, c.warning)
			}
		})
	}
}

func TestInvalidOverrides(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"no YAML":       {"a: b\n c: d\n", "app/.argocd-source.yaml:2: invalid YAML"},
		"wrong type":    {"kustomize: [a]\n", "app/.argocd-source.yaml: invalid: "},
		"a list":        {"- a\n", "app/.argocd-source.yaml: invalid: "},
		"not served":    {"helm: {valueFiles: [a]}\n", "app/.argocd-source.yaml: source.helm asks for Helm"},
		"contradicting": {"directory: {recurse: true}\nkustomize: {namePrefix: a}\n", "app/.argocd-source.yaml: source has both"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Render(mapFS(kustomizedPod(map[string]string{"app/.argocd-source.yaml": c.data})), v1alpha1.ApplicationSource{Path: "app"}, render.Options{})
			if !render.IsRefusal(err) || !strings.Contains(err.Error(), c.want) || problem.Of(err).Remedy == "" {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// A rendering that such a file changed is not taken for one of another Application, and is done again when one comes.
func TestOverridesAreInTheReadSet(t *testing.T) {
	renders := 0
	cached := render.Cached(func(tree fs.FS, src v1alpha1.ApplicationSource, opts render.Options) (*render.Result, error) {
		renders++
		return Render(tree, src, opts)
	}, 10, 1<<30)
	plain := mapFS(kustomizedPod(nil))
	named := mapFS(kustomizedPod(map[string]string{"app/.argocd-source-a.yaml": "kustomize: {namePrefix: a-}\n"}))
	for _, c := range []struct {
		what  string
		tree  fs.FS
		app   string
		name  string
		total int
	}{
		{"the first", plain, "a", "web", 1},
		{"another Application, of which no file speaks", plain, "b", "web", 1},
		{"a file has come", named, "a", "a-web", 2},
		{"that is of another Application", named, "b", "web", 3},
		{"again", named, "a", "a-web", 3},
		{"the file is gone", plain, "a", "web", 3},
	} {
		result, err := cached(c.tree, v1alpha1.ApplicationSource{Path: "app"}, render.Options{Names: []string{c.app}})
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Objects[0].Object.GetName(); got != c.name || renders != c.total {
			t.Errorf("%s: got %s after %d renderings, want %s after %d", c.what, got, renders, c.name, c.total)
		}
	}
}
