package renderers

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
)

// Variables in annotations have their value, or are named.
func TestVariablesOfAnnotations(t *testing.T) {
	env := map[string]string{"ARGOCD_APP_NAME": "shop", "ARGOCD_APP_REVISION": "", "ARGOCD_APP_PROJECT_NAME": "default"}
	for _, c := range []struct {
		rule, written  string
		source         v1alpha1.KustomizeSource
		want, warnings string
		used           string
	}{
		{"a variable of the Application", "$ARGOCD_APP_NAME", v1alpha1.KustomizeSource{}, "shop", "", "ARGOCD_APP_NAME"},
		{"one in braces", "a-${ARGOCD_APP_NAME}-b", v1alpha1.KustomizeSource{}, "a-shop-b", "", "ARGOCD_APP_NAME"},
		{"one that is empty", "a$ARGOCD_APP_REVISION", v1alpha1.KustomizeSource{}, "a", "", "ARGOCD_APP_REVISION"},
		{"a dollar sign", "$$5", v1alpha1.KustomizeSource{}, "$5", "", ""},
		{"the version of the cluster, given", "$KUBE_VERSION", v1alpha1.KustomizeSource{KubeVersion: "1.37"}, "1.37", "", ""},
		{"the version of the cluster, not given", "v$KUBE_VERSION", v1alpha1.KustomizeSource{}, "v", "variable KUBE_VERSION is unknown, and left empty; give it by source.kustomize.kubeVersion", ""},
		{"what the cluster serves, given", "$KUBE_API_VERSIONS", v1alpha1.KustomizeSource{APIVersions: []string{"v1", "apps/v1"}}, "v1,apps/v1", "", ""},
		{"what the cluster serves, not given", "v$KUBE_API_VERSIONS", v1alpha1.KustomizeSource{}, "v", "variable KUBE_API_VERSIONS is unknown, and left empty; give them by source.kustomize.apiVersions", ""},
		{"a misspelt one", "v$ARGOCD_APP_NAM", v1alpha1.KustomizeSource{}, "v", "variable ARGOCD_APP_NAM is unknown, and left empty; did you mean ARGOCD_APP_NAME?", ""},
		{"one of the server's own", "v$HOME", v1alpha1.KustomizeSource{}, "v", "variable HOME is unknown, and left empty; correct it", ""},
	} {
		tree := fstest.MapFS{
			"kustomization.yaml": {Data: []byte("resources: [a.yaml]\n"), Mode: 0o644},
			"a.yaml":             {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"), Mode: 0o644},
		}
		c.source.CommonAnnotations, c.source.CommonAnnotationsEnvsubst = map[string]string{"x": c.written}, true
		result, err := Render(tree, v1alpha1.ApplicationSource{Kustomize: &c.source}, render.Options{Env: env})
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		var warnings []string
		for _, w := range result.Warnings {
			warnings = append(warnings, w.Type+" "+w.Message)
		}
		want := ""
		if c.warnings != "" {
			want = v1alpha1.ConditionUnsupportedWarning + " source.kustomize.commonAnnotations[x]: " + c.warnings
		}
		got := result.Objects[0].Object.GetAnnotations()["x"]
		if got != c.want || strings.Join(warnings, "\n") != want || strings.Join(result.EnvUsed, " ") != c.used {
			t.Errorf("%s: %q, %q, used %q; want %q, %q, used %q", c.rule, got, warnings, result.EnvUsed, c.want, want, c.used)
		}
	}
}
