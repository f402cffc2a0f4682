package access

import (
	"maps"
	"slices"
	"strings"
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
	e.Decisions = r.decisions()
	e.Idle = r.overruled()
	return e
}

// decisions returns those about each action on each resource, as many as an [Explanation] has.
func (r Rights) decisions() []Decision {
	var all []Decision
	for _, resource := range explained {
		about := indexed{r.only(func(one *rule) bool { return one.resource.match(resource) }), map[indexKey]*index{}}
		rules := about.all()
		for _, action := range actionsOf[resource] {
			all = append(all, about.decisions(rules, resource, action)...)
			if len(all) >= mostDecisions {
				return all[:mostDecisions]
			}
		}
	}
	return all
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
	for i := range r.attempts {
		for _, set := range r.attempts[i].sets() {
			add(set)
		}
	}
	return rules
}

// decisions returns those about an action on a resource: on everything, and on what rules name besides.
func (x indexed) decisions(rules []*rule, resource, action string) []Decision {
	whole := Call{resource, action, everything(resource)}
	decisions := []Decision{x.decide(Need{whole}, x.first)}
	seen := map[Call]bool{whole: true}
	for _, one := range rules {
		named := action
		switch narrower := one.action.shown(); {
		case one.action.match(action):
		case action != narrower && covers(action, narrower):
			named = narrower
		default:
			continue
		}
		call := Call{resource, named, one.object.shown()}
		if call.Object == "*" {
			call.Object = whole.Object
		}
		if seen[call] {
			continue
		}
		seen[call] = true
		// What everything has is not said again of a part.
		if d := x.part(rules, one, call); named != action || d.By != decisions[0].By {
			decisions = append(decisions, d)
		}
	}
	return withoutIdleWhole(decisions, whole)
}

// part returns the decision about what fits a rule and no other, shown as the call.
func (x indexed) part(rules []*rule, one *rule, shown Call) Decision {
	call := shown
	if !one.action.match(shown.Action) {
		call.Action = one.action.sample()
	}
	if !one.object.match(shown.Object) {
		call.Object = one.object.sample()
	}
	d := x.decide(Need{call}, x.first)
	if i := slices.IndexFunc(rules, func(other *rule) bool { return other.line == d.By && other != one }); i >= 0 && call.Object != shown.Object {
		call.Object = one.object.sample(rules[i].object)
		d = x.decide(Need{call}, x.first)
	}
	d.Call = shown
	return d
}

// withoutIdleWhole leaves out the decision about everything where no line is about that, and one is about the action.
func withoutIdleWhole(decisions []Decision, whole Call) []Decision {
	if !slices.ContainsFunc(decisions, func(o Decision) bool { return o.By != nil && o.Call.Action == whole.Action }) {
		return decisions
	}
	return slices.DeleteFunc(decisions, func(d Decision) bool { return d.By == nil && d.Call == whole })
}

// overruled returns the lines that allow what other lines deny wholly.
func (r Rights) overruled() []Overruled {
	var idle []Overruled
	known := map[*Line]bool{}
	for i := range r.attempts {
		for _, rules := range r.attempts[i].sets() {
			denying := map[[2]string]*index{}
			for _, allows := range rules {
				if allows.deny || allows.line.Object == BuiltIn || known[allows.line] {
					continue
				}
				about := [2]string{allows.resource.shown(), allows.action.shown()}
				if denying[about] == nil {
					denying[about] = indexOf(rules, true, about[0], about[1])
				}
				if denies := denying[about].first(allows.object.shown()); denies != nil {
					known[allows.line] = true
					idle = append(idle, Overruled{allows.line, denies.line})
				}
				if len(idle) == mostFindings {
					return idle
				}
			}
		}
	}
	return idle
}

// sets returns the rules that count together: those of each project that has its own, and those for all else.
func (a *attempt) sets() [][]*rule {
	sets := [][]*rule{a.rules}
	for _, project := range slices.Sorted(maps.Keys(a.projects)) {
		sets = append(sets, a.projects[project])
	}
	return sets
}

// shown returns what a pattern is shown as: itself where it is a glob, and of an expression what it looks like as one.
func (p pattern) shown() string {
	if p.match(p.text) {
		return p.text
	}
	plain := strings.TrimSuffix(strings.TrimPrefix(p.text, "^"), "$")
	plain = strings.NewReplacer(".*", "*", ".+", "*", `\.`, ".", `\/`, "/").Replace(plain)
	if p.match(plain) {
		return plain
	}
	return p.text
}

// sampleSteps bounds the work on a sample.
const sampleSteps = 1 << 14

// sample returns a value that a pattern matches, and others do not if there is one; the pattern where none is found.
func (p pattern) sample(others ...pattern) string {
	var apart []string
	for _, other := range others {
		apart = append(apart, other.expression())
	}
	values := examplesOf([]string{p.expression()}, apart, sampleSteps).values
	for _, value := range values {
		if !slices.ContainsFunc(others, func(o pattern) bool { return o.match(value) }) {
			return value
		}
	}
	if len(values) > 0 {
		return values[0]
	}
	return p.text
}
