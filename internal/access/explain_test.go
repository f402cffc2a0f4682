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
	group := policy.Explain(access.Subject{Name: "crew", Groups: []string{"crew", "bankers"}, Foreign: true})
	if got := explained(group, "applications", "sync"); got != "sync shop/* allow 1, sync shop/prod-* deny 2, sync bank/* allow 0 AppProject bank" {
		t.Errorf("a group: got %s", got)
	}
	if got := fmt.Sprint(group.Roles, group.Empty); got != "[role:look dev role:gone proj:bank:ci] [role:gone]" {
		t.Errorf("roles of a group: got %s", got)
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
