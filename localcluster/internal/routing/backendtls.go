package routing

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// AuthorityKey is where a ConfigMap has the certificates of authorities.
const AuthorityKey = "ca.crt"

// BackendTLS is how a backend proves who it is.
type BackendTLS struct {
	// Name is the name that is asked for.
	Name string
	// Roots are the authorities in PEM; empty stands for those of the system.
	Roots string
	// Names and URIs are those of which the certificate has one; where there are none, it has Name.
	Names, URIs []string
}

// Key is the same for the same contents.
func (t *BackendTLS) Key() string {
	if t == nil {
		return ""
	}
	return strings.Join(slices.Concat([]string{t.Name, t.Roots, "names"}, t.Names, []string{"uris"}, t.URIs), "\n")
}

// policyTarget is a port of a Service, or all of its ports.
type policyTarget struct {
	types.NamespacedName
	port string
}

// policyState is a BackendTLSPolicy and what has become of it.
type policyState struct {
	policy *gatewayv1.BackendTLSPolicy
	// refused and unresolved have a reason where the policy can't be followed.
	refused, unresolved reason
	tls                 BackendTLS
	gateways            []types.NamespacedName
}

// policyBuilder judges the policies about how backends are reached.
type policyBuilder struct {
	*builder
	byTarget map[policyTarget][]*policyState
}

// newPolicies judges the policies, from the oldest on: the first for a target holds.
func newPolicies(of *builder) *policyBuilder {
	b := &policyBuilder{builder: of, byTarget: map[policyTarget][]*policyState{}}
	for _, policy := range byAge(b.seen.BackendPolicies) {
		state := b.judge(policy)
		for _, ref := range policy.Spec.TargetRefs {
			if ref.Group != "" || ref.Kind != "Service" {
				continue
			}
			target := policyTarget{NamespacedName: types.NamespacedName{Namespace: policy.Namespace, Name: string(ref.Name)}}
			if ref.SectionName != nil {
				target.port = string(*ref.SectionName)
			}
			if others := b.byTarget[target]; len(others) > 0 {
				state.refused = reason{string(gatewayv1.PolicyReasonConflicted), fmt.Sprintf("spec.targetRefs: BackendTLSPolicy %s is older and has Service %s", nameOf(others[0].policy), ref.Name)}
			}
			b.byTarget[target] = append(b.byTarget[target], state)
		}
	}
	return b
}

func (b *policyBuilder) judge(policy *gatewayv1.BackendTLSPolicy) *policyState {
	v := &policy.Spec.Validation
	state := &policyState{policy: policy, tls: BackendTLS{Name: string(v.Hostname)}}
	for _, name := range v.SubjectAltNames {
		if name.Type == gatewayv1.URISubjectAltNameType {
			state.tls.URIs = append(state.tls.URIs, string(name.URI))
		} else {
			state.tls.Names = append(state.tls.Names, string(name.Hostname))
		}
	}
	switch {
	case len(policy.Spec.Options) > 0:
		state.refused = reason{string(gatewayv1.PolicyReasonInvalid), "spec.options: not served; leave it out"}
	case v.WellKnownCACertificates != nil && *v.WellKnownCACertificates != "" && *v.WellKnownCACertificates != gatewayv1.WellKnownCACertificatesSystem:
		state.refused = reason{string(gatewayv1.PolicyReasonInvalid), fmt.Sprintf("spec.validation.wellKnownCACertificates: %s: unknown; use System", *v.WellKnownCACertificates)}
	}
	for i, ref := range v.CACertificateRefs {
		pem, name, err := b.authorities(policy.Namespace, ref)
		if err != nil {
			state.unresolved = reason{string(name), fmt.Sprintf("spec.validation.caCertificateRefs[%d]: %v", i, err)}
			continue
		}
		state.tls.Roots += pem
	}
	if state.unresolved.name != "" && state.tls.Roots == "" {
		state.refused = reason{string(gatewayv1.BackendTLSPolicyReasonNoValidCACertificate), state.unresolved.message}
	}
	return state
}

// authorities returns the certificates that a reference leads to.
func (b *policyBuilder) authorities(namespace string, ref gatewayv1.LocalObjectReference) (string, gatewayv1.PolicyConditionReason, error) {
	if ref.Group != "" || ref.Kind != "ConfigMap" {
		return "", gatewayv1.BackendTLSPolicyReasonInvalidKind, fmt.Errorf("kind %s: not a ConfigMap", ref.Kind)
	}
	invalid := gatewayv1.BackendTLSPolicyReasonInvalidCACertificateRef
	name := types.NamespacedName{Namespace: namespace, Name: string(ref.Name)}
	at := slices.IndexFunc(b.seen.ConfigMaps, func(c *corev1.ConfigMap) bool { return nameOf(c) == name })
	if at < 0 {
		return "", invalid, fmt.Errorf("ConfigMap %s: not found", name)
	}
	pem := b.seen.ConfigMaps[at].Data[AuthorityKey]
	if pem == "" {
		return "", invalid, fmt.Errorf("ConfigMap %s: key %s: missing", name, AuthorityKey)
	}
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(pem)) {
		return "", invalid, fmt.Errorf("ConfigMap %s: key %s: no certificate in PEM", name, AuthorityKey)
	}
	return strings.TrimSuffix(pem, "\n") + "\n", "", nil
}

// secure returns the backend as a policy for its Service wants it reached, that for its port before that for all, and
// the policies there are. Where the policy can't be followed, nobody may ask: what was to be proved would not be.
func (b *policyBuilder) secure(backend Backend, service types.NamespacedName, port int32) (Backend, []*policyState) {
	all := b.of(service, port)
	if len(all) == 0 {
		return backend, nil
	}
	policy := all[0]
	if problem := policy.problem(); problem != nil {
		refusal := refused(fmt.Errorf("BackendTLSPolicy %s: %w", nameOf(policy.policy), problem), statusUnavailable)
		refusal.Weight = backend.Weight
		return refusal, all
	}
	backend.TLS = &policy.tls
	switch backend.Protocol {
	case HTTP:
		backend.Protocol = HTTPS
	case H2C:
		backend.Protocol = H2
	}
	return backend, all
}

// of returns the policies for a port of a Service, the one that holds first.
func (b *policyBuilder) of(service types.NamespacedName, port int32) []*policyState {
	var all []*policyState
	if of := portOf(b.services[service], servicePort{service: service, number: port}); of != nil && of.Name != "" {
		all = append(all, b.byTarget[policyTarget{service, of.Name}]...)
	}
	return append(all, b.byTarget[policyTarget{NamespacedName: service}]...)
}

func (p *policyState) problem() error {
	switch {
	case p.refused.name != "":
		return errors.New(p.refused.message)
	case p.unresolved.name != "":
		return errors.New(p.unresolved.message)
	}
	return nil
}

// usedBy notes that routes of a Gateway reach what the policy is for.
func (p *policyState) usedBy(gateway types.NamespacedName) {
	if !slices.Contains(p.gateways, gateway) {
		p.gateways = append(p.gateways, gateway)
	}
}

// report adds what becomes of each policy at the Gateways that use it.
func (b *policyBuilder) report() {
	for _, states := range b.byTarget {
		for _, state := range states {
			b.result.BackendPolicies[nameOf(state.policy)] = state.ancestors()
		}
	}
}

// ancestors are the Gateways that use a policy, each with its conditions.
func (p *policyState) ancestors() []gatewayv1.PolicyAncestorStatus {
	generation := p.policy.Generation
	accepted := condition(generation, string(gatewayv1.PolicyConditionAccepted), true, string(gatewayv1.PolicyReasonAccepted), "")
	if p.refused.name != "" {
		accepted = condition(generation, accepted.Type, false, p.refused.name, p.refused.message)
	}
	resolved := condition(generation, string(gatewayv1.BackendTLSPolicyConditionResolvedRefs), true, string(gatewayv1.BackendTLSPolicyReasonResolvedRefs), "")
	if p.unresolved.name != "" {
		resolved = condition(generation, resolved.Type, false, p.unresolved.name, p.unresolved.message)
	}
	group, kind := gatewayv1.Group(gatewayv1.GroupName), gatewayv1.Kind(gatewayKind.Kind)
	slices.SortFunc(p.gateways, CompareNames)
	var ancestors []gatewayv1.PolicyAncestorStatus
	for _, gateway := range p.gateways {
		namespace := gatewayv1.Namespace(gateway.Namespace)
		ancestors = append(ancestors, gatewayv1.PolicyAncestorStatus{
			AncestorRef:    gatewayv1.ParentReference{Group: &group, Kind: &kind, Namespace: &namespace, Name: gatewayv1.ObjectName(gateway.Name)},
			ControllerName: GatewayController, Conditions: []metav1.Condition{accepted, resolved},
		})
	}
	return ancestors
}
