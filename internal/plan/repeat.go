package plan

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mostRepeatable bounds the objects of a plan that is carried out before it is on record that it was begun.
const mostRepeatable = 16

// IsRepeatable reports whether carrying the plan out once more, after it was begun and nothing is known of that, comes
// to the same: it applies a few objects and does nothing else.
func (p Plan) IsRepeatable() bool {
	writes := 0
	for i := range p.Tasks {
		t := &p.Tasks[i]
		if t.Verb != Apply || t.Force || t.Options.Replace() || t.Refused != "" {
			return false
		}
		if !t.Unchanged && t.Skip == "" {
			writes++
		}
	}
	return writes <= mostRepeatable
}

// LastApplied returns when a field manager applied one of the plan's objects last, as the API server has noted it; zero
// for never.
func (p Plan) LastApplied(manager string) time.Time {
	var last time.Time
	for i := range p.Tasks {
		if p.Tasks[i].Verb != Apply || p.Tasks[i].Live == nil {
			continue
		}
		for _, entry := range p.Tasks[i].Live.GetManagedFields() {
			if entry.Manager == manager && entry.Operation == metav1.ManagedFieldsOperationApply && entry.Time != nil && entry.Time.After(last) {
				last = entry.Time.Time
			}
		}
	}
	return last
}
