package compare

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/settings"
)

// withoutExcluded takes out what the settings leave alone, and tells of each.
func withoutExcluded(rendered []plan.Desired, bounds project.Bounds) (kept []plan.Desired, excluded []string) {
	for _, d := range rendered {
		if !bounds.Exclude(d.Object.GroupVersionKind().GroupKind()) {
			kept = append(kept, d)
			continue
		}
		excluded = append(excluded, fmt.Sprintf("%s: excluded by resource.exclusions or resource.inclusions of ConfigMap %s, and left alone; take it out of git, or out of the setting",
			plan.KeyOf(d.Object), settings.ConfigName))
	}
	return kept, excluded
}

// ignoredDifferences are those that the Application names, and those that the settings name for the kinds that it has.
func ignoredDifferences(in Input, desired []plan.Desired) []v1alpha1.IgnoreDifference {
	seen := map[schema.GroupKind]bool{}
	var kinds []schema.GroupKind
	for _, d := range desired {
		if kind := d.Object.GroupVersionKind().GroupKind(); !seen[kind] {
			seen[kind] = true
			kinds = append(kinds, kind)
		}
	}
	return slices.Concat(in.App.Spec.IgnoreDifferences, in.Settings.IgnoredOf(kinds...))
}
