package access_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
)

// What a role of a project is written with and means nothing is named by its field.
func TestLintProject(t *testing.T) {
	for _, c := range []struct{ name, roles, want string }{
		{"none", "[]", ""},
		{"whole roles", "[{name: dev, policies: ['p, proj:team:dev, applications, sync, team/*, allow'], groups: [devs]}, {name: ops}]", ""},
		{"no name", "[{name: dev}, {policies: []}]", `spec.roles[1]: invalid name ""; the role allows nothing; give it a name`},
		{"a name with a colon", "[{name: 'a:b'}]", `spec.roles[0]: invalid name "a:b"`},
		{"a name that is there", "[{name: dev}, {name: ops}, {name: dev}]", "spec.roles[2].name: role dev is there already, in spec.roles[0]"},
		{"no mapping", "[dev]", "spec.roles[0]: json: "},
		{"policies that are no list", "[{name: dev, policies: all}]", "spec.roles[0]: json: "},
		{"the second policy of the second role", "[{name: ops}, {name: dev, policies: ['p, proj:team:dev, applications, get, team/*, allow', 'p, proj:team:dev, applications']}]", "spec.roles[1].policies[1]: "},
		{"the subject of another role", "[{name: dev, policies: ['p, proj:team:ops, applications, get, team/*, allow']}]", `spec.roles[0].policies[0]: subject "proj:team:ops", where a role's policies are about proj:team:dev; the line counts for nothing`},
		{"the objects of another project", "[{name: dev, policies: ['p, proj:team:dev, applications, get, other/*, allow']}]", `spec.roles[0].policies[0]: object "other/*" does not begin with team/`},
		{"a resource without a project", "[{name: dev, policies: ['p, proj:team:dev, accounts, get, team/*, allow']}]", `spec.roles[0].policies[0]: resource "accounts" has no objects in projects`},
		{"an unknown effect", "[{name: dev, policies: ['p, proj:team:dev, applications, get, team/*, permit']}]", `spec.roles[0].policies[0]: unknown effect "permit", taken for deny`},
		{"a pattern", "[{name: dev, policies: ['p, proj:team:dev, applications, get, team/{a, allow']}]", "spec.roles[0].policies[0]: "},
		{"a role for a member", "[{name: dev, policies: ['g, devs, proj:team:dev']}]", "spec.roles[0].policies[0]: a role's policies give no roles"},
		{"a line of a policy of several", "[{name: 'x]', policies: [\"p, proj:team:x], applications, get, team/*, allow\\np, proj:team:x], accounts, get, team/*, allow\"]}]", `spec.roles[0].policies[0] line 2: resource "accounts" has no objects in projects`},
		{"another kind of line", "[{name: dev, policies: ['q, x']}]", `spec.roles[0].policies[0]: unknown kind of line "q"`},
	} {
		p := &v1alpha1.AppProject{}
		if err := yaml.Unmarshal([]byte("{metadata: {name: team}, spec: {roles: "+c.roles+"}}"), p); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		before := p.DeepCopy()
		got := access.LintProject(p)
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0].Error(), "AppProject team: "+c.want)) {
			t.Errorf("%s: got %v, want %q", c.name, got, c.want)
		}
		if !equality.Semantic.DeepEqual(p, before) {
			t.Errorf("%s: the project has changed", c.name)
		}
	}
}
