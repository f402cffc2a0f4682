package kustomize

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/sops"
)

// Entries of images are looked for, or it is known where the first is that was not looked for.
func TestEntriesOfImagesAreReadOrNamed(t *testing.T) {
	files := fstest.MapFS{
		"kustomization.yaml":      {Data: []byte("resources: [base]\nimages:\n- name: b\n  newTag: v2\n"), Mode: 0o644},
		"base/kustomization.yaml": {Data: []byte("resources: [a.yaml]\n"), Mode: 0o644},
		"base/a.yaml":             {Data: []byte("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: a}]}}\n"), Mode: 0o644},
	}
	for _, c := range []struct {
		rule    string
		spent   int64
		entries int
		unread  string
	}{{"a build that costs little", 0, 1, ""}, {"a build that costs much", 100_000_000, 0, "kustomization.yaml:3:9"}} {
		budget := render.NewBudget(render.Limits{}, render.Control{})
		if err := budget.Spend(render.Work, c.spent, ""); err != nil {
			t.Fatal(err)
		}
		var result render.Result
		if err := (Renderer{}).Render(render.NewTree(files, budget, sops.Keys{}), ".", v1alpha1.ApplicationSource{}, render.Options{}, &result); err != nil {
			t.Fatal(err)
		}
		unread := ""
		if at := result.ImagesUnread; at != nil {
			unread = fmt.Sprintf("%s:%d:%d", at.File, at.Line, at.Column)
		}
		if len(result.Images) != c.entries || unread != c.unread {
			t.Errorf("%s: %d entries and %q, want %d and %q", c.rule, len(result.Images), unread, c.entries, c.unread)
		}
	}
}
