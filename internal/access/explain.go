package access

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/glob"
	"github.com/cyan-cd/cyan/internal/problem"
)

// explained are the resources that calls of this program are about, in the order in which they are shown.
var explained = []string{
	Applications, Logs, Rollouts, Deliveries, Projects, Repositories, WriteRepositories, Clusters, Accounts, Certificates, GPGKeys, ApplicationSets, Exec,
}

// everything returns the object that stands for all of a resource.
func everything(resource string) string {
	if IsOfProject(resource) {
		return "*/*"
	}
	return "*"
}

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
	var fit []string
	if len(pattern) > longestPattern {
		return fit
	}
	compiled, err := glob.Compile(pattern, "")
	if err != nil {
		return fit
	}
	for _, name := range names {
		if compiled.Match(name) {
			fit = append(fit, name)
		}
	}
	return fit
}

// DecideAll returns whether each of some calls is allowed, and all that fits it where its object or its action is a
// pattern: a line that denies a part of that decides, whatever is said of the rest, unless another name of the subject
// is allowed all of it.
func (r Rights) DecideAll(calls []Call) Decision {
	var last Decision
	for _, c := range calls {
		if last = r.whole(c); !last.Allowed {
			return last
		}
	}
	return last
}

func (r Rights) whole(c Call) Decision {
	d := r.need(Need{c})
	if !d.Allowed || !strings.ContainsAny(c.Object+c.Action, special) {
		return d
	}
	var refusal Decision
	for i := range r.attempts {
		a := &r.attempts[i]
		if d = r.try(a, Need{c}); !d.Allowed {
			continue
		}
		part := a.deniesPartOf(c)
		if part == nil {
			return d
		}
		refusal = Decision{Call: c, By: part.line, As: a.as}
	}
	return refusal
}

// deniesPartOf returns a rule that denies something that fits a call; nil where there is none.
func (a *attempt) deniesPartOf(c Call) *rule {
	sets := [][]*rule{a.rules}
	for _, project := range slices.Sorted(maps.Keys(a.projects)) {
		sets = append(sets, a.projects[project])
	}
	for _, one := range slices.Concat(sets...) {
		if one.deniesPartOf(c) {
			return one
		}
	}
	return nil
}

// deniesPartOf reports whether a rule denies something that fits a call. Of two patterns that are both more than a
// beginning that is not known for certain, and counts as yes.
func (r *rule) deniesPartOf(c Call) bool {
	return r.deny && r.resource.match(c.Resource) && (r.action.match(c.Action) || covers(c.Action, r.action.sample())) && overlap(c.Object, r.object)
}

// overlap reports whether something can fit both a glob that is asked about and a pattern of a line.
func overlap(asked string, of pattern) bool {
	if of.match == nil || of.match(asked) {
		return true
	}
	sample := of.sample()
	if !of.match(sample) {
		// An expression of which no sample is known.
		return true
	}
	if of.isLiteral() {
		return slices.Contains(fitting(asked, []string{sample}), sample)
	}
	a, b := literalEnds(asked), literalEnds(sample)
	return (strings.HasPrefix(a.first, b.first) || strings.HasPrefix(b.first, a.first)) && (strings.HasSuffix(a.last, b.last) || strings.HasSuffix(b.last, a.last))
}

// ends are what a glob begins and ends with, before and after what stands for other text.
type ends struct{ first, last string }

func literalEnds(glob string) ends {
	first := strings.IndexAny(glob, special)
	if first < 0 {
		return ends{glob, glob}
	}
	return ends{glob[:first], glob[strings.LastIndexAny(glob, special)+1:]}
}

// Explanation is what a subject may do, and why.
type Explanation struct {
	// Roles are those that the subject has, by lines or since everybody has them.
	Roles []string
	// Decisions has one for each resource and action, or several for the objects that lines are about. The object of
	// their Call may be a pattern, and then stands for what fits it and no other of the patterns.
	Decisions []Decision
	// Idle are the lines about the subject that have no effect, each with the line that overrules it.
	Idle []Overruled
	// Empty are the roles of the subject that no line is about.
	Empty []string
}

// Overruled is a line that allows what another one denies.
type Overruled struct{ Line, By *Line }

// mostDecisions bounds an Explanation.
const mostDecisions = 2000

// Explain returns what a subject may do, with the line that decides about each.
func (p Policy) Explain(s Subject) Explanation {
	r := p.Of(s)
	e := Explanation{Roles: r.roles()}
	for _, role := range e.Roles {
		if p.rules[role] == nil && p.grants[role] == nil && !p.isProjectRole(role) {
			e.Empty = append(e.Empty, role)
		}
	}
	for _, resource := range explained {
		for _, action := range actionsOf[resource] {
			e.Decisions = append(e.Decisions, r.about(resource, action)...)
		}
	}
	e.Decisions = e.Decisions[:min(len(e.Decisions), mostDecisions)]
	e.Idle = r.overruled()
	return e
}

func (p Policy) isProjectRole(name string) bool {
	project, _, ok := CutProjectSubject(name)
	return ok && p.projects[project] != nil && p.projects[project].rules[name] != nil
}

// roles returns the names that a subject's rules are found by, but for its own.
func (r Rights) roles() []string {
	var roles []string
	for _, a := range r.attempts {
		for _, name := range a.names {
			if (name != a.as || a.everybody) && !slices.Contains(roles, name) {
				roles = append(roles, name)
			}
		}
	}
	return roles
}

// all returns the rules of a subject, each once.
func (r Rights) all() []*rule {
	var rules []*rule
	seen := map[*rule]bool{}
	add := func(more []*rule) {
		for _, one := range more {
			if !seen[one] {
				seen[one] = true
				rules = append(rules, one)
			}
		}
	}
	for _, a := range r.attempts {
		add(a.rules)
		for _, project := range slices.Sorted(maps.Keys(a.projects)) {
			add(a.projects[project])
		}
	}
	return rules
}

// about returns the decisions about an action on a resource: on everything, and on what lines name besides.
func (r Rights) about(resource, action string) []Decision {
	whole := Call{resource, action, everything(resource)}
	decisions := []Decision{r.need(Need{whole})}
	seen := map[Call]bool{whole: true}
	for _, one := range r.all() {
		if !one.resource.match(resource) {
			continue
		}
		named := action
		switch narrower := one.action.sample(); {
		case one.action.match(action):
		case action != narrower && covers(action, narrower):
			named = narrower
		default:
			continue
		}
		call := Call{resource, named, one.object.sample()}
		if call.Object == "*" {
			call.Object = whole.Object
		}
		if seen[call] {
			continue
		}
		seen[call] = true
		// What everything has is not said again of a part.
		if d := r.need(Need{call}); named != action || d.By != decisions[0].By {
			decisions = append(decisions, d)
		}
	}
	return withoutIdleWhole(decisions, whole)
}

// withoutIdleWhole leaves out the decision about everything where no line is about that, and one is about the action.
func withoutIdleWhole(decisions []Decision, whole Call) []Decision {
	if len(decisions) < 2 || decisions[0].By != nil || !slices.ContainsFunc(decisions, func(o Decision) bool { return o.By != nil && o.Call.Action == whole.Action }) {
		return decisions
	}
	return slices.DeleteFunc(decisions, func(d Decision) bool { return d.By == nil && d.Call == whole })
}

// overruled returns the lines that allow what other lines deny wholly.
func (r Rights) overruled() []Overruled {
	var idle []Overruled
	for i := range r.attempts {
		a := &r.attempts[i]
		sets := [][]*rule{a.rules}
		for _, project := range slices.Sorted(maps.Keys(a.projects)) {
			sets = append(sets, a.projects[project])
		}
		for _, rules := range sets {
			for _, allows := range rules {
				if allows.deny || allows.line.Object == BuiltIn || slices.ContainsFunc(idle, func(o Overruled) bool { return o.Line == allows.line }) {
					continue
				}
				same := Call{allows.resource.sample(), allows.action.sample(), allows.object.sample()}
				if at := slices.IndexFunc(rules, func(denies *rule) bool { return denies.deny && denies.matches(same) }); at >= 0 {
					idle = append(idle, Overruled{allows.line, rules[at].line})
				}
			}
		}
	}
	return idle[:min(len(idle), mostFindings)]
}

// sample returns what a pattern matches, and nothing outside of it: itself where it is a glob, and of an expression
// what it looks like as one.
func (p pattern) sample() string {
	if p.match == nil || p.match(p.text) {
		return p.text
	}
	plain := strings.TrimSuffix(strings.TrimPrefix(p.text, "^"), "$")
	plain = strings.NewReplacer(".*", "*", ".+", "*", `\.`, ".", `\/`, "/").Replace(plain)
	if p.match(plain) {
		return plain
	}
	return p.text
}
