package ingress

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

// TestAncestors: every condition has a time, as the API server demands: that of before where it is the same, another
// where it is new. What other controllers say stays.
func TestAncestors(t *testing.T) {
	before := metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	accepted := metav1.Condition{Type: "Accepted", Status: metav1.ConditionTrue, Reason: "Accepted"}
	old := accepted
	old.LastTransitionTime = before
	ancestor := func(gateway string, by gatewayv1.GatewayController, c metav1.Condition) gatewayv1.PolicyAncestorStatus {
		return gatewayv1.PolicyAncestorStatus{AncestorRef: gatewayv1.ParentReference{Name: gatewayv1.ObjectName(gateway)}, ControllerName: by, Conditions: []metav1.Condition{c}}
	}
	got := stated(
		[]gatewayv1.PolicyAncestorStatus{ancestor("web", "example.com/theirs", old), ancestor("web", routing.GatewayController, old), ancestor("gone", routing.GatewayController, old)},
		[]gatewayv1.PolicyAncestorStatus{ancestor("web", routing.GatewayController, accepted), ancestor("new", routing.GatewayController, accepted)},
		ofAncestor,
	)
	if len(got) != 3 || got[0].ControllerName != "example.com/theirs" || got[1].AncestorRef.Name != "web" || got[2].AncestorRef.Name != "new" {
		t.Fatalf("got %+v", got)
	}
	for i, want := range []bool{true, true, false} {
		at := got[i].Conditions[0].LastTransitionTime
		if at.IsZero() || at.Equal(&before) != want {
			t.Errorf("%s of %s: changed at %s; as before: %t", got[i].AncestorRef.Name, got[i].ControllerName, at, want)
		}
	}
}
