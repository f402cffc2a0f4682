package plan

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Respected are the rules for the fields that a sync leaves as they are: those whose drift does not count, when the
// Application says RespectIgnoreDifferences.
func (p Policy) Respected() []v1alpha1.IgnoreDifference {
	if !p.Options.RespectIgnored() {
		return nil
	}
	return p.IgnoreDifferences
}

// overwrites reports whether a sync writes an object that differs in nothing but what the rules take out.
func (b *builder) overwrites(desired *unstructured.Unstructured, live Live) bool {
	return b.policy.Whole && !b.policy.Options.RespectIgnored() && b.ignore.matches(desired) &&
		len(drift(desired, live, &ignoring{known: b.policy.KnownFields})) > 0
}

// isIdle reports whether a task would write what is there already.
func (t Task) isIdle() bool {
	return t.Verb == Apply && t.Unchanged && !t.Overwrites && !t.Options.Replace()
}

// respect returns the desired object with the live values of every field that the rules take out.
func respect(desired, live *unstructured.Unstructured, ignore *ignoring) *unstructured.Unstructured {
	if !ignore.matches(desired) {
		return desired
	}
	object, countsHere, countsThere := desired.DeepCopy(), desired.DeepCopy().Object, live.DeepCopy().Object
	ignore.takeOut(desired, live, countsHere, countsThere)
	if merged, ok := merged(object.Object, countsHere, live.Object, countsThere).(map[string]any); ok {
		object.Object = merged
	}
	return object
}

// merged walks git's value and the live one side by side, each with what is left of it under the rules, and takes the
// live one where the rules have taken something out.
func merged(git, gitLeft, live, liveLeft any) any {
	switch git := git.(type) {
	case map[string]any:
		g, ok1 := gitLeft.(map[string]any)
		l, ok2 := live.(map[string]any)
		ll, ok3 := liveLeft.(map[string]any)
		if ok1 && ok2 && ok3 {
			return mergedMap(git, g, l, ll)
		}
	case []any:
		g, ok1 := gitLeft.([]any)
		l, ok2 := live.([]any)
		ll, ok3 := liveLeft.([]any)
		if ok1 && ok2 && ok3 {
			return mergedList(git, g, l, ll)
		}
	}
	return git
}

func mergedMap(git, gitLeft, live, liveLeft map[string]any) map[string]any {
	all := map[string]any{}
	for key, value := range git {
		left, counts := gitLeft[key]
		there, isLive := live[key]
		switch {
		case !counts:
		case isLive:
			all[key] = merged(value, left, there, liveLeft[key])
		default:
			all[key] = value
		}
	}
	for key, value := range live {
		_, counts := liveLeft[key]
		if !counts {
			all[key] = value
		}
	}
	return all
}

// mergedList pairs elements by their names, or else by their places. When the rules take whole elements out of a list
// without names, the live list stands.
func mergedList(git, gitLeft, live, liveLeft []any) []any {
	if byName(git) {
		return mergedByName(git, gitLeft, live, liveLeft)
	}
	if len(git) != len(gitLeft) || len(live) != len(liveLeft) {
		return slices.Clone(live)
	}
	all := slices.Clone(git)
	for i := range min(len(git), len(live)) {
		all[i] = merged(git[i], gitLeft[i], live[i], liveLeft[i])
	}
	return all
}

// mergedByName leaves live elements alone that git doesn't have: whoever set them keeps them, since an applied list
// is merged by its names.
func mergedByName(git, gitLeft, live, liveLeft []any) []any {
	var all []any
	for _, element := range git {
		left, there, thereLeft := named(gitLeft, element), named(live, element), named(liveLeft, element)
		switch {
		case left == nil && there == nil:
		case left == nil:
			all = append(all, there)
		default:
			all = append(all, merged(element, left, there, thereLeft))
		}
	}
	return all
}

func byName(list []any) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(element any) bool { return nameIn(element) == "" })
}

func nameIn(element any) string {
	m, _ := element.(map[string]any)
	name, _ := m["name"].(string)
	return name
}

func named(list []any, like any) any {
	for _, element := range list {
		if nameIn(element) == nameIn(like) {
			return element
		}
	}
	return nil
}
