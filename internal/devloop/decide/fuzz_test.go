package decide_test

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
)

// Whatever the names and patterns are: an image is built or gets files, not both; what is chosen anew is built; and a
// file goes nowhere but below the destination of its rule.
func FuzzNext(f *testing.F) {
	f.Add("web", "static/**", "/srv", "static/", "docs\n!docs/a", "web/static/a.css")
	f.Add(".", "[a", "pages", "", "[", "a/../b")
	f.Add("a/b", "**", "/", "x", "*", "a/b/go.mod")
	f.Fuzz(func(t *testing.T, context, src, dest, strip, ignore, file string) {
		p := decide.Project{Artifacts: []decide.Artifact{
			{Image: "a", Context: context, Ignore: strings.Split(ignore, "\n"), Sync: []decide.SyncRule{{Src: src, Dest: dest, Strip: strip}}},
			{Image: "base", Context: context, Ignore: strings.Split(ignore, "\n")}, {Image: "b", Context: "elsewhere", DependsOn: []string{"base"}},
		}}
		w := decide.Next(p, running(p), []decide.Change{{Path: file}})
		for _, c := range w.Sync {
			if slices.Contains(w.Build, c.Image) {
				t.Errorf("%s is built and gets %s", c.Image, c.Dest)
			}
			if below := path.Clean(dest); c.Dest != below && below != "." && !strings.HasPrefix(c.Dest, strings.TrimSuffix(below, "/")+"/") {
				t.Errorf("%s goes to %s, which is not below %s", file, c.Dest, dest)
			}
		}
		for _, name := range w.Replan {
			if !slices.Contains(w.Build, name) {
				t.Errorf("%s has its builder chosen, and is not built", name)
			}
		}
		if slices.Contains(w.Build, "base") && !slices.Contains(w.Build, "b") {
			t.Error("b stands on what is built, and is not built itself")
		}
	})
}
