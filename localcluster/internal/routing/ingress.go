package routing

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// classAnnotation named the class of an Ingress before it had a field.
	classAnnotation   = "kubernetes.io/ingress.class"
	defaultAnnotation = "ingressclass.kubernetes.io/is-default-class"
	// longestPattern bounds what is compiled.
	longestPattern = 1000
)

var ingressKind = networkingv1.SchemeGroupVersion.WithKind("Ingress")

// ingresses adds the routes of the Ingresses of this program's classes, canaries last.
func (b *builder) ingresses() {
	var canaries []*ingressBuilder
	for _, ingress := range byAge(b.seen.Ingresses) {
		class, ours := b.classOf(ingress)
		if !ours {
			continue
		}
		b.result.Served = append(b.result.Served, nameOf(ingress))
		i := &ingressBuilder{builder: b, ingress: ingress}
		i.options = i.readAnnotations(class)
		i.checkPassthrough()
		i.certificates()
		if i.options.canary.enabled {
			canaries = append(canaries, i)
			continue
		}
		i.routes()
	}
	for _, i := range canaries {
		i.addCanary()
	}
}

// classOf returns the class of an Ingress, and whether it is one of this program's.
func (b *builder) classOf(ingress *networkingv1.Ingress) (string, bool) {
	name := ingress.Annotations[classAnnotation]
	if ingress.Spec.IngressClassName != nil {
		name = *ingress.Spec.IngressClassName
	}
	known := false
	for _, class := range b.seen.IngressClasses {
		ours := class.Spec.Controller == IngressController
		if name == class.Name || name == "" && class.Annotations[defaultAnnotation] == "true" {
			if ours {
				return class.Name, true
			}
			known = true
		}
	}
	if !known && name != "" {
		b.find(ingress, ingressKind, "IngressClassNotFound", fmt.Sprintf("IngressClass %s: not found, so that nobody serves this Ingress; the local cluster has cyan and nginx", name))
	}
	return name, false
}

// ingressBuilder adds what one Ingress asks for.
type ingressBuilder struct {
	*builder
	ingress *networkingv1.Ingress
	options options
	index   int
}

func (i *ingressBuilder) warn(reason, format string, args ...any) {
	i.find(i.ingress, ingressKind, reason, fmt.Sprintf(format, args...))
}

// certificates adds those of the Secrets that are named for hosts.
func (i *ingressBuilder) certificates() {
	for n, tls := range i.ingress.Spec.TLS {
		if tls.SecretName == "" {
			continue
		}
		name := types.NamespacedName{Namespace: i.ingress.Namespace, Name: tls.SecretName}
		pair, err := i.certificate(name)
		if err != nil {
			i.warn("InvalidCertificate", "spec.tls[%d].secretName: %v; the certificate of the cluster's own authority is served", n, err)
			continue
		}
		hosts := tls.Hosts
		if len(hosts) == 0 {
			hosts = []string{""}
		}
		for _, host := range hosts {
			pair.Port, pair.Host = HTTPSPort, strings.ToLower(host)
			i.result.Table.Certificates = append(i.result.Table.Certificates, pair)
		}
	}
}

// routes adds the rules, and the default backend behind them.
func (i *ingressBuilder) routes() {
	for r, rule := range i.ingress.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for p := range rule.HTTP.Paths {
			path := &rule.HTTP.Paths[p]
			where := fmt.Sprintf("spec.rules[%d].http.paths[%d]", r, p)
			match, err := i.pathMatch(path)
			if err != nil {
				i.warn("InvalidPath", "%s.path: %v", where, err)
				continue
			}
			i.add(rule.Host, match, i.ingressBackend(where+".backend", &path.Backend))
		}
	}
	if i.ingress.Spec.DefaultBackend != nil {
		i.add("", PathMatch{Kind: Prefix, Value: "/"}, i.ingressBackend("spec.defaultBackend", i.ingress.Spec.DefaultBackend))
	}
}

// pathMatch returns which paths match. Those of an Ingress that rewrites or uses patterns are patterns, unless exact.
func (i *ingressBuilder) pathMatch(p *networkingv1.HTTPIngressPath) (PathMatch, error) {
	value := p.Path
	if value == "" {
		value = "/"
	}
	if p.PathType != nil && *p.PathType == networkingv1.PathTypeExact {
		match := PathMatch{Kind: Exact, Value: value}
		if i.options.rewriteTarget != "" {
			match.Pattern = regexp.MustCompile("^" + regexp.QuoteMeta(value) + "$")
		}
		return match, nil
	}
	if !i.options.useRegex && i.options.rewriteTarget == "" {
		return PathMatch{Kind: Prefix, Value: value}, nil
	}
	pattern, err := compile("(?i)^" + value)
	if err != nil {
		return PathMatch{}, fmt.Errorf("%q: %w", value, err)
	}
	return PathMatch{Kind: Regex, Value: value, Pattern: pattern}, nil
}

func compile(pattern string) (*regexp.Regexp, error) {
	if len(pattern) > longestPattern {
		return nil, fmt.Errorf("%d characters are too long for a pattern; use at most %d", len(pattern), longestPattern)
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("invalid pattern (RE2 has neither lookaround nor back references): %w", err)
	}
	return compiled, nil
}

// ingressBackend returns the backend of a rule. One that can't be reached is named, and its requests are refused.
func (i *ingressBuilder) ingressBackend(where string, of *networkingv1.IngressBackend) Backend {
	if of.Service == nil {
		i.warn("UnsupportedBackend", "%s.resource: not served; use a Service", where)
		return refused(fmt.Errorf("%s.resource: not served", where), statusUnavailable)
	}
	port := servicePort{
		service: types.NamespacedName{Namespace: i.ingress.Namespace, Name: of.Service.Name},
		number:  of.Service.Port.Number, name: of.Service.Port.Name,
	}
	backend, err := i.backend(port)
	if err != nil {
		i.warn("BackendNotFound", "%s.service: %v", where, err)
		return refused(err, statusUnavailable)
	}
	if i.options.protocol != "" {
		backend.Protocol = i.options.protocol
	}
	return backend
}

// add puts a route on both ports, for its host and what else that is called.
func (i *ingressBuilder) add(host string, match PathMatch, backend Backend) {
	i.addFor(host, match, backend)
	if host == "" {
		return
	}
	for _, alias := range i.options.aliases {
		i.addFor(alias, match, backend)
	}
}

func (i *ingressBuilder) addFor(host string, match PathMatch, backend Backend) {
	action := i.options.action(i.hasTLS(host))
	action.Backends = []Backend{backend}
	route := Route{
		Source: Source{Kind: "Ingress", NamespacedName: nameOf(i.ingress)}, Host: strings.ToLower(host), Match: Match{Path: match}, Action: action,
		order: order{created: i.ingress.CreationTimestamp, index: i.index},
	}
	i.index++
	plain, secure := i.listener(HTTPPort, false, ""), i.listener(HTTPSPort, true, "")
	plain.Routes = append(plain.Routes, route)
	if !i.options.passthrough || route.Host == "" {
		secure.Routes = append(secure.Routes, route)
		return
	}
	// There are no paths within TLS: of those of a host, the first has what comes.
	stream := i.stream(HTTPSPort, route.Host)
	stream.Routes = append(stream.Routes, StreamRoute{Source: route.Source, Host: route.Host, Backends: action.Backends, order: route.order})
}

// hasTLS reports whether the Ingress names the host among those with TLS.
func (i *ingressBuilder) hasTLS(host string) bool {
	for _, tls := range i.ingress.Spec.TLS {
		if len(tls.Hosts) == 0 {
			return true
		}
		for _, h := range tls.Hosts {
			if HostMatches(h, host) && h != "" {
				return true
			}
		}
	}
	return false
}

// addCanary adds its backends to the routes of the same hosts and paths.
func (i *ingressBuilder) addCanary() {
	for r, rule := range i.ingress.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for p := range rule.HTTP.Paths {
			path := &rule.HTTP.Paths[p]
			where := fmt.Sprintf("spec.rules[%d].http.paths[%d]", r, p)
			main := i.mainRoute(strings.ToLower(rule.Host), path.Path)
			if main == nil {
				i.warn("CanaryWithoutMain", "%s: no other Ingress has this host and path, so that nothing is sent to the canary", where)
				continue
			}
			canary := i.options.canary.Canary
			canary.Backends, canary.Timeouts = []Backend{i.ingressBackend(where+".backend", &path.Backend)}, i.options.timeouts
			main.Canaries = append(main.Canaries, canary)
		}
	}
}

func (i *ingressBuilder) mainRoute(host, path string) *Action {
	if path == "" {
		path = "/"
	}
	for _, route := range i.listener(HTTPPort, false, "").Routes {
		if route.Source.Kind == "Ingress" && route.Source.Namespace == i.ingress.Namespace && route.Host == host && route.Match.Path.Value == path {
			return route.Action // one for both ports
		}
	}
	return nil
}

// certificate returns the pair in a Secret.
func (b *builder) certificate(name types.NamespacedName) (Certificate, error) {
	secret := b.secrets[name]
	if secret == nil {
		return Certificate{}, fmt.Errorf("Secret %s: not found", name)
	}
	cert, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	if err := checkPair(cert, key); err != nil {
		return Certificate{}, fmt.Errorf("Secret %s: %w", name, err)
	}
	return Certificate{Secret: name, Cert: string(cert), Key: string(key)}, nil
}
