package access

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// plainly is the definition of an explanation: each call that a line is about is decided by itself, as any call is.
func plainly(r Rights) (decisions []Decision, idle []Overruled) {
	for _, resource := range explained {
		for _, action := range actionsOf[resource] {
			decisions = append(decisions, plainlyAbout(r, resource, action)...)
		}
	}
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
				same := Call{allows.resource.shown(), allows.action.shown(), allows.object.shown()}
				if at := slices.IndexFunc(rules, func(denies *rule) bool { return denies.deny && denies.matches(same) }); at >= 0 {
					idle = append(idle, Overruled{allows.line, rules[at].line})
				}
			}
		}
	}
	return decisions[:min(len(decisions), mostDecisions)], idle[:min(len(idle), mostFindings)]
}

func plainlyAbout(r Rights, resource, action string) []Decision {
	whole := Call{resource, action, everything(resource)}
	decisions := []Decision{r.need(Need{whole})}
	seen := map[Call]bool{whole: true}
	for _, one := range r.all() {
		if !one.resource.match(resource) {
			continue
		}
		named := action
		if !one.action.match(action) {
			if named = one.action.shown(); named == action || !covers(action, named) {
				continue
			}
		}
		call := Call{resource, named, one.object.shown()}
		if call.Object == "*" {
			call.Object = whole.Object
		}
		if seen[call] {
			continue
		}
		seen[call] = true
		if d := plainlyPart(r, one, call); named != action || d.By != decisions[0].By {
			decisions = append(decisions, d)
		}
	}
	return withoutIdleWhole(decisions, whole)
}

// plainlyPart is the decision about a pattern: as it is written where it matches itself, or about a value that fits it
// and, if there is one, not the other line that decides about the first.
func plainlyPart(r Rights, one *rule, shown Call) Decision {
	call := shown
	if !one.action.match(call.Action) {
		call.Action = one.action.sample()
	}
	if !one.object.match(call.Object) {
		call.Object = one.object.sample()
	}
	d := r.need(Need{call})
	for _, other := range r.all() {
		if other.line == d.By && other != one && call.Object != shown.Object && other.resource.match(call.Resource) {
			call.Object = one.object.sample(other.object)
			d = r.need(Need{call})
			break
		}
	}
	d.Call = shown
	return d
}

// lottery makes policies of few words, so that lines meet.
type lottery struct{ *rand.Rand }

func (l lottery) of(all ...string) string { return all[l.IntN(len(all))] }

func (l lottery) object(m mode) string {
	text := ""
	for range 1 + l.IntN(3) {
		if m == regexMode {
			text += l.of("a", "b", ".*", ".", "[ab]", "(a|bb)", "(?i)A", "\ufffd", "$", "x?")
		} else {
			text += l.of("a", "b", "*", "?", "[ab]", "[!a]", "{a,bb}", "{,b*}", `\*`, `\a`, "\ufffd")
		}
	}
	if m == regexMode {
		return l.of("^", `\A`, "", "(?m)^") + l.of("shop/", "bank/", "", "s") + text
	}
	return l.of("shop/", "bank/", "*/", "") + text
}

func (l lottery) line(subject string, m mode) string {
	effect := l.of("allow", "allow", "deny")
	if m == regexMode {
		return fmt.Sprintf("p, %s, %s, %s, %q, %s", subject, l.of("applications", "^app", ".", "clusters"), l.of("get", "^sync$", ".", "action/apps/Deployment/restart"), l.object(m), effect)
	}
	return fmt.Sprintf("p, %s, %s, %s, %q, %s", subject, l.of("applications", "app*", "*", "clusters", "projects"),
		l.of("get", "sync", "*", "action/apps/Deployment/restart", "action/*", "delete/*", "update/apps/*"), l.object(m), effect)
}

// An explanation of any policy, which is made by indexes, is the one that the definition has; so is that of lines that
// are too many to show.
func TestExplanationsAreAsDefined(t *testing.T) {
	seed := Seed()
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	l := lottery{rand.New(rand.NewPCG(seed, 7))}
	explain := func(p Policy, s Subject, lines []string) (shown int) {
		decisions, idle := plainly(p.Of(s))
		e := p.Explain(s)
		if !reflect.DeepEqual(e.Decisions, decisions) || !reflect.DeepEqual(e.Idle, idle) {
			t.Errorf("seed %d, %+v by %q:\ngot  %v, %v\nwant %v, %v", seed, s, lines, e.Decisions, e.Idle, decisions, idle)
		}
		return len(idle)
	}
	shown := 0
	for range fewer(120) {
		m := mode(l.of("glob", "regex"))
		lines := []string{"g, dev, role:more", "g, crew, dev", "g, crew, proj:bank:ci"}
		for range l.IntN(9) {
			lines = append(lines, l.line(l.of("dev", "dev", "role:more", "role:all", "proj:shop:ci"), m))
		}
		project := func(name string) *v1alpha1.AppProject {
			return project(name, fmt.Sprintf(`{"name":"ci","groups":["crew"],"policies":[%q,%q]}`, fmt.Sprintf("p, proj:%[1]s:ci, applications, %[2]s, %[1]s/*, deny", name, l.of("get", "sync", "*")), fmt.Sprintf("p, proj:%[1]s:ci, *, *, %[1]s/%[2]s, allow", name, l.of("a", "b", "*"))))
		}
		p, _ := Parse(Written{
			Policies: map[string]string{modeKey: string(m), defaultKey: l.of("", "role:all"), policyKey: strings.Join(lines, "\n")},
			Projects: []*v1alpha1.AppProject{project("shop"), project("bank")},
		})
		for _, s := range []Subject{{Name: "dev"}, {Name: "u", Groups: []string{"crew"}, Foreign: true}, {Name: "proj:shop:ci"}, {Name: AdminName}} {
			shown += explain(p, s, lines)
		}
	}
	if shown == 0 && !testing.Short() {
		t.Errorf("seed %d: each line has an effect in all policies, which tells nothing", seed)
	}
	for _, lines := range [][]string{manyLines(700, "*", "allow"), append(manyLines(300, "get", "allow"), "p, dev, applications, get, *, deny")} {
		p, _ := Parse(Written{Policies: policies(lines...)})
		explain(p, Subject{Name: "dev"}, nil)
	}
}

// manyLines are lines about as many projects.
func manyLines(n int, action, effect string) []string {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf("p, dev, applications, %s, p%d/*, %s", action, i, effect))
	}
	return lines
}

// A policy is explained in a time that grows with its lines, not with their square.
func BenchmarkExplain(b *testing.B) {
	for _, c := range []struct {
		name  string
		lines []string
		mode  mode
	}{
		{"globs", manyLines(3000, "*", "allow"), globMode},
		{"one action", append(manyLines(3000, "get", "allow"), manyLines(100, "sync", "deny")...), globMode},
		{"all overruled", append(manyLines(3000, "get", "allow"), "p, dev, applications, get, *, deny"), globMode},
		{"names", strings.Split(strings.ReplaceAll(strings.Join(manyLines(3000, "sync", "allow"), "\n"), "/*", "/web"), "\n"), globMode},
		{"expressions", strings.Split(strings.ReplaceAll(strings.ReplaceAll(strings.Join(manyLines(3000, "sync", "allow"), "\n"), " p", " ^p"), "*", ".*"), "\n"), regexMode},
		{"expressions without a beginning", strings.Split(strings.ReplaceAll(strings.Join(manyLines(3000, "sync", "allow"), "\n"), "*", "x"), "\n"), regexMode},
	} {
		b.Run(c.name, func(b *testing.B) {
			p, found := Parse(Written{Policies: map[string]string{modeKey: string(c.mode), policyKey: strings.Join(c.lines, "\n")}})
			if len(found) > 0 {
				b.Fatal(found)
			}
			for b.Loop() {
				p.Explain(Subject{Name: "dev"})
			}
		})
	}
}
