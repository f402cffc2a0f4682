package access

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// TestRequests: what each request asks for.
func TestRequests(t *testing.T) {
	web, team := Application{Project: "shop", Name: "web"}, Application{"shop", "team-a", "web"}
	deployment := Resource{"apps", "Deployment", "prod", "web"}
	rollout := Rollout{Namespace: "prod", Name: "web", Of: web}
	strict := Options{RollbackOwn: true, InheritFineGrained: true, RevisionOverride: true}
	for _, c := range []struct {
		what string
		got  Request
		want string
	}{
		{"get", web.On(Get), "applications, get, shop/web"},
		{"of another namespace", team.On(Get), "applications, get, shop/team-a/web"},
		{"logs", team.Logs(), "logs, get, shop/team-a/web"},
		{"exec", web.Exec(), "exec, create, shop/web"},
		{"sync", Options{}.Sync(web, SyncRequest{OtherRevision: true}), "applications, sync, shop/web"},
		{"sync with manifests", Options{}.Sync(web, SyncRequest{Manifests: true}), "applications, sync, shop/web & applications, override, shop/web"},
		{"sync to another revision", strict.Sync(web, SyncRequest{OtherRevision: true}), "applications, sync, shop/web & applications, override, shop/web"},
		{"sync as it is", strict.Sync(web, SyncRequest{}), "applications, sync, shop/web"},
		{"rollback", Options{}.Rollback(web), "applications, sync, shop/web"},
		{"rollback on its own", strict.Rollback(web), "applications, rollback, shop/web"},
		{"terminate", strict.Terminate(web), "applications, sync, shop/web"},
		{"update of an object", Options{}.Change(web, Update, deployment), "applications, update/apps/Deployment/prod/web, shop/web"},
		{"deletion of an object of the core", Options{}.Change(web, Delete, Resource{"", "Pod", "prod", "web-1"}), "applications, delete//Pod/prod/web-1, shop/web"},
		{"update of an object, inherited", strict.Change(web, Update, deployment), "applications, update/apps/Deployment/prod/web, shop/web | applications, update, shop/web"},
		{"action", Options{}.Run(web, "apps", "Deployment", Restart), "applications, action/apps/Deployment/restart, shop/web"},
		{"get of a rollout", rollout.On(Get), "rollouts, get, shop/prod/web | applications, get, shop/web"},
		{"promote", rollout.On(Promote), "rollouts, promote, shop/prod/web | applications, action/argoproj.io/Rollout/resume, shop/web"},
		{"promote fully", rollout.PromoteFully(), "rollouts, promote, shop/prod/web | applications, action/argoproj.io/Rollout/promote-full, shop/web"},
		{"abort", rollout.On(Abort), "rollouts, abort, shop/prod/web | applications, action/argoproj.io/Rollout/abort, shop/web"},
		{"retry", rollout.On(Retry), "rollouts, retry, shop/prod/web | applications, action/argoproj.io/Rollout/retry, shop/web"},
		{"pause", rollout.On(Pause), "rollouts, pause, shop/prod/web | applications, action/argoproj.io/Rollout/pause, shop/web"},
		{"restart", rollout.On(Restart), "rollouts, restart, shop/prod/web | applications, action/argoproj.io/Rollout/restart, shop/web"},
		{"undo", rollout.On(Undo), "rollouts, undo, shop/prod/web | applications, update/argoproj.io/Rollout/prod/web, shop/web"},
		{"set-image", rollout.On(SetImage), "rollouts, set-image, shop/prod/web | applications, update/argoproj.io/Rollout/prod/web, shop/web"},
		{"a rollout of no Application", Rollout{Namespace: "prod", Name: "web"}.On(Abort), "rollouts, abort, -/prod/web"},
		{"a rollout of no Application, fully", Rollout{Namespace: "prod", Name: "web"}.PromoteFully(), "rollouts, promote, -/prod/web"},
		{"a rollout of none has no project", Rollout{Namespace: "prod", Name: "web", Of: Application{Project: "shop"}}.On(Abort), "rollouts, abort, -/prod/web"},
		{"a name that is a path", Application{Project: "shop", Name: "a/b"}.On(Get), ""},
		{"a project that is a path", Application{Project: "shop/x", Name: "b"}.Logs(), ""},
		{"a namespace that is a path", Application{"shop", "x/y", "b"}.Exec(), ""},
		{"a kind that is a path", strict.Change(web, Update, Resource{"apps", "Deployment/prod", "web", "x"}), ""},
		{"a group that is a path", Options{}.Run(web, "apps/Deployment", "x", "restart"), ""},
		{"a rollout's name that is a path", Rollout{Namespace: "prod", Name: "a/b", Of: web}.On(Abort), ""},
		{"a rollout of an Application with a path", Rollout{Namespace: "prod", Name: "a", Of: Application{Project: "shop", Name: "x/y"}}.On(Abort), ""},
		{"the same, fully", Rollout{Namespace: "prod", Name: "a", Of: Application{Project: "shop", Name: "x/y"}}.PromoteFully(), ""},
	} {
		var needs []string
		for _, need := range c.got {
			var calls []string
			for _, call := range need {
				calls = append(calls, call.String())
			}
			needs = append(needs, strings.Join(calls, " | "))
		}
		if got := strings.Join(needs, " & "); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.what, got, c.want)
		}
	}
	if got := ObjectOf("shop", "", "https://git/x"); got != "shop/https://git/x" {
		t.Errorf("got %s", got)
	}
	for what, q := range map[string]Request{"path": Application{Project: "shop", Name: "a/b"}.On(Get), "kind": Options{}.Change(web, Update, Resource{"a", "b/c", "d", "e"})} {
		if d := parsed(t, Written{Policies: policies("p, admin, *, *, *, allow")}).Of(Subject{Name: AdminName}).Decide(q); d.Allowed {
			t.Errorf("%s: got %v, want that even admin is denied", what, d)
		}
	}
}

// TestPoliciesOfApplicationsHoldForRollouts: what people have written about the actions of Rollouts goes on to hold.
func TestPoliciesOfApplicationsHoldForRollouts(t *testing.T) {
	r := Rollout{Namespace: "prod", Name: "web", Of: Application{Project: "shop", Name: "web"}}
	for _, c := range []struct {
		policy  string
		allowed []string
	}{
		{"p, u, applications, action/argoproj.io/Rollout/*, shop/*, allow", []string{Promote, Abort, Retry, Pause, Restart, "fully"}},
		{"p, u, applications, action/argoproj.io/Rollout/resume, shop/*, allow", []string{Promote}},
		{"p, u, applications, action/argoproj.io/Rollout/promote-full, shop/*, allow", []string{"fully"}},
		{"p, u, applications, action/*, other/*, allow", nil},
		{"p, u, applications, get, shop/*, allow", []string{Get}},
		{"p, u, applications, update/argoproj.io/Rollout/*, shop/*, allow", []string{Undo, SetImage}},
		{"p, u, applications, sync, shop/*, allow", nil},
		{"p, u, rollouts, promote, shop/prod/web, allow", []string{Promote, "fully"}},
		{"p, u, rollouts, *, */*, allow\np, u, applications, action/argoproj.io/Rollout/*, shop/*, deny", []string{Get, Undo, SetImage}},
		{"p, u, applications, *, */*, allow\np, u, rollouts, promote, shop/*, deny", []string{Get, Abort, Retry, Undo, Pause, Restart, SetImage}},
	} {
		rights := parsed(t, Written{Policies: policies(c.policy)}).Of(Subject{Name: "u"})
		for _, action := range append(slices.Clone(actionsOf[Rollouts]), "fully") {
			request := r.On(action)
			if action == "fully" {
				request = r.PromoteFully()
			}
			if got, want := rights.Decide(request).Allowed, slices.Contains(c.allowed, action); got != want {
				t.Errorf("%s: %s: got %v, want %v", c.policy, action, got, want)
			}
		}
	}
}

// everyCall has a call for each action of each resource, about a project called PROJECT where there is one.
var everyCall = []Call{
	{Applications, Get, "PROJECT/web"}, {Applications, Create, "PROJECT/web"}, {Applications, Update, "PROJECT/web"}, {Applications, Delete, "PROJECT/web"},
	{Applications, Sync, "PROJECT/web"}, {Applications, Override, "PROJECT/web"}, {Applications, Rollback, "PROJECT/web"},
	{Applications, "update/apps/Deployment/prod/web", "PROJECT/web"}, {Applications, "delete/apps/Deployment/prod/web", "PROJECT/web"}, {Applications, "action/apps/Deployment/restart", "PROJECT/web"},
	{ApplicationSets, Get, "PROJECT/set"}, {ApplicationSets, Create, "PROJECT/set"}, {ApplicationSets, Update, "PROJECT/set"}, {ApplicationSets, Delete, "PROJECT/set"},
	{Clusters, Get, "PROJECT/https://c"}, {Clusters, Create, "PROJECT/https://c"}, {Clusters, Update, "PROJECT/https://c"}, {Clusters, Delete, "PROJECT/https://c"},
	{Projects, Get, "PROJECT"}, {Projects, Create, "PROJECT"}, {Projects, Update, "PROJECT"}, {Projects, Delete, "PROJECT"},
	{Repositories, Get, "PROJECT/https://r"}, {Repositories, Create, "PROJECT/https://r"}, {Repositories, Update, "PROJECT/https://r"}, {Repositories, Delete, "PROJECT/https://r"},
	{WriteRepositories, Get, "PROJECT/https://r"}, {WriteRepositories, Create, "PROJECT/https://r"}, {WriteRepositories, Update, "PROJECT/https://r"}, {WriteRepositories, Delete, "PROJECT/https://r"},
	{Certificates, Get, "host"}, {Certificates, Create, "host"}, {Certificates, Update, "host"}, {Certificates, Delete, "host"},
	{Accounts, Get, "alice"}, {Accounts, Update, "alice"},
	{GPGKeys, Get, "key"}, {GPGKeys, Create, "key"}, {GPGKeys, Delete, "key"},
	{Logs, Get, "PROJECT/web"}, {Exec, Create, "PROJECT/web"}, {Exec, Debug, "PROJECT/web"}, {Extensions, Invoke, "x"},
	{Rollouts, Get, "PROJECT/prod/web"}, {Rollouts, Promote, "PROJECT/prod/web"}, {Rollouts, Abort, "PROJECT/prod/web"}, {Rollouts, Retry, "PROJECT/prod/web"},
	{Rollouts, Undo, "PROJECT/prod/web"}, {Rollouts, Pause, "PROJECT/prod/web"}, {Rollouts, Restart, "PROJECT/prod/web"}, {Rollouts, SetImage, "PROJECT/prod/web"},
	{Deliveries, Get, "PROJECT/web"},
}

// TestEveryRoleAndCall: who is allowed what in the own project shop and in another. A resource or an action without a
// row fails.
func TestEveryRoleAndCall(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range everyCall {
		for _, action := range actionsOf[c.Resource] {
			if covers(action, c.Action) {
				seen[c.Resource+" "+action] = true
			}
		}
	}
	for resource, actions := range actionsOf {
		for _, action := range actions {
			if !seen[resource+" "+action] {
				t.Errorf("%s, %s: no call in the table", resource, action)
			}
		}
	}
	p := parsed(t, Written{
		Policies: policies("p, role:deployer, applications, get, */*, allow", "p, role:deployer, applications, sync, */*, allow", "p, role:deployer, applications, sync, other/*, deny", "g, deployer, role:deployer"),
		Projects: []*v1alpha1.AppProject{project("shop", `{"name":"dev","groups":["org:shop"],"policies":[
			"p, proj:shop:dev, applications, *, shop/*, allow","p, proj:shop:dev, applications, delete, shop/*, deny","p, proj:shop:dev, logs, get, shop/*, allow","p, proj:shop:dev, rollouts, *, shop/*, allow",
			"p, proj:shop:dev, repositories, *, shop/*, allow"]}`), project("other")},
	})
	readonly := func(c Call, _ bool) bool {
		return c.Action == Get
	}
	dev := func(c Call, own bool) bool {
		switch c.Resource {
		case Applications:
			return own && c.Action != Delete
		case Logs, Rollouts, Repositories:
			return own
		case Projects:
			return own && c.Action == Get
		}
		return false
	}
	for who, row := range map[string]struct {
		subject Subject
		allowed func(c Call, own bool) bool
	}{
		"nobody":                       {Subject{}, func(Call, bool) bool { return false }},
		"somebody unknown":             {Subject{Name: "mallory", Groups: []string{"org:none"}, Foreign: true}, func(Call, bool) bool { return false }},
		"role:readonly":                {Subject{Name: RoleReadOnly}, readonly},
		"admin":                        {Subject{Name: AdminName}, func(c Call, _ bool) bool { return c.Resource != Extensions }},
		"a foreign admin":              {Subject{Name: AdminName, Foreign: true}, func(Call, bool) bool { return false }},
		"a token of the project":       {Subject{Name: "proj:shop:dev"}, dev},
		"a group of the project":       {Subject{Name: "u1", Groups: []string{"org:shop"}, Foreign: true}, dev},
		"a token of a role of no name": {Subject{Name: "proj:shop:none"}, func(Call, bool) bool { return false }},
		"a deployer": {Subject{Name: "deployer"}, func(c Call, own bool) bool {
			return c.Resource == Applications && (c.Action == Get || c.Action == Sync && own)
		}},
	} {
		rights := p.Of(row.subject)
		for _, c := range everyCall {
			for _, name := range []string{"shop", "other"} {
				call := Call{c.Resource, c.Action, strings.Replace(c.Object, "PROJECT", name, 1)}
				if got, want := rights.Allowed(call), row.allowed(c, name == "shop"); got != want {
					t.Errorf("%s: %s: got %v, want %v: %s", who, call, got, want, rights.Decide(Request{{call}}))
				}
			}
		}
	}
	if got := len(slices.Sorted(maps.Keys(actionsOf))); got != 14 {
		t.Errorf("%d resources: %s", got, fmt.Sprint(slices.Sorted(maps.Keys(actionsOf))))
	}
}
