package access

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
)

// TestFindings: what is not understood is named, with where it stands and what to write.
func TestFindings(t *testing.T) {
	const at = "ConfigMap argocd-rbac-cm: policy.csv line 1: "
	for _, c := range []struct {
		line, want string
	}{
		{"p, alice, applications, get, *", at + "5 fields, where p has 6; " + forms},
		{"p, alice, applications, get, *, allow, x", at + "7 fields, where p has 6; " + forms},
		{"g, alice", at + "2 fields, where g has 3; " + forms},
		{"g, alice, role:a, x", at + "4 fields, where g has 3; " + forms},
		{"g, , role:a", at + "field 2 is empty; " + forms},
		{`p, "", applications, get, *, allow`, at + "field 2 is empty; " + forms},
		{"g2, alice, role:a", at + `unknown kind of line "g2"; ` + forms},
		{"allow alice everything", at + `unknown kind of line "allow alice everything"; ` + forms},
		{`p, "alice, applications`, at + `invalid CSV: extraneous or missing " in quoted-field; ` + forms},
		{"p, alice, application, get, *, allow", at + `unknown resource "application"; did you mean applications?`},
		{"p, alice, nonsense, get, *, allow", at + `unknown resource "nonsense"; there are: accounts, applications, applicationsets, certificates, clusters, deliveries, exec, extensions, gpgkeys, logs, projects, repositories, rollouts, write-repositories`},
		{"p, alice, applications, synk, *, allow", at + `unknown action "synk"; did you mean sync?`},
		{"p, alice, logs, delete, *, allow", at + `unknown action "delete"; there are: get`},
		{"p, alice, applications, get, *, alow", at + `unknown effect "alow", taken for deny; write allow or deny`},
		{"p, alice, applications, get, [, allow", at + `pattern "[": unclosed [; the line allows nothing; correct the pattern`},
		{"p, alice, applications, {, *, deny", at + `pattern "{": unclosed {; the line denies as if it were *; correct the pattern`},
		{"p, alice, applications, get, " + strings.Repeat("a", longestPattern+1) + ", allow", at + `pattern "` + strings.Repeat("a", 80) + `…": longer than 1024 bytes; the line allows nothing; correct the pattern`},
		{"p, " + strings.Repeat("a", longestLine), at + "longer than 4096 bytes; " + forms},
		{"p, alice, " + strings.Repeat("a", 80) + ", get, *, allow", at + `unknown resource "` + strings.Repeat("a", 80) + `"; there are: ` + strings.Join(slices.Sorted(maps.Keys(actionsOf)), ", ")},
		{"p, alice, applications, get, , allow", at + "field 5 is empty; " + forms},
	} {
		if _, found := Parse(Written{Policies: policies(c.line)}); len(found) != 1 || found[0].Error() != c.want || found[0].Kind != problem.Usage {
			t.Errorf("%.60s:\ngot  %v\nwant %s", c.line, found, c.want)
		}
	}
	for _, line := range []string{
		"p, alice, applications, update/*, *, allow", "p, alice, applications, action/apps/Deployment/restart, *, allow", "p, alice, *, nonsense, *, allow", "p, alice, applications, s*, *, allow",
		"p, alice, extensions, invoke, httpbin, allow", "p, alice, exec, create, */*, deny",
		"p, alice, applications, get, " + strings.Repeat("a", longestPattern) + ", allow", "#" + strings.Repeat("a", longestLine),
		"g, alice, " + strings.Repeat("a", longestLine-len("g, alice, ")),
	} {
		if _, found := Parse(Written{Policies: policies(line)}); len(found) != 0 {
			t.Errorf("%.60s: got %v, want that it is understood", line, found)
		}
	}
}

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		key, value, want string
	}{
		{modeKey, "globs", `ConfigMap argocd-rbac-cm: policy.matchMode: unknown mode "globs", taken for glob; write glob or regex`},
		{scopesKey, "groups", "ConfigMap argocd-rbac-cm: scopes: invalid list of claims; no claim is read; write a list such as [groups, email]"},
		{scopesKey, "[a" + strings.Repeat(", a", mostScopes) + "]", "ConfigMap argocd-rbac-cm: scopes: invalid list of claims; no claim is read; write a list such as [groups, email]"},
		{scopesKey, "[a" + strings.Repeat(", a", mostScopes-1) + "]", ""},
		{defaultKey, "role:reader", `ConfigMap argocd-rbac-cm: policy.default: role "role:reader": no line is about it; write lines of it in policy.csv, or name another`},
		{defaultKey, RoleReadOnly, ""},
		{defaultKey, " ", ""},
	} {
		got := ""
		if _, found := Parse(Written{Policies: map[string]string{c.key: c.value}}); len(found) == 1 {
			if got = found[0].Error(); found[0].Kind != problem.Usage {
				t.Errorf("%s %q: of kind %v", c.key, c.value, found[0].Kind)
			}
		}
		if got != c.want {
			t.Errorf("%s %q:\ngot  %s\nwant %s", c.key, c.value, got, c.want)
		}
	}
	parsed(t, Written{Policies: map[string]string{defaultKey: "team", policyKey: "g, team, role:readonly"}})
	for text, want := range map[string][]string{"": {"groups"}, "[groups, email]": {"groups", "email"}, "- cognito:groups": {"cognito:groups"}, "[]": {}} {
		p := parsed(t, Written{Policies: map[string]string{scopesKey: text}})
		if got := p.Scopes(); !slices.Equal(got, want) {
			t.Errorf("scopes %q: got %q, want %q", text, got, want)
		}
	}
	if got := parsed(t, Written{Policies: map[string]string{defaultKey: " role:admin\n"}}).DefaultRole(); got != RoleAdmin {
		t.Errorf("got %q", got)
	}
}

func TestOptions(t *testing.T) {
	const rollback, inherit, revision = "server.rbac.rollback.enforce.enable", "server.rbac.disableApplicationFineGrainedRBACInheritance", "application.sync.requireOverridePrivilegeForRevisionSync"
	for _, c := range []struct {
		settings map[string]string
		want     Options
		finding  string
	}{
		{nil, Options{}, ""},
		{map[string]string{rollback: "true", inherit: "false", revision: "true"}, Options{true, true, true}, ""},
		{map[string]string{rollback: "false", inherit: "true", revision: "false"}, Options{}, ""},
		{map[string]string{rollback: "yes"}, Options{RollbackOwn: true}, `ConfigMap argocd-cm: ` + rollback + `: "yes" is neither true nor false, taken for true; write true or false`},
		{map[string]string{inherit: "no"}, Options{}, `ConfigMap argocd-cm: ` + inherit + `: "no" is neither true nor false, taken for true; write true or false`},
	} {
		p, found := Parse(Written{Settings: c.settings})
		text := ""
		for _, f := range found {
			text += f.Error()
		}
		if p.Options() != c.want || text != c.finding {
			t.Errorf("%v: got %+v, %s, want %+v, %s", c.settings, p.Options(), text, c.want, c.finding)
		}
	}
}

// TestLinesWithAnEmptyFieldCountForNothing: neither do they give a role nor are they about anybody.
func TestLinesWithAnEmptyFieldCountForNothing(t *testing.T) {
	p, found := Parse(Written{WithoutBuiltIn: true, Policies: policies("g, , role:a", "g, alice, ", `p, "", applications, get, *, allow`, "p, alice, applications, get, , allow", "p, alice, applications, get, *")})
	if roles := p.Roles(); len(roles) != 0 || len(found) != 5 {
		t.Errorf("got %v, %v", roles, found)
	}
}

// TestRolesOfProjects: what a project's role may not say is named, and counts for nothing.
func TestRolesOfProjects(t *testing.T) {
	const at = "AppProject shop: role ci: policies[0]: "
	belongs := "; the line counts for nothing; such lines belong to ConfigMap argocd-rbac-cm"
	for policy, want := range map[string]string{
		"p, proj:shop:ci, applications, get, shop/*, allow":           "",
		"p, proj:shop:ci, *, *, shop/*, allow":                        "",
		"p, proj:shop:ci, repositories, create, shop/https://x, deny": "",
		"p, proj:shop:ci, rollouts, promote, shop/*, allow":           "",
		"p, proj:shop:other, applications, get, shop/*, allow":        at + `subject "proj:shop:other", where a role's policies are about proj:shop:ci` + belongs,
		"p, role:admin, applications, get, shop/*, deny":              at + `subject "role:admin", where a role's policies are about proj:shop:ci` + belongs,
		"p, proj:shop:ci, accounts, update, shop/*, allow":            at + `resource "accounts" has no objects in projects` + belongs,
		"p, proj:shop:ci, projects, update, shop/x, allow":            at + `resource "projects" has no objects in projects` + belongs,
		"p, proj:shop:ci, applications, get, *, allow":                at + `object "*" does not begin with shop/; the line counts for nothing; write shop/ and a name or *`,
		"p, proj:shop:ci, applications, get, shop, allow":             at + `object "shop" does not begin with shop/; the line counts for nothing; write shop/ and a name or *`,
		"p, proj:shop:ci, applications, get, shopping/*, allow":       at + `object "shopping/*" does not begin with shop/; the line counts for nothing; write shop/ and a name or *`,
		"g, alice, role:admin":                                        at + "a role's policies give no roles; the line counts for nothing; write the group among the role's groups",
		"p, x":                                                        at + "2 fields, where p has 6; " + forms,
	} {
		_, found := Parse(Written{Projects: []*v1alpha1.AppProject{project("shop", fmt.Sprintf(`{"name":"ci","policies":[%q]}`, policy))}})
		got := ""
		for _, f := range found {
			got += f.Error()
		}
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", policy, got, want)
		}
	}
	// What is named counts for nothing: not for the role, not for another, and not in another project.
	p, _ := Parse(Written{Projects: []*v1alpha1.AppProject{project("shop", `{"name":"ci","policies":["p, proj:shop:ci, applications, get, *, allow","p, proj:shop:ci, accounts, update, shop/*, allow",
		"p, proj:shop:other, applications, get, shop/*, allow","g, proj:shop:ci, role:admin"]}`, `{"name":"other"}`,
		`{"name":"third","policies":["p, role:readonly, applications, *, shop/*, deny","p, proj:shop:third, applications, get, shop/*, allow"]}`)}})
	for _, c := range []struct {
		subject string
		call    Call
		want    bool
	}{
		{"proj:shop:ci", Call{Applications, Get, "shop/web"}, false}, {"proj:shop:ci", Call{Applications, Get, "far/web"}, false}, {"proj:shop:ci", Call{Accounts, Update, "shop/x"}, false},
		{"proj:shop:other", Call{Applications, Get, "shop/web"}, false}, {RoleReadOnly, Call{Applications, Get, "shop/web"}, true}, {"proj:shop:third", Call{Applications, Get, "shop/web"}, true}, {"proj:shop:ci", Call{Projects, Get, "shop"}, true},
	} {
		if got := p.Of(Subject{Name: c.subject}).Allowed(c.call); got != c.want {
			t.Errorf("%s, %s: got %v, want %v", c.subject, c.call, got, c.want)
		}
	}
	for i, name := range []string{"a:b", strings.Repeat("x", longestName+1), strings.Repeat("x", longestName)} {
		p := project("shop", fmt.Sprintf(`{"name":%q,"policies":[%q]}`, name, "p, "+ProjectSubject("shop", name)+", applications, get, shop/*, allow"))
		parsed, found := Parse(Written{Projects: []*v1alpha1.AppProject{p}})
		if allowed, want := parsed.Of(Subject{Name: ProjectSubject("shop", name)}).Allowed(Call{Applications, Get, "shop/web"}), i == 2; allowed != want || len(found) > 0 == want {
			t.Errorf("role %d: got %v, %v", i, allowed, found)
		}
	}
	broken, found := Parse(Written{Projects: []*v1alpha1.AppProject{project("shop", `{"name":"ci","policies":5}`, `{"name":"other"}`)}})
	if d := broken.Of(Subject{Name: "proj:shop:ci"}).Decide(Request{{{Projects, Get, "shop"}}}); d.Allowed || len(found) != 1 || found[0].Kind != problem.Usage {
		t.Errorf("a role that cannot be read: %v, %v", d, found)
	}
	parsed(t, Written{Projects: []*v1alpha1.AppProject{project("shop", `{"name":"a:b"}`, `{"name":""}`, `{"name":"a,b"}`, `[]`)}},
		`AppProject shop: spec.roles[0]: invalid name "a:b"; the role allows nothing; give it a name without : and blanks`,
		`AppProject shop: spec.roles[1]: invalid name ""; the role allows nothing; give it a name without : and blanks`,
		`AppProject shop: spec.roles[2]: invalid name "a,b"; the role allows nothing; give it a name without : and blanks`,
		`AppProject shop: spec.roles[3]: json: cannot unmarshal array into Go value of type access.ProjectRole; the role allows nothing; correct it`)
	// What denies and is not understood denies the project's all.
	p, _ = Parse(Written{Projects: []*v1alpha1.AppProject{project("shop", `{"name":"ci","policies":["p, proj:shop:ci, applications, *, shop/*, allow","p, proj:shop:ci, applications, sync, shop/[, deny"]}`)}})
	for action, want := range map[string]bool{Get: true, Sync: false} {
		if got := p.Of(Subject{Name: "proj:shop:ci"}).Allowed(Call{Applications, action, "shop/web"}); got != want {
			t.Errorf("%s: got %v, want %v", action, got, want)
		}
	}
}

// TestPoliciesOfARoleMayBeText: one policy of a role may have several lines, as those of a ConfigMap have, and each of
// them counts, or is named with where it stands.
func TestPoliciesOfARoleMayBeText(t *testing.T) {
	const text = "# who syncs\np, proj:shop:ci, applications, *, shop/*, allow\n\n  p, proj:shop:ci, applications, delete, shop/*, deny\np, role:admin, applications, get, shop/*, allow\ng, alice, role:admin\nnonsense\n"
	p := parsed(t, Written{Projects: []*v1alpha1.AppProject{project("shop", fmt.Sprintf(`{"name":"ci","policies":["p, proj:shop:ci, logs, get, shop/*, allow",%q]}`, text))}},
		"AppProject shop: role ci: policies[1] line 7: unknown kind of line \"nonsense\"; "+forms,
		"AppProject shop: role ci: policies[1] line 6: a role's policies give no roles; the line counts for nothing; write the group among the role's groups",
		`AppProject shop: role ci: policies[1] line 5: subject "role:admin", where a role's policies are about proj:shop:ci; the line counts for nothing; such lines belong to ConfigMap argocd-rbac-cm`)
	ci := p.Of(Subject{Name: "proj:shop:ci"})
	for action, want := range map[string]string{
		Sync:   "allowed as proj:shop:ci by AppProject shop: role ci: policies[1] line 2: p, proj:shop:ci, applications, *, shop/*, allow",
		Delete: "denied as proj:shop:ci by AppProject shop: role ci: policies[1] line 4: p, proj:shop:ci, applications, delete, shop/*, deny",
	} {
		if got := ci.Decide(Request{{{Applications, action, "shop/web"}}}).String(); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", action, got, want)
		}
	}
	if p.Of(Subject{Name: "alice"}).Allowed(Call{Applications, Get, "shop/web"}) {
		t.Error("a line of a role's policies gives a role")
	}
	// One line with a line break behind it is one line.
	p = parsed(t, Written{Projects: []*v1alpha1.AppProject{project("shop", `{"name":"ci","policies":["p, proj:shop:ci, logs, get, shop/*, allow\n"]}`)}})
	if got, want := p.Of(Subject{Name: "proj:shop:ci"}).Decide(Request{{{Logs, Get, "shop/web"}}}).By.String(), "AppProject shop: role ci: policies[0]: p, proj:shop:ci, logs, get, shop/*, allow"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTokensOf(t *testing.T) {
	p := project("shop", `{"name":"ci","jwtTokens":[{"iat":1,"exp":2,"id":"a"},{"iat":3}]}`, `{"name":"other","jwtTokens":[{"iat":9}]}`)
	if got, want := TokensOf(p, "ci"), []Token{{1, 2, "a"}, {3, 0, ""}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	p.Status.JWTTokensByRole = &runtime.RawExtension{Raw: []byte(`{"ci":{"items":[{"iat":1,"exp":2,"id":"a"},{"iat":5,"id":"b"}]},"other":{"items":[{"iat":7}]}}`)}
	if got, want := TokensOf(p, "ci"), []Token{{1, 2, "a"}, {3, 0, ""}, {5, 0, "b"}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	p.Status.JWTTokensByRole.Raw = []byte(`[]`)
	if got := TokensOf(p, "other"); !slices.Equal(got, []Token{{9, 0, ""}}) {
		t.Errorf("got %v", got)
	}
	if got := TokensOf(p, "none"); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

// TestBounds: policies beyond the bounds leave the built-in roles alone, and what is found is bounded too.
func TestBounds(t *testing.T) {
	alice := Subject{Name: "alice"}
	call := Call{Applications, Get, "shop/web"}
	line := "p, alice, applications, get, *, allow\n"
	huge := project("huge", `{"name":"ci","policies":["`+strings.Repeat(`x", "`, mostLines)+`"]}`)
	for name, w := range map[string]Written{
		"lines":                       {Policies: map[string]string{policyKey: line + strings.Repeat("\n", mostLines)}},
		"bytes":                       {Policies: map[string]string{policyKey: line, "policy.b.csv": "#" + strings.Repeat("a", mostBytes)}},
		"projects":                    {Policies: policies(line), Projects: []*v1alpha1.AppProject{huge}},
		"bytes of a project":          {Policies: policies(line), Projects: []*v1alpha1.AppProject{project("wide", `{"name":"ci","description":"`+strings.Repeat("a", mostBytes)+`"}`)}},
		"lines of a policy of a role": {Policies: policies(line), Projects: []*v1alpha1.AppProject{project("tall", `{"name":"ci","policies":["`+strings.Repeat(`#\n`, mostLines)+`"]}`)}},
	} {
		p, found := Parse(w)
		if len(found) != 1 || found[0].Kind != problem.Usage || !strings.Contains(found[0].Error(), "only the built-in roles hold; say the same with patterns and groups") || !strings.HasPrefix(found[0].Error(), "ConfigMap argocd-rbac-cm and the roles of AppProjects: ") {
			t.Errorf("%s: got %v", name, found)
		}
		if p.Of(alice).Allowed(call) || !p.Of(Subject{Name: AdminName}).Allowed(call) {
			t.Errorf("%s: alice %v, admin %v; want that admin alone is allowed", name, p.Of(alice).Allowed(call), p.Of(Subject{Name: AdminName}).Allowed(call))
		}
	}
	if p, found := Parse(Written{Policies: map[string]string{policyKey: line + strings.Repeat("\n", mostLines-2)}}); len(found) != 0 || !p.Of(alice).Allowed(call) {
		t.Errorf("just within: got %v, %v", found, p.Of(alice).Allowed(call))
	}
	if p, found := Parse(Written{Policies: map[string]string{policyKey: line, "policy.b.csv": "#" + strings.Repeat("a", mostBytes-len(line)-1)}}); !p.Of(alice).Allowed(call) || len(found) != 0 {
		t.Errorf("as many bytes as are read: got %v, %v", found, p.Of(alice).Allowed(call))
	}
	for lines, want := range map[int]int{mostFindings: mostFindings, mostFindings + 1: mostFindings + 1, 1000: mostFindings + 1} {
		_, found := Parse(Written{Policies: map[string]string{policyKey: strings.Repeat("x\n", lines)}})
		if len(found) != want {
			t.Errorf("%d lines: %d findings, want %d", lines, len(found), want)
		}
		if last := found[len(found)-1]; lines == 1000 && last.Error() != "policies: 900 more findings are left out" || last.Kind != problem.Usage {
			t.Errorf("got %s", last)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"p, alice, applications, get, *, allow", "g, alice, role:admin", `p, "a""b", *, {get,sync}, [a-b]/*, deny`, "#", "p,,,,,", "\x00\xff"} {
		f.Add(seed, "alice", "shop/web", false)
	}
	f.Fuzz(func(t *testing.T, text, name, object string, regex bool) {
		data := map[string]string{policyKey: text, scopesKey: object, defaultKey: name}
		if regex {
			data[modeKey] = string(regexMode)
		}
		p, found := Parse(Written{Policies: data, Projects: []*v1alpha1.AppProject{project("shop", text)}})
		if len(found) > mostFindings+1 {
			t.Fatalf("%d findings", len(found))
		}
		for _, finding := range found {
			if len(finding.Error()) > 8000 {
				t.Fatalf("a finding of %d bytes", len(finding.Error()))
			}
		}
		rights := p.Of(Subject{Name: name, Groups: []string{name, object}, Foreign: regex})
		call := Call{Applications, Get, object}
		if d := rights.Decide(Request{{call}}); d.Allowed != rights.Allowed(call) || d.Allowed != rights.Select(Applications, Get)(object) || d.Allowed && d.By == nil {
			t.Fatalf("got %v, %v", d, rights.Allowed(call))
		}
		p.Roles()
	})
}
