package routing

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"
)

// The names by which classes name this program.
const (
	IngressController = "cyan.dev/ingress"
	GatewayController = "cyan.dev/gateway"
	// NginxClass is the class whose defaults are those of ingress-nginx.
	NginxClass = "nginx"
)

// Observed is the cluster as it was seen. Nothing in it is changed.
type Observed struct {
	// Address is where everything is served.
	Address string
	// Taken are ports that can't be served, and why.
	Taken map[int32]string

	IngressClasses  []*networkingv1.IngressClass
	Ingresses       []*networkingv1.Ingress
	Services        []*corev1.Service
	EndpointSlices  []*discoveryv1.EndpointSlice
	Secrets         []*corev1.Secret
	Namespaces      []*corev1.Namespace
	GatewayClasses  []*gatewayv1.GatewayClass
	Gateways        []*gatewayv1.Gateway
	HTTPRoutes      []*gatewayv1.HTTPRoute
	GRPCRoutes      []*gatewayv1.GRPCRoute
	TLSRoutes       []*gatewayv1.TLSRoute
	ListenerSets    []*gatewayv1.ListenerSet
	BackendPolicies []*gatewayv1.BackendTLSPolicy
	ReferenceGrants []*gatewayv1beta1.ReferenceGrant
	// ConfigMaps have the authorities of backends.
	ConfigMaps []*corev1.ConfigMap
}

// Finding is what is to be said of an object by an event.
type Finding struct {
	Object corev1.ObjectReference
	// Reason is one word in CamelCase.
	Reason, Message string
}

// Result is what comes of an observation.
type Result struct {
	Table Table
	// Served are the Ingresses that get the address.
	Served   []types.NamespacedName
	Findings []Finding
	// Classes, Gateways and Routes are the status that each is to have, without times.
	Classes  map[string]gatewayv1.GatewayClassStatus
	Gateways map[types.NamespacedName]gatewayv1.GatewayStatus
	// Routes, those of HTTP, GRPCRoutes and TLSRoutes have the parents that are this program's.
	Routes, GRPCRoutes, TLSRoutes map[types.NamespacedName][]gatewayv1.RouteParentStatus
	ListenerSets                  map[types.NamespacedName]gatewayv1.ListenerSetStatus
	// BackendPolicies have the ancestors that are this program's.
	BackendPolicies map[types.NamespacedName][]gatewayv1.PolicyAncestorStatus
}

// builder makes a result.
type builder struct {
	seen     *Observed
	services map[types.NamespacedName]*corev1.Service
	slices   map[types.NamespacedName][]*discoveryv1.EndpointSlice
	secrets  map[types.NamespacedName]*corev1.Secret
	spaces   map[string]*corev1.Namespace

	listeners map[listenerKey]*Listener
	streams   map[listenerKey]*Stream
	result    Result
}

type listenerKey struct {
	port int32
	host string
}

// Build decides where requests go.
func Build(seen Observed) Result {
	b := &builder{
		seen: &seen, services: map[types.NamespacedName]*corev1.Service{}, slices: map[types.NamespacedName][]*discoveryv1.EndpointSlice{},
		secrets: map[types.NamespacedName]*corev1.Secret{}, spaces: map[string]*corev1.Namespace{}, listeners: map[listenerKey]*Listener{},
		streams: map[listenerKey]*Stream{},
		result: Result{
			Table: Table{Upstreams: map[string]Upstream{}}, Classes: map[string]gatewayv1.GatewayClassStatus{},
			Gateways: map[types.NamespacedName]gatewayv1.GatewayStatus{}, Routes: map[types.NamespacedName][]gatewayv1.RouteParentStatus{},
			GRPCRoutes: map[types.NamespacedName][]gatewayv1.RouteParentStatus{}, TLSRoutes: map[types.NamespacedName][]gatewayv1.RouteParentStatus{},
			ListenerSets: map[types.NamespacedName]gatewayv1.ListenerSetStatus{}, BackendPolicies: map[types.NamespacedName][]gatewayv1.PolicyAncestorStatus{},
		},
	}
	b.index()
	b.listener(HTTPPort, false, "")
	b.listener(HTTPSPort, true, "")
	b.ingresses()
	(&gatewayBuilder{
		builder: b, policies: newPolicies(b),
		ports: map[int32]gatewayv1.ProtocolType{HTTPPort: gatewayv1.HTTPProtocolType, HTTPSPort: gatewayv1.HTTPSProtocolType},
	}).gateways()
	b.finish()
	return b.result
}

func (b *builder) index() {
	for _, s := range b.seen.Services {
		b.services[nameOf(s)] = s
	}
	for _, s := range b.seen.EndpointSlices {
		of := types.NamespacedName{Namespace: s.Namespace, Name: s.Labels[discoveryv1.LabelServiceName]}
		b.slices[of] = append(b.slices[of], s)
	}
	for _, s := range b.seen.Secrets {
		b.secrets[nameOf(s)] = s
	}
	for _, n := range b.seen.Namespaces {
		b.spaces[n.Name] = n
	}
}

// listener returns the listener of a port and host, and makes it.
func (b *builder) listener(port int32, tls bool, host string) *Listener {
	key := listenerKey{port, host}
	if b.listeners[key] == nil {
		b.listeners[key] = &Listener{Port: port, TLS: tls, Host: host}
	}
	return b.listeners[key]
}

// finish puts everything in order, so that the same observation makes the same table.
func (b *builder) finish() {
	for _, l := range b.listeners {
		sortRoutes(l.Routes)
		b.result.Table.Listeners = append(b.result.Table.Listeners, *l)
	}
	slices.SortFunc(b.result.Table.Listeners, func(a, b Listener) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Host, b.Host))
	})
	for _, s := range b.streams {
		sortStreams(s.Routes)
		b.result.Table.Streams = append(b.result.Table.Streams, *s)
	}
	slices.SortFunc(b.result.Table.Streams, func(a, b Stream) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Host, b.Host))
	})
	slices.SortFunc(b.result.Served, CompareNames)
}

func (b *builder) find(object metav1.Object, kind schema.GroupVersionKind, reason, message string) {
	b.result.Findings = append(b.result.Findings, Finding{
		Object: corev1.ObjectReference{
			APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Namespace: object.GetNamespace(), Name: object.GetName(), UID: object.GetUID(),
		},
		Reason: reason, Message: message,
	})
}

func nameOf(object metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}

// CompareNames orders names, by namespace first.
func CompareNames(a, b types.NamespacedName) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// byAge returns objects from the oldest on; those of one time by name.
func byAge[T metav1.Object](objects []T) []T {
	sorted := slices.Clone(objects)
	slices.SortStableFunc(sorted, func(a, b T) int {
		aTime, bTime := a.GetCreationTimestamp(), b.GetCreationTimestamp()
		return cmp.Or(aTime.Compare(bTime.Time), CompareNames(nameOf(a), nameOf(b)))
	})
	return sorted
}
