package ingress

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

// reportListenerSet writes what becomes of a ListenerSet's listeners.
func (r *reporter) reportListenerSet(ctx context.Context, set *gatewayv1.ListenerSet, wanted gatewayv1.ListenerSetStatus) bool {
	changed := set.DeepCopy()
	changed.Status.Conditions = merged(set.Status.Conditions, wanted.Conditions)
	before := map[gatewayv1.SectionName][]metav1.Condition{}
	for _, l := range set.Status.Listeners {
		before[l.Name] = l.Conditions
	}
	changed.Status.Listeners = wanted.Listeners
	for i := range changed.Status.Listeners {
		l := &changed.Status.Listeners[i]
		l.Conditions = merged(before[l.Name], l.Conditions)
	}
	if equality.Semantic.DeepEqual(changed.Status, set.Status) {
		return true
	}
	_, err := r.gateways.GatewayV1().ListenerSets(set.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	return written(err, set)
}

// reportPolicy writes what becomes of a policy at this program's Gateways. What others say of theirs stays.
func (r *reporter) reportPolicy(ctx context.Context, policy *gatewayv1.BackendTLSPolicy, wanted []gatewayv1.PolicyAncestorStatus) bool {
	changed := policy.DeepCopy()
	changed.Status.Ancestors = ancestorsOf(policy.Status.Ancestors, wanted)
	if equality.Semantic.DeepEqual(changed.Status, policy.Status) {
		return true
	}
	_, err := r.gateways.GatewayV1().BackendTLSPolicies(policy.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	return written(err, policy)
}

// ancestorsOf returns the ancestors that a policy's status is to have: those of other controllers, and those that are
// wanted.
func ancestorsOf(there, wanted []gatewayv1.PolicyAncestorStatus) []gatewayv1.PolicyAncestorStatus {
	ancestors := []gatewayv1.PolicyAncestorStatus{}
	for _, ancestor := range there {
		if ancestor.ControllerName != routing.GatewayController {
			ancestors = append(ancestors, *ancestor.DeepCopy())
		}
	}
	for _, ancestor := range wanted {
		ancestor.Conditions = merged(conditionsAt(there, ancestor.AncestorRef), ancestor.Conditions)
		ancestors = append(ancestors, ancestor)
	}
	return ancestors
}

func conditionsAt(there []gatewayv1.PolicyAncestorStatus, of gatewayv1.ParentReference) []metav1.Condition {
	for _, ancestor := range there {
		if ancestor.ControllerName == routing.GatewayController && equality.Semantic.DeepEqual(ancestor.AncestorRef, of) {
			return ancestor.Conditions
		}
	}
	return nil
}
