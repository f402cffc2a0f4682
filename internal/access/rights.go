package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/problem"
)

// Rights are what a subject may do. The zero value may do nothing.
type Rights struct {
	subject  Subject
	attempts []attempt
	// project is that of a subject that is a project's role; such a subject has nothing in other projects but what
	// everybody has.
	project string
}

// attempt is one of the names by which a subject is judged: the role that everybody has, its own, and those of its
// groups. One that allows is enough; a line that denies holds for the attempt that it belongs to.
type attempt struct {
	as string
	// names are those by which the rules are found: as, and the roles that lines give it.
	names []string
	// everybody is set for the role of policy.default.
	everybody bool
	// rules are those for calls about other projects than those of projects, which have their own.
	rules    []*rule
	projects map[string][]*rule
}

// says returns how much there is by which an attempt decides or is explained: rules, projects, and roles.
func (a *attempt) says() int {
	roles := len(a.names) - 1
	if a.everybody {
		roles++
	}
	return len(a.rules) + len(a.projects) + roles
}

// mostGroups bounds the groups of a subject that are looked at.
const mostGroups = 1000

// Of returns the rights of a subject.
func (p Policy) Of(s Subject) Rights {
	r := Rights{subject: s}
	if p.defaultRole != "" {
		everybody := p.attempt(p.defaultRole, false, false)
		everybody.everybody = true
		r.attempts = append(r.attempts, everybody)
	}
	switch {
	case s.Name == "":
		return r
	case !s.Foreign:
		r.project, _, _ = CutProjectSubject(s.Name)
		r.attempts = append(r.attempts, p.attempt(s.Name, false, false))
	case !IsReserved(s.Name) && s.Name != AdminName:
		r.attempts = append(r.attempts, p.attempt(s.Name, false, true))
	}
	for _, group := range s.Groups[:min(len(s.Groups), mostGroups)] {
		if !IsReserved(group) {
			r.attempts = append(r.attempts, p.attempt(group, true, true))
		}
	}
	r.attempts = slices.DeleteFunc(r.attempts, func(a attempt) bool { return a.says() == 0 })
	return r
}

// attempt collects the rules of a name. Those of a group count only where a line gives it a role.
func (p Policy) attempt(name string, group, foreign bool) attempt {
	a := attempt{as: name, projects: map[string][]*rule{}}
	names := p.closure(name, foreign, nil)
	a.names = names
	if !group || len(names) > 1 {
		a.rules = p.rulesOf(names, nil)
	}
	for _, member := range names {
		for _, project := range p.byMember[member] {
			own := p.projects[project]
			if _, known := a.projects[project]; !known {
				within := p.closure(name, foreign, own)
				a.names = append(a.names, within...)
				a.projects[project] = p.rulesOf(within, own)
			}
		}
	}
	return a
}

// closure returns a name and all roles that lines give it, and those that lines give these, of a project too unless it
// is nil. The built-in line that gives a role to the account admin gives nothing to what others call so.
func (p Policy) closure(name string, foreign bool, project *projectPolicy) []string {
	names, known := []string{name}, map[string]bool{name: true}
	for i := 0; i < len(names); i++ {
		grants := p.grants[names[i]]
		if project != nil {
			grants = slices.Concat(grants, project.grants[names[i]])
		}
		for _, g := range grants {
			if foreign && names[i] == AdminName && g.line.Object == BuiltIn || known[g.role] {
				continue
			}
			known[g.role] = true
			names = append(names, g.role)
		}
	}
	return names
}

// rulesOf returns the rules of all names.
func (p Policy) rulesOf(names []string, project *projectPolicy) []*rule {
	var rules []*rule
	for _, name := range names {
		rules = append(rules, p.rules[name]...)
		if project != nil {
			rules = append(rules, project.rules[name]...)
		}
	}
	return rules
}

// Decision is an answer with the line behind it.
type Decision struct {
	Allowed bool
	// Call is the one that By is about; where no line is, the first that was asked for and not allowed.
	Call Call
	// By is the line that allowed or denied; nil where no line is about the call.
	By *Line
	// As is the name that the line holds for: the subject's own, that of a group, or the role that everybody has.
	As string
	// Example is what fits Call and is not allowed, where Call has patterns.
	Example *Call
	// Unknown is set where Call has patterns, and whether all that fits it is allowed could not be found out.
	Unknown bool
}

// String returns the answer and why.
func (d Decision) String() string {
	asked := d.Call
	if d.Example != nil {
		asked = *d.Example
	}
	switch {
	case d.Unknown:
		return "denied: too many or too complex patterns to know what fits " + d.Call.String() + "; ask about parts of it"
	case d.By == nil:
		return "denied: no line allows " + asked.String()
	case d.Allowed:
		return fmt.Sprintf("allowed as %s by %s", d.As, d.By)
	case d.Example != nil:
		return fmt.Sprintf("denied as %s for %s by %s", d.As, asked, d.By)
	}
	return fmt.Sprintf("denied as %s by %s", d.As, d.By)
}

// Decide returns whether a request is allowed, and by which line. A request without needs is denied.
func (r Rights) Decide(q Request) Decision {
	var last Decision
	for _, need := range q {
		if last = r.need(need); !last.Allowed {
			return last
		}
	}
	return last
}

// Allowed reports whether a single call is allowed.
func (r Rights) Allowed(c Call) bool { return r.need(Need{c}).Allowed }

// Check returns nil, or the refusal of a request.
func (r Rights) Check(q Request) error {
	d := r.Decide(q)
	if d.Allowed {
		return nil
	}
	name := r.subject.Name
	if name == "" {
		name = "not logged in"
	}
	return &problem.Error{
		Kind: problem.Refused, Object: "permission denied", Field: d.Call.String() + ", sub: " + shortened(name), Cause: "no policy allows it",
		Remedy: "ask who keeps ConfigMap " + ConfigMapName + " or the project's roles for that right",
	}
}

// need decides one need.
func (r Rights) need(n Need) Decision { return r.decide(n, r.first) }

// decide decides a need by the rules that are found.
func (r Rights) decide(n Need, find finder) Decision {
	var refusal Decision
	if len(n) > 0 {
		refusal.Call = n[0]
	}
	for i := range r.attempts {
		if d := try(&r.attempts[i], n, find); d.Allowed {
			return d
		} else if d.By != nil && refusal.By == nil {
			refusal = d
		}
	}
	return refusal
}

// finder returns the first rule of an attempt, of those that deny or of those that allow, that matches a call.
type finder func(a *attempt, deny bool, c Call) *rule

// try decides a need by one of the subject's names: a line that denies any of the calls decides, then one that allows.
func try(a *attempt, n Need, find finder) Decision {
	for _, deny := range []bool{true, false} {
		for _, c := range n {
			if one := find(a, deny, c); one != nil {
				return Decision{Allowed: !deny, Call: c, By: one.line, As: a.as}
			}
		}
	}
	return Decision{}
}

// first is the finder that looks at one rule after the other.
func (r Rights) first(a *attempt, deny bool, c Call) *rule {
	for _, one := range r.rulesFor(a, c) {
		if one.deny == deny && one.matches(c) {
			return one
		}
	}
	return nil
}

func (r Rights) rulesFor(a *attempt, c Call) []*rule {
	project := c.project()
	if r.project != "" && project != "" && project != r.project && !a.everybody {
		return nil
	}
	if own, ok := a.projects[project]; ok {
		return own
	}
	return a.rules
}

// Select returns a function that reports whether an object may be got, or whatever the action is, of one resource: what
// no object could change is settled once, for lists.
func (r Rights) Select(resource, action string) func(object string) bool {
	selected := r.only(func(one *rule) bool { return one.resource.match(resource) && one.action.match(action) })
	return func(object string) bool {
		return selected.decide(Need{{resource, action, object}}, selected.byObject).Allowed
	}
}

// byObject is the finder among rules that are all about the resource and the action of the call.
func (r Rights) byObject(a *attempt, deny bool, c Call) *rule {
	for _, one := range r.rulesFor(a, c) {
		if one.deny == deny && one.object.match(c.Object) {
			return one
		}
	}
	return nil
}

// only returns the rights with some of their rules, to decide by; not whose they are, and by which roles.
func (r Rights) only(keep func(*rule) bool) Rights {
	some := func(rules []*rule) []*rule {
		var kept []*rule
		for _, one := range rules {
			if keep(one) {
				kept = append(kept, one)
			}
		}
		return kept
	}
	kept := Rights{project: r.project}
	for _, a := range r.attempts {
		of := attempt{as: a.as, everybody: a.everybody, rules: some(a.rules), projects: make(map[string][]*rule, len(a.projects))}
		for project, rules := range a.projects {
			of.projects[project] = some(rules)
		}
		kept.attempts = append(kept.attempts, of)
	}
	return kept
}

// Role is a role or a subject and what lines say of it.
type Role struct {
	Name string
	// Project is that of a project's role.
	Project string
	Lines   []Line
	// Members are the subjects, groups and roles that lines give the role to, sorted.
	Members []string
}

// Roles returns all names that lines are about, sorted by name: what there is to show of who may do what.
func (p Policy) Roles() []Role {
	all := map[string]*Role{}
	role := func(name string) *Role {
		if all[name] == nil {
			project, _, _ := CutProjectSubject(name)
			all[name] = &Role{Name: name, Project: project}
		}
		return all[name]
	}
	add := func(rules map[string][]*rule, grants map[string][]grant) {
		for name, of := range rules {
			for _, r := range of {
				role(name).Lines = append(role(name).Lines, *r.line)
			}
		}
		for member, of := range grants {
			for _, g := range of {
				role(g.role).Members = append(role(g.role).Members, member)
			}
		}
	}
	add(p.rules, p.grants)
	for _, project := range p.projects {
		add(project.rules, project.grants)
	}
	sorted := make([]Role, 0, len(all))
	for _, r := range all {
		slices.Sort(r.Members)
		r.Members = slices.Compact(r.Members)
		sorted = append(sorted, *r)
	}
	slices.SortFunc(sorted, func(x, y Role) int { return strings.Compare(x.Name, y.Name) })
	return sorted
}
