package compare

import (
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
)

// TestByPlace: judging once for a kind in a namespace makes no difference, also where bounds name objects.
func TestByPlace(t *testing.T) {
	kinds := []v1alpha1.GroupKindPattern{{Kind: "ConfigMap"}, {Group: "apps", Kind: "*"}}
	for name, patterns := range map[string][]v1alpha1.GroupKindPattern{"kinds": kinds, "names": append([]v1alpha1.GroupKindPattern{{Kind: "Secret", Name: "a*"}}, kinds...)} {
		bounds := project.BoundsOf(&v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{Destinations: []v1alpha1.ApplicationDestination{{Server: "*", Namespace: "d"}}, NamespaceResourceWhitelist: patterns}}, project.Destination{Server: "https://x"})
		asked := 0
		within := byPlace(bounds, func(key plan.Key) bool { asked++; return bounds.Hold(key) })
		count := 0
		for range 3 {
			for _, kind := range [][2]string{{"", "ConfigMap"}, {"", "Secret"}, {"apps", "ConfigMap"}, {"apps", "Deployment"}, {"x", "Deployment"}} {
				for _, namespace := range []string{"d", "e"} {
					for _, object := range []string{"a1", "b1"} {
						key := plan.Key{Group: kind[0], Kind: kind[1], Namespace: namespace, Name: object}
						if got, want := within(key), bounds.Hold(key); got != want {
							t.Errorf("%s: %v: got %v, want %v", name, key, got, want)
						}
						count++
					}
				}
			}
		}
		if want := map[string]int{"kinds": 10, "names": count}[name]; asked != want {
			t.Errorf("%s: asked %d times, want %d", name, asked, want)
		}
	}
}
