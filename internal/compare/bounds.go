package compare

import (
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/project"
)

// byPlace returns a judge that asks another once for all objects of a kind in a namespace, where bounds make no
// difference between them.
func byPlace(bounds project.Bounds, judge func(plan.Key) bool) func(plan.Key) bool {
	if bounds.NameObjects() {
		return judge
	}
	type place struct{ group, kind, namespace string }
	known := map[place]bool{}
	return func(key plan.Key) bool {
		at := place{key.Group, key.Kind, key.Namespace}
		within, judged := known[at]
		if !judged {
			within = judge(key)
			known[at] = within
		}
		return within
	}
}
