package access_test

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
)

func explained(e access.Explanation, resource, action string) string {
	var all []string
	for _, d := range e.Decisions {
		if d.Call.Resource != resource || d.Call.Action != action && !strings.HasPrefix(d.Call.Action, action+"/") {
			continue
		}
		text := d.Call.Action + " " + d.Call.Object
		switch {
		case d.By == nil:
			text += " none"
		case d.Allowed:
			text += fmt.Sprintf(" allow %d", d.By.Number)
		default:
			text += fmt.Sprintf(" deny %d", d.By.Number)
		}
		if d.By != nil && d.By.Object != "ConfigMap argocd-rbac-cm" {
			text += " " + d.By.Object
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// What a subject may do is said for everything, and for what lines name besides, each with the line that decides.
func TestExplain(t *testing.T) {
	project := &v1alpha1.AppProject{}
	project.Name = "bank"
	project.Spec.Roles = []runtime.RawExtension{{Raw: []byte(`{"name":"ci","policies":["p, proj:bank:ci, applications, sync, bank/*, allow"],"groups":["bankers"]}`)}}
	policy, _ := access.Parse(access.Written{Projects: []*v1alpha1.AppProject{project}, Policies: map[string]string{"policy.default": "role:look", "policy.csv": strings.Join([]string{
		"p, dev, applications, sync, shop/*, allow",
		"p, dev, applications, sync, shop/prod-*, deny",
		"p, dev, applications, action/apps/Deployment/restart, shop/*, allow",
		"g, dev, role:gone",
		"g, crew, dev",
		"p, role:look, projects, get, *, allow",
		"p, dev, logs, get, shop/*, allow",
		"p, dev, logs, *, *, deny",
		"p, dev, applications, update/*, shop/*, allow",
	}, "\n")}})
	for _, c := range []struct{ who, resource, action, want string }{
		{"dev", "applications", "sync", "sync shop/* allow 1, sync shop/prod-* deny 2"},
		{"dev", "applications", "get", "get */* none"},
		{"dev", "applications", "action", "action/* */* none, action/apps/Deployment/restart shop/* allow 3"},
		{"dev", "applications", "update", "update */* none, update/* shop/* allow 9"},
		{"dev", "projects", "get", "get * allow 6"},
		{"dev", "logs", "get", "get */* deny 8"},
		{"admin", "applications", "sync", "sync */* allow 18 built in"},
		{"nobody", "projects", "get", "get * allow 6"},
		{"nobody", "projects", "create", "create * none"},
		{"proj:bank:ci", "applications", "sync", "sync bank/* allow 0 AppProject bank"},
		{"proj:bank:ci", "projects", "get", "get * allow 6"},
		{"role:readonly", "certificates", "get", "get * allow 3 built in"},
	} {
		e := policy.Explain(access.Subject{Name: c.who})
		got := explained(e, c.resource, c.action)
		if got != c.want {
			t.Errorf("%s, %s %s: got %s, want %s", c.who, c.resource, c.action, got, c.want)
		}
	}
	dev := policy.Explain(access.Subject{Name: "dev"})
	if got := fmt.Sprint(dev.Roles, dev.Empty); got != "[role:look role:gone] [role:gone]" {
		t.Errorf("roles: got %s", got)
	}
	if len(dev.Idle) != 1 || dev.Idle[0].Line.Number != 7 || dev.Idle[0].By.Number != 8 {
		t.Errorf("idle: got %+v", dev.Idle)
	}
	// A role of a project that is not there, and one that everybody has, are named where no line is about them; so are the
	// roles of one who has nothing else.
	lost, _ := access.Parse(access.Written{Policies: map[string]string{"policy.default": "role:none", "policy.csv": "g, dev, proj:gone:ci\ng, one, role:gone\ng, two, role:gone"}})
	for who, want := range map[string]string{"dev": "[role:none proj:gone:ci] [role:none proj:gone:ci]", "one": "[role:none role:gone] [role:none role:gone]", "nobody": "[role:none] [role:none]"} {
		e := lost.Explain(access.Subject{Name: who, Groups: []string{"unknown"}})
		if got := fmt.Sprint(e.Roles, e.Empty); got != want {
			t.Errorf("roles of %s: got %s, want %s", who, got, want)
		}
	}
	// What several groups have of one role is said once.
	teams, _ := access.Parse(access.Written{Policies: map[string]string{"policy.csv": "g, a, r\ng, b, r\np, r, logs, get, shop/*, allow\np, r, logs, *, *, deny"}})
	if e := teams.Explain(access.Subject{Name: "u", Groups: []string{"a", "b"}, Foreign: true}); len(e.Idle) != 1 || explained(e, "logs", "get") != "get */* deny 4" {
		t.Errorf("of two groups: %+v", e)
	}
	bank, _ := access.Parse(access.Written{Projects: []*v1alpha1.AppProject{project}})
	if got := explained(bank.Explain(access.Subject{Name: "proj:bank:ci"}), "projects", "get"); got != "get bank allow 0 AppProject bank" {
		t.Errorf("a role sees its project: got %s", got)
	}
	group := policy.Explain(access.Subject{Name: "crew", Groups: []string{"crew", "bankers"}, Foreign: true})
	if got := explained(group, "applications", "sync"); got != "sync shop/* allow 1, sync shop/prod-* deny 2, sync bank/* allow 0 AppProject bank" {
		t.Errorf("a group: got %s", got)
	}
	if got := fmt.Sprint(group.Roles, group.Empty); got != "[role:look dev role:gone proj:bank:ci] [role:gone]" {
		t.Errorf("roles of a group: got %s", got)
	}
}

// A line is explained by what it allows, however its pattern is written: one that does not look like what it matches is
// shown as it is, and no such line is taken for one that has no effect.
func TestPatternsThatDoNotMatchThemselvesAreExplained(t *testing.T) {
	for _, c := range []struct{ rule, mode, line, action, want, idle string }{
		{"choices", "glob", `p, x, applications, get, "shop/{web,api}", allow`, "get", "get shop/{web,api} allow 1", ""},
		{"a class", "glob", "p, x, applications, get, shop/[a-c]*, allow", "get", "get shop/[a-c]* allow 1", ""},
		{"an escaped star", "glob", `p, x, applications, get, shop/\*, allow`, "get", `get shop/\* allow 1`, ""},
		{"choices of actions on objects", "glob", `p, x, applications, "action/apps/{Deployment,StatefulSet}/restart", shop/*, allow`, "action", "action/* */* none, action/apps/{Deployment,StatefulSet}/restart shop/* allow 1", ""},
		{"an expression with a class", "regex", "p, x, applications, get, ^shop/[a-z]+$, allow", "get", "get ^shop/[a-z]+$ allow 1", ""},
		{"an expression that is like a glob", "regex", `p, x, applications, get, ^shop/.*$, allow`, "get", "get shop/* allow 1", ""},
		{"one that denies a class of what is allowed", "glob", "p, x, applications, get, shop/*, allow\np, x, applications, get, shop/[a-c]*, deny", "get", "get shop/* allow 1, get shop/[a-c]* deny 2", ""},
		{"choices, one of which is denied", "glob", `p, x, applications, get, "shop/{web,api}", allow` + "\np, x, applications, get, shop/api, deny", "get", "get shop/{web,api} allow 1, get shop/api deny 2", ""},
		{"choices, the first of which is denied before", "glob", "p, x, applications, get, shop/api, deny\n" + `p, x, applications, get, "shop/{api,web}", allow`, "get", "get shop/api deny 1, get shop/{api,web} allow 2", ""},
		{"choices, the first of which is denied, and lines about others", "glob", "p, x, applications, get, shop/db, deny\np, x, applications, get, shop/api, deny\n" + `p, x, applications, get, "shop/{api,web}", allow`, "get", "get shop/db deny 1, get shop/api deny 2, get shop/{api,web} allow 3", ""},
		{"choices that are all denied", "glob", `p, x, applications, get, "shop/{web,api}", allow` + "\np, x, applications, get, shop/*, deny", "get", "get shop/{web,api} deny 2, get shop/* deny 2", "1 by 2"},
		{"what is the same for everything is said once", "glob", "p, x, applications, get, */*, allow\np, x, applications, get, *, allow\np, x, applications, get, shop/*, allow", "get", "get */* allow 1", ""},
		{"what nothing matches", "regex", "p, x, applications, get, a^b, allow", "get", "get */* none", ""},
	} {
		policy, found := access.Parse(access.Written{Policies: map[string]string{"policy.matchMode": c.mode, "policy.csv": c.line}})
		if len(found) > 0 {
			t.Fatalf("%s: %v", c.rule, found)
		}
		e := policy.Explain(access.Subject{Name: "x"})
		var idle []string
		for _, o := range e.Idle {
			idle = append(idle, fmt.Sprintf("%d by %d", o.Line.Number, o.By.Number))
		}
		if got := explained(e, "applications", c.action); got != c.want || strings.Join(idle, ", ") != c.idle {
			t.Errorf("%s: got %s, idle %v; want %s, idle %s", c.rule, got, idle, c.want, c.idle)
		}
	}
}

// Each decision is that of the rights themselves, whatever the policy; and lines are many before they are too many.
func TestExplanationsDecideAsRightsDo(t *testing.T) {
	var lines []string
	for i := range 3000 {
		lines = append(lines, fmt.Sprintf("p, dev, applications, get, p%d/*, %s", i, []string{"allow", "deny"}[i%3%2]))
	}
	for _, mode := range []string{"glob", "regex"} {
		policy, _ := access.Parse(access.Written{Policies: map[string]string{"policy.matchMode": mode, "policy.csv": strings.Join(append(lines, `p, dev, clusters, get, ^https://a\.example/.*$, allow`), "\n")}})
		rights := policy.Of(access.Subject{Name: "dev"})
		e := policy.Explain(access.Subject{Name: "dev"})
		if len(e.Decisions) != 2000 {
			t.Errorf("%s: got %d decisions, want the bound", mode, len(e.Decisions))
		}
		for _, d := range e.Decisions[:50] {
			if got := rights.Allowed(d.Call); got != d.Allowed {
				t.Errorf("%s, %s: explained %v, decided %v", mode, d.Call, d.Allowed, got)
			}
		}
	}
	policy, _ := access.Parse(access.Written{Policies: map[string]string{"policy.matchMode": "regex", "policy.csv": `p, dev, clusters, get, ^https://a\.example/.*$, allow`}})
	if got := explained(policy.Explain(access.Subject{Name: "dev"}), "clusters", "get"); got != "get https://a.example/* allow 1" {
		t.Errorf("an expression: got %s", got)
	}
}
