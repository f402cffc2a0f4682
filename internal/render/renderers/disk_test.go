package renderers

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
)

// A directory on disk is rendered like a commit, and its links lead no further than a commit's.
func TestDirectoryOnDisk(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.yaml")
	repository := filepath.Join(dir, "repository")
	for name, text := range map[string]string{
		secret: configMap,
		filepath.Join(repository, "app", "kustomization.yaml"): "resources: [cm.yaml, ../base]\n",
		filepath.Join(repository, "app", "cm.yaml"):            configMap,
		filepath.Join(repository, "real", "kustomization.yml"): "resources: [b.yaml]\n",
		filepath.Join(repository, "real", "b.yaml"):            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
		filepath.Join(repository, "bad", "cm.yaml"):            configMap,
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		filepath.Join(repository, "base"):             "real",
		filepath.Join(repository, "bad", "link.yaml"): "../../secret.yaml",
	} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(repository)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, tree := range map[string]fs.FS{"os.Root": root.FS(), "os.DirFS": os.DirFS(repository)} {
		t.Run(name, func(t *testing.T) {
			result, err := Render(tree, v1alpha1.ApplicationSource{Path: "app"}, render.Options{})
			if err != nil || len(result.Objects) != 2 {
				t.Errorf("%d objects, %v; want 2", len(result.Objects), err)
			}
			if !result.ReadSet.Unchanged(render.Hashed(tree)) {
				t.Error("the directory counts as changed")
			}
			_, err = Render(tree, v1alpha1.ApplicationSource{Path: "bad"}, render.Options{})
			if err == nil || !strings.Contains(err.Error(), "bad/link.yaml: symbolic link that leaves the repository") {
				t.Errorf("the link gives %v", err)
			}
		})
	}
}
