package access

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/casbin/casbin/v3"
	"github.com/casbin/casbin/v3/model"
	"github.com/gobwas/glob"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

var seed = flag.Uint64("seed", 0, "of random policies; 0 for one of the clock")

// Fewer returns how many random policies are tried.
func Fewer(n int) int { return fewer(n) }

// Seed returns the seed of random policies, 0 for one of the clock.
func Seed() uint64 { return *seed }

// theirs is the model by which the policies that people have are written.
const theirs = `
[request_definition]
r = sub, res, act, obj
[policy_definition]
p = sub, res, act, obj, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.sub, p.sub) && match(r.res, p.res) && match(r.act, p.act) && match(r.obj, p.obj)
`

// enforcer is casbin over lines.
func enforcer(t testing.TB, lines []string) *casbin.Enforcer {
	t.Helper()
	m, err := model.NewModelFromString(theirs)
	if err != nil {
		t.Fatal(err)
	}
	e, err := casbin.NewEnforcer(m)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]interface{ Match(string) bool }{}
	e.AddFunction("match", func(args ...any) (any, error) {
		pattern := args[1].(string)
		if known[pattern] == nil {
			known[pattern] = glob.MustCompile(pattern)
		}
		return known[pattern].Match(args[0].(string)), nil
	})
	for _, line := range lines {
		fields := strings.Split(line, ", ")
		if fields[0] == "p" {
			_, err = e.AddPolicy(fields[1:])
		} else {
			_, err = e.AddGroupingPolicy(fields[1:])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// world is a random policy with what is asked of it.
type world struct {
	global, ofShop []string
	role           string
	defaultRole    string
	groups         []string
}

// fewer returns how many random policies are tried: some, where a test is to be short.
func fewer(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

func pick(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }

func randomWorld(r *rand.Rand) world {
	w := world{defaultRole: pick(r, "", "", "", RoleReadOnly, "role:a")}
	for range r.IntN(6) {
		subject := pick(r, "alice", "team", "crew", "role:a", "role:b", "proj:shop:ci")
		w.global = append(w.global, strings.Join([]string{"p", subject, pick(r, Applications, Logs, "*"), pick(r, Get, Sync, "*", "update/*"), pick(r, "*", "*/*", "shop/*", "shop/web", "*/w?b", "far/*"), pick(r, "allow", "allow", "deny")}, ", "))
	}
	for range r.IntN(4) {
		w.global = append(w.global, "g, "+pick(r, "alice", "team", "crew", "role:a")+", "+pick(r, "role:a", "role:b", RoleReadOnly, RoleAdmin, "proj:shop:ci"))
	}
	var policies []string
	for range r.IntN(4) {
		policies = append(policies, strings.Join([]string{"p", "proj:shop:ci", pick(r, Applications, Logs, "*"), pick(r, Get, Sync, "*"), pick(r, "shop/*", "shop/web"), pick(r, "allow", "deny")}, ", "))
	}
	w.ofShop = append(policies, "p, proj:shop:ci, projects, get, shop, allow")
	quoted := make([]string, len(policies))
	for i, p := range policies {
		quoted[i] = fmt.Sprintf("%q", p)
	}
	group := pick(r, "team", "crew", "nobody")
	w.ofShop = append(w.ofShop, "g, "+group+", proj:shop:ci")
	w.role = fmt.Sprintf(`{"name":"ci","groups":[%q],"policies":[%s]}`, group, strings.Join(quoted, ","))
	w.groups = [][]string{nil, {"team"}, {"crew"}, {"team", "crew"}}[r.IntN(4)]
	return w
}

// TestAgreesWithCasbin compares decisions about random policies with those of casbin, asked as the model asks it: the
// role of everybody, then the name, then each group that a line gives a role to.
func TestAgreesWithCasbin(t *testing.T) {
	from := *seed
	if from == 0 {
		from = uint64(time.Now().UnixNano())
	}
	r := rand.New(rand.NewPCG(from, 1))
	allowed := 0
	for range fewer(400) {
		w := randomWorld(r)
		p, _ := Parse(Written{Policies: map[string]string{policyKey: strings.Join(w.global, "\n"), defaultKey: w.defaultRole}, Projects: []*v1alpha1.AppProject{project("shop", w.role)}})
		lines := append(strings.Split(builtInText(), "\n"), w.global...)
		everywhere, inShop := enforcer(t, lines), enforcer(t, append(lines, w.ofShop...))
		for _, name := range []string{"alice", "proj:shop:ci", AdminName, "nobody"} {
			groups := w.groups
			if name == "proj:shop:ci" {
				groups = nil
			}
			rights := p.Of(Subject{Name: name, Groups: groups})
			for _, object := range []string{"shop/web", "shop/x", "far/web"} {
				call := Call{pick(r, Applications, Logs), pick(r, Get, Sync, "update/apps/Deployment/x/y", Delete), object}
				e := everywhere
				if strings.HasPrefix(object, "shop/") {
					e = inShop
				}
				want := asked(t, e, w.defaultRole, name, groups, call)
				if want {
					allowed++
				}
				if got := rights.Decide(Request{{call}}); got.Allowed != want {
					t.Fatalf("-seed %d: %s %v: %s\n%s\nin shop:\n%s\ngot  %s\nwant %v", from, name, groups, call, strings.Join(w.global, "\n"), strings.Join(w.ofShop, "\n"), got, want)
				}
			}
		}
	}
	if allowed == 0 {
		t.Error("nothing was allowed")
	}
}

func asked(t testing.TB, e *casbin.Enforcer, defaultRole, name string, groups []string, c Call) bool {
	t.Helper()
	enforce := func(subject string) bool {
		ok, err := e.Enforce(subject, c.Resource, c.Action, c.Object)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if defaultRole != "" && enforce(defaultRole) {
		return true
	}
	if project, _, ok := CutProjectSubject(name); ok && !strings.HasPrefix(c.Object, project+"/") {
		return false
	}
	if enforce(name) {
		return true
	}
	granted, err := e.GetGroupingPolicy()
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range groups {
		for _, g := range granted {
			if g[0] == group && enforce(group) {
				return true
			}
		}
	}
	return false
}

// manyApplications is a list of 5000, and a policy of fifty lines for one who has three groups.
func manyApplications() (Written, Subject, []string) {
	w := Written{Policies: map[string]string{}}
	var lines []string
	for i := range 50 {
		lines = append(lines, fmt.Sprintf("p, role:team-%d, applications, *, team-%d/*, allow", i, i))
	}
	lines = append(lines, "p, role:team-1, applications, delete, */*, deny", "g, org:one, role:team-1", "g, org:two, role:team-2", "g, org:three, role:readonly")
	w.Policies[policyKey] = strings.Join(lines, "\n")
	objects := make([]string, 5000)
	for i := range objects {
		objects[i] = fmt.Sprintf("team-%d/app-%d", i%50, i)
	}
	return w, Subject{Name: "u1", Groups: []string{"org:one", "org:two", "org:three"}, Foreign: true}, objects
}

func BenchmarkList(b *testing.B) {
	w, subject, objects := manyApplications()
	p := parsed(b, w)
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			selected := p.Of(subject).Select(Applications, Get)
			for _, object := range objects {
				selected(object)
			}
		}
	})
	b.Run("casbin", func(b *testing.B) {
		e := enforcer(b, append(strings.Split(builtInText(), "\n"), strings.Split(w.Policies[policyKey], "\n")...))
		for b.Loop() {
			for _, object := range objects {
				asked(b, e, "", subject.Name, subject.Groups, Call{Applications, Get, object})
			}
		}
	})
}
