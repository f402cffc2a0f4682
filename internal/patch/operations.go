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
// what is empty in it, which may be missing from the object or hold what before lacks, for lists in another order, and
// for more operations than a patch may have.
func operations(resourceVersion string, before, after map[string]any) (jsonpatch.Patch, bool) {
	refuse := func(p jsonpatch.Patch, _ []string, _ any) (jsonpatch.Patch, bool) { return p, false }
	return change{refuse}.ofMapping(jsonpatch.Patch{}.Replace(resourceVersion, "metadata", "resourceVersion"), nil, before, after)
}

// maxOperations bounds a JSON patch: the API server takes 10,000 operations, and long before that a merge patch with
// whole lists in it is the smaller one.
const maxOperations = 1000

// probableOperations is operations that take for granted that the object shows what is empty as before does, which the
// API server tests: it refuses the patch where that is not so.
func probableOperations(resourceVersion string, before, after map[string]any) (jsonpatch.Patch, bool) {
	test := func(p jsonpatch.Patch, path []string, was any) (jsonpatch.Patch, bool) {
		return p.Test(was, path...), true
	}
	return change{test}.ofMapping(jsonpatch.Patch{}.Replace(resourceVersion, "metadata", "resourceVersion"), nil, before, after)
}

// change makes operations of a difference.
type change struct {
	// hollow is asked before what is empty is replaced or removed. It reports false to refuse that.
	hollow func(p jsonpatch.Patch, path []string, was any) (jsonpatch.Patch, bool)
}

func (c change) ofMapping(p jsonpatch.Patch, path []string, before, after map[string]any) (jsonpatch.Patch, bool) {
	var ok bool
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, still := after[name]; !still {
			if p, ok = c.checked(p, below(path, name), before[name]); !ok {
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
		if p, ok = c.ofValue(p, below(path, name), was, after[name]); !ok {
			return nil, false
		}
	}
	return p, true
}

// checked is p where a value that is there may be replaced or removed.
func (c change) checked(p jsonpatch.Patch, path []string, was any) (jsonpatch.Patch, bool) {
	if isHollow(was) {
		return c.hollow(p, path, was)
	}
	return p, true
}

func (c change) ofValue(p jsonpatch.Patch, path []string, before, after any) (jsonpatch.Patch, bool) {
	if len(p) > maxOperations {
		return nil, false
	}
	if reflect.DeepEqual(before, after) {
		return p, true
	}
	p, ok := c.checked(p, path, before)
	if !ok {
		return nil, false
	}
	switch was := before.(type) {
	case map[string]any:
		if is, mapping := after.(map[string]any); mapping {
			return c.ofMapping(p, path, was, is)
		}
	case []any:
		if is, list := after.([]any); list {
			return c.ofList(p, path, was, is)
		}
	}
	return p.Replace(after, path...), true
}

// ofList removes the elements that are gone, from the last one on, and then brings the others into their places from
// the first one on.
func (c change) ofList(p jsonpatch.Patch, path []string, before, after []any) (jsonpatch.Patch, bool) {
	origins := originsOf(before, after)
	kept := slices.DeleteFunc(slices.Clone(origins), func(from int) bool { return from < 0 })
	if !slices.IsSorted(kept) {
		return nil, false
	}
	left := len(kept)
	if len(before)-left > maxOperations {
		return nil, false
	}
	for j := len(before) - 1; j >= 0; j-- {
		if left > 0 && kept[left-1] == j {
			left--
		} else {
			p = p.Remove(below(path, strconv.Itoa(j))...)
		}
	}
	for i, is := range after {
		if len(p) > maxOperations {
			return nil, false
		}
		at := below(path, strconv.Itoa(i))
		if origins[i] < 0 {
			p = p.Add(is, at...)
			continue
		}
		var ok bool
		if p, ok = c.ofValue(p, at, before[origins[i]], is); !ok {
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
