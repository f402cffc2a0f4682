package routing

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

const tlsRouteKind = "TLSRoute"

// tlsOf returns a TLSRoute as an HTTPRoute that matches everything: what they have in common is judged alike.
func tlsOf(route *gatewayv1.TLSRoute) *routeObject {
	r := &routeObject{HTTPRoute: &gatewayv1.HTTPRoute{ObjectMeta: route.ObjectMeta}, kind: tlsRouteKind}
	r.Spec = gatewayv1.HTTPRouteSpec{CommonRouteSpec: route.Spec.CommonRouteSpec, Hostnames: route.Spec.Hostnames}
	for i := range route.Spec.Rules {
		rule := gatewayv1.HTTPRouteRule{Name: route.Spec.Rules[i].Name}
		for _, ref := range route.Spec.Rules[i].BackendRefs {
			rule.BackendRefs = append(rule.BackendRefs, gatewayv1.HTTPBackendRef{BackendRef: ref})
		}
		r.Spec.Rules = append(r.Spec.Rules, rule)
	}
	return r
}

// addStreams adds the route to a listener, for hosts.
func (r *routeBuilder) addStreams(l *listenerState, hosts []string) {
	to := r.stream(l.spec.Port, l.host)
	for _, host := range hosts {
		for _, route := range r.routes {
			to.Routes = append(to.Routes, StreamRoute{
				Source: route.Source, Host: host, Terminate: !l.passes(), Backends: route.Action.Backends, order: route.order,
			})
		}
	}
}
