package validate

import (
	"fmt"

	"github.com/cyan-cd/cyan/internal/render"
)

// priorities finds pods that name a priority themselves: an API server gives it by their PriorityClass, and refuses a
// pod that has another one. The pods of a workload are refused when they are made, after it was taken.
func priorities(objects []render.Rendered) []Finding {
	classes := map[string]int64{"system-node-critical": 2000001000, "system-cluster-critical": 2000000000}
	var without int64
	for _, o := range objects {
		if o.Object.GroupVersionKind().GroupKind().String() != "PriorityClass.scheduling.k8s.io" {
			continue
		}
		value, _ := o.Object.Object["value"].(int64)
		classes[o.Object.GetName()] = value
		if byDefault, _ := o.Object.Object["globalDefault"].(bool); byDefault {
			without = value
		}
	}
	var found []Finding
	for _, o := range objects {
		p, ok := podTemplateOf(o)
		if !ok {
			continue
		}
		written, given := p.spec["priority"].(int64)
		class := textAt(p.spec, "priorityClassName")
		right, known := classes[class]
		of := "PriorityClass " + class
		if class == "" {
			right, known, of = without, true, "no PriorityClass"
		}
		if !given || !known || written == right {
			continue
		}
		severity := SeverityWarning
		if o.Object.GetKind() == "Pod" {
			severity = SeverityError
		}
		cause := fmt.Sprintf("pods with %s have the priority %d, and an API server refuses those with another one", of, right)
		found = append(found, Finding{findingOf(o, RuleInvalidValue, p.path+".priority", cause, "remove it, and name a PriorityClass by priorityClassName"), severity})
	}
	return found
}
