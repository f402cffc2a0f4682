package renderers

import (
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
)

const (
	// maxAllocated is what rendering the worst source may allocate in all, in bytes; what it holds at any time is less.
	maxAllocated = 800 << 20
	// maxAllocatedBeforeItsTurn is the same for the time until it counts as expensive, and waits for others that do: any
	// number of sources are rendered at the same time until then.
	maxAllocatedBeforeItsTurn = 64 << 20
)

func configMaps(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm%d}\ndata: {a: b, c: d}\n", i)
	}
	return b.String()
}

func lines(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// aliases is a document that is small, and expands to 10^levels values.
func aliases(name string, levels int) string {
	doc := fmt.Sprintf("apiVersion: example.org/v1\nkind: Bomb\nmetadata: {name: %s}\nspec:\n", name)
	// The parser refuses a document of nothing but aliases by itself.
	doc += lines(200, "  b%d: x\n") + "  a0: &a0 x\n"
	for i := range levels {
		doc += fmt.Sprintf("  a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 10), ","))
	}
	return doc
}

func mapFS(files map[string]string) fstest.MapFS {
	tree := fstest.MapFS{}
	for name, data := range files {
		if target, isLink := strings.CutPrefix(data, "-> "); isLink {
			tree[name] = link(target)
			continue
		}
		tree[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return tree
}

// hostile are sources that mean harm: little to commit, and without bounds much to render.
var hostile = []struct {
	name  string
	files func() map[string]string
	want  string // in the error; "" when the source is to be rendered
}{
	{"many documents with aliases", func() map[string]string {
		files := map[string]string{}
		for i := range 100 {
			files[fmt.Sprintf("app/a%d.yaml", i)] = aliases(fmt.Sprintf("b%d", i), 4)
		}
		return files
	}, "YAML values to read, with aliases expanded, are more than the limit of 1000000"},
	{"many documents with aliases, as resources", func() map[string]string {
		files := map[string]string{"app/kustomization.yaml": "resources:\n" + lines(100, "- a%d.yaml\n")}
		for i := range 100 {
			files[fmt.Sprintf("app/a%d.yaml", i)] = aliases(fmt.Sprintf("b%d", i), 4)
		}
		return files
	}, "YAML values to read, with aliases expanded, are more than the limit of 1000000"},
	{"aliases of a long text", func() map[string]string {
		return map[string]string{"app/a.yaml": configMaps(1) + "x: &x " + strings.Repeat("x", 100<<10) + "\ny: [" + strings.Repeat("*x,", 5000) + "]\n"}
	}, "bytes of objects are more than the limit of 67108864"},
	{"one list of millions", func() map[string]string {
		return map[string]string{"app/a.yaml": configMaps(1) + "x: [" + strings.Repeat("x,", 3<<20) + "]\n"}
	}, "are more than the limit of 1000000"},
	{"links to directories", func() map[string]string {
		files := map[string]string{"app/go": "-> ../d00", "d18/x.yaml": configMap}
		for i := range 18 {
			for _, way := range []string{"a", "b"} {
				files[fmt.Sprintf("d%02d/%s", i, way)] = fmt.Sprintf("-> ../d%02d", i+1)
			}
		}
		return files
	}, "directory entries and symbolic links to look at are more than the limit of 200000"},
	{"a link with a long target", func() map[string]string {
		return map[string]string{"app/x.yaml": "-> " + strings.Repeat("./", 1<<20) + "y.yaml"}
	}, "which is more than the limit of 4096"},
	{"a large patch on many objects", func() map[string]string {
		return map[string]string{
			"app/kustomization.yaml": "resources: [cm.yaml]\npatches: [{path: p.yaml, target: {kind: ConfigMap}}]\n", "app/cm.yaml": configMaps(1000),
			"app/p.yaml": configMap + "data: {x: " + strings.Repeat("x", 1<<20) + "}\n",
		}
	}, "bytes of objects are more than the limit of 67108864"},
	{"a wide patch on some objects", func() map[string]string {
		return map[string]string{
			"app/kustomization.yaml": "resources: [cm.yaml]\npatches: [{path: p.yaml, target: {kind: ConfigMap}}]\n", "app/cm.yaml": configMaps(100),
			"app/p.yaml": configMap + "data:\n" + lines(20000, "  k%d: v\n"),
		}
	}, "more than the limit of"},
	{"a large patch in a component", func() map[string]string {
		return map[string]string{
			"app/kustomization.yaml": "resources: [cm.yaml]\ncomponents: [../c]\n", "app/cm.yaml": configMaps(1000),
			"c/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: p.yaml, target: {kind: ConfigMap}}]\n",
			"c/p.yaml":             configMap + "data: {x: " + strings.Repeat("x", 1<<20) + "}\n",
		}
	}, "bytes of objects are more than the limit of 67108864"},
	{"a large patch in a transformer", func() map[string]string {
		return map[string]string{
			"app/kustomization.yaml": "resources: [cm.yaml]\ntransformers: [t.yaml]\n", "app/cm.yaml": configMaps(1000),
			"app/t.yaml": "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: t}\ntarget: {kind: ConfigMap}\npath: p.yaml\n",
			"app/p.yaml": configMap + "data: {x: " + strings.Repeat("x", 1<<20) + "}\n",
		}
	}, "bytes of objects are more than the limit of 67108864"},
	{"a long name prefix", func() map[string]string {
		return map[string]string{"app/kustomization.yaml": "resources: [cm.yaml]\nnamePrefix: " + strings.Repeat("x", 1<<20) + "\n", "app/cm.yaml": configMaps(1000)}
	}, "bytes of objects are more than the limit of 67108864"},
	{"a long label", func() map[string]string {
		return map[string]string{"app/kustomization.yaml": "resources: [cm.yaml]\nlabels: [{pairs: {x: " + strings.Repeat("x", 1<<20) + "}}]\n", "app/cm.yaml": configMaps(1000)}
	}, "bytes of objects are more than the limit of 67108864"},
	{"copies in patches of many objects", func() map[string]string {
		patch := "[{\"op\": \"add\", \"path\": \"/data\", \"value\": {\"a\": \"b\"}}" + strings.Repeat(`,{"op": "copy", "from": "/data", "path": "/data/x"},{"op": "copy", "from": "/data", "path": "/data/y"}`, 12) + "]"
		return map[string]string{"app/kustomization.yaml": "resources: [cm.yaml]\npatches: [{target: {kind: ConfigMap}, patch: '" + patch + "'}]\n", "app/cm.yaml": configMaps(1000)}
	}, "bytes of objects are more than the limit of 67108864"},
	{"replacements that double", func() map[string]string {
		return map[string]string{
			"app/kustomization.yaml": "resources: [cm.yaml]\nreplacements:\n" + lines(40,
				"- {source: {kind: ConfigMap, name: cm0, fieldPath: data}, targets: [{select: {kind: ConfigMap, name: cm0}, fieldPaths: [data.x%d], options: {create: true}}]}\n"),
			"app/cm.yaml": configMaps(1),
		}
	}, "are more than the limit of"},
	{"replacements by turns", func() map[string]string {
		turn := "- {source: {kind: ConfigMap, name: %s, fieldPath: data.a}, targets: [{select: {kind: ConfigMap, name: %s}, fieldPaths: [data.a], options: {delimiter: '-', index: 0}}]}\n"
		return map[string]string{
			"app/kustomization.yaml": "resources: [cm.yaml]\nreplacements:\n" + strings.Repeat(fmt.Sprintf(turn, "cm0", "cm1")+fmt.Sprintf(turn, "cm1", "cm0"), 30),
			"app/cm.yaml":            configMaps(2),
		}
	}, "are more than the limit of"},
	{"a replacement to everywhere", func() map[string]string {
		return map[string]string{
			"app/kustomization.yaml": "resources: [cm.yaml, big.yaml]\nreplacements: [{source: {kind: ConfigMap, name: big, fieldPath: data.x}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.a, data.c]}]}]\n",
			"app/cm.yaml":            configMaps(1000), "app/big.yaml": strings.Replace(configMap, "name: a", "name: big", 1) + "data: {x: " + strings.Repeat("x", 1<<20) + "}\n",
		}
	}, "bytes of objects are more than the limit of 67108864"},
	{"a long variable many times", func() map[string]string {
		return map[string]string{
			"app/kustomization.yaml": "resources: [big.yaml, d.yaml]\nvars: [{name: V, objref: {kind: ConfigMap, name: big, apiVersion: v1}, fieldref: {fieldpath: data.x}}]\n",
			"app/big.yaml":           strings.Replace(configMap, "name: a", "name: big", 1) + "data: {x: " + strings.Repeat("x", 1<<20) + "}\n",
			"app/d.yaml":             "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: i, args: ['" + strings.Repeat("$(V)", 10000) + "']}]}\n",
		}
	}, "bytes of objects are more than the limit of 67108864"},
	{"a generator of many keys", func() map[string]string {
		return map[string]string{"app/kustomization.yaml": "configMapGenerator: [{name: c, envs: [e]}]\n", "app/e": lines(200_000, "k%d=v\n")}
	}, "steps of work are more than the limit of 20000000000"},
	{"an object of many keys", func() map[string]string {
		return map[string]string{"app/kustomization.yaml": "resources: [cm.yaml]\n", "app/cm.yaml": configMap + "data:\n" + lines(200_000, "  k%d: v\n")}
	}, "steps of work are more than the limit of 20000000000"},
	{"too many objects for one kustomization", func() map[string]string {
		return map[string]string{"app/kustomization.yaml": "resources: [cm.yaml]\nnamePrefix: a-\n", "app/cm.yaml": configMaps(8000)}
	}, "steps of work are more than the limit of 20000000000"},
	{"too many objects", func() map[string]string { return map[string]string{"app/cm.yaml": configMaps(20_001)} }, "20001 objects are more than the limit of 20000"},
	{"one file many times", func() map[string]string {
		return map[string]string{"app/kustomization.yaml": "resources: [" + strings.Repeat("cm.yaml,", 50_000) + "]\n", "app/cm.yaml": configMaps(100)}
	}, "are more than the limit of"},
	{"generators that read much", func() map[string]string {
		return map[string]string{"app/kustomization.yaml": "configMapGenerator:\n" + lines(100, "- {name: c%d, files: [big]}\n"), "app/big": strings.Repeat("x", 7<<20)}
	}, "are more than the limit of"},
	{"components in a circle", func() map[string]string {
		component := "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncomponents: [../%s]\n"
		return map[string]string{
			"app/kustomization.yaml": "components: [../a]\n", "a/kustomization.yaml": fmt.Sprintf(component, "b"), "b/kustomization.yaml": fmt.Sprintf(component, "a"),
		}
	}, "goes round in a circle"},
	{"components of components", func() map[string]string {
		files := map[string]string{"app/kustomization.yaml": "resources: [cm.yaml]\ncomponents: [../a0, ../b0]\n", "app/cm.yaml": configMap}
		for i := range 30 {
			for _, way := range []string{"a", "b"} {
				files[fmt.Sprintf("%s%d/kustomization.yaml", way, i)] = fmt.Sprintf("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncomponents: [../a%d, ../b%d]\n", i+1, i+1)
			}
		}
		for _, way := range []string{"a30", "b30"} {
			files[way+"/kustomization.yaml"] = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
		}
		return files
	}, "2001 kustomizations, those reached by several ways counted each time, are more than the limit of 2000"},
	{"bases of bases", func() map[string]string {
		files := map[string]string{"app/kustomization.yaml": "resources: [../d0]\n"}
		for i := range 8 {
			files[fmt.Sprintf("d%d/kustomization.yaml", i)] = fmt.Sprintf("resources: [%s]\n", strings.Repeat(fmt.Sprintf("../d%d,", i+1), 10))
		}
		files["d8/kustomization.yaml"], files["d8/cm.yaml"] = "resources: [cm.yaml]\n", configMaps(100)
		return files
	}, "are more than the limit of"},
	{"deep nesting", func() map[string]string {
		return map[string]string{"app/a.yaml": configMap + "data: " + strings.Repeat("{a: ", 9000) + strings.Repeat("}", 9000) + "\n"}
	}, ""},
	{"deeper nesting", func() map[string]string {
		return map[string]string{"app/a.yaml": configMap + "data: " + strings.Repeat("[", 2<<20) + "\n"}
	}, "app/a.yaml"},
	{"a large schema", func() map[string]string {
		return map[string]string{
			"app/kustomization.yaml": "openapi: {path: s.json}\nresources: [cm.yaml]\nnamePrefix: a-\n", "app/cm.yaml": configMaps(2000), "app/s.json": `{"definitions": {}}`,
		}
	}, "steps of work are more than the limit of 200000000 for kustomizations with the field openapi"},
	{"a large expression in a target", func() map[string]string {
		return map[string]string{
			"app/kustomization.yaml": "resources: [cm.yaml]\npatches: [{target: {name: '" + strings.Repeat("(a*)*", 200) + "'}, patch: '[{\"op\": \"add\", \"path\": \"/data/x\", \"value\": \"y\"}]'}]\n", "app/cm.yaml": configMaps(10),
		}
	}, ""},
}

// Whatever a repository has, rendering it ends with objects, or a refusal that has the figure and the limit, within a
// bound of memory.
func TestHostileSources(t *testing.T) {
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			tree := mapFS(c.files())
			var before, turn, after runtime.MemStats
			waits := func() error { runtime.ReadMemStats(&turn); return nil }
			runtime.ReadMemStats(&before)
			_, err := Render(tree, v1alpha1.ApplicationSource{Path: "app", Directory: recursing(tree)}, render.Options{Control: render.Control{Expensive: waits}})
			runtime.ReadMemStats(&after)
			if turn.TotalAlloc == 0 {
				turn = after
			}
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %v, want objects", shortened(err))
			case c.want != "" && (!render.IsRefusal(err) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want a refusal with %q", shortened(err), c.want)
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > maxAllocated {
				t.Errorf("allocated %d MiB, want at most %d", allocated>>20, maxAllocated>>20)
			}
			if allocated := turn.TotalAlloc - before.TotalAlloc; allocated > maxAllocatedBeforeItsTurn {
				t.Errorf("allocated %d MiB before it counted as expensive, want at most %d", allocated>>20, maxAllocatedBeforeItsTurn>>20)
			}
			t.Logf("allocated %d MiB before it counted as expensive", (turn.TotalAlloc-before.TotalAlloc)>>20)
			t.Logf("allocated %d MiB: %v", (after.TotalAlloc-before.TotalAlloc)>>20, shortened(err))
		})
	}
}

func shortened(err error) string {
	text := fmt.Sprint(err)
	return text[:min(len(text), 300)]
}

// recursing asks for the directories below, where there is no kustomization.
func recursing(tree fstest.MapFS) *v1alpha1.DirectorySource {
	if _, err := fs.Stat(tree, "app/kustomization.yaml"); err == nil {
		return nil
	}
	return &v1alpha1.DirectorySource{Recurse: true}
}
