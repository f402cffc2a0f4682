package renderers

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
)

// thingSchema has the elements of parts merged by id, which nothing else in the tests does.
const thingSchema = `{"definitions": {"v1.Thing": {"type": "object",
	"properties": {"parts": {"type": "array", "items": {"type": "object"}, "x-kubernetes-patch-merge-key": "id", "x-kubernetes-patch-strategy": "merge"}},
	"x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "Thing", "version": "v1"}]}}}`

// schemaTrees use the OpenAPI schema of kustomize in every way that a kustomization can.
func schemaTrees() map[string]fstest.MapFS {
	things := func(lines ...string) fstest.MapFS {
		lines = append(lines, "resources: [t.yaml, d.yaml, role.yaml]", "patches: [{path: p.yaml}, {path: pd.yaml}]", "namespace: shops", "")
		return fstest.MapFS{
			"app/kustomization.yaml": file(strings.Join(lines, "\n")),
			"app/t.yaml":             file("apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nparts: [{id: a, x: 1}]\n"),
			"app/p.yaml":             file("apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nparts: [{id: b, x: 2}]\n"),
			"app/d.yaml": file("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n" +
				"spec: {template: {spec: {containers: [{name: a, image: a, ports: [{containerPort: 80}]}]}}}\n"),
			"app/pd.yaml": file("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n" +
				"spec: {template: {spec: {containers: [{name: b, image: b}, {name: a, ports: [{containerPort: 81}]}]}}}\n"),
			"app/role.yaml":   file("apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\n"),
			"app/schema.json": file(thingSchema),
			"app/crds.json": file(`{"v1.Thing": {"Schema": {"properties": {"apiVersion": {}, "kind": {}, "metadata": {},
				"settings": {"type": "object", "x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "ConfigMap"}}}}}`),
			"app/transformer/kustomization.yaml": file("resources: [n.yaml]\n"),
			"app/transformer/n.yaml":             file("apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: n}\nprefix: x-\nfieldSpecs: [{path: metadata/name}]\n"),
			"app/component/kustomization.yaml":   file("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nopenapi: {path: schema.json}\n"),
			"app/component/schema.json":          file(thingSchema),
		}
	}
	return map[string]fstest.MapFS{
		"built-in schema":           things(),
		"schema of its own":         things("openapi: {path: schema.json}"),
		"schema of a version":       things("openapi: {version: v1.20.4}"),
		"crds":                      things("crds: [crds.json]"),
		"crds and a schema":         things("crds: [crds.json]", "openapi: {path: schema.json}"),
		"schema in a component":     things("components: [component]"),
		"transformer in a file":     things("transformers: [transformer/n.yaml]"),
		"transformer directory":     things("transformers: [transformer]"),
		"generator in text":         things("generators:", "- |", "  apiVersion: builtin", "  kind: ConfigMapGenerator", "  metadata: {name: g}", "  literals: [a=b]"),
		"plain files":               {"app/a.yaml": file(configMap)},
		"a patch that is not valid": things("images: [{name: 1}]"),
	}
}

func rendered(tree fs.FS) string {
	result, err := Render(tree, v1alpha1.ApplicationSource{Path: "app"}, render.Options{Namespace: "shops"})
	if err != nil {
		return "error: " + err.Error()
	}
	data, err := render.Encode(result.Objects)
	if err != nil {
		return "error: " + err.Error()
	}
	for _, o := range result.Objects {
		data = fmt.Appendf(data, "# %s:%d\n", o.Origin.File, o.Origin.Line)
	}
	return string(data)
}

// Renderings at the same time do not change each other, whatever schemas they bring. The race detector is for this
// test.
func TestConcurrentRenderings(t *testing.T) {
	trees := schemaTrees()
	want := map[string]string{}
	for name, tree := range trees {
		want[name] = rendered(tree)
	}
	if merged, replaced := want["schema of its own"], want["built-in schema"]; merged == replaced || !strings.Contains(merged, "x: 1") || strings.Contains(replaced, "x: 1") {
		t.Fatalf("the schema makes no difference:\n%s\n%s", merged, replaced)
	}
	if merged := want["schema in a component"]; strings.HasPrefix(merged, "error") {
		t.Fatal(merged)
	}
	var wait sync.WaitGroup
	for range 12 {
		for _, name := range slices.Sorted(maps.Keys(trees)) {
			wait.Go(func() {
				if got := rendered(trees[name]); got != want[name] {
					t.Errorf("%s: beside others it renders to\n%s\nand alone to\n%s", name, got, want[name])
				}
			})
		}
	}
	wait.Wait()
}

// The first renderings after one with a schema of its own find the built-in schema whole.
func TestConcurrentRenderingsAfterOwnSchema(t *testing.T) {
	trees := schemaTrees()
	want := rendered(trees["built-in schema"])
	for range 10 {
		rendered(trees["schema of its own"])
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				if got := rendered(trees["built-in schema"]); got != want {
					t.Errorf("it renders to\n%s\nand alone to\n%s", got, want)
				}
			})
		}
		wait.Wait()
	}
}

// meeting is where renderings wait in the middle of their builds until as many as are expected are there.
type meeting struct {
	expected int32
	arrived  atomic.Int32
	complete chan struct{}
}

// meetingTree holds its rendering up when kustomize reads the file app/data, which nothing reads before.
type meetingTree struct {
	fstest.MapFS
	arrive func() error
}

func (m meetingTree) ReadFile(name string) ([]byte, error) {
	if name == "app/data" {
		if err := m.arrive(); err != nil {
			return nil, err
		}
	}
	return m.MapFS.ReadFile(name)
}

// Builds by the built-in schema run at the same time: one waits for the other.
func TestBuildsRunSideBySide(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m := &meeting{expected: 4, complete: make(chan struct{})}
	var wait sync.WaitGroup
	for range m.expected {
		arrive := sync.OnceValue(func() error {
			if m.arrived.Add(1) == m.expected {
				close(m.complete)
			}
			select {
			case <-m.complete:
				return nil
			case <-ctx.Done():
				return fmt.Errorf("%d of %d builds are running at the same time", m.arrived.Load(), m.expected)
			}
		})
		tree := meetingTree{kustomization("configMapGenerator: [{name: c, files: [data]}]"), arrive}
		tree.MapFS["app/data"] = file("x")
		wait.Go(func() {
			if _, err := Render(tree, v1alpha1.ApplicationSource{Path: "app"}, render.Options{}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}

// shop is the tree of the article, rendered by all benchmarks.
func shop(b *testing.B) fstest.MapFS {
	b.Helper()
	archive, err := txtar.ParseFile("testdata/article.txtar")
	if err != nil {
		b.Fatal(err)
	}
	tree := fstest.MapFS{}
	for _, f := range archive.Files {
		if name, ok := strings.CutPrefix(f.Name, "tree/"); ok {
			tree[name] = mapFile(f.Data)
		}
	}
	return tree
}

func BenchmarkArticle(b *testing.B) {
	tree := shop(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Render(tree, v1alpha1.ApplicationSource{Path: "k8s/kustomize/overlays/local"}, render.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSideBySide renders as many sources at the same time as there are processors (-cpu): the time per rendering
// falls.
func BenchmarkSideBySide(b *testing.B) {
	tree := shop(b)
	if _, err := Render(tree, v1alpha1.ApplicationSource{Path: "k8s/kustomize/overlays/local"}, render.Options{}); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(runtime.GOMAXPROCS(0)), "processors")
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := Render(tree, v1alpha1.ApplicationSource{Path: "k8s/kustomize/overlays/local"}, render.Options{}); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkOwnSchema renders a source that brings an OpenAPI schema of its own.
func BenchmarkOwnSchema(b *testing.B) {
	tree := schemaTrees()["schema of its own"]
	for b.Loop() {
		if _, err := Render(tree, v1alpha1.ApplicationSource{Path: "app"}, render.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCached returns what was rendered before, after a commit that changes nothing that was read.
func BenchmarkCached(b *testing.B) {
	tree := shop(b)
	cached := render.Cached(Render, 10, 1<<20)
	for b.Loop() {
		if _, err := cached(tree, v1alpha1.ApplicationSource{Path: "k8s/kustomize/overlays/local"}, render.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
