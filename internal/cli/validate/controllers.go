package validate

import (
	"encoding/json"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/cli/rollout"
	"github.com/cyan-cd/cyan/internal/operation"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/settings"
	engine "github.com/cyan-cd/cyan/internal/validate"
)

// ofControllers returns what Cyan's controllers refuse of objects, or do not honour, once an API server has them: its
// definitions have no rules for that.
func ofControllers(objects []render.Rendered) []engine.Finding {
	var all []engine.Finding
	for _, o := range objects {
		c := judged{object: o}
		c.annotations()
		switch kind := o.Object.GroupVersionKind(); {
		case kind.GroupKind() == schema.GroupKind{Kind: "ConfigMap"} && slices.Contains(settings.ConfigMapNames, o.Object.GetName()):
			c.settings()
		case kind.Group != v1alpha1.GroupVersion.Group:
		case kind.Kind == v1alpha1.RolloutKind:
			c.rollout()
		case kind.Kind == "Application":
			c.application()
		case kind.Kind == "AppProject":
			c.project()
		default:
			c.served(settings.Unserved(o.Object))
		}
		all = append(all, c.found...)
	}
	return all
}

// besides are the findings about fields that are not unknown already: what a definition does not have, the controllers
// do not honour either, nor the spec of a kind that is unknown.
func besides(found, more []engine.Finding) []engine.Finding {
	type field struct{ object, path string }
	unknown := map[field]bool{}
	for _, f := range found {
		switch f.Rule {
		case engine.RuleUnknownField:
			unknown[field{f.Object, f.Field}] = true
		case engine.RuleUnknownKind:
			unknown[field{f.Object, "spec"}] = true
		}
	}
	return slices.DeleteFunc(more, func(f engine.Finding) bool { return unknown[field{f.Object, f.Field}] })
}

// judged is an object, and what is found about it.
type judged struct {
	object render.Rendered
	found  []engine.Finding
}

// add adds findings, each at the place of its field.
func (c *judged) add(severity engine.Severity, rule string, found ...*problem.Error) {
	for _, p := range found {
		placed := *p
		at, _ := c.object.Place(placed.Field)
		placed.Kind, placed.Rule, placed.Object = problem.Usage, rule, engine.ObjectName(c.object.Object)
		placed.File, placed.Line, placed.Column = at.File, at.Line, at.Column
		c.found = append(c.found, engine.Finding{Error: &placed, Severity: severity})
	}
}

// into reads the object into its type. One that does not fit has findings of its own.
func (c *judged) into(typed any) bool {
	data, err := json.Marshal(c.object.Object.Object)
	return err == nil && json.Unmarshal(data, typed) == nil
}

// served adds what an object asks for and does not get. Annotations have findings of their own.
func (c *judged) served(found []settings.Finding) {
	for _, f := range found {
		severity := engine.SeverityWarning
		if f.Verdict == settings.Refused {
			severity = engine.SeverityError
		}
		if !strings.HasPrefix(f.Field, annotation) {
			c.add(severity, engine.RuleNotHonoured, f.Problem())
		}
	}
}

func (c *judged) rollout() {
	refused, unserved := rollout.Findings(c.object)
	unserved = slices.DeleteFunc(unserved, func(p *problem.Error) bool { return strings.HasPrefix(p.Field, annotation) })
	c.add(engine.SeverityError, engine.RuleRollout, refused...)
	c.add(engine.SeverityWarning, engine.RuleRollout, unserved...)
}

func (c *judged) application() {
	app := &v1alpha1.Application{}
	if !c.into(app) {
		return
	}
	refused, passedOver := operation.Lint(app)
	c.add(engine.SeverityError, engine.RuleApplication, refused...)
	c.add(engine.SeverityWarning, engine.RuleApplication, passedOver...)
	c.served(settings.Unserved(c.object.Object))
}

func (c *judged) project() {
	p := &v1alpha1.AppProject{}
	if !c.into(p) {
		return
	}
	refused, passedOver := project.Lint(p)
	c.add(engine.SeverityError, engine.RuleProject, refused...)
	c.add(engine.SeverityWarning, engine.RuleProject, append(passedOver, access.LintProject(p)...)...)
	c.served(settings.UnservedOfProject(p))
}

// settings judges a ConfigMap that Cyan is set up by.
func (c *judged) settings() {
	var written struct {
		Data map[string]string `json:"data"`
	}
	if !c.into(&written) {
		return
	}
	name := c.object.Object.GetName()
	_, found := settings.Parse(map[string]map[string]string{name: written.Data})
	for i := range found {
		found[i].Field = engine.JoinPath("data", found[i].Field)
	}
	c.served(found)
	if name != access.ConfigMapName {
		return
	}
	_, problems := access.Parse(access.Written{Policies: written.Data, WithoutBuiltIn: true})
	for _, p := range problems {
		key, line, _ := strings.Cut(p.Field, " line ")
		placed := *p
		if placed.Field = engine.JoinPath("data", key); line != "" {
			placed.Cause = "line " + line + ": " + p.Cause
		}
		c.add(engine.SeverityWarning, engine.RuleNotHonoured, &placed)
	}
}

// annotation is what the field of a finding about an annotation begins with.
const annotation = "annotation "

// annotations judges those by which an object tells how it is to be synced: each by itself, so that it is known which
// one is meant.
func (c *judged) annotations() {
	all := c.object.Object.GetAnnotations()
	for _, f := range settings.Unserved(c.object.Object) {
		if key, is := strings.CutPrefix(f.Field, annotation); is {
			p := f.Problem()
			p.Field = engine.JoinPath("metadata.annotations", key)
			c.add(engine.SeverityWarning, engine.RuleNotHonoured, p)
		}
	}
	for _, key := range []string{v1alpha1.SyncOptionsAnnotation, v1alpha1.CompareOptionsAnnotation, v1alpha1.HookAnnotation, v1alpha1.HookDeletePolicyAnnotation, v1alpha1.SyncWaveAnnotation} {
		value, given := all[key]
		if !given {
			continue
		}
		alone := c.object.Object.DeepCopy()
		alone.SetAnnotations(map[string]string{key: value})
		desired := []plan.Desired{{Object: alone}}
		for _, text := range append(plan.CheckOptions(nil, desired), plan.CheckMarks(desired)...) {
			cause, remedy, _ := strings.Cut(strings.TrimPrefix(text, plan.KeyOf(alone).String()+", annotation "+key+": "), "; ")
			c.add(engine.SeverityWarning, engine.RuleNotHonoured, &problem.Error{Field: engine.JoinPath("metadata.annotations", key), Cause: cause, Remedy: remedy})
		}
	}
}
