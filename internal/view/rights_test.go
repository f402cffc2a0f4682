package view

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
)

// Each row has the line that decides and where it stands; what has no effect is named.
func TestRightsAreExplained(t *testing.T) {
	project := &v1alpha1.AppProject{}
	project.Name = "bank"
	project.Spec.Roles = []runtime.RawExtension{{Raw: []byte(`{"name":"ci","policies":["p, proj:bank:ci, applications, sync, bank/*, allow"]}`)}}
	policy, _ := access.Parse(access.Written{Projects: []*v1alpha1.AppProject{project}, Policies: map[string]string{
		"policy.csv": "# people\np, dev, applications, sync, shop/*, allow\np, dev, logs, get, shop/*, allow\np, dev, logs, *, *, deny\ng, dev, role:gone\ng, crew, dev",
	}})
	for _, c := range []struct{ who, resource, action, want string }{
		{"dev", "applications", "sync", "shop/* allow|p, dev, applications, sync, shop/*, allow|argocd-rbac-cm policy.csv:2|"},
		{"dev", "logs", "get", "*/* deny|p, dev, logs, *, *, deny|argocd-rbac-cm policy.csv:4|"},
		{"dev", "applications", "get", "*/* none|||"},
		{"admin", "clusters", "get", "* allow|p, role:readonly, clusters, get, *, allow|built in|"},
		{"proj:bank:ci", "applications", "sync", "bank/* allow|p, proj:bank:ci, applications, sync, bank/*, allow|AppProject bank role ci: policies[0]|"},
	} {
		v := RightsOf(c.who, policy.Explain(access.Subject{Name: c.who}), nil)
		got := ""
		for _, r := range v.Rows {
			if r.Resource == c.resource && r.Action == c.action {
				got = fmt.Sprintf("%s %s|%s|%s|%s", r.Object, r.Effect, r.By, r.From, r.As)
			}
		}
		if got != c.want || v.Subject != c.who {
			t.Errorf("%s, %s %s: got %s, want %s", c.who, c.resource, c.action, got, c.want)
		}
	}
	v := RightsOf("dev", policy.Explain(access.Subject{Name: "dev"}), []string{"line 9: what is that"})
	want := `[{ role "role:gone": no line is about it; correct its name, or write lines of it warning}` +
		` {argocd-rbac-cm policy.csv:3 line "p, dev, logs, get, shop/*, allow" has no effect: all of it is denied by "p, dev, logs, *, *, deny" (argocd-rbac-cm policy.csv:4) warning} { line 9: what is that warning}]`
	if got := fmt.Sprint(v.Findings); got != want || fmt.Sprint(v.Roles) != "[role:gone]" {
		t.Errorf("got %s %v, want %s", got, v.Roles, want)
	}
	crew := RightsOf("crew", policy.Explain(access.Subject{Name: "crew", Groups: []string{"crew"}, Foreign: true}), nil)
	if crew.Rows[4].As != "" || crew.Roles[0] != "dev" {
		t.Errorf("a group: got %+v", crew)
	}
	nobody := RightsOf("nobody", access.Policy{}.Explain(access.Subject{Name: "nobody"}), nil)
	if nobody.Roles == nil || nobody.Findings == nil || len(nobody.Rows) == 0 || nobody.Rows[0].Effect != "none" {
		t.Errorf("nobody: got %+v", nobody)
	}
	if nothing := RightsOf("nobody", access.Explanation{}, nil); nothing.Rows == nil {
		t.Error("no rows are no list")
	}
	everybody, _ := access.Parse(access.Written{Policies: map[string]string{"policy.default": "role:readonly"}})
	if row := RightsOf("nobody", everybody.Explain(access.Subject{Name: "nobody"}), nil).Rows[0]; row.As != "role:readonly" || row.Effect != "allow" {
		t.Errorf("by what everybody has: got %+v", row)
	}
}
