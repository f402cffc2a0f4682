package skaffold_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/internal/skaffold"
)

// TestFilesOfAProject: what has to be read anew for is also what keeps a project from being read, and what was looked
// for and was not there.
func TestFilesOfAProject(t *testing.T) {
	const head = "apiVersion: skaffold/v4beta11\nkind: Config\n"
	for rule, c := range map[string]struct {
		file  string
		files map[string]string
		want  string
	}{
		"the file, and variables that there may be":  {"", map[string]string{"skaffold.yaml": head}, "skaffold.env skaffold.yaml"},
		"one that would be taken before it":          {"", map[string]string{"cyan.yaml": "name: a\nmanifests: k8s\n"}, "cyan.yaml skaffold.env skaffold.yaml skaffold.yml"},
		"none that is not asked for":                 {"k8s/skaffold.yml", map[string]string{"k8s/skaffold.yml": head}, "k8s/skaffold.yml skaffold.env"},
		"all that there may be, where there is none": {"", map[string]string{"k8s/kustomization.yaml": "resources: []\n"}, "cyan.yaml cyan.yml skaffold.env skaffold.yaml skaffold.yml"},
		"one that is required":                       {"", map[string]string{"skaffold.yaml": head + "requires: [{path: sub}]\n", "sub/skaffold.yaml": head}, "skaffold.env skaffold.yaml sub/skaffold.yaml"},
		"one that is required and cannot be read":    {"", map[string]string{"skaffold.yaml": head + "requires: [{path: sub}]\n", "sub/skaffold.yaml": head + "builds: {}\n"}, "skaffold.env skaffold.yaml sub/skaffold.yaml"},
		"one that is required and not there":         {"", map[string]string{"skaffold.yaml": head + "requires: [{path: sub}, {path: sub}]\n"}, "skaffold.env skaffold.yaml sub sub/skaffold.yaml"},
	} {
		tree := fstest.MapFS{}
		for name, text := range c.files {
			tree[name] = &fstest.MapFile{Data: []byte(text)}
		}
		project, _, err := skaffold.Read(tree, c.file, skaffold.Options{Folder: "shop", Command: "dev"})
		if got := strings.Join(project.Files, " "); err != nil || got != c.want {
			t.Errorf("%s: of %q got %q, %v, want %q", rule, slices.Sorted(maps.Keys(c.files)), got, err, c.want)
		}
	}
}
