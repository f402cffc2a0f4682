package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/internal/view"
)

// Deliveries are those of Applications that who asks may see, newest first, with the commits that git has.
func TestDeliveriesAreThoseThatMayBeSeen(t *testing.T) {
	w := newWorld(t)
	withCommits(w)
	for i, name := range []string{"shop-web", "bank-web"} {
		app := w.app(name)
		for j := range app.Status.History {
			began := metav1.NewTime(time.Date(2026, 11, 26, 13, 10*j+i, 0, 0, time.UTC))
			app.Status.History[j].DeployStartedAt, app.Status.History[j].DeployedAt = &began, metav1.NewTime(began.Add(time.Minute))
		}
		healthy(app)
		if err := w.Update(t.Context(), app); err != nil {
			t.Fatal(err)
		}
	}
	for as, want := range map[string]string{"admin": "bank-web/2 shop-web/2 bank-web/1 shop-web/1", "shopper": "shop-web/2 shop-web/1", "nobody": ""} {
		var list struct{ Items []view.Delivery }
		w.get(as, "/api/v1/view/deliveries", &list)
		var got []string
		for _, d := range list.Items {
			got = append(got, d.Application+"/"+d.ID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("as %s: got %v, want %s", as, got, want)
		}
	}
	for query, want := range map[string]int{"?limit=1": 1, "?application=bank-web": 2, "?namespace=elsewhere": 0, "?application=missing": 0} {
		var list struct{ Items []view.Delivery }
		if w.get("admin", "/api/v1/view/deliveries"+query, &list); len(list.Items) != want {
			t.Errorf("%s: got %d, want %d", query, len(list.Items), want)
		}
	}
	var d view.Delivery
	w.get("shopper", "/api/v1/view/deliveries/argocd/shop-web/2", &d)
	if d.Commit.Author != "Ann" || d.LeadSeconds == nil || *d.LeadSeconds != 71*60 {
		t.Errorf("got %+v", d)
	}
	if answer := w.get("shopper", "/api/v1/view/deliveries/argocd/shop-web/9", nil); answer.Code != http.StatusNotFound {
		t.Errorf("one that there is not: %d", answer.Code)
	}
	hidden, missing := w.get("shopper", "/api/v1/view/deliveries/argocd/bank-web/1", nil), w.get("shopper", "/api/v1/view/deliveries/argocd/missing/1", nil)
	if hidden.Code != http.StatusForbidden || hidden.Body.String() != missing.Body.String() {
		t.Errorf("hidden %d %s, missing %s", hidden.Code, hidden.Body, missing.Body)
	}
	var lead struct{ Points []view.LeadPoint }
	if w.get("shopper", "/api/v1/view/deliveries/lead?application=shop-web", &lead); len(lead.Points) != 1 {
		t.Errorf("got %+v", lead)
	}
	var overview view.Overview
	if w.get("shopper", "/api/v1/view/overview", &overview); len(overview.Deliveries) != 2 {
		t.Errorf("got %+v", overview.Deliveries)
	}
}
