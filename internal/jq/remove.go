package jq

import "slices"

// Remove takes fields out of an object, each as the object was before any of them was taken out.
func Remove(object map[string]any, paths []Path) {
	var all cut
	for _, p := range paths {
		all.add(object, p)
	}
	all.apply(object)
}

// cut is what is taken out of a value: parts of a mapping by their keys, and of a list by their indices and as ranges.
type cut struct {
	keys   map[string]*cut
	at     map[int]*cut
	whole  bool
	ranges [][2]int
}

// add notes the field that a path leads to. Where the value has no such field, nothing is taken out.
func (c *cut) add(value any, path Path) {
	if len(path) == 0 {
		c.whole = true
		return
	}
	switch value := value.(type) {
	case map[string]any:
		key, ok := path[0].(string)
		below, there := value[key]
		if ok && there {
			part(&c.keys, key).add(below, path[1:])
		}
	case []any:
		c.addToList(value, path, 0, len(value))
	}
}

// addToList notes a field of the part of a list from one index to another.
func (c *cut) addToList(list []any, path Path, from, to int) {
	switch at := path[0].(type) {
	case int:
		if at < 0 {
			at += to - from
		}
		if at >= 0 && from+at < to {
			part(&c.at, from+at).add(list[from+at], path[1:])
		}
	case map[string]any:
		start, end := bound(at["start"], 0, to-from), bound(at["end"], to-from, to-from)
		from, to = from+start, from+max(start, end)
		if len(path) == 1 {
			c.ranges = append(c.ranges, [2]int{from, to})
			return
		}
		c.addToList(list, path[1:], from, to)
	}
}

func part[K comparable](of *map[K]*cut, key K) *cut {
	if *of == nil {
		*of = map[K]*cut{}
	}
	if (*of)[key] == nil {
		(*of)[key] = &cut{}
	}
	return (*of)[key]
}

// apply returns what is left of a value. A mapping is changed, a list is not.
func (c *cut) apply(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, below := range c.keys {
			if below.whole {
				delete(value, key)
			} else {
				value[key] = below.apply(value[key])
			}
		}
	case []any:
		return c.applyToList(value)
	}
	return value
}

func (c *cut) applyToList(list []any) []any {
	gone := make([]int, len(list)+1)
	for _, r := range c.ranges {
		gone[r[0]]++
		gone[r[1]]--
	}
	left, ranges := slices.Clone(list)[:0], 0
	for i, element := range list {
		ranges += gone[i]
		below := c.at[i]
		switch {
		case ranges > 0 || below != nil && below.whole:
			continue
		case below != nil:
			element = below.apply(element)
		}
		left = append(left, element)
	}
	return left
}

// bound returns an end of a slice as an index of a list.
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
