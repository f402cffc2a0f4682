package render_test

import (
	"testing"

	"github.com/cyan-cd/cyan/internal/render"
)

// TestTouchedBy: what was read is touched by a change of it, and never left alone when it may have changed.
func TestTouchedBy(t *testing.T) {
	reads := render.ReadSet{"apps/a": "t1 names:n1", "apps/a/kustomization.yaml": "b1", "apps/a/Kustomization": "", "base": "t2 names:n2", "base/web.yaml": "b2", "whole": "t3", "link": "b4"}
	content := func(name string) render.Change { return render.Change{Path: name, Content: true} }
	for _, c := range []struct {
		name    string
		changes []render.Change
		want    bool
	}{
		{"nothing changes", nil, false},
		{"a file that was read", []render.Change{content("base/web.yaml")}, true},
		{"another file of a listed directory", []render.Change{content("base/other.yaml")}, false},
		{"a file comes into a listed directory", []render.Change{{Path: "base/new.yaml"}}, true},
		{"a file comes far below a listed directory", []render.Change{{Path: "base/x/y/new.yaml"}}, true},
		{"a file changes far below a listed directory", []render.Change{content("base/x/y/new.yaml")}, false},
		{"a file that was looked for comes", []render.Change{{Path: "apps/a/Kustomization"}}, true},
		{"a file below what was looked for comes", []render.Change{{Path: "apps/a/Kustomization/x"}}, true},
		{"a file changes in a directory that was read whole", []render.Change{content("whole/deep/x")}, true},
		{"a link becomes a directory", []render.Change{{Path: "link"}, {Path: "link/x"}}, true},
		{"a neighbour with the same beginning", []render.Change{content("apps/ab/kustomization.yaml"), {Path: "base2/x"}}, false},
		{"elsewhere, coming and going", []render.Change{{Path: "apps/b/kustomization.yaml"}, {Path: "README.md"}}, false},
		{"one of many", []render.Change{content("x"), content("y"), content("apps/a/kustomization.yaml")}, true},
	} {
		if got := reads.TouchedBy(render.NewChanges(c.changes)); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	if (render.ReadSet{".": "t names:n"}).TouchedBy(render.NewChanges([]render.Change{content("a/b")})) {
		t.Error("a change of content below the root touches its listing; want it left alone")
	}
	if !(render.ReadSet{".": "t names:n"}).TouchedBy(render.NewChanges([]render.Change{{Path: "b"}})) {
		t.Error("a new file at the root leaves its listing alone; want it touched")
	}
}

func TestChangesWithinADirectory(t *testing.T) {
	changes := render.NewChanges([]render.Change{{Path: "apps/a/settings.yaml", Content: true}, {Path: "base/x/new.yaml"}})
	for dir, want := range map[string]bool{
		"apps/a": true, "apps/a/": true, "./apps/a": true, "apps": true, ".": true, "": true, "base": true, "base/x": true,
		"apps/ab": false, "apps/b": false, "a": false, "x": false, "apps/a/settings.yaml": false,
	} {
		if got := changes.Within(dir); got != want {
			t.Errorf("%q: got %t, want %t", dir, got, want)
		}
	}
	if render.NewChanges(nil).Within(".") {
		t.Error("nothing has changed: got true, want false")
	}
}
