package routing

import (
	"cmp"
	"fmt"
	"regexp"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

const grpcRouteKind = "GRPCRoute"

// routeObject is an HTTPRoute, or what a GRPCRoute is as one.
type routeObject struct {
	*gatewayv1.HTTPRoute
	kind string
	// calls are, of a GRPCRoute, how specific each match of each rule is.
	calls [][]callOrder
	// unsupported is why it is not accepted.
	unsupported error
}

// callOrder is how many characters of a service and of a method are given.
type callOrder struct{ service, method int }

func compareCalls(a, b callOrder) int {
	return -cmp.Or(cmp.Compare(a.service, b.service), cmp.Compare(a.method, b.method))
}

// httpOf returns an HTTPRoute as it is.
func httpOf(route *gatewayv1.HTTPRoute) *routeObject {
	return &routeObject{HTTPRoute: route, kind: httpRouteKind}
}

// grpcOf returns what a GRPCRoute does as an HTTPRoute: a call of a method is a POST to a path of service and method.
func grpcOf(route *gatewayv1.GRPCRoute) *routeObject {
	r := &routeObject{HTTPRoute: &gatewayv1.HTTPRoute{ObjectMeta: route.ObjectMeta}, kind: grpcRouteKind}
	r.Spec = gatewayv1.HTTPRouteSpec{CommonRouteSpec: route.Spec.CommonRouteSpec, Hostnames: route.Spec.Hostnames}
	for i := range route.Spec.Rules {
		of := &route.Spec.Rules[i]
		rule := gatewayv1.HTTPRouteRule{Name: of.Name, Filters: grpcFilters(of.Filters), SessionPersistence: of.SessionPersistence}
		for _, ref := range of.BackendRefs {
			rule.BackendRefs = append(rule.BackendRefs, gatewayv1.HTTPBackendRef{BackendRef: ref.BackendRef, Filters: grpcFilters(ref.Filters)})
		}
		matches := of.Matches
		if len(matches) == 0 {
			matches = []gatewayv1.GRPCRouteMatch{{}}
		}
		calls := make([]callOrder, len(matches))
		for j := range matches {
			match, order, err := grpcMatch(&matches[j])
			if err != nil && r.unsupported == nil {
				r.unsupported = fmt.Errorf("spec.rules[%d].matches[%d].method: %w", i, j, err)
			}
			rule.Matches, calls[j] = append(rule.Matches, match), order
		}
		r.Spec.Rules, r.calls = append(r.Spec.Rules, rule), append(r.calls, calls)
	}
	return r
}

func grpcMatch(of *gatewayv1.GRPCRouteMatch) (gatewayv1.HTTPRouteMatch, callOrder, error) {
	post := gatewayv1.HTTPMethodPost
	match := gatewayv1.HTTPRouteMatch{Method: &post}
	for _, h := range of.Headers {
		header := gatewayv1.HTTPHeaderMatch{Name: gatewayv1.HTTPHeaderName(h.Name), Value: h.Value}
		if h.Type != nil {
			kind := gatewayv1.HeaderMatchType(*h.Type)
			header.Type = &kind
		}
		match.Headers = append(match.Headers, header)
	}
	if of.Method == nil {
		return match, callOrder{}, nil
	}
	service, method := valueOr(of.Method.Service), valueOr(of.Method.Method)
	path, err := callPath(service, method, of.Method.Type != nil && *of.Method.Type == gatewayv1.GRPCMethodMatchRegularExpression)
	match.Path = path
	return match, callOrder{len(service), len(method)}, err
}

func valueOr(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// callPath returns the paths of calls; an empty service or method is any.
func callPath(service, method string, pattern bool) (*gatewayv1.HTTPPathMatch, error) {
	kind, value := gatewayv1.PathMatchRegularExpression, ""
	for _, part := range []string{service, method} {
		switch {
		case part == "":
			part = "[^/]+"
		case !pattern:
			part = regexp.QuoteMeta(part)
		default:
			if _, err := compile(part); err != nil {
				return nil, err
			}
		}
		value += "/(?:" + part + ")"
	}
	return &gatewayv1.HTTPPathMatch{Type: &kind, Value: &value}, nil
}

// grpcFilters returns filters as those of an HTTPRoute, which has all of them.
func grpcFilters(of []gatewayv1.GRPCRouteFilter) []gatewayv1.HTTPRouteFilter {
	var filters []gatewayv1.HTTPRouteFilter
	for _, f := range of {
		filters = append(filters, gatewayv1.HTTPRouteFilter{
			Type: gatewayv1.HTTPRouteFilterType(f.Type), RequestHeaderModifier: f.RequestHeaderModifier, ResponseHeaderModifier: f.ResponseHeaderModifier,
			RequestMirror: f.RequestMirror, ExtensionRef: f.ExtensionRef,
		})
	}
	return filters
}

// grpcProtocol returns how a backend is called: by HTTP/2, whatever else its port says.
func grpcProtocol(of Protocol) Protocol {
	switch of {
	case HTTPS, H2:
		return H2
	}
	return H2C
}
