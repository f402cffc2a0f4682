package testkit

import (
	"fmt"
	"maps"
	"slices"
)

// MissingFields lists the paths of the fields that want has and got has not. Values are not compared, and in lists
// the elements at the same index are.
func MissingFields(want, got any) []string { return missingFields(want, got, "") }

func missingFields(want, got any, path string) []string {
	var all []string
	switch want := want.(type) {
	case map[string]any:
		have, _ := got.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if _, there := have[name]; !there {
				all = append(all, path+"."+name)
				continue
			}
			all = append(all, missingFields(want[name], have[name], path+"."+name)...)
		}
	case []any:
		have, _ := got.([]any)
		for i := range want {
			if i >= len(have) {
				return append(all, fmt.Sprintf("%s[%d]", path, i))
			}
			all = append(all, missingFields(want[i], have[i], fmt.Sprintf("%s[%d]", path, i))...)
		}
	}
	return all
}
