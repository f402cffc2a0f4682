package routing

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// condition is a condition without the time of its last change.
func condition(generation int64, kind string, holds bool, reason, message string) metav1.Condition {
	status := metav1.ConditionFalse
	if holds {
		status = metav1.ConditionTrue
	}
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message, ObservedGeneration: generation}
}

// status is what the Gateway's status is to be.
func (g *gatewayState) status(address string) gatewayv1.GatewayStatus {
	generation := g.gateway.Generation
	status := gatewayv1.GatewayStatus{Listeners: []gatewayv1.ListenerStatus{}}
	valid, programmed := g.count()
	for _, l := range g.listeners {
		status.Listeners = append(status.Listeners, l.status(generation, g.reason == ""))
	}
	accepted := condition(generation, string(gatewayv1.GatewayConditionAccepted), true, string(gatewayv1.GatewayReasonAccepted), "")
	switch {
	case g.reason != "":
		accepted = condition(generation, string(gatewayv1.GatewayConditionAccepted), false, string(g.reason), g.message)
	case valid < len(g.listeners):
		accepted = condition(generation, string(gatewayv1.GatewayConditionAccepted), valid > 0, string(gatewayv1.GatewayReasonListenersNotValid), "see status.listeners")
	}
	ready := condition(generation, string(gatewayv1.GatewayConditionProgrammed), true, string(gatewayv1.GatewayReasonProgrammed), "")
	if programmed == 0 {
		ready = condition(generation, string(gatewayv1.GatewayConditionProgrammed), false, string(gatewayv1.GatewayReasonInvalid), "none of the listeners is served")
	} else {
		kind := gatewayv1.IPAddressType
		status.Addresses = []gatewayv1.GatewayStatusAddress{{Type: &kind, Value: address}}
	}
	status.Conditions = []metav1.Condition{accepted, ready}
	status.AttachedListenerSets = &g.sets
	return status
}

// count returns how many listeners are as they should be, and how many are served.
func (g *listenerGroup) count() (valid, programmed int) {
	for _, l := range g.listeners {
		if l.accepted.name == "" && l.conflicted.name == "" && l.resolved.name == "" {
			valid++
		}
		if !g.refused && l.programmed() {
			programmed++
		}
	}
	return valid, programmed
}

// status is what the listener's status is to be; served is unset when its Gateway is not.
func (l *listenerState) status(generation int64, served bool) gatewayv1.ListenerStatus {
	accepted := condition(generation, string(gatewayv1.ListenerConditionAccepted), true, string(gatewayv1.ListenerReasonAccepted), "")
	switch {
	case l.accepted.name != "":
		accepted = condition(generation, accepted.Type, false, l.accepted.name, l.accepted.message)
	case l.conflicted.name != "":
		accepted = condition(generation, accepted.Type, false, l.conflicted.name, l.conflicted.message)
	}
	resolved := condition(generation, string(gatewayv1.ListenerConditionResolvedRefs), true, string(gatewayv1.ListenerReasonResolvedRefs), "")
	if l.resolved.name != "" {
		resolved = condition(generation, resolved.Type, false, l.resolved.name, l.resolved.message)
	}
	conflicted := condition(generation, string(gatewayv1.ListenerConditionConflicted), false, string(gatewayv1.ListenerReasonNoConflicts), "")
	if l.conflicted.name != "" {
		conflicted = condition(generation, conflicted.Type, true, l.conflicted.name, l.conflicted.message)
	}
	programmed := condition(generation, string(gatewayv1.ListenerConditionProgrammed), true, string(gatewayv1.ListenerReasonProgrammed), "")
	if !served || !l.programmed() {
		why := cmp.Or(l.conflicted.name, string(gatewayv1.ListenerReasonInvalid))
		programmed = condition(generation, programmed.Type, false, why, "see the other conditions, and those of the Gateway")
	}
	return gatewayv1.ListenerStatus{
		Name: l.spec.Name, SupportedKinds: l.kinds, AttachedRoutes: l.attached,
		Conditions: []metav1.Condition{accepted, conflicted, resolved, programmed},
	}
}
