package routing

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

const listenerSetKind = "ListenerSet"

// setState is a ListenerSet and what has become of its listeners.
type setState struct {
	listenerGroup
	set     *gatewayv1.ListenerSet
	reason  gatewayv1.ListenerSetConditionReason
	message string
}

// listenerSets adds the listeners of ListenerSets to their Gateways, from the oldest on. What a Gateway has itself, or
// an older set, stays when a listener of a set is in its way.
func (b *gatewayBuilder) listenerSets(gateways []*gatewayState) []*setState {
	byName := map[types.NamespacedName]*gatewayState{}
	before := map[types.NamespacedName][]*listenerState{}
	for _, g := range gateways {
		byName[nameOf(g.gateway)] = g
		before[nameOf(g.gateway)] = g.listeners
	}
	var all []*setState
	for _, set := range byAge(b.seen.ListenerSets) {
		ref := set.Spec.ParentRef
		if ref.Group != nil && *ref.Group != gatewayv1.GroupName || ref.Kind != nil && *ref.Kind != gatewayv1.Kind(gatewayKind.Kind) {
			continue
		}
		g := byName[types.NamespacedName{Namespace: namespaceOr(ref.Namespace, set.Namespace), Name: string(ref.Name)}]
		if g == nil {
			continue
		}
		s := b.listenerSet(set, g, before[nameOf(g.gateway)])
		if !s.refused {
			before[nameOf(g.gateway)] = append(before[nameOf(g.gateway)], s.listeners...)
			b.serve(&s.listenerGroup)
		}
		if valid, _ := s.count(); !s.refused && valid > 0 {
			g.sets++
		}
		all = append(all, s)
	}
	return all
}

// listenerSet judges a ListenerSet and its listeners; before has those that go before them.
func (b *gatewayBuilder) listenerSet(set *gatewayv1.ListenerSet, g *gatewayState, before []*listenerState) *setState {
	s := &setState{set: set, listenerGroup: listenerGroup{kind: listenerSetKind, namespace: set.Namespace, gateway: nameOf(g.gateway)}}
	switch {
	case !b.allowsSet(g.gateway, set.Namespace):
		s.reason, s.message = gatewayv1.ListenerSetReasonNotAllowed, "spec.allowedListeners of the Gateway leaves this ListenerSet out"
	case g.refused:
		s.reason, s.message = gatewayv1.ListenerSetReasonParentNotAccepted, "the Gateway is not accepted; see its conditions"
	}
	s.refused = s.reason != ""
	for i := range set.Spec.Listeners {
		spec := gatewayv1.Listener(set.Spec.Listeners[i])
		l := b.judgeListener(&s.listenerGroup, &spec)
		for _, other := range before {
			if name := l.conflictWith(other); name != "" && other.conflicted.name == "" {
				l.yield(other, name)
			}
		}
		for _, other := range s.listeners {
			if name := l.conflictWith(other); name != "" && other.conflicted.name == "" {
				l.yield(other, name)
			}
		}
		s.listeners = append(s.listeners, l)
	}
	return s
}

// yield leaves what both would have to the other listener.
func (l *listenerState) yield(to *listenerState, name gatewayv1.ListenerConditionReason) {
	l.conflictOf(to, name)
	l.accepted = reason{}
}

// allowsSet reports whether a Gateway takes the listeners of a namespace's ListenerSets.
func (b *gatewayBuilder) allowsSet(gateway *gatewayv1.Gateway, namespace string) bool {
	from := gatewayv1.NamespacesFromNone
	var selector *metav1.LabelSelector
	if a := gateway.Spec.AllowedListeners; a != nil && a.Namespaces != nil {
		selector = a.Namespaces.Selector
		if a.Namespaces.From != nil {
			from = *a.Namespaces.From
		}
	}
	return b.allowedFrom(from, selector, namespace, gateway.Namespace)
}

// status is what the ListenerSet's status is to be.
func (s *setState) status() gatewayv1.ListenerSetStatus {
	generation := s.set.Generation
	valid, programmed := s.count()
	accepted := condition(generation, string(gatewayv1.ListenerSetConditionAccepted), true, string(gatewayv1.ListenerSetReasonAccepted), "")
	ready := condition(generation, string(gatewayv1.ListenerSetConditionProgrammed), true, string(gatewayv1.ListenerSetReasonProgrammed), "")
	switch {
	case s.refused:
		accepted = condition(generation, accepted.Type, false, string(s.reason), s.message)
		ready = condition(generation, ready.Type, false, string(s.reason), s.message)
	case programmed == 0:
		ready = condition(generation, ready.Type, false, string(gatewayv1.ListenerSetReasonListenersNotValid), "none of the listeners is served")
	}
	if !s.refused && valid < len(s.listeners) {
		accepted = condition(generation, accepted.Type, valid > 0, string(gatewayv1.ListenerSetReasonListenersNotValid), "see status.listeners")
	}
	status := gatewayv1.ListenerSetStatus{Conditions: []metav1.Condition{accepted, ready}}
	for _, l := range s.listeners {
		status.Listeners = append(status.Listeners, gatewayv1.ListenerEntryStatus(l.status(generation, !s.refused)))
	}
	return status
}
