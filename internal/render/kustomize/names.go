package kustomize

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/cyan-cd/cyan/internal/render"
)

// FileNames returns the names that the kustomize program gives the files of objects, each in one of its own: the kind
// and the name, and the namespace before them where there are several.
func FileNames(objects []render.Rendered) []string {
	ids := make([]resid.ResId, len(objects))
	namespaces := map[string]bool{}
	for i, o := range objects {
		gvk := o.Object.GroupVersionKind()
		ids[i] = resid.NewResIdWithNamespace(resid.NewGvk(gvk.Group, gvk.Version, gvk.Kind), o.Object.GetName(), o.Object.GetNamespace())
		namespaces[ids[i].EffectiveNamespace()] = true
	}
	delete(namespaces, resid.TotallyNotANamespace)
	names := make([]string, len(ids))
	for i, id := range ids {
		name := id.StringWoEmptyField() + "_" + id.Name + ".yaml"
		if namespace := id.EffectiveNamespace(); len(namespaces) > 1 && namespace != resid.TotallyNotANamespace {
			name = namespace + "_" + name
		}
		names[i] = strings.ToLower(name)
	}
	return names
}
