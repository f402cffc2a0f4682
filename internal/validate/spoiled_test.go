package validate

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/tools/txtar"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// oneOf these many spoiled objects is compared: all of them, 3353, take a minute. The number has no factor in common
// with the number of ways to spoil a field.
const oneOf = 5

// Every good object, with one field after the other taken away or given another value, is judged like a real API
// server judges it.
func TestAgreesWithTheAPIServerOnSpoiledObjects(t *testing.T) {
	if testing.Short() {
		t.Skip("starts an API server")
	}
	cluster := testkit.Cluster(t)
	data, err := os.ReadFile("testdata/valid.txtar")
	if err != nil {
		t.Fatal(err)
	}
	objects, _ := unpack(t, txtar.Parse(data))
	known := knownOf(t, cluster)
	count := 0
	for _, o := range objects {
		if o.Object.GetNamespace() != "" {
			continue
		}
		for i, spoiled := range spoil(o.Object.Object) {
			if i%oneOf != 0 {
				continue
			}
			object := render.Rendered{Object: &unstructured.Unstructured{Object: spoiled.content}}
			if object.Object.GetKind() != o.Object.GetKind() || object.Object.GetAPIVersion() != o.Object.GetAPIVersion() || object.Object.GetName()+object.Object.GetGenerateName() == "" {
				continue
			}
			findings := Check([]render.Rendered{object}, known)
			err := dryRun(t.Context(), cluster.Client, object)
			if meta.IsNoMatchError(err) {
				t.Fatal(err)
			}
			count++
			switch {
			case err == nil && len(findings) > 0:
				t.Errorf("%s with %s: the API server takes it, and here it is refused: %s", ObjectName(o.Object), spoiled.how, findings[0])
			case err != nil && len(findings) == 0:
				t.Errorf("%s with %s: here it passes, and the API server says: %v", ObjectName(o.Object), spoiled.how, err)
			}
		}
	}
	if count < 500 {
		t.Errorf("only %d objects were compared", count)
	}
}

type spoiledObject struct {
	how     string
	content map[string]any
}

// spoil returns copies of an object that differ in one place each.
func spoil(content map[string]any) []spoiledObject {
	var out []spoiledObject
	var walk func(value any, path string, put func(root map[string]any, value any))
	variant := func(how string, put func(root map[string]any)) {
		root := runtime.DeepCopyJSON(content)
		put(root)
		out = append(out, spoiledObject{how, root})
	}
	walk = func(value any, path string, put func(root map[string]any, value any)) {
		for _, other := range []any{nil, "x y", int64(-1), true, []any{}, map[string]any{}, ""} {
			variant(fmt.Sprintf("%s = %#v", path, other), func(root map[string]any) { put(root, other) })
		}
		switch v := value.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				at := joinPath(path, key)
				inside := append(slices.Clone(pathOf(path)), key)
				walk(v[key], at, func(root map[string]any, value any) { set(root, inside, value) })
				variant("no "+at, func(root map[string]any) { set(root, inside, removed) })
			}
			variant("unknown field in "+path, func(root map[string]any) { set(root, append(slices.Clone(pathOf(path)), "unknownField"), "x") })
		case []any:
			for i, e := range v {
				inside := append(slices.Clone(pathOf(path)), fmt.Sprint(i))
				walk(e, indexPath(path, i), func(root map[string]any, value any) { set(root, inside, value) })
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(content)) {
		if key != "apiVersion" && key != "kind" {
			walk(content[key], key, func(root map[string]any, value any) { root[key] = value })
		}
	}
	return out
}

var removed = struct{}{}

func pathOf(path string) []string {
	steps := splitPath(path)
	for i, s := range steps {
		if s[0] == '[' {
			steps[i] = s[1 : len(s)-1]
		}
	}
	return steps
}

func set(at any, path []string, value any) {
	for len(path) > 1 {
		switch v := at.(type) {
		case map[string]any:
			at = v[path[0]]
		case []any:
			at = v[index(path[0])]
		}
		path = path[1:]
	}
	switch v := at.(type) {
	case map[string]any:
		if value == removed {
			delete(v, path[0])
			return
		}
		v[path[0]] = value
	case []any:
		v[index(path[0])] = value
	}
}

func index(step string) int {
	i, err := strconv.Atoi(step)
	if err != nil {
		panic(err) // spoil made it
	}
	return i
}
