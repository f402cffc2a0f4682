package routing

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"
)

var gatewayKind = schema.GroupVersionKind{Group: gatewayv1.GroupName, Version: gatewayv1.GroupVersion.Version, Kind: "Gateway"}

// gatewayBuilder adds what Gateways and their routes ask for.
type gatewayBuilder struct {
	*builder
	policies *policyBuilder
	// ports has what each port speaks.
	ports map[int32]gatewayv1.ProtocolType
}

// gateways adds the listeners of the Gateways of this program's classes, and the routes that are attached to them.
func (b *gatewayBuilder) gateways() {
	classes := b.classes()
	var all []*gatewayState
	for _, gateway := range byAge(b.seen.Gateways) {
		if accepted, ours := classes[string(gateway.Spec.GatewayClassName)]; !ours || !accepted {
			continue
		}
		all = append(all, b.gateway(gateway))
	}
	sets := b.listenerSets(all)
	b.routes(all, sets)
	for _, g := range all {
		b.result.Gateways[nameOf(g.gateway)] = g.status(b.seen.Address)
	}
	for _, s := range sets {
		b.result.ListenerSets[nameOf(s.set)] = s.status()
	}
	b.policies.report()
}

// classes returns the classes of this program, and whether each is accepted.
func (b *gatewayBuilder) classes() map[string]bool {
	found := map[string]bool{}
	for _, class := range b.seen.GatewayClasses {
		if class.Spec.ControllerName != GatewayController {
			continue
		}
		accepted := condition(class.Generation, string(gatewayv1.GatewayClassConditionStatusAccepted), true, string(gatewayv1.GatewayClassReasonAccepted), "")
		if class.Spec.ParametersRef != nil {
			accepted = condition(class.Generation, string(gatewayv1.GatewayClassConditionStatusAccepted), false, string(gatewayv1.GatewayClassReasonInvalidParameters),
				"spec.parametersRef: not served; leave it out")
		}
		found[class.Name] = class.Spec.ParametersRef == nil
		b.result.Classes[class.Name] = gatewayv1.GatewayClassStatus{Conditions: []metav1.Condition{accepted}, SupportedFeatures: supportedFeatures()}
	}
	return found
}

func supportedFeatures() []gatewayv1.SupportedFeature {
	features := make([]gatewayv1.SupportedFeature, 0, len(Features))
	for _, name := range slices.Sorted(slices.Values(Features)) {
		features = append(features, gatewayv1.SupportedFeature{Name: gatewayv1.FeatureName(name)})
	}
	return features
}

// Features are what is served of the Gateway API, by the names that its tests have.
var Features = []string{
	"BackendTLSPolicy", "BackendTLSPolicySANValidation", "GRPCRoute", "GRPCRouteNamedRouteRule", "Gateway", "GatewayAddressEmpty", "GatewayHTTPListenerIsolation", "GatewayPort8080", "HTTPRoute",
	"HTTPRoute303RedirectStatusCode", "HTTPRoute307RedirectStatusCode", "HTTPRoute308RedirectStatusCode",
	"HTTPRouteBackendProtocolH2C", "HTTPRouteBackendProtocolWebSocket", "HTTPRouteBackendRequestHeaderModification", "HTTPRouteBackendTimeout",
	"HTTPRouteCORS", "HTTPRouteDestinationPortMatching", "HTTPRouteHostRewrite", "HTTPRouteMethodMatching", "HTTPRouteNamedRouteRule", "HTTPRouteParentRefPort",
	"HTTPRoutePathRedirect", "HTTPRoutePathRewrite", "HTTPRoutePortRedirect", "HTTPRouteQueryParamMatching",
	"HTTPRouteRequestMirror", "HTTPRouteRequestMultipleMirrors", "HTTPRouteRequestPercentageMirror", "HTTPRouteRequestTimeout",
	"HTTPRouteResponseHeaderModification", "HTTPRouteSchemeRedirect", "ListenerSet", "ReferenceGrant", "TLSRoute", "TLSRouteModeMixed", "TLSRouteModeTerminate",
}

// listenerGroup is the listeners of one object, to which routes attach.
type listenerGroup struct {
	// kind and namespace are those of the object, and gateway is what serves it.
	kind, namespace string
	gateway         types.NamespacedName
	listeners       []*listenerState
	// refused is set where none of them is served.
	refused bool
}

// gatewayState is a Gateway and what has become of its listeners.
type gatewayState struct {
	listenerGroup
	gateway *gatewayv1.Gateway
	reason  gatewayv1.GatewayConditionReason
	message string
	// sets is how many ListenerSets add to it.
	sets int32
}

// listenerState is a listener of a Gateway and what is wrong with it.
type listenerState struct {
	spec     *gatewayv1.Listener
	host     string
	kinds    []gatewayv1.RouteGroupKind
	attached int32
	routes   []attachedRoute
	// accepted, resolved and conflicted have a reason where they are not as they should be.
	accepted, resolved, conflicted reason
	certificates                   []Certificate
}

// reason is why a condition is not as it should be; the zero value is that it is.
type reason struct{ name, message string }

// programmed reports whether a listener is served. One that allows a kind that is not served is, for the others.
func (l *listenerState) programmed() bool {
	resolved := l.resolved.name == "" || l.resolved.name == string(gatewayv1.ListenerReasonInvalidRouteKinds) && len(l.kinds) > 0
	return resolved && l.accepted.name == "" && l.conflicted.name == ""
}

// gateway judges a Gateway and adds the listeners that can be served.
func (b *gatewayBuilder) gateway(gateway *gatewayv1.Gateway) *gatewayState {
	g := &gatewayState{gateway: gateway, listenerGroup: listenerGroup{kind: gatewayKind.Kind, namespace: gateway.Namespace, gateway: nameOf(gateway)}}
	g.reason, g.message = b.refuseGateway(gateway)
	g.refused = g.reason != ""
	for i := range gateway.Spec.Listeners {
		g.listeners = append(g.listeners, b.judgeListener(&g.listenerGroup, &gateway.Spec.Listeners[i]))
	}
	g.findConflicts()
	b.serve(&g.listenerGroup)
	return g
}

// serve adds the listeners that can be served.
func (b *gatewayBuilder) serve(g *listenerGroup) {
	for _, l := range g.listeners {
		takePort(b.seen.Taken, l, b.ports)
		if g.refused || !l.programmed() {
			continue
		}
		if l.spec.Protocol == gatewayv1.TLSProtocolType {
			b.stream(l.spec.Port, l.host)
		} else {
			b.listener(l.spec.Port, l.tls(), l.host)
		}
		b.result.Table.Certificates = append(b.result.Table.Certificates, l.certificates...)
	}
}

func (l *listenerState) tls() bool { return l.spec.Protocol == gatewayv1.HTTPSProtocolType }

// passes reports whether a listener hands TLS on as it comes.
func (l *listenerState) passes() bool {
	return l.spec.TLS != nil && l.spec.TLS.Mode != nil && *l.spec.TLS.Mode == gatewayv1.TLSModePassthrough
}

// refuseGateway returns why a Gateway is not served at all. What would let clients in that are to be kept out is no
// less a reason than what can't be done.
func (b *gatewayBuilder) refuseGateway(gateway *gatewayv1.Gateway) (gatewayv1.GatewayConditionReason, string) {
	for i, address := range gateway.Spec.Addresses {
		if address.Type != nil && *address.Type != gatewayv1.IPAddressType || address.Value != "" && address.Value != b.seen.Address {
			return gatewayv1.GatewayReasonUnsupportedAddress, fmt.Sprintf("spec.addresses[%d]: not served; everything is at %s", i, b.seen.Address)
		}
	}
	if gateway.Spec.Infrastructure != nil && gateway.Spec.Infrastructure.ParametersRef != nil {
		return gatewayv1.GatewayReasonInvalidParameters, "spec.infrastructure.parametersRef: not served; leave it out"
	}
	if gateway.Spec.TLS != nil {
		return gatewayv1.GatewayReasonInvalid, "spec.tls: certificates of clients, and those shown to backends, are not served; leave it out"
	}
	return "", ""
}

// judgeListener judges a listener by itself.
func (b *gatewayBuilder) judgeListener(of *listenerGroup, spec *gatewayv1.Listener) *listenerState {
	l := &listenerState{spec: spec}
	if spec.Hostname != nil {
		l.host = string(*spec.Hostname)
	}
	switch l.spec.Protocol {
	case gatewayv1.HTTPProtocolType:
		l.kinds = routeKinds(httpRouteKind, grpcRouteKind)
	case gatewayv1.HTTPSProtocolType:
		l.kinds = routeKinds(httpRouteKind, grpcRouteKind)
		b.judgeTLS(of, l)
	case gatewayv1.TLSProtocolType:
		l.kinds = routeKinds(tlsRouteKind)
		if !l.passes() {
			b.judgeTLS(of, l)
		}
	default:
		l.accepted = reason{string(gatewayv1.ListenerReasonUnsupportedProtocol), fmt.Sprintf("protocol %s: not served; use HTTP, HTTPS or TLS", l.spec.Protocol)}
		l.kinds = []gatewayv1.RouteGroupKind{}
	}
	if l.spec.AllowedRoutes != nil && len(l.spec.AllowedRoutes.Kinds) > 0 {
		l.judgeKinds(l.spec.AllowedRoutes.Kinds)
	}
	return l
}

func routeKinds(names ...gatewayv1.Kind) []gatewayv1.RouteGroupKind {
	group := gatewayv1.Group(gatewayv1.GroupName)
	kinds := make([]gatewayv1.RouteGroupKind, 0, len(names))
	for _, name := range names {
		kinds = append(kinds, gatewayv1.RouteGroupKind{Group: &group, Kind: name})
	}
	return kinds
}

func (l *listenerState) judgeKinds(kinds []gatewayv1.RouteGroupKind) {
	supported := l.kinds
	l.kinds = []gatewayv1.RouteGroupKind{}
	for _, kind := range kinds {
		group := gatewayv1.Group(gatewayv1.GroupName)
		if kind.Group != nil {
			group = *kind.Group
		}
		if slices.ContainsFunc(supported, func(s gatewayv1.RouteGroupKind) bool { return *s.Group == group && s.Kind == kind.Kind }) {
			l.kinds = append(l.kinds, gatewayv1.RouteGroupKind{Group: &group, Kind: kind.Kind})
			continue
		}
		l.resolved = reason{string(gatewayv1.ListenerReasonInvalidRouteKinds), fmt.Sprintf("allowedRoutes.kinds: %s of %s: not served at protocol %s; use %s", kind.Kind, group, l.spec.Protocol, kindNames(supported))}
	}
}

// kindNames lists kinds for people.
func kindNames(kinds []gatewayv1.RouteGroupKind) string {
	if len(kinds) == 0 {
		return "another protocol"
	}
	names := make([]string, 0, len(kinds))
	for _, kind := range kinds {
		names = append(names, string(kind.Kind))
	}
	return strings.Join(names, " or ")
}

// judgeTLS finds the certificates of a listener.
func (b *gatewayBuilder) judgeTLS(of *listenerGroup, l *listenerState) {
	invalid := func(name gatewayv1.ListenerConditionReason, format string, args ...any) {
		l.resolved = reason{string(name), fmt.Sprintf(format, args...)}
	}
	if l.spec.TLS == nil || len(l.spec.TLS.CertificateRefs) == 0 {
		invalid(gatewayv1.ListenerReasonInvalidCertificateRef, "tls.certificateRefs: missing; name a Secret")
		return
	}
	if l.spec.TLS.Mode != nil && *l.spec.TLS.Mode != gatewayv1.TLSModeTerminate {
		l.accepted = reason{string(gatewayv1.ListenerReasonUnsupportedProtocol), fmt.Sprintf("tls.mode %s: not served at protocol HTTPS; use Terminate, or protocol TLS", *l.spec.TLS.Mode)}
		return
	}
	for i, ref := range l.spec.TLS.CertificateRefs {
		if ref.Kind != nil && *ref.Kind != "Secret" || ref.Group != nil && *ref.Group != "" {
			invalid(gatewayv1.ListenerReasonInvalidCertificateRef, "tls.certificateRefs[%d]: not a Secret", i)
			continue
		}
		name := types.NamespacedName{Namespace: namespaceOr(ref.Namespace, of.namespace), Name: string(ref.Name)}
		if !granted(b.seen.ReferenceGrants, of.kind, of.namespace, "Secret", name) {
			invalid(gatewayv1.ListenerReasonRefNotPermitted, "tls.certificateRefs[%d]: Secret %s: no ReferenceGrant there allows it", i, name)
			continue
		}
		pair, err := b.certificate(name)
		if err != nil {
			invalid(gatewayv1.ListenerReasonInvalidCertificateRef, "tls.certificateRefs[%d]: %v", i, err)
			continue
		}
		pair.Port, pair.Host = l.spec.Port, l.host
		l.certificates = append(l.certificates, pair)
	}
}

func namespaceOr(given *gatewayv1.Namespace, own string) string {
	if given != nil {
		return string(*given)
	}
	return own
}

// granted reports whether an object of kind in namespace may refer to another; what is in its own namespace it may.
func granted(grants []*gatewayv1beta1.ReferenceGrant, kind, namespace, toKind string, to types.NamespacedName) bool {
	if namespace == to.Namespace {
		return true
	}
	for _, grant := range grants {
		if grant.Namespace != to.Namespace {
			continue
		}
		from := slices.ContainsFunc(grant.Spec.From, func(f gatewayv1.ReferenceGrantFrom) bool {
			return f.Group == gatewayv1.GroupName && string(f.Kind) == kind && string(f.Namespace) == namespace
		})
		target := slices.ContainsFunc(grant.Spec.To, func(t gatewayv1.ReferenceGrantTo) bool {
			return t.Group == "" && string(t.Kind) == toKind && (t.Name == nil || *t.Name == "" || string(*t.Name) == to.Name)
		})
		if from && target {
			return true
		}
	}
	return false
}

// findConflicts marks listeners of one Gateway that no request can tell apart.
func (g *gatewayState) findConflicts() {
	for i, a := range g.listeners {
		for _, b := range g.listeners[:i] {
			if name := a.conflictWith(b); name != "" {
				a.conflict(b, name)
			}
		}
	}
}

// conflictWith returns why no request can tell a listener from another; "" where they can be told apart. Those with TLS
// differ by the name that clients ask for, whatever they do with what comes.
func (l *listenerState) conflictWith(other *listenerState) gatewayv1.ListenerConditionReason {
	switch {
	case l.spec.Port != other.spec.Port:
		return ""
	case family(l.spec.Protocol) != family(other.spec.Protocol), l.spec.Protocol != other.spec.Protocol && l.host == other.host:
		return gatewayv1.ListenerReasonProtocolConflict
	case l.host == other.host:
		return gatewayv1.ListenerReasonHostnameConflict
	}
	return ""
}

// family is the protocol that a port speaks for a listener.
func family(of gatewayv1.ProtocolType) gatewayv1.ProtocolType {
	if of == gatewayv1.TLSProtocolType {
		return gatewayv1.HTTPSProtocolType
	}
	return of
}

func (l *listenerState) conflict(with *listenerState, name gatewayv1.ListenerConditionReason) {
	l.conflictOf(with, name)
	with.conflictOf(l, name)
}

func (l *listenerState) conflictOf(with *listenerState, name gatewayv1.ListenerConditionReason) {
	l.conflicted = reason{string(name), fmt.Sprintf("port %d: listener %s is on it as well", l.spec.Port, with.spec.Name)}
}

// takePort refuses a listener whose port can't be had, or speaks another protocol already. The older Gateway has it.
func takePort(taken map[int32]string, l *listenerState, ports map[int32]gatewayv1.ProtocolType) {
	if l.accepted.name != "" || l.conflicted.name != "" {
		return
	}
	unavailable := func(format string, args ...any) {
		l.accepted = reason{string(gatewayv1.ListenerReasonPortUnavailable), fmt.Sprintf(format, args...)}
	}
	before, used := ports[l.spec.Port]
	speaks := family(l.spec.Protocol)
	switch {
	case used && before != speaks:
		unavailable("port %d: %s is served there; choose another port", l.spec.Port, before)
	case taken[l.spec.Port] != "":
		unavailable("port %d: %s", l.spec.Port, taken[l.spec.Port])
		ports[l.spec.Port] = speaks
	default:
		ports[l.spec.Port] = speaks
	}
}
