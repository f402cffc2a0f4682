package patch

import (
	"encoding/json"
	"maps"
	"reflect"
)

// Merge returns stored with the difference between before and after made in it. All three are an object as JSON;
// before and after may lack fields that stored has, and these stay: in mappings, and in the elements of lists that
// are the same before and after.
func Merge(stored, before, after map[string]any) map[string]any {
	merged := maps.Clone(stored)
	if merged == nil {
		merged = map[string]any{}
	}
	for name := range before {
		if _, still := after[name]; !still {
			delete(merged, name)
		}
	}
	for name, is := range after {
		was, had := before[name]
		if had && reflect.DeepEqual(was, is) {
			continue
		}
		merged[name] = mergeValue(stored[name], was, is)
	}
	return merged
}

func mergeValue(stored, before, after any) any {
	switch is := after.(type) {
	case map[string]any:
		if has, ok := stored.(map[string]any); ok {
			was, _ := before.(map[string]any)
			return Merge(has, was, is)
		}
	case []any:
		has, ok := stored.([]any)
		was, wasList := before.([]any)
		if ok && wasList && len(has) == len(was) {
			return mergeList(has, was, is)
		}
	}
	return after
}

// mergeList merges each element of after with the stored one that it was before. stored and before have the same
// elements.
func mergeList(stored, before, after []any) []any {
	origins := originsOf(before, after)
	merged := make([]any, len(after))
	for i, is := range after {
		from := origins[i]
		switch {
		case from < 0:
			merged[i] = is
		case reflect.DeepEqual(before[from], is):
			merged[i] = stored[from]
		default:
			merged[i] = mergeValue(stored[from], before[from], is)
		}
	}
	return merged
}

// originsOf finds for each element of after the index of what it was before; -1 for a new one. It is the equal one,
// else the one with the same identity, else, in a list that became neither longer nor shorter, the one in the same
// place.
func originsOf(before, after []any) []int {
	origins, taken := make([]int, len(after)), make([]bool, len(before))
	for i := range origins {
		origins[i] = -1
	}
	// Equal elements have equal identities, so that a long list is not searched for each of its elements.
	named, names := map[string][]int{}, make([]string, len(after))
	for j := range before {
		name := identityText(before[j])
		named[name] = append(named[name], j)
	}
	for i := range after {
		names[i] = identityText(after[i])
	}
	match := func(same func(i, j int) bool) {
		for i := range after {
			for _, j := range named[names[i]] {
				if origins[i] >= 0 {
					break
				}
				if !taken[j] && same(i, j) {
					origins[i], taken[j] = j, true
				}
			}
		}
	}
	match(func(i, j int) bool { return reflect.DeepEqual(before[j], after[i]) })
	match(func(i, _ int) bool { return names[i] != "" })
	if len(before) == len(after) {
		match(func(i, j int) bool { return i == j && names[i] == "" })
	}
	return origins
}

// identityText is the identity of an element as a text; empty for one without.
func identityText(element any) string {
	fields := identity(element)
	if len(fields) == 0 {
		return ""
	}
	text, _ := json.Marshal(fields)
	return string(text)
}

// identities are the fields that name an element of a list, in the order in which they are looked for.
var identities = [][]string{{"id"}, {"type"}, {"reason"}, {"group", "kind", "namespace", "name"}, {"server", "name", "namespace"}, {"metricName"}, {"templateName"}}

// identity returns the fields by which an element is told from its neighbours; nothing when it has none of them.
func identity(element any) map[string]any {
	fields, _ := element.(map[string]any)
	for _, names := range identities {
		found := map[string]any{}
		for _, name := range names {
			if value, ok := fields[name]; ok {
				found[name] = value
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}
