package ingress

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/record"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gateways "sigs.k8s.io/gateway-api/pkg/client/clientset/versioned"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

const reportAgain = time.Second

// decided is what was seen and what came of it.
type decided struct {
	seen   routing.Observed
	result routing.Result
}

// reporter writes the status of objects, and events.
type reporter struct {
	client   kubernetes.Interface
	gateways gateways.Interface
	events   record.EventRecorder
	status   networkingv1.IngressLoadBalancerStatus
	latest   chan decided
	// told are the findings that have had their event.
	told map[routing.Finding]bool
}

// tell passes on what is to be reported; what was not reported by then is not any more.
func (r *reporter) tell(d decided) {
	for {
		select {
		case r.latest <- d:
			return
		default:
		}
		select {
		case <-r.latest:
		default:
		}
	}
}

// run reports until ctx ends. What fails is tried again, unless there is something newer.
func (r *reporter) run(ctx context.Context) {
	var d decided
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case d = <-r.latest:
		case <-again:
		}
		again = nil
		if !r.report(ctx, d) {
			again = time.After(reportAgain)
		}
	}
}

// report writes everything that differs, and reports whether it could.
func (r *reporter) report(ctx context.Context, d decided) bool {
	r.tellFindings(d.result.Findings)
	ok := r.reportIngresses(ctx, d)
	for _, class := range d.seen.GatewayClasses {
		if wanted, ours := d.result.Classes[class.Name]; ours {
			ok = r.reportClass(ctx, class, wanted) && ok
		}
	}
	for _, gateway := range d.seen.Gateways {
		if wanted, ours := d.result.Gateways[nameOf(gateway)]; ours {
			ok = r.reportGateway(ctx, gateway, wanted) && ok
		}
	}
	ok = r.reportRoutes(ctx, d) && ok
	for _, set := range d.seen.ListenerSets {
		if wanted, ours := d.result.ListenerSets[nameOf(set)]; ours {
			ok = r.reportListenerSet(ctx, set, wanted) && ok
		}
	}
	for _, policy := range d.seen.BackendPolicies {
		ok = r.reportPolicy(ctx, policy, d.result.BackendPolicies[nameOf(policy)]) && ok
	}
	return ok
}

func (r *reporter) reportRoutes(ctx context.Context, d decided) bool {
	ok := true
	for _, route := range d.seen.HTTPRoutes {
		ok = r.reportHTTPRoute(ctx, route, d.result.Routes[nameOf(route)]) && ok
	}
	for _, route := range d.seen.GRPCRoutes {
		ok = r.reportGRPCRoute(ctx, route, d.result.GRPCRoutes[nameOf(route)]) && ok
	}
	for _, route := range d.seen.TLSRoutes {
		ok = r.reportTLSRoute(ctx, route, d.result.TLSRoutes[nameOf(route)]) && ok
	}
	return ok
}

func nameOf(object metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}

// tellFindings makes an event of each finding that is new.
func (r *reporter) tellFindings(findings []routing.Finding) {
	now := map[routing.Finding]bool{}
	for _, f := range findings {
		if !now[f] && !r.told[f] {
			r.events.Event(&f.Object, corev1.EventTypeWarning, f.Reason, f.Message)
		}
		now[f] = true
	}
	r.told = now
}

// reportIngresses writes the address into Ingresses that are served, and takes it out of those that are not any more.
func (r *reporter) reportIngresses(ctx context.Context, d decided) bool {
	ok := true
	for _, ingress := range d.seen.Ingresses {
		_, served := slices.BinarySearchFunc(d.result.Served, nameOf(ingress), routing.CompareNames)
		has := equality.Semantic.DeepEqual(ingress.Status.LoadBalancer, r.status)
		if served == has {
			continue
		}
		changed := ingress.DeepCopy()
		changed.Status.LoadBalancer = networkingv1.IngressLoadBalancerStatus{}
		if served {
			changed.Status.LoadBalancer = r.status
		}
		ok = write(ctx, r.client.NetworkingV1().Ingresses(ingress.Namespace), ingress, changed) && ok
	}
	return ok
}

func (r *reporter) reportClass(ctx context.Context, class *gatewayv1.GatewayClass, wanted gatewayv1.GatewayClassStatus) bool {
	changed := class.DeepCopy()
	changed.Status.SupportedFeatures = wanted.SupportedFeatures
	for _, c := range wanted.Conditions {
		meta.SetStatusCondition(&changed.Status.Conditions, c)
	}
	return write(ctx, r.gateways.GatewayV1().GatewayClasses(), class, changed)
}

func (r *reporter) reportGateway(ctx context.Context, gateway *gatewayv1.Gateway, wanted gatewayv1.GatewayStatus) bool {
	changed := gateway.DeepCopy()
	changed.Status.Addresses, changed.Status.AttachedListenerSets = wanted.Addresses, wanted.AttachedListenerSets
	changed.Status.Conditions = merged(gateway.Status.Conditions, wanted.Conditions)
	changed.Status.Listeners = withTimes(gateway.Status.Listeners, wanted.Listeners, func(l *gatewayv1.ListenerStatus) (gatewayv1.SectionName, *[]metav1.Condition) {
		return l.Name, &l.Conditions
	})
	return write(ctx, r.gateways.GatewayV1().Gateways(gateway.Namespace), gateway, changed)
}

func (r *reporter) reportListenerSet(ctx context.Context, set *gatewayv1.ListenerSet, wanted gatewayv1.ListenerSetStatus) bool {
	changed := set.DeepCopy()
	changed.Status.Conditions = merged(set.Status.Conditions, wanted.Conditions)
	changed.Status.Listeners = withTimes(set.Status.Listeners, wanted.Listeners, func(l *gatewayv1.ListenerEntryStatus) (gatewayv1.SectionName, *[]metav1.Condition) {
		return l.Name, &l.Conditions
	})
	return write(ctx, r.gateways.GatewayV1().ListenerSets(set.Namespace), set, changed)
}

func (r *reporter) reportHTTPRoute(ctx context.Context, route *gatewayv1.HTTPRoute, wanted []gatewayv1.RouteParentStatus) bool {
	changed := route.DeepCopy()
	changed.Status.Parents = stated(route.Status.Parents, wanted, ofParent)
	return write(ctx, r.gateways.GatewayV1().HTTPRoutes(route.Namespace), route, changed)
}

func (r *reporter) reportGRPCRoute(ctx context.Context, route *gatewayv1.GRPCRoute, wanted []gatewayv1.RouteParentStatus) bool {
	changed := route.DeepCopy()
	changed.Status.Parents = stated(route.Status.Parents, wanted, ofParent)
	return write(ctx, r.gateways.GatewayV1().GRPCRoutes(route.Namespace), route, changed)
}

func (r *reporter) reportTLSRoute(ctx context.Context, route *gatewayv1.TLSRoute, wanted []gatewayv1.RouteParentStatus) bool {
	changed := route.DeepCopy()
	changed.Status.Parents = stated(route.Status.Parents, wanted, ofParent)
	return write(ctx, r.gateways.GatewayV1().TLSRoutes(route.Namespace), route, changed)
}

func (r *reporter) reportPolicy(ctx context.Context, policy *gatewayv1.BackendTLSPolicy, wanted []gatewayv1.PolicyAncestorStatus) bool {
	changed := policy.DeepCopy()
	changed.Status.Ancestors = stated(policy.Status.Ancestors, wanted, ofAncestor)
	return write(ctx, r.gateways.GatewayV1().BackendTLSPolicies(policy.Namespace), policy, changed)
}
