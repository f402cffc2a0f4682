package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/view"
)

// Everybody has their own rights explained, and others' who may see their accounts; what is not understood of others'
// lines is told to the latter alone.
func TestRightsAreExplainedToWhoMaySeeThem(t *testing.T) {
	w := newWorld(t)
	w.policy("p, admin, *, *, *, allow\ng, reader, role:readonly\np, shopper, applications, sync, shop/*, allow\np, nobody, nonsense\np, crew, applications, get, */*, allow\ng, team, crew\n")
	for _, c := range []struct {
		as, subject string
		status      int
		roles       string
		sync        string
		findings    int
	}{
		{"shopper", "", 200, "", "shop/* allow argocd-rbac-cm policy.csv:3", 0},
		{"shopper", "shopper", 200, "", "shop/* allow argocd-rbac-cm policy.csv:3", 0},
		{"shopper", "reader", 403, "", "", 0},
		{"shopper", "role:admin", 403, "", "", 0},
		{"reader", "shopper", 200, "", "shop/* allow argocd-rbac-cm policy.csv:3", 1},
		{"admin", "reader", 200, "role:readonly", "*/* none ", 1},
		{"admin", "role:admin", 200, "role:readonly", "*/* allow built in", 1},
		{"admin", "team", 200, "crew", "*/* none ", 1},
		{"admin", "proj:shop:none", 200, "", "*/* none ", 1},
		{"", "", 401, "", "", 0},
	} {
		status, _ := w.call(c.as, http.MethodGet, "/api/v1/view/rights?subject="+url.QueryEscape(c.subject), "")
		if status != c.status {
			t.Errorf("as %q of %q: got %d, want %d", c.as, c.subject, status, c.status)
		}
		if status != http.StatusOK {
			continue
		}
		var r view.Rights
		w.get(c.as, "/api/v1/view/rights?subject="+url.QueryEscape(c.subject), &r)
		sync := ""
		for _, row := range r.Rows {
			if row.Resource == "applications" && row.Action == "sync" {
				sync = row.Object + " " + row.Effect + " " + row.From
			}
		}
		if got := strings.Join(r.Roles, " "); got != c.roles || sync != c.sync || len(r.Findings) != c.findings {
			t.Errorf("as %s of %q: got roles %s, %s, %v, want %s, %s, %d findings", c.as, c.subject, got, sync, r.Findings, c.roles, c.sync, c.findings)
		}
	}
}

// A part of what is asked that is a pattern stands for all that fits it.
func TestCanIWithPatterns(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ as, path, want string }{
		{"admin", "applications/sync/*", "yes"}, {"admin", "applications/*/*", "yes"}, {"admin", "*/*/*", "yes"}, {"admin", "*/get/*", "yes"}, {"reader", "applications/get/*", "yes"}, {"reader", "*/get/*", "yes"},
		{"reader", "*/*/*", "no"}, {"shopper", "applications/sync/*", "no"}, {"shopper", "applications/*/shop/*", "yes"}, {"nobody", "*/*/*", "no"},
	} {
		if _, answer := w.call(c.as, http.MethodGet, "/api/v1/account/can-i/"+c.path, ""); answer["value"] != c.want {
			t.Errorf("%s, %s: got %v, want %s", c.as, c.path, answer, c.want)
		}
	}
}

// What is allowed but for a part of it is not all allowed.
func TestCanIWithAPartDenied(t *testing.T) {
	f := newFed(t)
	f.policy("p, shopper, applications, get, */*, allow\np, shopper, applications, get, bank/*, deny\n")
	for path, want := range map[string]string{"applications/get/*": "no", "applications/get/shop/*": "yes", "applications/get/bank/*": "no", "applications/get/shop/web": "yes", "applications/get/bank/web": "no"} {
		if _, answer := f.call("shopper", http.MethodGet, "/api/v1/account/can-i/"+path, ""); answer["value"] != want {
			t.Errorf("%s: got %v, want %s", path, answer, want)
		}
	}
}
