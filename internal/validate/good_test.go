package validate

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
)

// TestCheckBut: what is known to be good makes no finding different, whatever changes from check to check.
func TestCheckBut(t *testing.T) {
	crd := func(scope, kind string) string {
		return "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.x.example}\nspec:\n  group: x.example\n  scope: " + scope + "\n" +
			"  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object, properties: {size: {type: " + kind + "}}}}\n"
	}
	texts := []string{
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\n", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\ndata: {a: 1}\n", "apiVersion: v1\nkind: Secret\nmetadata: {name: odd}\nfoo: bar\n",
		"apiVersion: x.example/v1\nkind: Widget\nmetadata: {name: w}\nsize: 1\n", "apiVersion: x.example/v1\nkind: Widget\nmetadata: {name: v}\nsize: big\n",
		crd("Namespaced", "integer"), crd("Namespaced", "string"), crd("Cluster", "integer"), crd("Nowhere", "integer"),
	}
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 2))
		var objects []render.Rendered
		good := &Good{}
		for check := range 30 {
			if n := len(objects); n > 0 && random.IntN(3) == 0 {
				i := random.IntN(n)
				objects = append(objects[:i:i], objects[i+1:]...)
			} else {
				text := texts[random.IntN(len(texts))]
				result, err := renderers.Render(fstest.MapFS{fmt.Sprintf("f%d.yaml", check): {Data: []byte(text), Mode: 0o644}}, v1alpha1.ApplicationSource{}, render.Options{})
				if err != nil {
					t.Fatal(err)
				}
				objects = append(objects[:n:n], result.Objects...)
			}
			got, want := CheckBut(good, objects, nil), Check(objects, nil)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, check %d: got %v, want %v", seed, check, got, want)
			}
			if good.Len() > len(objects) {
				t.Fatalf("seed %d, check %d: %d good objects of %d", seed, check, good.Len(), len(objects))
			}
		}
	}
}

// BenchmarkOneChanged is a check of Deployments of which one has changed since the last.
func BenchmarkOneChanged(b *testing.B) {
	for _, n := range []int{100, 5000} {
		b.Run(fmt.Sprintf("objects=%d", n), func(b *testing.B) {
			var objects []render.Rendered
			for i := range n {
				o := object(b, deploymentYAML)
				o.Object.SetName(fmt.Sprintf("app-%d", i))
				objects = append(objects, o)
			}
			good := &Good{}
			CheckBut(good, objects, nil)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				changed := &objects[i%n]
				changed.Object = changed.Object.DeepCopy()
				if findings := CheckBut(good, objects, nil); len(findings) > 0 {
					b.Fatal(findings[0])
				}
			}
		})
	}
}
