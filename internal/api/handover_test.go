package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/handover"
)

// TestReclaim: who may override an Application takes its objects back from whoever works on them; the Lease names them,
// the audit line both, and a second time there is nothing to take.
func TestReclaim(t *testing.T) {
	w := newWorld(t)
	lease, err := handover.Take(nil, control, "shop-web", "ann@laptop", 0, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Create(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	const path = "/api/v1/applications/shop-web/reclaim"
	for _, as := range []string{"deployer", "reader", "nobody"} {
		if code, out := w.call(as, http.MethodPost, path, ""); code != http.StatusForbidden {
			t.Errorf("%s: got %d, %v, want a refusal", as, code, out)
		}
	}
	code, out := w.call("shopper", http.MethodPost, path, "")
	if code != http.StatusOK || out["holder"] != "ann@laptop" {
		t.Fatalf("got %d, %v", code, out)
	}
	after := &coordinationv1.Lease{}
	if err := w.Get(t.Context(), client.ObjectKeyFromObject(lease), after); err != nil {
		t.Fatal(err)
	}
	if h := handover.Of(after, 0); !h.Ended() || after.Annotations[handover.ReclaimedAnnotation] != "shopper" {
		t.Errorf("got the Lease %+v of %v", after.Spec, after.Annotations)
	}
	if log := w.log.String(); !strings.Contains(log, "who=shopper") || !strings.Contains(log, "call=reclaimApplication") || !strings.Contains(log, "outcome=done") {
		t.Errorf("got the log %s", log)
	}
	if code, out := w.call("shopper", http.MethodPost, path, ""); code != http.StatusNotFound || !strings.Contains(out["message"].(string), "handed over to nobody") {
		t.Errorf("again: got %d, %v", code, out)
	}
}

// TestRowsNameWhoHasTheObjects: the condition's words come as values.
func TestRowsNameWhoHasTheObjects(t *testing.T) {
	w := newWorld(t)
	app := &v1alpha1.Application{}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: control, Name: "shop-web"}, app); err != nil {
		t.Fatal(err)
	}
	since := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	app.Status.Conditions = []v1alpha1.ApplicationCondition{{Type: v1alpha1.ConditionHandedOver, Message: (&handover.HandOver{Holder: "ann@laptop", Since: since}).Message("shop-web")}}
	if err := w.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	_, out := w.call("admin", http.MethodGet, "/api/v1/view/applications?search=shop-web", "")
	row := out["items"].([]any)[0].(map[string]any)
	if got, _ := row["handedOver"].(map[string]any); got["by"] != "ann@laptop" || got["since"] != "2026-03-01T12:00:00Z" {
		t.Errorf("got %v", row)
	}
	_, out = w.call("admin", http.MethodGet, "/api/v1/view/applications?search=bank-web", "")
	if row := out["items"].([]any)[0].(map[string]any); row["handedOver"] != nil {
		t.Errorf("of nobody: got %v", row)
	}
}
