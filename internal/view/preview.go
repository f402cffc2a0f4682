package view

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/plan"
)

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
	seen := map[plan.Key]bool{}
	for _, t := range c.Plan.Tasks {
		object := c.Desired[t.Key]
		if object == nil && t.Verb == plan.Hook {
			object = t.Object
		}
		switch {
		case object == nil || seen[t.Key]:
		case len(p.Objects) == mostChanged:
			p.Hidden++
		default:
			seen[t.Key] = true
			p.Objects = append(p.Objects, PreviewObject{t.Key.Group, t.Key.Kind, t.Key.Namespace, t.Key.Name, textOf(plain(mask, object))})
			if t.Refused != "" {
				p.Findings = append(p.Findings, Finding{Object: t.Key.String(), Message: t.Refused, Severity: "error"})
			}
			if why := c.Refused[t.Key]; why != "" {
				p.Findings = append(p.Findings, Finding{Object: t.Key.String(), Message: why, Severity: "error"})
			}
		}
	}
	return p
}
