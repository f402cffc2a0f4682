package renderers

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
)

var update = flag.Bool("update", false, "write what is rendered into the testdata")

// A test is an archive: source.yaml is the Application's source, the files below tree/ are the commit (a line "->
// target" alone makes a symbolic link), and want/ is what comes of it.
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
			tree, src, want := unpack(t, archive)
			got := outcome(t, tree, src)
			if *update {
				rewrite(t, name, archive, got)
				return
			}
			for _, file := range slices.Sorted(maps.Keys(want)) {
				if _, ok := got[file]; !ok {
					t.Errorf("%s is not there; it should be:\n%s", file, want[file])
				}
			}
			for _, file := range slices.Sorted(maps.Keys(got)) {
				if got[file] != want[file] {
					t.Errorf("%s is\n%s\nand should be\n%s", file, got[file], want[file])
				}
			}
		})
	}
}

func unpack(t *testing.T, a *txtar.Archive) (fstest.MapFS, v1alpha1.ApplicationSource, map[string]string) {
	t.Helper()
	tree, want := fstest.MapFS{}, map[string]string{}
	var src v1alpha1.ApplicationSource
	for _, f := range a.Files {
		switch {
		case f.Name == "source.yaml":
			if err := sigsyaml.UnmarshalStrict(f.Data, &src); err != nil {
				t.Fatalf("reading source.yaml: %v", err)
			}
		case strings.HasPrefix(f.Name, "want/"):
			want[f.Name] = string(f.Data)
		case strings.HasPrefix(f.Name, "tree/"):
			tree[strings.TrimPrefix(f.Name, "tree/")] = mapFile(f.Data)
		default:
			t.Fatalf("the archive has %s, which is no part of a test", f.Name)
		}
	}
	return tree, src, want
}

func mapFile(data []byte) *fstest.MapFile {
	if target, ok := strings.CutPrefix(string(data), "-> "); ok && strings.Count(target, "\n") == 1 {
		return &fstest.MapFile{Data: []byte(strings.TrimSpace(target)), Mode: fs.ModeSymlink | 0o777}
	}
	return &fstest.MapFile{Data: data, Mode: 0o644}
}

// outcome renders twice: the second time must give the same.
func outcome(t *testing.T, tree fstest.MapFS, src v1alpha1.ApplicationSource) map[string]string {
	t.Helper()
	opts := render.Options{Namespace: "default", Env: map[string]string{"ARGOCD_APP_NAME": "shop"}}
	first := describe(t, tree, src, opts)
	if second := describe(t, tree, src, opts); !maps.Equal(first, second) {
		t.Errorf("rendering again gives\n%v\nafter\n%v", second, first)
	}
	return first
}

func describe(t *testing.T, tree fstest.MapFS, src v1alpha1.ApplicationSource, opts render.Options) map[string]string {
	t.Helper()
	result, err := Render(tree, src, opts)
	out := map[string]string{"want/read": strings.Join(slices.Sorted(maps.Keys(result.ReadSet)), "\n") + "\n"}
	if !result.ReadSet.Unchanged(render.Hashed(tree)) {
		t.Error("the tree that was rendered counts as changed")
	}
	if err != nil {
		out["want/error"] = err.Error() + "\n"
		return out
	}
	data, err := render.Encode(result.Objects)
	if err != nil {
		t.Fatal(err)
	}
	out["want/objects.yaml"] = string(data)
	var origins strings.Builder
	for _, r := range result.Objects {
		fmt.Fprintf(&origins, "%s %s: %s:%d\n", r.Object.GetKind(), r.Object.GetName(), r.Origin.File, r.Origin.Line)
	}
	out["want/origins"] = origins.String()
	if len(result.Warnings) > 0 {
		var warnings strings.Builder
		for _, w := range result.Warnings {
			fmt.Fprintf(&warnings, "%s: %s\n", w.Type, w.Message)
		}
		out["want/warnings"] = warnings.String()
	}
	return out
}

func rewrite(t *testing.T, name string, a *txtar.Archive, got map[string]string) {
	t.Helper()
	a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, "want/") })
	for _, file := range slices.Sorted(maps.Keys(got)) {
		a.Files = append(a.Files, txtar.File{Name: file, Data: []byte(got[file])})
	}
	if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}
