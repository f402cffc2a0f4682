package renderers

import (
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
)

func BenchmarkArticle(b *testing.B) {
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
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Render(tree, v1alpha1.ApplicationSource{Path: "k8s/kustomize/overlays/local"}, render.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
