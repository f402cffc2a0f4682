package view

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/plan"
)

// mostFindings bounds what is said of an Application.
const mostFindings = 500

// Preview is what an Application would have in the cluster.
type Preview struct {
	Revision string          `json:"revision,omitempty"`
	Objects  []PreviewObject `json:"objects"`
	Hidden   int             `json:"hidden,omitempty" doc:"objects that are left out"`
	Findings []Finding       `json:"findings"`
}

// PreviewObject is an object as git has it.
type PreviewObject struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	YAML      string `json:"yaml"`
}

// PreviewOf returns what an Application would have in the cluster, in the order of a sync, with everything that is
// wrong with it.
func PreviewOf(c Compared, mask func(*unstructured.Unstructured) *unstructured.Unstructured) Preview {
	p := Preview{Revision: c.Revision, Objects: []PreviewObject{}, Findings: append([]Finding{}, c.Findings...)}
	severity := "warning"
	if !c.Complete {
		severity = "error"
	}
	for _, text := range c.Problems {
		p.Findings = append(p.Findings, Finding{Message: text, Severity: severity})
	}
	seen, left := map[plan.Key]bool{}, space{mostChanged, longestAll}
	for _, t := range c.Plan.Tasks {
		object := c.Desired[t.Key]
		if object == nil && t.Verb == plan.Hook {
			object = t.Object
		}
		if object == nil || seen[t.Key] {
			continue
		}
		seen[t.Key] = true
		p.Findings = append(p.Findings, refusalsOf(c, t)...)
		if left.isFull() {
			p.Hidden++
			continue
		}
		o := PreviewObject{t.Key.Group, t.Key.Kind, t.Key.Namespace, t.Key.Name, textOf(plain(mask, object))}
		left.take(len(o.YAML))
		p.Objects = append(p.Objects, o)
	}
	p.Findings = firstOf(p.Findings, mostFindings)
	return p
}

// refusalsOf returns why an object must not be in the cluster, or cannot.
func refusalsOf(c Compared, t plan.Task) []Finding {
	var found []Finding
	for _, why := range []string{t.Refused, c.Refused[t.Key]} {
		if why != "" {
			found = append(found, Finding{Object: t.Key.String(), Message: why, Severity: "error"})
		}
	}
	return found
}
