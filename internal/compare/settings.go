package compare

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/health"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/settings"
)

// With returns the input as the settings of a control namespace change it: what is excluded in the cluster of a server
// is out of its bounds, and health is judged by their scripts.
func (in Input) With(s settings.Settings, judge health.Judge, server string) Input {
	in.Settings, in.Health = s, judge
	in.Bounds = in.Bounds.Without(func(kind schema.GroupKind) bool { return s.Excludes(kind, server) })
	return in
}

// withoutExcluded takes out what the settings leave alone of objects of some kinds, and tells of each.
func withoutExcluded(rendered []plan.Desired, kinds []schema.GroupVersionKind, bounds project.Bounds) (kept []plan.Desired, excluded []string) {
	if !slices.ContainsFunc(kinds, func(kind schema.GroupVersionKind) bool { return bounds.Exclude(kind.GroupKind()) }) {
		return rendered, nil
	}
	for _, d := range rendered {
		if !bounds.Exclude(d.Object.GroupVersionKind().GroupKind()) {
			kept = append(kept, d)
			continue
		}
		excluded = append(excluded, fmt.Sprintf("Resource %s is excluded in the settings; take it out of git, or change resource.exclusions and resource.inclusions of ConfigMap %s",
			excludedName(plan.KeyOf(d.Object)), settings.ConfigName))
	}
	return kept, excluded
}

// excludedName is an object as tools read it in the warning of its exclusion.
func excludedName(k plan.Key) string { return k.Group + "/" + k.Kind + " " + k.Name }

// objectKinds are the kinds of objects, each once.
func objectKinds(desired []plan.Desired) []schema.GroupKind {
	seen := map[schema.GroupKind]bool{}
	var kinds []schema.GroupKind
	for _, d := range desired {
		if kind := d.GVK().GroupKind(); !seen[kind] {
			seen[kind] = true
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// ignoredDifferences are those that the Application names, and those that the settings name for the kinds that it has.
func ignoredDifferences(in Input, kinds []schema.GroupKind) []v1alpha1.IgnoreDifference {
	return slices.Concat(in.App.Spec.IgnoreDifferences, in.Settings.IgnoredOf(kinds...))
}

// knownFields are the fields of some kinds that have a type of Kubernetes, as the settings claim.
func knownFields(in Input, kinds []schema.GroupKind) map[schema.GroupKind][]plan.KnownField {
	var all map[schema.GroupKind][]plan.KnownField
	for _, kind := range kinds {
		for _, f := range in.Settings.KnownTypesOf(kind) {
			if all == nil {
				all = map[schema.GroupKind][]plan.KnownField{}
			}
			all[kind] = append(all[kind], plan.KnownField{Path: f.Field, Type: f.Type})
		}
	}
	return all
}

// maxUnserved bounds the objects that are named for what they ask for and do not get.
const maxUnserved = 10

// tellThemselves are the kinds whose own conditions say what of them is not served.
var tellThemselves = map[schema.GroupKind]bool{
	{Group: v1alpha1.GroupVersion.Group, Kind: "Application"}: true, {Group: v1alpha1.GroupVersion.Group, Kind: "Rollout"}: true,
}

// unserved names what the objects of git ask for and do not get. known has what was found of an object before.
func unserved(desired []plan.Desired, known map[*unstructured.Unstructured][]string) []string {
	var all []string
	for _, d := range desired {
		found, is := known[d.Object]
		if !is {
			found = unservedOf(d.Object)
			known[d.Object] = found
		}
		all = append(all, found...)
	}
	if more := len(all) - maxUnserved; more > 0 {
		all = append(all[:maxUnserved], fmt.Sprintf("and %d more", more))
	}
	return all
}

func unservedOf(object *unstructured.Unstructured) []string {
	if tellThemselves[object.GroupVersionKind().GroupKind()] {
		return nil
	}
	var all []string
	for _, f := range settings.Unserved(object) {
		all = append(all, f.Problem().Error())
	}
	return all
}

// TrackingOf returns how objects are marked under settings.
func TrackingOf(s settings.Settings) plan.Tracking {
	return plan.Tracking{Method: plan.TrackingMethod(s.Tracking.Method), LabelKey: s.Tracking.InstanceLabelKey, InstallationID: s.Tracking.InstallationID}
}
