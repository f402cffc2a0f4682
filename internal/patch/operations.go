package patch

import (
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/cyan-cd/cyan/internal/jsonpatch"
)

// operations returns the JSON patch that makes the difference between before and after in an object that is as before
// knows it, whatever else the object holds; all are as JSON. It reports false where before does not tell enough: for
// what is empty in it, which may be missing from the object or hold what before lacks, and for lists in another order.
func operations(resourceVersion string, before, after map[string]any) (jsonpatch.Patch, bool) {
	return ofMapping(jsonpatch.Patch{}.Replace(resourceVersion, "metadata", "resourceVersion"), nil, before, after)
}

func ofMapping(p jsonpatch.Patch, path []string, before, after map[string]any) (jsonpatch.Patch, bool) {
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, still := after[name]; !still {
			if isHollow(before[name]) {
				return nil, false
			}
			p = p.Remove(below(path, name)...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		was, had := before[name]
		if !had {
			p = p.Add(after[name], below(path, name)...)
			continue
		}
		var ok bool
		if p, ok = ofValue(p, below(path, name), was, after[name]); !ok {
			return nil, false
		}
	}
	return p, true
}

func ofValue(p jsonpatch.Patch, path []string, before, after any) (jsonpatch.Patch, bool) {
	if reflect.DeepEqual(before, after) {
		return p, true
	}
	switch was := before.(type) {
	case map[string]any:
		is, mapping := after.(map[string]any)
		if isHollow(was) {
			return nil, false
		}
		if mapping {
			return ofMapping(p, path, was, is)
		}
	case []any:
		is, list := after.([]any)
		if list {
			return ofList(p, path, was, is)
		}
	}
	if isHollow(before) {
		return nil, false
	}
	return p.Replace(after, path...), true
}

// ofList removes the elements that are gone, from the last one on, and then brings the others into their places from
// the first one on.
func ofList(p jsonpatch.Patch, path []string, before, after []any) (jsonpatch.Patch, bool) {
	origins := originsOf(before, after)
	kept := slices.DeleteFunc(slices.Clone(origins), func(from int) bool { return from < 0 })
	if !slices.IsSorted(kept) || len(before) == 0 {
		return nil, false
	}
	for j := len(before) - 1; j >= 0; j-- {
		if !slices.Contains(kept, j) {
			p = p.Remove(below(path, strconv.Itoa(j))...)
		}
	}
	for i, is := range after {
		at := below(path, strconv.Itoa(i))
		if origins[i] < 0 {
			p = p.Add(is, at...)
			continue
		}
		var ok bool
		if p, ok = ofValue(p, at, before[origins[i]], is); !ok {
			return nil, false
		}
	}
	return p, true
}

// isHollow reports whether nothing but empty values is in a value, which a Go type writes for what an object may lack.
func isHollow(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case int64:
		return v == 0
	case float64:
		return v == 0
	case map[string]any:
		for _, inner := range v {
			if !isHollow(inner) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	}
	return false
}

func below(path []string, name string) []string { return append(path[:len(path):len(path)], name) }
