package validate

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
)

var update = flag.Bool("update", false, "write what is found into the testdata")

// A test is an archive: source.yaml is the Application's source (the root of the repository when it is missing), the
// files below tree/ are the commit, and want are the findings.
func TestGolden(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("finding testdata: %v, %d archives", err, len(archives))
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			objects, want := unpack(t, archive)
			got := lines(Check(objects, nil))
			if *update {
				archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
				archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("found\n%s\nand should find\n%s", got, want)
			}
		})
	}
}

func unpack(t testing.TB, a *txtar.Archive) ([]render.Rendered, string) {
	t.Helper()
	tree, want := fstest.MapFS{}, ""
	var src v1alpha1.ApplicationSource
	for _, f := range a.Files {
		switch {
		case f.Name == "source.yaml":
			if err := sigsyaml.UnmarshalStrict(f.Data, &src); err != nil {
				t.Fatalf("reading source.yaml: %v", err)
			}
		case f.Name == "want":
			want = string(f.Data)
		case strings.HasPrefix(f.Name, "tree/"):
			tree[strings.TrimPrefix(f.Name, "tree/")] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
		default:
			t.Fatalf("the archive has %s, which is no part of a test", f.Name)
		}
	}
	result, err := renderers.Render(tree, src, render.Options{Namespace: "default"})
	if err != nil {
		t.Fatal(err)
	}
	return result.Objects, want
}

func lines(findings []*problem.Error) string {
	var b strings.Builder
	for _, f := range findings {
		b.WriteString(f.Error() + "\n")
	}
	return b.String()
}
