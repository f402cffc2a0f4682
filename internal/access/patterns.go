package access

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/glob"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Each returns the calls that a call stands for whose parts are patterns: * for each resource and for each of its
// actions, and as the object for all that a resource has. It returns an error where no policy can be about any.
func (c Call) Each() ([]Call, error) {
	resources := []string{c.Resource}
	if strings.ContainsAny(c.Resource, special) {
		resources = fitting(c.Resource, explained)
	}
	var all []Call
	for _, resource := range resources {
		actions := []string{c.Action}
		if strings.ContainsAny(c.Action, special) && !slices.Contains(actionsOf[resource], c.Action) {
			actions = fitting(c.Action, actionsOf[resource])
		}
		for _, action := range actions {
			object := c.Object
			if object == "*" {
				object = everything(resource)
			}
			one := Call{resource, action, object}
			if err := CheckNames(one); err != nil {
				if len(resources) > 1 {
					// Not each resource has an action that is named.
					continue
				}
				return nil, err
			}
			all = append(all, one)
		}
	}
	if len(all) == 0 {
		return nil, &problem.Error{Kind: problem.Usage, Object: "policies", Cause: fmt.Sprintf("no call fits %q", shortened(c.String())), Remedy: "write * for all resources or all actions"}
	}
	return all, nil
}

// fitting returns the names that a pattern matches.
func fitting(pattern string, names []string) []string {
	if len(pattern) > longestPattern {
		return nil
	}
	compiled, err := glob.Compile(pattern, "")
	if err != nil {
		return nil
	}
	var fit []string
	for _, name := range names {
		if compiled.Match(name) {
			fit = append(fit, name)
		}
	}
	return fit
}

// DecideAll returns whether each of some calls is allowed, and all that fits it where its object or its action is a
// pattern. What is not allowed comes with an example of that, but where patterns are too many or too complex to find
// one, or to know that there is none: that is not allowed either.
func (r Rights) DecideAll(calls []Call) Decision {
	var last Decision
	for _, c := range calls {
		if last = r.whole(c, mostSteps); !last.Allowed {
			return last
		}
	}
	return last
}

// whole decides about all that fits a call, in a bounded number of steps.
func (r Rights) whole(c Call, steps int) Decision {
	if !strings.ContainsAny(c.Object+c.Action, special) {
		return r.need(Need{c})
	}
	r = r.only(func(one *rule) bool { return one.resource.match(c.Resource) })
	actions := examplesOf([]string{globExpression(c.Action), realAction}, r.expressions(func(one *rule) pattern { return one.action }), steps)
	about := append(r.expressions(func(one *rule) pattern { return one.object }), r.projectsOf(c.Resource)...)
	objects := examplesOf([]string{globExpression(c.Object), realObject(c.Resource)}, about, actions.steps)
	var decision Decision
	cost := len(r.all()) + 1
	steps = objects.steps
	for _, action := range actions.values {
		for _, object := range objects.values {
			if steps -= cost; steps < 0 {
				return Decision{Call: c, Unknown: true}
			}
			example := Call{c.Resource, action, object}
			if decision = r.need(Need{example}); !decision.Allowed {
				return Decision{Call: c, By: decision.By, As: decision.As, Example: &example}
			}
		}
	}
	if actions.left || objects.left {
		return Decision{Call: c, Unknown: true}
	}
	decision.Call = c
	return decision
}

// realAction is what every action of a call looks like: those about an object of an Application have its group, its
// kind, and more behind the first slash.
const realAction = `\A[^/]+(/[^/]*/[^/]+(/[^/]*)?/[^/]+)?\z`

// realObject returns the expression for what every object of a resource looks like.
func realObject(resource string) string {
	if IsOfProject(resource) {
		return `\A[^/]+(/[^/]+){1,2}\z`
	}
	return `(?s)\A.+\z`
}

// expressions returns those of one part of the rules.
func (r Rights) expressions(part func(*rule) pattern) []string {
	var all []string
	for _, one := range r.all() {
		all = append(all, part(one).expression())
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// projectsOf returns the expressions by which objects of a resource differ in whose rules count for them.
func (r Rights) projectsOf(resource string) []string {
	behind := `/(?s:.*)\z`
	if resource == Projects {
		behind = `\z`
	}
	projects := map[string]struct{}{r.project: {}}
	for _, a := range r.attempts {
		for project := range a.projects {
			projects[project] = struct{}{}
		}
	}
	// A scheme is no project.
	all := []string{`\A[^/]*[^/:]` + behind}
	for _, project := range slices.Sorted(maps.Keys(projects)) {
		all = append(all, `\A`+regexp.QuoteMeta(project)+behind)
	}
	return all
}
