package compare_test

import (
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
	"github.com/cyan-cd/cyan/internal/source"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// What is in another repository, or in Git LFS, is called so wherever a source goes through it.
func TestSubmodulesAndLargeFilesAreNamed(t *testing.T) {
	repo := testkit.GitRepo(t)
	other := repo.Commit(map[string]string{"x": "1"})
	const (
		object  = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
		pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
	)
	repo.Commit(map[string]string{
		"overlay/kustomization.yaml": "resources: [../base]\n", "below/kustomization.yaml": "resources: [../base/k8s]\n", "mixed/a.yaml": object,
		"lfs/a.yaml": pointer, "generated/kustomization.yaml": "configMapGenerator: [{name: a, files: [data.txt]}]\n", "generated/data.txt": pointer,
		"patched/kustomization.yaml": "resources: [a.yaml]\npatches: [{path: p.yaml}]\n", "patched/a.yaml": object, "patched/p.yaml": pointer, "beside/a.yaml": object, "beside/picture.png": pointer,
	})
	repo.Git("update-index", "--add", "--cacheinfo", "160000,"+other+",base", "--cacheinfo", "160000,"+other+",mixed/module")
	repo.Git("commit", "--quiet", "--message", "submodules")
	repo.Push("HEAD")
	sha := repo.Git("rev-parse", "HEAD")
	mirrors, err := source.Open(t.TempDir(), source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer mirrors.Close()
	for _, c := range []struct {
		rule, path string
		recurse    bool
		want       string
	}{
		{"a submodule as path", "base", false, "submodule"},
		{"a path within a submodule", "base/k8s", false, "submodule"},
		{"a submodule as base", "overlay", false, "submodule"},
		{"a base within a submodule", "below", false, "submodule"},
		{"a submodule in a directory that is read with all below", "mixed", true, "submodule"},
		{"a submodule beside what is read", "mixed", false, ""},
		{"a manifest", "lfs", false, "Git LFS"},
		{"a file that a ConfigMap is made of", "generated", false, "Git LFS"},
		{"a patch", "patched", false, "Git LFS"},
		{"a file that is not read", "beside", false, ""},
	} {
		tree, err := mirrors.Tree(t.Context(), source.Repository{URL: repo.URL}, sha)
		if err != nil {
			t.Fatal(err)
		}
		src := v1alpha1.ApplicationSource{Path: c.path}
		if c.recurse {
			src.Directory = &v1alpha1.DirectorySource{Recurse: true}
		}
		_, err = renderers.Render(tree, src, render.Options{Namespace: "default"})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: got %v, want it rendered", c.rule, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || problem.KindOf(err) != problem.Usage):
			t.Errorf("%s: got %v, want %q", c.rule, err, c.want)
		}
		if tree.Err() != nil {
			t.Errorf("%s: the mirror is blamed: %v", c.rule, tree.Err())
		}
	}
}
