package access_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/glob"
	"github.com/cyan-cd/cyan/internal/problem"
)

// withRole returns a project that has a role.
func withRole(name, role string) []*v1alpha1.AppProject {
	project := &v1alpha1.AppProject{}
	project.Name = name
	project.Spec.Roles = []runtime.RawExtension{{Raw: []byte(role)}}
	return []*v1alpha1.AppProject{project}
}

// A part of a call that is a pattern stands for all that fits it; what may not be done of that is the answer.
func TestEachPartMayBeAPattern(t *testing.T) {
	policy, found := access.Parse(access.Written{Policies: map[string]string{"policy.csv": strings.Join([]string{
		"p, dev, applications, *, shop/*, allow", "p, dev, logs, get, shop/*, allow", "p, dev, clusters, get, *, allow",
		"p, own, repositories, get, *, allow", "p, own, repositories, create, *, allow", "p, own, repositories, update, *, allow", "p, own, repositories, delete, *, allow",
		"p, half, applications, *, */*, allow", "p, half, applications, delete, */*, deny",
		"p, hole, applications, *, */*, allow", "p, hole, applications, *, shop/vault, deny", "p, hole, applications, get, bank/*-old, deny", "p, hole, applications, action/apps/*, till/*, deny",
		"p, both, applications, *, */*, allow", "p, both, applications, *, shop/vault, deny", "g, both, role:admin",
		"p, whole, applications, get, */*, allow", "g, member, whole", "p, member, applications, get, shop/?ault, deny",
	}, "\n")}})
	if len(found) > 0 {
		t.Fatal(found)
	}
	for _, c := range []struct {
		who, call string
		want      bool
	}{
		{"admin", "applications sync *", true},
		{"admin", "applications sync */*", true},
		{"admin", "applications * *", true},
		{"admin", "applications action/* *", true},
		{"admin", "applications action/apps/Deployment/restart shop/web", true},
		{"admin", "* get *", true},
		{"admin", "* * *", true},
		{"admin", "c* * *", true},
		{"admin", "projects get *", true},
		{"role:readonly", "* get *", true},
		{"role:readonly", "* * *", false},
		{"role:readonly", "applications sync *", false},
		{"dev", "applications sync *", false},
		{"dev", "applications sync shop/*", true},
		{"dev", "applications * shop/*", true},
		{"dev", "{applications,logs} get shop/*", true},
		{"dev", "* get shop/*", false},
		{"own", "repositories * *", true},
		{"own", "write-repositories get *", false},
		{"half", "applications sync *", true},
		{"half", "applications delete *", false},
		{"half", "applications * *", false},
		// A line that denies a part, and no other.
		{"hole", "applications sync shop/web", true},
		{"hole", "applications sync shop/vault", false},
		{"hole", "applications sync *", false},
		{"hole", "applications sync shop/*", false},
		{"hole", "applications sync shop/web*", true},
		{"hole", "applications sync shop/v*t", false},
		{"hole", "applications sync bank/*", true},
		{"hole", "applications get bank/*", false},
		{"hole", "applications get bank/a*", false},
		{"hole", "applications get bank/*-new", true},
		{"hole", "applications get b*", false},
		// Every Application is PROJECT/NAME, so that c* stands for those of the projects that begin with it.
		{"hole", "applications get c*", true},
		{"hole", "applications get cafe/*", true},
		{"hole", "applications get {bank,cafe}/x-old", false},
		{"hole", "applications action/* till/*", false},
		{"hole", "applications action/* till/web", false},
		{"hole", "applications sync till/*", true},
		// Each name of the subject has its own lines, and those that it is given count together.
		{"both", "applications sync *", false},
		{"member", "applications get *", false},
		{"member", "applications get shop/v*", false},
		{"member", "applications get bank/v*", true},
	} {
		part := strings.Fields(c.call)
		calls, err := access.Call{Resource: part[0], Action: part[1], Object: part[2]}.Each()
		if err != nil {
			t.Errorf("%s: %v", c.call, err)
			continue
		}
		if d := policy.Of(access.Subject{Name: c.who}).DecideAll(calls); d.Allowed != c.want {
			t.Errorf("%s, %s: got %s, want %v", c.who, c.call, d, c.want)
		}
	}
	whole, err := access.Call{Resource: "{applications,clusters}", Action: "get", Object: "*"}.Each()
	if err != nil || fmt.Sprint(whole) != "[applications, get, */* clusters, get, *]" {
		t.Errorf("all objects of two resources: got %v, %v", whole, err)
	}
	if all, err := (access.Call{Resource: strings.Repeat("*", 1024), Action: "get", Object: "*"}).Each(); err != nil || len(all) < 10 {
		t.Errorf("the longest pattern: got %v, %v", all, err)
	}
	if _, err := (access.Call{Resource: "x*", Action: "get", Object: "*"}).Each(); problem.KindOf(err) != problem.Usage || err.Error() != `policies: no call fits "x*, get, *"; write * for all resources or all actions` {
		t.Errorf("got %v", err)
	}
	for call, want := range map[string]string{
		"aplications get *": `unknown resource "aplications"; did you mean applications?`, "applications destroy *": `unknown action "destroy"`, "x* get *": "no call fits", "* destroy *": "no call fits",
		"applications x* *": "no call fits", "* invoke *": "no call fits", strings.Repeat("*", 2000) + " get *": "no call fits", strings.Repeat("*", 1025) + " get *": "no call fits", "[ get *": "no call fits",
	} {
		part := strings.Fields(call)
		if calls, err := (access.Call{Resource: part[0], Action: part[1], Object: part[2]}).Each(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30s: got %v, %v, want %q", call, calls, err, want)
		}
	}
}

// What is refused of a pattern names the line that denies a part of it, whichever name of the subject allows the rest;
// another name that is allowed all of it is enough.
func TestAPartThatIsDeniedIsNamed(t *testing.T) {
	policy, found := access.Parse(access.Written{Policies: map[string]string{"policy.csv": strings.Join([]string{
		"p, hole, applications, get, */*, allow", "p, hole, applications, get, shop/vault, deny",
		"p, all, applications, get, */*, allow", "g, team, all",
	}, "\n")}})
	if len(found) > 0 {
		t.Fatal(found)
	}
	calls := []access.Call{{Resource: access.Applications, Action: access.Get, Object: "*/*"}}
	d := policy.Of(access.Subject{Name: "hole"}).DecideAll(calls)
	if d.Allowed || d.Call != calls[0] || d.As != "hole" || d.By == nil || !strings.Contains(d.By.Text, "shop/vault") {
		t.Errorf("got %s", d)
	}
	if d := policy.Of(access.Subject{Name: "hole", Groups: []string{"team"}}).DecideAll(calls); !d.Allowed || d.As != "team" {
		t.Errorf("with a group that is allowed all: %s", d)
	}
}

// Of two patterns that may overlap, what is right is found out: yes means all, and no comes with what is not allowed.
func TestPatternsThatMayOverlap(t *testing.T) {
	for _, c := range []struct {
		rule, mode, lines, object, want string
	}{
		{"a line about one character is not about all", "glob", "p, x, applications, get, shop/?, allow", "shop/*", "no: shop/aa"},
		{"nor is one about some characters", "glob", "p, x, applications, get, shop/[a-c]*, allow", "shop/*", "no: shop/0"},
		{"all that is asked about may be", "glob", "p, x, applications, get, shop/[a-c]*, allow", "shop/b*", "yes"},
		{"several lines together", "glob", "p, x, applications, get, shop/a*, allow\np, x, applications, get, shop/[!a]*, allow", "shop/*", "yes"},
		{"several lines together, but for one name", "glob", "p, x, applications, get, shop/a?*, allow\np, x, applications, get, shop/[!a]*, allow", "shop/*", "no: shop/a"},
		{"a namespace before the name is of the object", "glob", "p, x, applications, get, \"shop/{a,b}/*\", allow", "shop/?/*", "no: shop/0/a"},
		{"ends that differ do not overlap", "glob", "p, x, applications, get, */*, allow\np, x, applications, get, shop/*-old, deny", "shop/*-new", "yes"},
		{"beginnings that differ do not overlap", "glob", "p, x, applications, get, */*, allow\np, x, applications, get, shop/old-*, deny", "shop/new-*", "yes"},
		{"middles that differ do not overlap", "glob", "p, x, applications, get, */*, allow\np, x, applications, get, shop/?b*, deny", "shop/aa*", "yes"},
		{"middles that could be the same do", "glob", "p, x, applications, get, */*, allow\np, x, applications, get, *eb*, deny", "shop/w?b", "no: shop/web"},
		{"a name that both have", "glob", "p, x, applications, get, */*, allow\np, x, applications, get, *a*b, deny", "*/ab*", "no: a/ab"},
		{"choices", "glob", "p, x, applications, get, */*, allow\np, x, applications, get, \"shop/{web,api}\", deny", "shop/{db,cache}", "yes"},
		{"choices, one of which is denied", "glob", "p, x, applications, get, */*, allow\np, x, applications, get, \"shop/{web,api}\", deny", "shop/{db,api}", "no: shop/api"},
		{"lengths that differ", "glob", "p, x, applications, get, */*, allow\np, x, applications, get, shop/????, deny", "shop/???", "yes"},
		{"an escaped star is one", "glob", `p, x, applications, get, */*, allow` + "\n" + `p, x, applications, get, shop/\*, deny`, "shop/[a-z]*", "yes"},
		{"expressions are taken as they are", "regex", "p, x, applications, get, ^shop/[a-z]+$, allow", "shop/{web,api}", "yes"},
		{"an expression matches anywhere", "regex", "p, x, applications, get, shop, allow", "{a,b}/workshops", "yes"},
		{"an expression with both ends", "regex", "p, x, applications, get, ^shop/[a-z]+$, allow", "shop/*", "no: shop/0"},
		{"an expression that denies", "regex", "p, x, applications, get, ., allow\np, x, applications, get, (?i)^SHOP/W, deny", "shop/w*", "no: shop/w"},
		{"an expression that denies something else", "regex", "p, x, applications, get, ., allow\np, x, applications, get, (?i)^SHOP/W, deny", "shop/v*", "yes"},
		{"an expression of lines", "regex", "p, x, applications, get, (?m)^shop/[a-z0-9]*$, allow", "shop/{web,api}", "yes"},
		{"words are not told apart", "regex", `p, x, applications, get, ., allow` + "\n" + `p, x, applications, get, \bweb\b, deny`, "shop/*", "unknown"},
		{"an expression that goes round without a character", "regex", "p, x, applications, get, ^shop/(|a)*$, allow", "shop/a*", "no: shop/a0"},
		{"an expression of either case", "regex", "p, x, applications, get, ., allow\np, x, applications, get, (?i)^shop/k$, deny", "shop/[!k]", "no: shop/K"},
		{"and of a letter that has three", "regex", "p, x, applications, get, ., allow\np, x, applications, get, (?i)^shop/k$, deny", "shop/[!kK]", "no: shop/\u212a"},
		{"a class ends where it ends", "regex", "p, x, applications, get, ^shop/[a-m]$, allow", "shop/[a-p]", "no: shop/n"},
		{"a pattern that is none", "glob", "p, x, applications, get, *, allow", "[shop/*", "no: nothing"},
		{"the longest pattern", "glob", "p, x, applications, get, shop/*, allow", "shop/" + strings.Repeat("a", 1018) + "*", "yes"},
		{"a longer one", "glob", "p, x, applications, get, shop/*, allow", "shop/" + strings.Repeat("a", 1019) + "*", "no: nothing"},
		{"what nothing real fits", "glob", "p, x, applications, get, *, allow", "sho?", "no: nothing"},
		{"too many ways", "glob", "p, x, applications, get, *a?????????????????????*, allow", "*b*a*", "unknown"},
	} {
		policy, found := access.Parse(access.Written{Policies: map[string]string{"policy.csv": c.lines, "policy.matchMode": c.mode}})
		if len(found) > 0 {
			t.Fatalf("%s: %v", c.rule, found)
		}
		call := access.Call{Resource: access.Applications, Action: access.Get, Object: c.object}
		d := policy.Of(access.Subject{Name: "x"}).DecideAll([]access.Call{call})
		got := "yes"
		switch {
		case d.Unknown:
			got = "unknown"
		case d.Example != nil:
			got = "no: " + d.Example.Object
		case !d.Allowed:
			got = "no: nothing"
		}
		if got != c.want || d.Call != call || d.Unknown && d.Allowed {
			t.Errorf("%s: got %s (%s), want %s", c.rule, got, d, c.want)
		}
	}
}

// Answers about patterns in words.
func TestDecisionsAboutPatternsInWords(t *testing.T) {
	policy, _ := access.Parse(access.Written{Policies: map[string]string{"policy.csv": strings.Join([]string{
		"p, dev, applications, get, shop/*, allow", "p, dev, applications, get, shop/vault, deny", "p, dev, logs, get, shop/web, allow", "p, dev, clusters, get, *, allow",
		"p, dev, rollouts, get, *a?????????????????????*, allow",
	}, "\n")}})
	for call, want := range map[string]string{
		"applications get shop/*":  "denied as dev for applications, get, shop/vault by ConfigMap argocd-rbac-cm: policy.csv line 2: p, dev, applications, get, shop/vault, deny",
		"applications get shop/w*": "allowed as dev by ConfigMap argocd-rbac-cm: policy.csv line 1: p, dev, applications, get, shop/*, allow",
		"logs get shop/*":          "denied: no line allows logs, get, shop/a",
		"clusters get *":           "allowed as dev by ConfigMap argocd-rbac-cm: policy.csv line 4: p, dev, clusters, get, *, allow",
		"rollouts get *b*a*":       "denied: too many or too complex patterns to know what fits rollouts, get, *b*a*; ask about parts of it",
	} {
		part := strings.Fields(call)
		calls, err := access.Call{Resource: part[0], Action: part[1], Object: part[2]}.Each()
		if err != nil {
			t.Fatal(err)
		}
		if got := policy.Of(access.Subject{Name: "dev"}).DecideAll(calls).String(); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", call, got, want)
		}
	}
}

// A project's own rules count for what is in it, and a project's role has nothing elsewhere: patterns go across.
func TestPatternsAcrossProjects(t *testing.T) {
	shop := withRole("shop", `{"name":"ci","policies":["p, proj:shop:ci, applications, get, shop/*, allow","p, proj:shop:ci, clusters, get, shop/*, allow"],"groups":["crew"]}`)
	policy, found := access.Parse(access.Written{Projects: shop, Policies: map[string]string{"policy.csv": strings.Join([]string{
		"g, crew, role:wide", "p, role:wide, applications, get, bank/*, allow", "p, proj:shop:ci, applications, sync, */*, allow", "p, proj:shop:ci, clusters, get, https://*, allow", "p, proj:till:ci, projects, get, till*, allow",
		"p, proj:till:ci, projects, update, till*, allow", "p, proj:shop:ci, logs, get, */*, allow", "p, proj:shop:ci, repositories, get, *, allow",
	}, "\n")}})
	if len(found) > 0 {
		t.Fatal(found)
	}
	crew := access.Subject{Name: "u", Groups: []string{"crew"}, Foreign: true}
	role := access.Subject{Name: "proj:shop:ci"}
	for _, c := range []struct {
		who  access.Subject
		call access.Call
		want bool
	}{
		{crew, access.Call{Resource: access.Applications, Action: access.Get, Object: "{shop,bank}/*"}, true},
		{crew, access.Call{Resource: access.Applications, Action: access.Get, Object: "*/*"}, false},
		{role, access.Call{Resource: access.Applications, Action: access.Sync, Object: "shop/*"}, true},
		{role, access.Call{Resource: access.Applications, Action: access.Sync, Object: "sho?/*"}, false},
		{role, access.Call{Resource: access.Applications, Action: access.Sync, Object: "shop*/*"}, false},
		{role, access.Call{Resource: access.Clusters, Action: access.Get, Object: "https://*"}, true},
		{role, access.Call{Resource: access.Clusters, Action: access.Get, Object: "shop/*"}, true},
		{role, access.Call{Resource: access.Clusters, Action: access.Get, Object: "bank/*"}, false},
		{role, access.Call{Resource: access.Projects, Action: access.Get, Object: "{shop,}shop"}, false},
		{role, access.Call{Resource: access.Projects, Action: "{get,update}", Object: "shop"}, false},
		{role, access.Call{Resource: access.Projects, Action: "{get,g}", Object: "shop"}, false},
		{crew, access.Call{Resource: access.Applications, Action: access.Sync, Object: "shop/*"}, true},
		{crew, access.Call{Resource: access.Applications, Action: access.Sync, Object: "{shop,shopx}/*"}, false},
		{access.Subject{Name: "proj:till:ci"}, access.Call{Resource: access.Projects, Action: access.Get, Object: "till*"}, false},
		{access.Subject{Name: "proj:till:ci"}, access.Call{Resource: access.Projects, Action: access.Get, Object: "{till,till}"}, true},
		{access.Subject{Name: "proj:till:ci"}, access.Call{Resource: access.Projects, Action: access.Update, Object: "till*"}, false},
		{access.Subject{Name: "proj:till:ci"}, access.Call{Resource: access.Projects, Action: access.Update, Object: "{till,tills}"}, false},
		{access.Subject{Name: "proj:till:ci"}, access.Call{Resource: access.Projects, Action: access.Update, Object: "{till,till}"}, true},
		{role, access.Call{Resource: access.Logs, Action: access.Get, Object: "[st]hop/*"}, false},
		{crew, access.Call{Resource: access.Logs, Action: access.Get, Object: "[st]hop/*"}, false},
		{crew, access.Call{Resource: access.Logs, Action: access.Get, Object: "[s]hop/*"}, true},
		{role, access.Call{Resource: access.Logs, Action: access.Get, Object: "[s]hop/*"}, true},
		{role, access.Call{Resource: access.Repositories, Action: access.Get, Object: "https:*"}, false},
		{role, access.Call{Resource: access.Repositories, Action: access.Get, Object: "https://*"}, true},
	} {
		if d := policy.Of(c.who).DecideAll([]access.Call{c.call}); d.Allowed != c.want {
			t.Errorf("%s, %s: got %s, want %v", c.who.Name, c.call, d, c.want)
		}
	}
}

// Answers about random patterns are those about each of the names that fit, of all that are short.
func TestPatternsAreTheirNames(t *testing.T) {
	from := access.Seed()
	if from == 0 {
		from = uint64(time.Now().UnixNano())
	}
	r := rand.New(rand.NewPCG(from, 2))
	var names []string
	for _, project := range []string{"a", "b", "ab"} {
		for n := range 1 << 4 {
			name := ""
			for i := n + 2; i > 1; i /= 2 {
				name += string("ab"[i%2])
			}
			names = append(names, project+"/"+name, project+"/"+name+"/b")
		}
	}
	part := func() string {
		text := ""
		for range 1 + r.IntN(3) {
			text += []string{"a", "b", "*", "?", "[ab]", "[!a]", "{a,bb}", "{,b*}"}[r.IntN(8)]
		}
		return text
	}
	answers := map[bool]int{}
	for i := range access.Fewer(300) {
		lines := []string{fmt.Sprintf("p, x, applications, get, %s, allow", []string{"*/*", "a*", "none/*"}[r.IntN(3)])}
		for range 1 + r.IntN(4) {
			lines = append(lines, fmt.Sprintf("p, x, applications, get, %q, %s", part()+"/"+part(), []string{"allow", "allow", "deny"}[r.IntN(3)]))
		}
		policy, _ := access.Parse(access.Written{Policies: map[string]string{"policy.csv": strings.Join(lines, "\n")}})
		rights := policy.Of(access.Subject{Name: "x"})
		object := part() + "/" + part()
		call := access.Call{Resource: access.Applications, Action: access.Get, Object: object}
		if !strings.ContainsAny(object, "*?[{") {
			continue
		}
		compiled, err := glob.Compile(object, "")
		if err != nil {
			t.Fatal(err)
		}
		d := rights.DecideAll([]access.Call{call})
		answers[d.Allowed]++
		denied := slices.IndexFunc(names, func(name string) bool {
			return compiled.Match(name) && !rights.Allowed(access.Call{Resource: call.Resource, Action: call.Action, Object: name})
		})
		if d.Allowed && denied >= 0 {
			t.Errorf("%d, seed %d: %s is allowed by %q, though not %s", i, from, object, lines, names[denied])
		}
		if !d.Allowed && (d.Example == nil || !compiled.Match(d.Example.Object) || rights.Allowed(*d.Example)) {
			t.Errorf("%d, seed %d: %s is denied by %q: %s", i, from, object, lines, d)
		}
	}
	if answers[true] == 0 || answers[false] == 0 {
		t.Errorf("seed %d: %v of the answers, which is not enough of each", from, answers)
	}
}

// What many lines say of a pattern is found out in bounded time.
func TestPatternsOfManyLines(t *testing.T) {
	var lines []string
	for i := range 2000 {
		lines = append(lines, fmt.Sprintf("p, x, applications, get, p%d/*, allow", i))
	}
	policy, _ := access.Parse(access.Written{Policies: map[string]string{"policy.csv": strings.Join(lines, "\n")}})
	rights := policy.Of(access.Subject{Name: "x"})
	for object, want := range map[string]bool{"p19*/*": false, "p199*/*": false, "p1999/*": true, "p199[0-9]/*": true, "*/*": false} {
		if d := rights.DecideAll([]access.Call{{Resource: access.Applications, Action: access.Get, Object: object}}); d.Allowed != want {
			t.Errorf("%s: got %s, want %v", object, d, want)
		}
	}
}
