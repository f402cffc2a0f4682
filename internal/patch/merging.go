package patch

import "reflect"

// merging returns the JSON merge patch (RFC 7386) that makes the difference between before and after in an object
// that is as before knows it; all are as JSON. What before shows as empty may be missing from the object, and
// mappings keep what before lacks. It reports false where a list that holds something changes, since a merge patch
// writes lists whole, or a value becomes null.
func merging(resourceVersion string, before, after map[string]any) (map[string]any, bool) {
	patch, ok := mergeMapping(before, after)
	if !ok {
		return nil, false
	}
	metadata, _ := patch["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["resourceVersion"] = resourceVersion
	patch["metadata"] = metadata
	return patch, true
}

func mergeMapping(before, after map[string]any) (map[string]any, bool) {
	patch := map[string]any{}
	for name := range before {
		if _, still := after[name]; !still {
			patch[name] = nil
		}
	}
	for name, is := range after {
		was, had := before[name]
		if had && reflect.DeepEqual(was, is) {
			continue
		}
		var ok bool
		if patch[name], ok = mergedValue(was, is); !ok {
			return nil, false
		}
	}
	return patch, true
}

// mergedValue returns what a merge patch has to say of a value that changes.
func mergedValue(before, after any) (any, bool) {
	wasList, _ := before.([]any)
	wasMapping, _ := before.(map[string]any)
	switch is := after.(type) {
	case nil:
		return nil, false
	case map[string]any:
		return mergeMapping(wasMapping, is)
	case []any:
		return is, len(wasList) == 0
	}
	return after, true
}
