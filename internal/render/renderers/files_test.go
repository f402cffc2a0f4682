package renderers

import (
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
)

// TestFilesMakeNoDifference: whatever files change from rendering to rendering, and whatever the limits, what is
// remembered of files changes neither the result nor the refusal.
func TestFilesMakeNoDifference(t *testing.T) {
	texts := []string{
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {k: v}\n", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: x}\n",
		"apiVersion: v1\nkind: ConfigMapList\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}\n", "a: b\n", "- a\n", "# +argocd:skip-file-rendering\nkind: [\n", "kind: [\n", "kind: ConfigMap\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}\ndata: &d {k: v}\nmore: [*d, *d, *d]\n", "",
	}
	limits := []render.Limits{{}, {}, {}, {Files: 2}, {TotalSize: 150}, {Objects: 3}, {Nodes: 40}, {Output: 200}, {Work: 70_000}, {FileSize: 100}, {Entries: 9}}
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 3))
		files, tree := render.NewFileStore(4+random.IntN(10), 1<<20), fstest.MapFS{}
		for round := range 12 {
			tree = maps.Clone(tree)
			for range 1 + random.IntN(3) {
				name := fmt.Sprintf("%c.yaml", 'a'+rune(random.IntN(5)))
				switch random.IntN(6) {
				case 0:
					delete(tree, name)
				case 1:
					tree[name] = &fstest.MapFile{Data: []byte("a.yaml"), Mode: fs.ModeSymlink | 0o777}
				default:
					tree[name] = &fstest.MapFile{Data: []byte(texts[random.IntN(len(texts))]), Mode: 0o644}
				}
			}
			options := render.Options{Limits: limits[random.IntN(len(limits))], Anew: random.IntN(8) == 0}
			want, wantErr := Render(tree, v1alpha1.ApplicationSource{}, options)
			options.Files = files
			got, gotErr := Render(tree, v1alpha1.ApplicationSource{}, options)
			if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) || !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, round %d: got %+v, %v; want %+v, %v", seed, round, got, gotErr, want, wantErr)
			}
		}
	}
}

// TestFilesAreParsedOnce: an object of a file that did not change is the same one in the next rendering.
func TestFilesAreParsedOnce(t *testing.T) {
	files := render.NewFileStore(10, 1<<20)
	manifest := func(name, value string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {k: " + value + "}\n"), Mode: 0o644}
	}
	rendered := func(tree fstest.MapFS, options render.Options) *render.Result {
		options.Files = files
		result, err := Render(tree, v1alpha1.ApplicationSource{}, options)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	first := rendered(fstest.MapFS{"a.yaml": manifest("a", "1"), "b.yaml": manifest("b", "1")}, render.Options{})
	second := rendered(fstest.MapFS{"a.yaml": manifest("a", "2"), "b.yaml": manifest("b", "1")}, render.Options{})
	if first.Objects[0].Object == second.Objects[0].Object || first.Objects[1].Object != second.Objects[1].Object {
		t.Errorf("objects of the second rendering: %v, %v; want the second one of the first rendering, and the first one anew", second.Objects[0].Object, second.Objects[1].Object)
	}
	if anew := rendered(fstest.MapFS{"b.yaml": manifest("b", "1")}, render.Options{Anew: true}); anew.Objects[0].Object == first.Objects[1].Object {
		t.Error("a file was taken from memory although everything was to be read anew")
	}
	if moved := rendered(fstest.MapFS{"c.yaml": manifest("b", "1")}, render.Options{}); moved.Objects[0].Origin.File != "c.yaml" {
		t.Errorf("file of an object that has moved: got %s, want c.yaml", moved.Objects[0].Origin.File)
	}
}

// onBase is a tree of overlays on one base.
func onBase(names ...string) fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
	tree := fstest.MapFS{
		"base/kustomization.yaml": file("resources: [web.yaml]\n"),
		"base/web.yaml":           file("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, image: web}]}}}\n"),
	}
	for _, name := range names {
		tree["apps/"+name+"/kustomization.yaml"] = file("namePrefix: " + name + "-\nresources: [../../base, own.yaml]\n")
		tree["apps/"+name+"/own.yaml"] = file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\n")
	}
	return tree
}

// TestBasesAreHeldOnce: what a file of a base says is held once for all that build on it, and what their objects have
// in common as well; a base that is another one by now, or that is to be read anew, is.
func TestBasesAreHeldOnce(t *testing.T) {
	files, tree := render.NewFileStore(10, 1<<20), onBase("a", "b", "c")
	rendered := func(name string, options render.Options) []render.Rendered {
		options.Files = files
		result, err := Render(tree, v1alpha1.ApplicationSource{Path: "apps/" + name}, options)
		if err != nil || len(result.Objects) != 2 {
			t.Fatalf("%s: %d objects, %v", name, len(result.Objects), err)
		}
		if result.Objects[0].Object.GetKind() != "Deployment" {
			return []render.Rendered{result.Objects[1], result.Objects[0]}
		}
		return result.Objects
	}
	template := func(r render.Rendered) uintptr {
		return reflect.ValueOf(r.Object.Object["spec"].(map[string]any)["template"]).Pointer()
	}
	a, b, c := rendered("a", render.Options{}), rendered("b", render.Options{}), rendered("c", render.Options{})
	if a[0].Source != b[0].Source || a[0].Object == b[0].Object || a[0].Object.GetName() != "a-web" || b[0].Object.GetName() != "b-web" {
		t.Errorf("objects of one base: %v from %p, and %v from %p; want two, from the same document", a[0].Object, a[0].Source, b[0].Object, b[0].Source)
	}
	if a[1].Source == b[1].Source {
		t.Error("files of their own are taken for one")
	}
	if template(b[0]) != template(c[0]) {
		t.Error("the template that two objects have in common is held twice")
	}
	if again := rendered("b", render.Options{Anew: true}); again[0].Source == b[0].Source {
		t.Error("a base was taken from memory although everything was to be read anew")
	}
	tree = maps.Clone(tree)
	tree["base/web.yaml"] = &fstest.MapFile{Data: []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {a: b}}\nspec: {}\n"), Mode: 0o644}
	if changed := rendered("c", render.Options{}); changed[0].Source == c[0].Source || changed[0].Object.GetLabels()["a"] != "b" {
		t.Errorf("of a base that has changed: %v", changed[0].Object)
	}
}

// TestBasesCostTheSame: whether a base is remembered decides nothing about what a source may cost.
func TestBasesCostTheSame(t *testing.T) {
	for nodes := int64(1); nodes < 80; nodes++ {
		files, tree := render.NewFileStore(10, 1<<20), onBase("a", "b")
		if _, err := Render(tree, v1alpha1.ApplicationSource{Path: "apps/a"}, render.Options{Files: files}); err != nil {
			t.Fatal(err)
		}
		options := render.Options{Limits: render.Limits{Nodes: nodes}}
		_, want := Render(tree, v1alpha1.ApplicationSource{Path: "apps/b"}, options)
		options.Files = files
		if _, got := Render(tree, v1alpha1.ApplicationSource{Path: "apps/b"}, options); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("at most %d values: got %v, want %v", nodes, got, want)
		}
	}
}

// BenchmarkOneChangedFile is a rendering of many files of which one has changed since the last.
func BenchmarkOneChangedFile(b *testing.B) {
	for _, n := range []int{100, 5000} {
		b.Run(fmt.Sprintf("objects=%d", n), func(b *testing.B) {
			const perFile = 100
			tree := fstest.MapFS{}
			write := func(file int, value string) {
				var text string
				for i := range perFile {
					text += fmt.Sprintf("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: part-%d-%d}\ndata: {k: %s}\n", file, i, value)
				}
				tree[fmt.Sprintf("%03d.yaml", file)] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
			}
			for file := range n / perFile {
				write(file, "first")
			}
			options := render.Options{Files: render.NewFileStore(1000, 64<<20)}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				write(i%(n/perFile), fmt.Sprint("v", i))
				result, err := Render(tree, v1alpha1.ApplicationSource{}, options)
				if err != nil || len(result.Objects) != n {
					b.Fatalf("%d objects, %v", len(result.Objects), err)
				}
			}
		})
	}
}

// The objects of a list of one kind have it, though an API server lists them without; those of a mixed list need
// their own.
func TestItemsOfAList(t *testing.T) {
	for _, c := range []struct{ rule, list, want string }{
		{"of one kind", "apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- {metadata: {name: a}}\n- {apiVersion: v1, kind: Service, metadata: {name: b}}\n", "apps/v1 Deployment a, v1 Service b"},
		{"of any", "apiVersion: v1\nkind: List\nitems:\n- {metadata: {name: a}}\n", "a.yaml: object without kind; add it, or exclude the file with source.directory.exclude"},
		{"of one kind, with half of it", "apiVersion: v1\nkind: ConfigMapList\nitems:\n- {kind: ConfigMap, metadata: {name: a}}\n", "a.yaml: ConfigMap without apiVersion; add it, or exclude the file with source.directory.exclude"},
	} {
		result, err := Render(fstest.MapFS{"a.yaml": {Data: []byte(c.list)}}, v1alpha1.ApplicationSource{}, render.Options{})
		var got []string
		if err != nil {
			got = []string{strings.ReplaceAll(err.Error(), "a.yaml:4:", "a.yaml:")}
		} else {
			for _, o := range result.Objects {
				got = append(got, o.Object.GetAPIVersion()+" "+o.Object.GetKind()+" "+o.Object.GetName())
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: got %q, want %q", c.rule, strings.Join(got, ", "), c.want)
		}
	}
}
