package renderers

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

const settingsMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %}\ndata: {colour: green}\n"

func mapNamed(name string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(strings.ReplaceAll(settingsMap, "%", name))}
}

func namesOf(result *render.Result) string {
	var all []string
	for _, o := range result.Objects {
		all = append(all, o.Object.GetName())
	}
	return strings.Join(all, " ")
}

// TestFilesOfAnywhere: where the settings say so, a kustomization reads single files of the whole repository, and still
// none outside it.
func TestFilesOfAnywhere(t *testing.T) {
	for _, c := range []struct{ name, kustomization, want, err string }{
		{"a resource", "resources: [../b/b.yaml]", "b", ""},
		{"a patch", "resources: [a.yaml]\npatches: [{path: ../b/patch.yaml}]", "a", ""},
		{"a file of a generator", "configMapGenerator: [{name: g, files: [../b/b.yaml], options: {disableNameSuffixHash: true}}]", "g", ""},
		{"a resource outside the repository", "resources: [../../b.yaml]", "", "leaves the repository"},
		{"a link that leaves the repository", "resources: [../b/out.yaml]", "", "out.yaml"},
		{"a resource of elsewhere", "resources: ['https://example.com/b.yaml']", "", "is fetched from elsewhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := fstest.MapFS{
				"a/kustomization.yaml": {Data: []byte(c.kustomization)}, "a/a.yaml": mapNamed("a"), "b/b.yaml": mapNamed("b"), "b/patch.yaml": mapNamed("a"),
				"b/out.yaml": {Data: []byte("../../etc/passwd"), Mode: fs.ModeSymlink},
			}
			result, err := Render(tree, v1alpha1.ApplicationSource{Path: "a"}, render.Options{Settings: render.Settings{AnyFile: true}})
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || namesOf(result) != c.want {
				t.Fatalf("got %v, %v; want %s", result, err, c.want)
			}
			if _, err := Render(tree, v1alpha1.ApplicationSource{Path: "a"}, render.Options{}); err == nil || !strings.Contains(err.Error(), "is not in or below a") {
				t.Errorf("without the setting: got %v", err)
			}
		})
	}
}

// TestWithoutKustomize: where the settings say so, a directory with a kustomization is one of plain manifests.
func TestWithoutKustomize(t *testing.T) {
	without := render.Options{Settings: render.Settings{WithoutKustomize: true}}
	tree := fstest.MapFS{"a/a.yaml": mapNamed("a"), "a/kustomization.yaml": {Data: []byte("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\nnamePrefix: x-\n")}}
	result, err := Render(tree, v1alpha1.ApplicationSource{Path: "a"}, without)
	if err != nil || namesOf(result) != "a" || result.SourceType != "Directory" {
		t.Fatalf("got %+v, %v; want the plain manifest", result, err)
	}
	if len(result.Warnings) != 1 || result.Warnings[0].Type != render.SkippedFile || result.Warnings[0].Message != "a/kustomization.yaml is left out: a kustomization, and kustomize.enable is false in ConfigMap argocd-cm" {
		t.Errorf("got warnings %+v", result.Warnings)
	}
	_, err = Render(tree, v1alpha1.ApplicationSource{Path: "a", Kustomize: &v1alpha1.KustomizeSource{NamePrefix: "y-"}}, without)
	if p := problem.Of(err); p == nil || p.Cause != "source.kustomize is given, and kustomize.enable is false in ConfigMap argocd-cm" {
		t.Errorf("with source.kustomize: got %v", err)
	}
	result, err = Render(tree, v1alpha1.ApplicationSource{Path: "a"}, render.Options{})
	if err != nil || namesOf(result) != "x-a" || result.SourceType != "Kustomize" {
		t.Errorf("without the setting: got %+v, %v", result, err)
	}
}

// TestSettingsInTheCache: what was rendered with other settings is not taken for the same.
func TestSettingsInTheCache(t *testing.T) {
	cached := render.Cached(Render, 10, 1<<20)
	tree := fstest.MapFS{"a/a.yaml": mapNamed("a"), "a/kustomization.yaml": {Data: []byte("resources: [a.yaml]\nnamePrefix: x-\n")}}
	for _, c := range []struct {
		settings render.Settings
		want     string
	}{{render.Settings{}, "x-a"}, {render.Settings{WithoutKustomize: true}, "a"}, {render.Settings{}, "x-a"}} {
		result, err := cached(tree, v1alpha1.ApplicationSource{Path: "a"}, render.Options{Settings: c.settings})
		if err != nil || namesOf(result) != c.want {
			t.Errorf("%+v: got %v, %v; want %s", c.settings, result, err, c.want)
		}
	}
}
