package compare

import (
	"cmp"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/validate"
)

// refuseInvalid notes on each of the objects, which are in the order of rendered, what validation found in it. It
// returns the findings that belong to none of them.
func refuseInvalid(desired []plan.Desired, rendered []render.Rendered, findings []*problem.Error) (rest []*problem.Error) {
	byObject := map[string][]*problem.Error{}
	for _, f := range findings {
		byObject[f.Object] = append(byObject[f.Object], f)
	}
	found := map[*problem.Error]bool{}
	for i, o := range named(rendered) {
		var causes []*problem.Error
		for _, f := range byObject[validate.ObjectName(o.Object)] {
			if o.Touches(f.File) {
				causes = append(causes, f)
				found[f] = true
			}
		}
		if len(causes) > 0 {
			desired[i].Refused = invalid(o.Object, causes)
		}
	}
	for _, f := range findings {
		if !found[f] {
			rest = append(rest, f)
		}
	}
	return rest
}

// invalid is why an object is refused that validation found something in: the object as the API server would name it,
// and each finding with its place.
func invalid(object *unstructured.Unstructured, findings []*problem.Error) string {
	about := make([]*problem.Error, 0, len(findings))
	for _, f := range findings {
		finding := *f
		finding.Object, finding.File = "", ""
		if value, is := strings.CutPrefix(f.Cause, "invalid value "); is {
			finding.Cause = "Invalid value: " + value
		}
		if place := (&problem.Error{File: f.File, Line: f.Line}).Error(); place != "" {
			finding.Cause += " (" + place + ")"
		}
		about = append(about, &finding)
	}
	return problem.Invalid(object.GetKind(), cmp.Or(object.GetName(), object.GetGenerateName())) + ": " + strings.Join(linesOf(about), "; ")
}

// refuseForbidden notes on each prepared object why it lies outside the bounds of the Application, and reports it.
func (c *Comparison) refuseForbidden(bounds project.Bounds) {
	within := byPlace(bounds, func(key plan.Key) bool { return bounds.Permit(key, c.Policy.ClusterScoped) })
	for i := range c.Desired {
		d := &c.Desired[i]
		if within(d.Key()) {
			continue
		}
		for _, v := range bounds.CheckObjects(c.Desired[i:i+1], c.Policy.ClusterScoped) {
			c.refuse(v1alpha1.ConditionInvalidSpecError, v.String())
			d.Forbidden = true
			if d.Refused != "" {
				d.Refused += "; "
			}
			d.Refused += v.String()
		}
	}
}

// refuseHomeless refuses objects that live in a namespace where neither they nor the Application name one.
func (c *Comparison) refuseHomeless(kinds apply.Kinds) {
	for i, d := range c.Desired {
		if d.Key().Namespace != "" {
			continue
		}
		kind := d.GVK()
		if _, namespaced, served := kinds.Resource(kind); !served || !namespaced {
			continue
		}
		why := fmt.Sprintf("Namespace for %s %s is missing; set spec.destination.namespace, or metadata.namespace in the manifest", d.Object.GetName(), kind)
		c.refuse(v1alpha1.ConditionInvalidSpecError, why)
		c.Desired[i].Refused = strings.TrimPrefix(d.Refused+"; "+why, "; ")
	}
}

// refuse reports why single objects may not be applied.
func (c *Comparison) refuse(condition, text string) {
	c.add(condition, text)
	c.Problems[len(c.Problems)-1].OfObjects = true
}

// linesOf are the first findings, a line each, and the number of the others.
func linesOf(findings []*problem.Error) []string {
	lines := make([]string, 0, min(len(findings), maxFindings+1))
	for i, f := range findings {
		if i == maxFindings {
			return append(lines, fmt.Sprintf("and %d more", len(findings)-maxFindings))
		}
		lines = append(lines, f.Error())
	}
	return lines
}
