package access

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
)

// project makes an AppProject with roles in JSON.
func project(name string, roles ...string) *v1alpha1.AppProject {
	p := &v1alpha1.AppProject{}
	p.Name = name
	for _, role := range roles {
		p.Spec.Roles = append(p.Spec.Roles, runtime.RawExtension{Raw: []byte(role)})
	}
	return p
}

func parsed(t testing.TB, w Written, findings ...string) Policy {
	t.Helper()
	p, found := Parse(w)
	var got []string
	for _, f := range found {
		got = append(got, f.Error())
	}
	if !slices.Equal(got, findings) {
		t.Errorf("findings:\ngot  %q\nwant %q", got, findings)
	}
	return p
}

func policies(lines ...string) map[string]string {
	return map[string]string{policyKey: strings.Join(lines, "\n")}
}

// TestDecide has a row for every rule by which lines allow and deny.
func TestDecide(t *testing.T) {
	web := Call{Applications, Sync, "shop/web"}
	alice := Subject{Name: "alice"}
	shop := project("shop", `{"name":"ci","policies":["p, proj:shop:ci, applications, sync, shop/*, allow"],"groups":["org:devs"]}`)
	for _, c := range []struct {
		rule    string
		written Written
		subject Subject
		call    Call
		want    string
	}{
		{"what no line is about is denied", Written{}, alice, web, "denied: no line allows applications, sync, shop/web"},
		{"a line about the subject allows", Written{Policies: policies("p, alice, applications, sync, shop/web, allow")}, alice, web,
			"allowed as alice by ConfigMap argocd-rbac-cm: policy.csv line 1: p, alice, applications, sync, shop/web, allow"},
		{"a line about somebody else does not", Written{Policies: policies("p, bob, applications, sync, shop/web, allow")}, alice, web, "denied: no line allows applications, sync, shop/web"},
		{"another resource", Written{Policies: policies("p, alice, logs, get, shop/web, allow")}, alice, web, "denied: no line allows applications, sync, shop/web"},
		{"another action", Written{Policies: policies("p, alice, applications, get, shop/web, allow")}, alice, web, "denied: no line allows applications, sync, shop/web"},
		{"another object", Written{Policies: policies("p, alice, applications, sync, shop/we, allow")}, alice, web, "denied: no line allows applications, sync, shop/web"},
		{"deny wins, whatever the order", Written{Policies: policies("p, alice, applications, *, *, allow", "p, alice, applications, sync, shop/*, deny")}, alice, web,
			"denied as alice by ConfigMap argocd-rbac-cm: policy.csv line 2: p, alice, applications, sync, shop/*, deny"},
		{"deny wins, written first", Written{Policies: policies("p, alice, applications, sync, shop/*, deny", "p, alice, applications, *, *, allow")}, alice, web,
			"denied as alice by ConfigMap argocd-rbac-cm: policy.csv line 1: p, alice, applications, sync, shop/*, deny"},
		{"a role's line", Written{Policies: policies("p, role:dev, applications, sync, */*, allow", "g, alice, role:dev")}, alice, web,
			"allowed as alice by ConfigMap argocd-rbac-cm: policy.csv line 1: p, role:dev, applications, sync, */*, allow"},
		{"a role of a role, in a circle", Written{Policies: policies("g, alice, role:a", "g, role:a, role:b", "g, role:b, role:a", "p, role:b, applications, sync, *, allow")}, alice, web,
			"allowed as alice by ConfigMap argocd-rbac-cm: policy.csv line 4: p, role:b, applications, sync, *, allow"},
		{"a deny of one role holds for all of the name", Written{Policies: policies("g, alice, role:a", "g, alice, role:b", "p, role:a, applications, *, *, allow", "p, role:b, applications, sync, *, deny")}, alice, web,
			"denied as alice by ConfigMap argocd-rbac-cm: policy.csv line 4: p, role:b, applications, sync, *, deny"},
		{"a group with a role", Written{Policies: policies("g, org:devs, role:admin")}, Subject{Name: "u1", Groups: []string{"org:ops", "org:devs"}, Foreign: true}, web,
			"allowed as org:devs by built in: p, role:admin, applications, sync, */*, allow"},
		{"a line about a group alone is dead", Written{Policies: policies("p, org:devs, applications, sync, *, allow")}, Subject{Name: "u1", Groups: []string{"org:devs"}, Foreign: true}, web,
			"denied: no line allows applications, sync, shop/web"},
		{"a line about a group that has a role", Written{Policies: policies("p, org:devs, applications, sync, *, allow", "g, org:devs, role:none")}, Subject{Name: "u1", Groups: []string{"org:devs"}, Foreign: true}, web,
			"allowed as org:devs by ConfigMap argocd-rbac-cm: policy.csv line 1: p, org:devs, applications, sync, *, allow"},
		{"the user is denied and a group allows", Written{Policies: policies("p, u1, applications, sync, *, deny", "g, org:devs, role:admin")}, Subject{Name: "u1", Groups: []string{"org:devs"}, Foreign: true}, web,
			"allowed as org:devs by built in: p, role:admin, applications, sync, */*, allow"},
		{"the first refusal is told", Written{Policies: policies("p, u1, applications, sync, *, deny", "g, org:devs, role:none", "p, role:none, applications, *, *, deny")}, Subject{Name: "u1", Groups: []string{"org:devs"}, Foreign: true}, web,
			"denied as u1 by ConfigMap argocd-rbac-cm: policy.csv line 1: p, u1, applications, sync, *, deny"},

		{"everybody has the default role", Written{Policies: map[string]string{defaultKey: RoleAdmin}}, Subject{}, web, "allowed as role:admin by built in: p, role:admin, applications, sync, */*, allow"},
		{"the default role cannot be denied", Written{Policies: map[string]string{defaultKey: RoleAdmin, policyKey: "p, alice, applications, *, *, deny"}}, alice, web,
			"allowed as role:admin by built in: p, role:admin, applications, sync, */*, allow"},
		{"who has not logged in has nothing else", Written{Policies: policies("g, org:devs, role:admin")}, Subject{Groups: []string{"org:devs"}}, web,
			"denied: no line allows applications, sync, shop/web"},

		{"admin has role:admin", Written{}, Subject{Name: AdminName}, web, "allowed as admin by built in: p, role:admin, applications, sync, */*, allow"},
		{"admin can be denied", Written{Policies: policies("p, admin, applications, sync, *, deny")}, Subject{Name: AdminName}, web,
			"denied as admin by ConfigMap argocd-rbac-cm: policy.csv line 1: p, admin, applications, sync, *, deny"},
		{"role:admin has what role:readonly has", Written{}, Subject{Name: AdminName}, Call{Clusters, Get, "https://x"}, "allowed as admin by built in: p, role:readonly, clusters, get, *, allow"},
		{"a foreign admin is another", Written{}, Subject{Name: AdminName, Foreign: true}, web, "denied: no line allows applications, sync, shop/web"},
		{"a foreign admin is another, whatever lines say of the account", Written{Policies: policies("p, admin, applications, *, *, allow")}, Subject{Name: AdminName, Foreign: true}, web, "denied: no line allows applications, sync, shop/web"},
		{"a foreign group called admin is not the account", Written{}, Subject{Name: "u1", Groups: []string{AdminName}, Foreign: true}, web, "denied: no line allows applications, sync, shop/web"},
		{"a foreign group called admin has what lines give it", Written{Policies: policies("g, admin, role:dev", "p, role:dev, applications, sync, *, allow")}, Subject{Name: "u1", Groups: []string{AdminName}, Foreign: true}, web,
			"allowed as admin by ConfigMap argocd-rbac-cm: policy.csv line 2: p, role:dev, applications, sync, *, allow"},
		{"nobody is a role by a foreign name", Written{}, Subject{Name: RoleAdmin, Foreign: true}, web, "denied: no line allows applications, sync, shop/web"},
		{"nobody is a role by a group", Written{Policies: policies("g, role:admin, role:other")}, Subject{Name: "u1", Groups: []string{RoleAdmin}, Foreign: true}, web, "denied: no line allows applications, sync, shop/web"},
		{"nobody is a project's role by a foreign name", Written{Projects: []*v1alpha1.AppProject{shop}}, Subject{Name: "proj:shop:ci", Foreign: true}, web, "denied: no line allows applications, sync, shop/web"},
		{"nobody is a project's role by a group", Written{Projects: []*v1alpha1.AppProject{shop}}, Subject{Name: "u1", Groups: []string{"proj:shop:ci"}, Foreign: true}, web, "denied: no line allows applications, sync, shop/web"},

		{"a project's role by its token", Written{Projects: []*v1alpha1.AppProject{shop}}, Subject{Name: "proj:shop:ci"}, web,
			"allowed as proj:shop:ci by AppProject shop: role ci: policies[0]: p, proj:shop:ci, applications, sync, shop/*, allow"},
		{"a project's role by a group of the project", Written{Projects: []*v1alpha1.AppProject{shop}}, Subject{Name: "u1", Groups: []string{"org:devs"}, Foreign: true}, web,
			"allowed as org:devs by AppProject shop: role ci: policies[0]: p, proj:shop:ci, applications, sync, shop/*, allow"},
		{"a project's role by a line", Written{Projects: []*v1alpha1.AppProject{shop}, Policies: policies("g, alice, proj:shop:ci")}, alice, web,
			"allowed as alice by AppProject shop: role ci: policies[0]: p, proj:shop:ci, applications, sync, shop/*, allow"},
		{"a project's role sees its project", Written{Projects: []*v1alpha1.AppProject{shop}}, Subject{Name: "proj:shop:ci"}, Call{Projects, Get, "shop"},
			"allowed as proj:shop:ci by AppProject shop: role ci: a role sees its own project"},
		{"and no other", Written{Projects: []*v1alpha1.AppProject{shop}}, Subject{Name: "proj:shop:ci"}, Call{Projects, Get, "other"}, "denied: no line allows projects, get, other"},
		{"a group makes a bare line about it count in the project", Written{Projects: []*v1alpha1.AppProject{shop}, Policies: policies("p, org:devs, applications, delete, *, allow")},
			Subject{Name: "u1", Groups: []string{"org:devs"}, Foreign: true}, Call{Applications, Delete, "shop/web"}, "allowed as org:devs by ConfigMap argocd-rbac-cm: policy.csv line 1: p, org:devs, applications, delete, *, allow"},
		{"but in no other", Written{Projects: []*v1alpha1.AppProject{shop}, Policies: policies("p, org:devs, applications, delete, *, allow")},
			Subject{Name: "u1", Groups: []string{"org:devs"}, Foreign: true}, Call{Applications, Delete, "other/web"}, "denied: no line allows applications, delete, other/web"},
		{"a line that denies holds over a project's", Written{Projects: []*v1alpha1.AppProject{shop}, Policies: policies("p, proj:shop:ci, applications, sync, */*, deny")}, Subject{Name: "proj:shop:ci"}, web,
			"denied as proj:shop:ci by ConfigMap argocd-rbac-cm: policy.csv line 1: p, proj:shop:ci, applications, sync, */*, deny"},
		{"a project's token has nothing in another project", Written{Projects: []*v1alpha1.AppProject{shop}, Policies: policies("p, proj:shop:ci, applications, sync, */*, allow")}, Subject{Name: "proj:shop:ci"}, Call{Applications, Sync, "other/web"},
			"denied: no line allows applications, sync, other/web"},
		{"but what everybody has", Written{Projects: []*v1alpha1.AppProject{shop}, Policies: map[string]string{defaultKey: RoleReadOnly}}, Subject{Name: "proj:shop:ci"}, Call{Applications, Get, "other/web"},
			"allowed as role:readonly by built in: p, role:readonly, applications, get, */*, allow"},
		{"a project's token has what lines give it beside projects", Written{Projects: []*v1alpha1.AppProject{shop}, Policies: policies("p, proj:shop:ci, clusters, get, https://a/*, allow")}, Subject{Name: "proj:shop:ci"}, Call{Clusters, Get, "https://a/b"},
			"allowed as proj:shop:ci by ConfigMap argocd-rbac-cm: policy.csv line 1: p, proj:shop:ci, clusters, get, https://a/*, allow"},

		{"a * crosses slashes", Written{Policies: policies("p, alice, applications, *, shop/*, allow")}, alice, Call{Applications, "update/apps/Deployment/x/y", "shop/ns/web"},
			"allowed as alice by ConfigMap argocd-rbac-cm: policy.csv line 1: p, alice, applications, *, shop/*, allow"},
		{"update does not extend to objects", Written{Policies: policies("p, alice, applications, update, shop/*, allow")}, alice, Call{Applications, "update/apps/Deployment/x/y", "shop/web"},
			"denied: no line allows applications, update/apps/Deployment/x/y, shop/web"},
		{"globs have classes and choices", Written{Policies: policies(`p, alice, applications, "{get,sync}", "s[h-i]?p/w*b", allow`)}, alice, web,
			`allowed as alice by ConfigMap argocd-rbac-cm: policy.csv line 1: p, alice, applications, "{get,sync}", "s[h-i]?p/w*b", allow`},
		{"*/* wants a slash", Written{Policies: policies("p, alice, projects, get, */*, allow")}, alice, Call{Projects, Get, "shop"}, "denied: no line allows projects, get, shop"},
		{"expressions match anywhere in a value", Written{Policies: map[string]string{modeKey: "regex", policyKey: "p, alice, applic, ^(sync|get)$, ^sh.p/, allow"}}, alice, web,
			"allowed as alice by ConfigMap argocd-rbac-cm: policy.csv line 1: p, alice, applic, ^(sync|get)$, ^sh.p/, allow"},
		{"the built-in roles are globs in any mode", Written{Policies: map[string]string{modeKey: "regex"}}, Subject{Name: AdminName}, web, "allowed as admin by built in: p, role:admin, applications, sync, */*, allow"},
		{"glob is named too", Written{Policies: map[string]string{modeKey: "glob", policyKey: "p, alice, applications, sync, *, allow"}}, alice, web,
			"allowed as alice by ConfigMap argocd-rbac-cm: policy.csv line 1: p, alice, applications, sync, *, allow"},
		{"further keys are appended in their order", Written{Policies: map[string]string{"policy.z.csv": "p, alice, applications, sync, *, allow", "policy.b.csv": "p, alice, applications, *, *, allow", "policy.csv.old": "p, alice, applications, sync, *, deny", policyKey: "p, bob, applications, *, *, allow"}}, alice, web,
			"allowed as alice by ConfigMap argocd-rbac-cm: policy.b.csv line 1: p, alice, applications, *, *, allow"},
		{"comments, blank lines and blanks around fields", Written{Policies: policies("# p, alice, applications, *, *, deny", "", "  p ,alice,  applications ,sync , * ,allow  ")}, alice, web,
			"allowed as alice by ConfigMap argocd-rbac-cm: policy.csv line 3: p ,alice,  applications ,sync , * ,allow"},
		{"a cluster's URL is no project", Written{Projects: []*v1alpha1.AppProject{shop}}, Subject{Name: AdminName}, Call{Clusters, Get, "https://shop"}, "allowed as admin by built in: p, role:readonly, clusters, get, *, allow"},
	} {
		if got := parsed(t, c.written).Of(c.subject).Decide(Request{{c.call}}).String(); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.rule, got, c.want)
		}
	}
}

// Groups beyond the bound are not looked at, and those before are.
func TestGroupsAreBounded(t *testing.T) {
	groups := make([]string, mostGroups+1)
	for i := range groups {
		groups[i] = fmt.Sprint("g", i)
	}
	for i, want := range map[int]bool{mostGroups - 1: true, mostGroups: false} {
		rights := parsed(t, Written{Policies: policies("g, " + groups[i] + ", role:admin")}).Of(Subject{Name: "u", Groups: groups, Foreign: true})
		if got := rights.Allowed(Call{Applications, Sync, "shop/web"}); got != want {
			t.Errorf("group %d of %d: got %v, want %v", i+1, len(groups), got, want)
		}
	}
}

func TestZeroValuesAllowNothing(t *testing.T) {
	call := Call{Applications, Get, "shop/web"}
	for name, rights := range map[string]Rights{"rights": {}, "policy": Policy{}.Of(Subject{Name: AdminName})} {
		if d := rights.Decide(Request{{call}}); d.Allowed || d.Call != call || d.By != nil {
			t.Errorf("%s: got %v", name, d)
		}
	}
	admin := parsed(t, Written{}).Of(Subject{Name: AdminName})
	for name, q := range map[string]Request{"no needs": nil, "an empty need": {{}}, "a need and an empty one": {{call}, {}}} {
		if d := admin.Decide(q); d.Allowed {
			t.Errorf("%s: got %v, want that it is denied", name, d)
		}
	}
}

func TestCheck(t *testing.T) {
	p := parsed(t, Written{Policies: policies("p, alice, applications, get, *, allow")})
	web := Application{Project: "shop", Name: "web"}
	if err := p.Of(Subject{Name: "alice"}).Check(web.On(Get)); err != nil {
		t.Errorf("got %v", err)
	}
	for subject, want := range map[string]string{
		"alice": "permission denied: applications, sync, shop/web, sub: alice: no policy allows it; ask who keeps ConfigMap argocd-rbac-cm or the project's roles for that right",
		"":      "permission denied: applications, sync, shop/web, sub: not logged in: no policy allows it; ask who keeps ConfigMap argocd-rbac-cm or the project's roles for that right",
	} {
		if err := p.Of(Subject{Name: subject}).Check(web.On(Sync)); err == nil || err.Error() != want || problem.KindOf(err) != problem.Refused {
			t.Errorf("%s:\ngot  %v\nwant %s", subject, err, want)
		}
	}
}

// Select answers as Decide does.
func TestSelect(t *testing.T) {
	p := parsed(t, Written{Policies: map[string]string{defaultKey: "role:d", policyKey: "p, proj:far:r, applications, get, s*/*, allow\np, alice, applications, delete, *, deny\np, role:d, applications, get, open/*, allow\np, alice, applications, *, s*/*, allow\np, alice, applications, get, shop/secret, deny\np, alice, logs, *, other/*, allow"},
		Projects: []*v1alpha1.AppProject{project("far", `{"name":"r","groups":["g"],"policies":["p, proj:far:r, applications, get, far/a*, allow"]}`)}})
	for _, s := range []Subject{{Name: "alice", Groups: []string{"g"}}, {Name: "proj:far:r"}, {}} {
		rights := p.Of(s)
		for _, action := range []string{Get, Sync} {
			selected := rights.Select(Applications, action)
			for _, object := range []string{"open/a", "shop/a", "shop/secret", "far/a", "far/b", "other/a"} {
				if got, want := selected(object), rights.Allowed(Call{Applications, action, object}); got != want {
					t.Errorf("%s, %s, %s: got %v, want %v", s.Name, action, object, got, want)
				}
			}
		}
	}
}

func TestRoles(t *testing.T) {
	p := parsed(t, Written{WithoutBuiltIn: true, Policies: policies("p, role:dev, applications, get, *, allow", "g, bob, role:dev", "g, alice, role:dev", "g, carl, role:dev", "g, alice, role:dev", "p, carol, logs, get, *, allow"),
		Projects: []*v1alpha1.AppProject{project("shop", `{"name":"ci","groups":["org:devs"]}`)}})
	var got []string
	for _, r := range p.Roles() {
		got = append(got, fmt.Sprintf("%s of %q: %d lines, %v", r.Name, r.Project, len(r.Lines), r.Members))
	}
	want := []string{`carol of "": 1 lines, []`, `proj:shop:ci of "shop": 1 lines, [org:devs]`, `role:dev of "": 1 lines, [alice bob carl]`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProjectSubjects(t *testing.T) {
	for name, want := range map[string][2]string{ProjectSubject("a", "b"): {"a", "b"}, "proj:a:": {}, "proj::b": {}, "proj:a": {}, "proj:a:b:c": {}, "a:b": {}, "": {}, "xproj:a:b": {}} {
		project, role, ok := CutProjectSubject(name)
		if got := [2]string{project, role}; got != want || ok != (want != [2]string{}) {
			t.Errorf("%q: got %v, %v, want %v", name, got, ok, want)
		}
	}
}

func TestCheckNames(t *testing.T) {
	for _, c := range everyCall {
		if err := CheckNames(c); err != nil {
			t.Errorf("%s: got %v", c, err)
		}
	}
	for _, c := range []struct {
		call Call
		want string
	}{
		{Call{"application", Get, "x"}, `policies: unknown resource "application"; did you mean applications?`},
		{Call{Applications, "gets", "x"}, `policies about applications: unknown action "gets"; did you mean get?`},
		{Call{Logs, Sync, "x"}, `policies about logs: unknown action "sync"; there are: get`},
	} {
		if err := CheckNames(c.call); err == nil || err.Error() != c.want || problem.KindOf(err) != problem.Usage {
			t.Errorf("%s: got %v, want %s", c.call, err, c.want)
		}
	}
	for resource, want := range map[string]bool{Applications: true, Rollouts: true, Clusters: false, Repositories: false, "x": false} {
		if got := IsOfProject(resource); got != want {
			t.Errorf("%s: got %v", resource, got)
		}
	}
}
