package screens_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/screens"
)

// Whoever works on the objects of an Application stands in the list, which has no column for it where nobody does.
func TestAppsThatAreHandedOver(t *testing.T) {
	shop, other := v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "shop"}}, v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "other"}}
	page := screens.Page{Now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	if got := page.Apps([]v1alpha1.Application{shop, other}, false); strings.Contains(got, "HANDED OVER") {
		t.Errorf("handed over to nobody: got\n%s", got)
	}
	shop.Status.Conditions = []v1alpha1.ApplicationCondition{{Type: v1alpha1.ConditionHandedOver, Message: "handed over to ann@desk since 2026-05-01T11:00:00Z; `cyan app reclaim shop` takes it back"}}
	got := strings.Split(page.Apps([]v1alpha1.Application{shop, other}, false), "\n")
	if !strings.Contains(got[0], "HEALTH") || !strings.Contains(got[0], "HANDED OVER TO") || !strings.Contains(got[1], "ann@desk") || strings.Contains(got[2], "@") {
		t.Errorf("got\n%s\nwant who has shop", strings.Join(got, "\n"))
	}
}
