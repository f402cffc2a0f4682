package renderers

import (
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
)

// A key in quotes is the text that it is, whatever it reads as, wherever kustomize puts it.
func TestKeysThatReadAsSomethingElse(t *testing.T) {
	for _, key := range []string{"1", "1.5", "true", "n", "on", "2001-01-01", "0x1", "null", "~"} {
		tree := kustomization("resources: [cm.yaml]", `commonAnnotations: {"`+key+`": a}`, `commonLabels: {"`+key+`": b}`,
			`configMapGenerator: [{name: c, literals: [x=y], options: {annotations: {"`+key+`": c}}}]`)
		result, err := Render(tree, v1alpha1.ApplicationSource{Path: "app"}, render.Options{})
		if err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		for _, o := range result.Objects {
			if o.Object.GetAnnotations()[key] == "" || o.Object.GetLabels()[key] != "b" {
				t.Errorf("%s: ConfigMap %s has annotations %v and labels %v", key, o.Object.GetName(), o.Object.GetAnnotations(), o.Object.GetLabels())
			}
		}
	}
}
