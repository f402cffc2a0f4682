package jq

import (
	"cmp"
	"slices"
)

// Remove takes fields out of an object. The last one goes first, so that indices stay what they are.
func Remove(object map[string]any, paths []Path) {
	ordered := slices.Clone(paths)
	slices.SortStableFunc(ordered, func(a, b Path) int { return comparePaths(b, a) })
	for _, p := range ordered {
		removeAt(object, p)
	}
}

func comparePaths(a, b Path) int {
	for i := range min(len(a), len(b)) {
		x, xIndex := a[i].(int)
		y, yIndex := b[i].(int)
		s, _ := a[i].(string)
		t, _ := b[i].(string)
		switch {
		case xIndex && yIndex && x != y:
			return cmp.Compare(x, y)
		case s != t:
			return cmp.Compare(s, t)
		}
	}
	return cmp.Compare(len(a), len(b))
}

// removeAt takes one field out, and returns what is left of the value.
func removeAt(value any, path Path) any {
	if len(path) == 0 {
		return nil
	}
	switch value := value.(type) {
	case map[string]any:
		removeKey(value, path)
		return value
	case []any:
		return removeElement(value, path)
	}
	return value
}

func removeKey(value map[string]any, path Path) {
	key, ok := path[0].(string)
	below, there := value[key]
	switch {
	case !ok || !there:
	case len(path) == 1:
		delete(value, key)
	default:
		value[key] = removeAt(below, path[1:])
	}
}

func removeElement(value []any, path Path) any {
	switch at := path[0].(type) {
	case int:
		if at < 0 {
			at += len(value)
		}
		switch {
		case at < 0 || at >= len(value):
		case len(path) == 1:
			return slices.Delete(slices.Clone(value), at, at+1)
		default:
			value[at] = removeAt(value[at], path[1:])
		}
	case map[string]any:
		if len(path) == 1 {
			from, to := bound(at["start"], 0, len(value)), bound(at["end"], len(value), len(value))
			return slices.Delete(slices.Clone(value), from, max(from, to))
		}
	}
	return value
}

// bound returns an end of a slice as an index of the list.
func bound(v any, missing, length int) int {
	n, ok := v.(int)
	if !ok {
		return missing
	}
	if n < 0 {
		n += length
	}
	return min(max(n, 0), length)
}
