package validate

import (
	"testing"

	"golang.org/x/tools/txtar"
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
