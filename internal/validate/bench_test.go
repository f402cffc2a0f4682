package validate

import (
	"fmt"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/cyan-cd/cyan/internal/render"
)

// BenchmarkArticle is one check of a small application, rules compiled before.
func BenchmarkArticle(b *testing.B) {
	archive, err := txtar.ParseFile("testdata/article.txtar")
	if err != nil {
		b.Fatal(err)
	}
	objects, _ := unpack(b, archive)
	b.ReportAllocs()
	for b.Loop() {
		Check(objects, nil)
	}
}

// BenchmarkThousand is one check of a thousand Deployments.
func BenchmarkThousand(b *testing.B) {
	var objects []render.Rendered
	for i := range 1000 {
		o := object(b, deploymentYAML)
		o.Object.SetName(fmt.Sprintf("app-%d", i))
		objects = append(objects, o)
	}
	b.ReportAllocs()
	for b.Loop() {
		if findings := Check(objects, nil); len(findings) > 0 {
			b.Fatal(findings[0])
		}
	}
}
