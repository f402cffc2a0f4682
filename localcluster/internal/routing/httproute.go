package routing

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

const (
	httpRouteKind = "HTTPRoute"
	// routeReasonHostnameConflict is that of a route whose host has routes of the other kind.
	routeReasonHostnameConflict gatewayv1.RouteConditionReason = "HostnameConflict"
)

// parentKey names an object that routes attach to.
type parentKey struct {
	kind string
	types.NamespacedName
}

// routes attaches routes to listeners, and judges them, from the oldest on.
func (b *gatewayBuilder) routes(gateways []*gatewayState, sets []*setState) {
	groups := map[parentKey]*listenerGroup{}
	for _, g := range gateways {
		groups[parentKey{gatewayKind.Kind, nameOf(g.gateway)}] = &g.listenerGroup
	}
	for _, s := range sets {
		groups[parentKey{listenerSetKind, nameOf(s.set)}] = &s.listenerGroup
	}
	parents := map[string]map[types.NamespacedName][]gatewayv1.RouteParentStatus{
		httpRouteKind: b.result.Routes, grpcRouteKind: b.result.GRPCRoutes, tlsRouteKind: b.result.TLSRoutes,
	}
	for _, route := range byAge(b.routeObjects()) {
		r := &routeBuilder{gatewayBuilder: b, route: route, unsupported: route.unsupported}
		of := parents[route.kind]
		for i := range route.Spec.ParentRefs {
			ref := &route.Spec.ParentRefs[i]
			group := groups[parentOf(ref, route.Namespace)]
			if group == nil {
				continue
			}
			r.translateOnce()
			status := gatewayv1.RouteParentStatus{ParentRef: *ref, ControllerName: GatewayController, Conditions: r.attach(ref, group)}
			of[nameOf(route)] = append(of[nameOf(route)], status)
		}
	}
}

func (b *gatewayBuilder) routeObjects() []*routeObject {
	var all []*routeObject
	for _, route := range b.seen.HTTPRoutes {
		all = append(all, httpOf(route))
	}
	for _, route := range b.seen.GRPCRoutes {
		all = append(all, grpcOf(route))
	}
	for _, route := range b.seen.TLSRoutes {
		all = append(all, tlsOf(route))
	}
	return all
}

// parentOf returns the object that a reference names; that of another API has no kind.
func parentOf(ref *gatewayv1.ParentReference, namespace string) parentKey {
	key := parentKey{gatewayKind.Kind, types.NamespacedName{Namespace: namespaceOr(ref.Namespace, namespace), Name: string(ref.Name)}}
	if ref.Kind != nil {
		key.kind = string(*ref.Kind)
	}
	if ref.Group != nil && *ref.Group != gatewayv1.GroupName {
		key.kind = ""
	}
	return key
}

// routeBuilder adds one route.
type routeBuilder struct {
	*gatewayBuilder
	route      *routeObject
	translated bool
	routes     []Route
	// unsupported is why the route is not accepted, and unresolved why a reference leads nowhere.
	unsupported error
	unresolved  *refError
	// followed are the policies about how its backends are reached.
	followed []*policyState
}

// refError is a reference that leads nowhere.
type refError struct {
	reason gatewayv1.RouteConditionReason
	cause  error
}

func (e *refError) Error() string { return e.cause.Error() }
func (e *refError) Unwrap() error { return e.cause }

// attach adds the route to the listeners that a parent reference names, and returns the conditions for it.
func (r *routeBuilder) attach(ref *gatewayv1.ParentReference, group *listenerGroup) []metav1.Condition {
	for _, policy := range r.followed {
		policy.usedBy(group.gateway)
	}
	generation := r.route.Generation
	resolved := condition(generation, string(gatewayv1.RouteConditionResolvedRefs), true, string(gatewayv1.RouteReasonResolvedRefs), "")
	if r.unresolved != nil {
		resolved = condition(generation, resolved.Type, false, string(r.unresolved.reason), r.unresolved.Error())
	}
	accepted := condition(generation, string(gatewayv1.RouteConditionAccepted), true, string(gatewayv1.RouteReasonAccepted), "")
	name, message := r.attachTo(ref, group)
	if name != "" {
		accepted = condition(generation, accepted.Type, false, string(name), message)
	}
	return []metav1.Condition{accepted, resolved}
}

// attachTo returns why the route is not accepted, or no reason.
func (r *routeBuilder) attachTo(ref *gatewayv1.ParentReference, group *listenerGroup) (gatewayv1.RouteConditionReason, string) {
	if r.unsupported != nil {
		return gatewayv1.RouteReasonUnsupportedValue, r.unsupported.Error()
	}
	selected, allowed, attached, conflict := false, false, false, ""
	for _, l := range group.listeners {
		if !selects(ref, l) {
			continue
		}
		selected = true
		if !r.allowedBy(l, group.namespace) {
			continue
		}
		allowed = true
		hosts := r.hostsAt(l)
		if len(hosts) == 0 {
			continue
		}
		if with := l.routeOfOtherKind(r.route.kind, hosts); with != "" {
			conflict = fmt.Sprintf("spec.hostnames: listener %s has %s for the same host; a host has routes of one kind", l.spec.Name, with)
			continue
		}
		attached = true
		l.attached++
		l.routes = append(l.routes, attachedRoute{r.route, hosts})
		if !group.refused && l.programmed() {
			r.addTo(l, hosts)
		}
	}
	switch {
	case attached:
		return "", ""
	case conflict != "":
		return routeReasonHostnameConflict, conflict
	case allowed:
		return gatewayv1.RouteReasonNoMatchingListenerHostname, "spec.hostnames: none is one of the listener's"
	case selected:
		return gatewayv1.RouteReasonNotAllowedByListeners, "the listener's allowedRoutes leave this route out"
	}
	return gatewayv1.RouteReasonNoMatchingParent, fmt.Sprintf("the %s has no listener of this sectionName and port", group.kind)
}

// selects reports whether a reference to a Gateway or a ListenerSet means a listener of it.
func selects(ref *gatewayv1.ParentReference, l *listenerState) bool {
	return (ref.SectionName == nil || *ref.SectionName == l.spec.Name) && (ref.Port == nil || *ref.Port == l.spec.Port)
}

// attachedRoute is a route that a listener has, and for which hosts.
type attachedRoute struct {
	route *routeObject
	hosts []string
}

// routeOfOtherKind returns the route of another kind that a listener has for one of some hosts; "" for none.
func (l *listenerState) routeOfOtherKind(kind string, hosts []string) string {
	for _, other := range l.routes {
		for _, host := range other.hosts {
			meets := slices.ContainsFunc(hosts, func(own string) bool { _, both := intersect(host, own); return both })
			if meets && other.route.kind != kind {
				return other.route.kind + " " + nameOf(other.route).String()
			}
		}
	}
	return ""
}

// allowedBy reports whether a listener takes this route.
func (r *routeBuilder) allowedBy(l *listenerState, own string) bool {
	kind := false
	for _, k := range l.kinds {
		kind = kind || string(k.Kind) == r.route.kind
	}
	if !kind {
		return false
	}
	from := gatewayv1.NamespacesFromSame
	var selector *metav1.LabelSelector
	if a := l.spec.AllowedRoutes; a != nil && a.Namespaces != nil {
		if a.Namespaces.From != nil {
			from = *a.Namespaces.From
		}
		selector = a.Namespaces.Selector
	}
	return r.allowedFrom(from, selector, r.route.Namespace, own)
}

// allowedFrom reports whether an object of a namespace may attach to one of the namespace own.
func (b *gatewayBuilder) allowedFrom(from gatewayv1.FromNamespaces, selector *metav1.LabelSelector, namespace, own string) bool {
	switch from {
	case gatewayv1.NamespacesFromAll:
		return true
	case gatewayv1.NamespacesFromSelector:
		space := b.spaces[namespace]
		match, err := metav1.LabelSelectorAsSelector(selector)
		return space != nil && err == nil && match.Matches(labels.Set(space.Labels))
	case gatewayv1.NamespacesFromNone:
		return false
	}
	return namespace == own
}

// hostsAt returns the hosts by which the route is reached at a listener.
func (r *routeBuilder) hostsAt(l *listenerState) []string {
	if len(r.route.Spec.Hostnames) == 0 {
		return []string{l.host}
	}
	var hosts []string
	for _, name := range r.route.Spec.Hostnames {
		if host, ok := intersect(l.host, strings.ToLower(string(name))); ok {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

func (r *routeBuilder) addTo(l *listenerState, hosts []string) {
	if r.route.kind == tlsRouteKind {
		r.addStreams(l, hosts)
		return
	}
	to := r.listener(l.spec.Port, l.tls(), l.host)
	for _, host := range hosts {
		for _, route := range r.routes {
			route.Host = host
			to.Routes = append(to.Routes, route)
		}
	}
}

// translateOnce makes routes of the rules.
func (r *routeBuilder) translateOnce() {
	if r.translated {
		return
	}
	r.translated = true
	for i := range r.route.Spec.Rules {
		if err := r.rule(i); err != nil && r.unsupported == nil {
			r.unsupported = fmt.Errorf("spec.rules[%d].%w", i, err)
		}
	}
}

func (r *routeBuilder) rule(index int) error {
	rule := &r.route.Spec.Rules[index]
	action, err := r.action(index, rule)
	if err != nil {
		return err
	}
	matches := rule.Matches
	if len(matches) == 0 {
		matches = []gatewayv1.HTTPRouteMatch{{}}
	}
	for i := range matches {
		match, err := r.match(&matches[i])
		if err != nil {
			return fmt.Errorf("matches[%d].%w", i, err)
		}
		route := Route{
			Source: Source{Kind: r.route.kind, NamespacedName: nameOf(r.route)}, Match: match, Action: action,
			order: order{created: r.route.CreationTimestamp, index: index},
		}
		if r.route.calls != nil {
			route.order.call = r.route.calls[index][i]
		}
		r.routes = append(r.routes, route)
	}
	return nil
}

func (r *routeBuilder) match(m *gatewayv1.HTTPRouteMatch) (Match, error) {
	match := Match{Path: PathMatch{Kind: Prefix, Value: "/"}}
	if m.Path != nil && m.Path.Value != nil {
		match.Path.Value = *m.Path.Value
	}
	if m.Path != nil && m.Path.Type != nil {
		switch *m.Path.Type {
		case gatewayv1.PathMatchExact:
			match.Path.Kind = Exact
		case gatewayv1.PathMatchRegularExpression:
			pattern, err := compile("^(?:" + match.Path.Value + ")$")
			if err != nil {
				return match, fmt.Errorf("path.value: %w", err)
			}
			match.Path.Kind, match.Path.Pattern = Regex, pattern
		}
	}
	if m.Method != nil {
		match.Method = string(*m.Method)
	}
	for i, h := range m.Headers {
		value, err := valueMatch(canonical(string(h.Name)), h.Value, h.Type != nil && *h.Type == gatewayv1.HeaderMatchRegularExpression)
		if err != nil {
			return match, fmt.Errorf("headers[%d].value: %w", i, err)
		}
		match.Headers = addMatch(match.Headers, value)
	}
	for i, q := range m.QueryParams {
		value, err := valueMatch(string(q.Name), q.Value, q.Type != nil && *q.Type == gatewayv1.QueryParamMatchRegularExpression)
		if err != nil {
			return match, fmt.Errorf("queryParams[%d].value: %w", i, err)
		}
		match.Query = addMatch(match.Query, value)
	}
	return match, nil
}

// addMatch adds a match. Of two for one name the first holds.
func addMatch(to []ValueMatch, m ValueMatch) []ValueMatch {
	for _, before := range to {
		if before.Name == m.Name {
			return to
		}
	}
	return append(to, m)
}

func valueMatch(name, value string, pattern bool) (ValueMatch, error) {
	if !pattern {
		return ValueMatch{Name: name, Value: value}, nil
	}
	compiled, err := compile("^(?:" + value + ")$")
	return ValueMatch{Name: name, Value: value, Pattern: compiled}, err
}

// reference returns the backend that a reference leads to.
func (r *routeBuilder) reference(ref *gatewayv1.BackendObjectReference) (Backend, *refError) {
	if ref.Group != nil && *ref.Group != "" || ref.Kind != nil && *ref.Kind != "Service" {
		return Backend{}, &refError{gatewayv1.RouteReasonInvalidKind, errors.New("kind: not a Service")}
	}
	name := types.NamespacedName{Namespace: namespaceOr(ref.Namespace, r.route.Namespace), Name: string(ref.Name)}
	if !granted(r.seen.ReferenceGrants, r.route.kind, r.route.Namespace, "Service", name) {
		return Backend{}, &refError{gatewayv1.RouteReasonRefNotPermitted, fmt.Errorf("Service %s: no ReferenceGrant there allows it", name)}
	}
	if ref.Port == nil {
		return Backend{}, &refError{gatewayv1.RouteReasonBackendNotFound, fmt.Errorf("Service %s: port: missing", name)}
	}
	backend, err := r.backend(servicePort{service: name, number: *ref.Port})
	if err != nil {
		return Backend{}, &refError{gatewayv1.RouteReasonBackendNotFound, err}
	}
	if r.route.kind == grpcRouteKind {
		backend.Protocol = grpcProtocol(backend.Protocol)
	}
	if r.route.kind != tlsRouteKind {
		var followed []*policyState
		backend, followed = r.policies.secure(backend, name, *ref.Port)
		r.followed = append(r.followed, followed...)
	}
	return backend, nil
}

// backendRef returns a backend of a rule. Requests for one that leads nowhere are refused, as many as its weight.
func (r *routeBuilder) backendRef(where string, ref *gatewayv1.HTTPBackendRef) (Backend, error) {
	backend, unresolved := r.reference(&ref.BackendObjectReference)
	if unresolved != nil {
		r.leadsNowhere(where, unresolved)
		backend = refused(unresolved, statusInvalid)
	}
	if ref.Weight != nil {
		backend.Weight = int(*ref.Weight)
	}
	filters, redirect, err := r.filters(where+".filters", ref.Filters)
	if err == nil && redirect != nil {
		err = errors.New("filters: RequestRedirect: not served for a single backend; put it into the rule")
	}
	backend.Filters = filters.Filters
	return backend, err
}

func (r *routeBuilder) leadsNowhere(where string, unresolved *refError) {
	if r.unresolved == nil {
		r.unresolved = &refError{unresolved.reason, fmt.Errorf("%s: %w", where, unresolved.cause)}
	}
}
