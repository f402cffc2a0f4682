package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

// tabled is a call with who may make it.
type tabled struct {
	id, method, path, body string
	// own and other name the accounts that are allowed, of those in accounts; "*" is everybody, a stranger too.
	own, other []string
}

// calls are all calls of the API, each with a path and a body that fit, and who may make it for an Application of their
// own project and of another. Calls without an Application have the same answer for both.
var calls = []tabled{
	{"login", http.MethodPost, "/api/v1/session", `{"username":"admin","password":"wrong"}`, nil, nil},
	{"logout", http.MethodDelete, "/api/v1/session", "", []string{"*"}, []string{"*"}},
	{"userInfo", http.MethodGet, "/api/v1/session/userinfo", "", []string{"*"}, []string{"*"}},
	{"canI", http.MethodGet, "/api/v1/account/can-i/applications/get/PROJECT/PROJECT-web", "", everyone, everyone},
	{"listAccounts", http.MethodGet, "/api/v1/account", "", everyone, everyone},
	{"getAccount", http.MethodGet, "/api/v1/account/nobody", "", []string{"admin", "reader", "nobody"}, []string{"admin", "reader", "nobody"}},
	{"createAccountToken", http.MethodPost, "/api/v1/account/nobody/token", `{"expiresIn":60}`, []string{"admin", "nobody"}, []string{"admin", "nobody"}},
	{"deleteAccountToken", http.MethodDelete, "/api/v1/account/nobody/token/some", "", []string{"admin", "nobody"}, []string{"admin", "nobody"}},
	{"updatePassword", http.MethodPut, "/api/v1/account/password", `{"name":"nobody","currentPassword":"x","newPassword":"y"}`, []string{"admin", "nobody"}, []string{"admin", "nobody"}},
	{"settings", http.MethodGet, "/api/v1/settings", "", []string{"*"}, []string{"*"}},
	{"me", http.MethodGet, "/api/v1/view/me", "", []string{"*"}, []string{"*"}},
	{"version", http.MethodGet, "/api/version", "", []string{"*"}, []string{"*"}},
	{"listApplications", http.MethodGet, "/api/v1/applications", "", everyone, everyone},
	{"getApplication", http.MethodGet, "/api/v1/applications/PROJECT-web", "", []string{"admin", "reader", "shopper", "deployer"}, []string{"admin", "reader"}},
	{"syncApplication", http.MethodPost, "/api/v1/applications/PROJECT-web/sync", `{}`, []string{"admin", "shopper", "deployer"}, []string{"admin"}},
	{"rollbackApplication", http.MethodPost, "/api/v1/applications/PROJECT-web/rollback", `{"id":1}`, []string{"admin", "shopper", "deployer"}, []string{"admin"}},
	{"reclaimApplication", http.MethodPost, "/api/v1/applications/PROJECT-web/reclaim", "", []string{"admin", "shopper"}, []string{"admin"}},
	{"terminateOperation", http.MethodDelete, "/api/v1/applications/PROJECT-web/operation", "", []string{"admin", "shopper", "deployer"}, []string{"admin"}},
	{"viewApplications", http.MethodGet, "/api/v1/view/applications", "", everyone, everyone},
	{"viewOverview", http.MethodGet, "/api/v1/view/overview", "", everyone, everyone},
	{"viewApplication", http.MethodGet, "/api/v1/view/applications/argocd/PROJECT-web", "", []string{"admin", "reader", "shopper", "deployer"}, []string{"admin", "reader"}},
	{"viewDeliveries", http.MethodGet, "/api/v1/view/deliveries", "", everyone, everyone},
	{"viewLeadTimes", http.MethodGet, "/api/v1/view/deliveries/lead?application=PROJECT-web", "", everyone, everyone},
	{"viewDelivery", http.MethodGet, "/api/v1/view/deliveries/argocd/PROJECT-web/1", "", []string{"admin", "reader", "shopper", "deployer"}, []string{"admin", "reader"}},
	{"viewChanges", http.MethodGet, "/api/v1/view/applications/argocd/PROJECT-web/changes", "", []string{"admin", "reader", "shopper", "deployer"}, []string{"admin", "reader"}},
	{"viewPreview", http.MethodPost, "/api/v1/view/preview", `{"metadata":{"name":"PROJECT-fresh"},"spec":{"project":"PROJECT","source":{"repoURL":"https://git.example/PROJECT","path":"."},"destination":{"server":"https://kubernetes.default.svc","namespace":"PROJECT"}}}`, []string{"admin", "shopper"}, []string{"admin"}},
	{"viewRepositoryTree", http.MethodGet, "/api/v1/view/repositories/tree?repo=https://git.example/PROJECT&project=PROJECT", "", []string{"admin", "shopper"}, []string{"admin"}},
	{"viewSettings", http.MethodGet, "/api/v1/view/settings", "", []string{"admin"}, []string{"admin"}},
	{"viewRights", http.MethodGet, "/api/v1/view/rights?subject=nobody", "", []string{"admin", "reader", "nobody"}, []string{"admin", "reader", "nobody"}},
	{"viewPlan", http.MethodPost, "/api/v1/view/applications/argocd/PROJECT-web/plan", `{}`, []string{"admin", "reader", "shopper", "deployer"}, []string{"admin", "reader"}},
	{"viewStream", http.MethodGet, "/api/v1/view/stream?topics=applications,overview,application:argocd/PROJECT-web", "", everyone, everyone},
	{"viewRollouts", http.MethodGet, "/api/v1/view/rollouts", "", everyone, everyone},
	{"viewRollout", http.MethodGet, "/api/v1/view/rollouts/PROJECT/web", "", []string{"admin", "reader", "shopper", "deployer"}, []string{"admin", "reader"}},
	{"promoteRollout", http.MethodPost, "/api/v1/rollouts/PROJECT/web/promote", `{}`, []string{"admin", "shopper"}, []string{"admin"}},
	{"abortRollout", http.MethodPost, "/api/v1/rollouts/PROJECT/web/abort", `{}`, []string{"admin", "shopper"}, []string{"admin"}},
	{"retryRollout", http.MethodPost, "/api/v1/rollouts/PROJECT/web/retry", `{}`, []string{"admin", "shopper"}, []string{"admin"}},
	{"undoRollout", http.MethodPost, "/api/v1/rollouts/PROJECT/web/undo", `{}`, []string{"admin", "shopper"}, []string{"admin"}},
	{"pauseRollout", http.MethodPost, "/api/v1/rollouts/PROJECT/web/pause", `{}`, []string{"admin", "shopper"}, []string{"admin"}},
	{"resumeRollout", http.MethodPost, "/api/v1/rollouts/PROJECT/web/resume", `{}`, []string{"admin", "shopper"}, []string{"admin"}},
	{"restartRollout", http.MethodPost, "/api/v1/rollouts/PROJECT/web/restart", `{}`, []string{"admin", "shopper"}, []string{"admin"}},
	{"setImageOfRollout", http.MethodPost, "/api/v1/rollouts/PROJECT/web/set-image", `{"image":"registry.example/web:3"}`, []string{"admin", "shopper"}, []string{"admin"}},
}

var everyone = []string{"admin", "reader", "shopper", "deployer", "nobody"}

// Every call is in the table, and every account is allowed what the table says and nothing else.
func TestWhoMayCall(t *testing.T) {
	api := build()
	var registered, listed []string
	for _, path := range api.OpenAPI().Paths {
		for _, operation := range []*huma.Operation{path.Get, path.Post, path.Put, path.Patch, path.Delete, path.Head, path.Options, path.Trace} {
			if operation != nil {
				registered = append(registered, operation.OperationID)
			}
		}
	}
	for _, c := range calls {
		listed = append(listed, c.id)
	}
	slices.Sort(registered)
	if slices.Sort(listed); !slices.Equal(registered, listed) {
		t.Fatalf("the calls are %v, and the table has %v", registered, listed)
	}
	for _, c := range calls {
		t.Run(c.id, func(t *testing.T) { c.check(t) })
	}
}

// check makes the call as each account, of either project: it is allowed as the table says. What is refused changes
// nothing; each change and each refusal has an audit line with who asked for what.
func (c tabled) check(t *testing.T) {
	var w *world
	fresh := func() {
		w = newWorld(t)
		w.log.Reset()
	}
	fresh()
	for _, project := range []string{"shop", "bank"} {
		allowed := c.own
		if project == "bank" {
			allowed = c.other
		}
		for _, as := range append(slices.Clone(everyone), "") {
			if c.id == "terminateOperation" {
				fresh()
				if status, answer := w.call("admin", http.MethodPost, "/api/v1/applications/"+project+"-web/sync", `{}`); status != http.StatusOK {
					t.Fatalf("beginning an operation: %d %v", status, answer)
				}
			}
			w.log.Reset()
			before := w.writes.Load()
			status, answer := w.call(as, c.method, strings.ReplaceAll(c.path, "PROJECT", project), strings.ReplaceAll(c.body, "PROJECT", project))
			want := slices.Contains(allowed, "*") || as != "" && slices.Contains(allowed, as)
			got := status != http.StatusUnauthorized && status != http.StatusForbidden
			if got != want || got && status >= http.StatusInternalServerError {
				t.Errorf("project %s, as %q: status %d, want it allowed: %v (%v)", project, as, status, want, answer)
			}
			if as == "" && !want && status != http.StatusUnauthorized {
				t.Errorf("a stranger gets %d, want 401", status)
			}
			if !got && w.writes.Load() != before {
				t.Errorf("project %s, as %q: refused, and %d objects were written", project, as, w.writes.Load()-before)
			}
			line := w.log.String()
			for _, part := range []string{"msg=audit", "call=" + c.id, "from=192.0.2.1", "who=" + quoted(as), "outcome="} {
				// What is read leaves no line, and neither does a stranger who is asked to log in first.
				if (c.method != http.MethodGet || !got && as != "") && !strings.Contains(line, part) {
					t.Errorf("project %s, as %q: %d, and the audit line has no %q: %s", project, as, status, part, line)
				}
			}
			// What was refused has changed nothing; attempts to log in are counted.
			if got && c.method != http.MethodGet || c.id == "login" {
				fresh()
			}
		}
	}
}

// quoted is a word as the log has it.
func quoted(word string) string {
	if word == "" {
		return `""`
	}
	return word
}

// A list holds what who asks may see, and nothing of the rest.
func TestListsHoldWhatMayBeSeen(t *testing.T) {
	w := newWorld(t)
	for as, want := range map[string][]string{"admin": {"bank-web", "shop-web"}, "reader": {"bank-web", "shop-web"}, "shopper": {"shop-web"}, "deployer": {"shop-web"}, "nobody": nil} {
		for query, of := range map[string][]string{"": {"bank-web", "shop-web"}, "?projects=bank": {"bank-web"}, "?name=shop-web": {"shop-web"}, "?selector=of%3Dshop": {"shop-web"}, "?repo=https://git.example/bank": {"bank-web"}} {
			_, answer := w.call(as, http.MethodGet, "/api/v1/applications"+query, "")
			var got []string
			for _, item := range answer["items"].([]any) {
				got = append(got, item.(map[string]any)["metadata"].(map[string]any)["name"].(string))
			}
			wanted := slices.DeleteFunc(slices.Clone(want), func(name string) bool { return !slices.Contains(of, name) })
			if !slices.Equal(got, wanted) {
				t.Errorf("as %s, %q: got %v, want %v", as, query, got, wanted)
			}
		}
	}
}

// Who may not see an Application is not told whether it is there.
func TestWhatIsHiddenIsNotThere(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ hidden, missing string }{
		{"/api/v1/applications/bank-web", "/api/v1/applications/missing"},
		{"/api/v1/applications/bank-web?project=bank", "/api/v1/applications/missing?project=bank"},
	} {
		status, hidden := w.call("shopper", http.MethodGet, c.hidden, "")
		_, missing := w.call("shopper", http.MethodGet, c.missing, "")
		text := strings.ReplaceAll(hidden["error"].(string), "bank-web", "missing")
		if status != http.StatusForbidden || text != missing["error"] {
			t.Errorf("%s: %d %v, and %s: %v; want 403 and the same", c.hidden, status, hidden, c.missing, missing)
		}
	}
	if status, answer := w.call("shopper", http.MethodGet, "/api/v1/applications/missing?project=shop", ""); status != http.StatusNotFound {
		t.Errorf("in a project that may be seen: %d %v, want 404", status, answer)
	}
	if status, _ := w.call("shopper", http.MethodGet, "/api/v1/applications/bank-web?project=shop", ""); status != http.StatusNotFound {
		t.Errorf("an Application of another project than the one that is named: %d, want 404", status)
	}
}
