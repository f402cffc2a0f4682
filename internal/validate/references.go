package validate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/spelling"
)

// Ref names an object that another refers to.
type Ref struct{ Group, Kind, Namespace, Name string }

// String returns kind and name, as messages have them.
func (r Ref) String() string { return r.Kind + " " + r.Name }

// Referred returns what the objects refer to and is not among them, each once, so that a cluster can be asked for it.
func Referred(objects []render.Rendered, known *Known) []Ref {
	g := newGraph(objects, known)
	wanted := map[Ref]bool{}
	for _, r := range g.references() {
		if _, rendered := g.objects[r.to]; !rendered {
			wanted[r.to] = true
		}
	}
	return slices.SortedFunc(maps.Keys(wanted), func(a, b Ref) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
}

// references finds what objects refer to in vain.
func references(objects []render.Rendered, known *Known) []Finding {
	return newGraph(objects, known).inVain()
}

// inVain finds what the objects refer to in vain.
func (g *graph) inVain() []Finding {
	for _, r := range g.references() {
		g.follow(r)
	}
	for _, o := range g.all {
		g.selects(o)
	}
	for _, p := range g.pods {
		g.probes(p)
	}
	return g.found
}

// graph is what objects refer to each other by.
type graph struct {
	objects   map[Ref]render.Rendered
	all       []render.Rendered
	pods      []podTemplate
	exists    map[Ref]bool
	namespace string
	// foreign is whether there are objects of kinds of which nothing is known: they may make pods.
	foreign bool
	// isPart is whether what is not among the objects is taken to be in the cluster.
	isPart bool
	// labelled are the indexes of the pods that have a label.
	labelled map[label][]int
	// compared counts the selectors that were compared with all pods.
	compared int
	// names are those of the objects, by kind and namespace.
	names map[Ref][]string
	found []Finding
}

func newGraph(objects []render.Rendered, known *Known) *graph {
	g := &graph{objects: map[Ref]render.Rendered{}, all: objects, namespace: "default"}
	if known != nil {
		g.exists, g.namespace = known.Exists, cmp.Or(known.DefaultNamespace, g.namespace)
	}
	for _, o := range objects {
		gvk := o.Object.GroupVersionKind()
		g.objects[Ref{gvk.Group, gvk.Kind, g.namespaceOf(o), o.Object.GetName()}] = o
		if p, ok := podTemplateOf(o); ok {
			p.namespace = g.namespaceOf(o)
			g.pods = append(g.pods, p)
		}
		_, builtin := builtins()[gvk.GroupKind()]
		g.foreign = g.foreign || !builtin && gvk.Group != v1alpha1.GroupVersion.Group
	}
	g.index()
	return g
}

// clusterScoped are the kinds that are referred to and live in no namespace.
var clusterScoped = map[string]bool{"ClusterRole": true, "ClusterRoleBinding": true, "IngressClass": true, "PersistentVolume": true}

func (g *graph) namespaceOf(o render.Rendered) string {
	if clusterScoped[o.Object.GetKind()] {
		return ""
	}
	return cmp.Or(o.Object.GetNamespace(), g.namespace)
}

// reference is a field that names another object.
type reference struct {
	from  render.Rendered
	field string
	to    Ref
	// key is one of its data that is meant, and port a port of it; empty for none.
	key  string
	port any
	// portField is where port stands.
	portField string
	// optional is whether the object may be missing.
	optional bool
	// needed is whether the object can do nothing without, so that it is deployed together with it.
	needed bool
	// selected are labels of pods that a Service has to select; nil for none.
	selected map[string]any
}

// report adds a finding about a field.
func (g *graph) report(severity Severity, of render.Rendered, rule, field, cause, remedy string) {
	g.found = append(g.found, Finding{findingOf(of, rule, field, cause, remedy), severity})
}

// follow reports a reference that leads nowhere.
func (g *graph) follow(r reference) {
	target, rendered := g.objects[r.to]
	if rendered {
		g.checkKey(r, target)
		g.checkPort(r, target)
		checkSelected(g, r, target)
		return
	}
	if r.optional || r.to.Name == "" || wellKnown(r.to) || g.isPart {
		return
	}
	there, asked := g.exists[r.to]
	if there {
		return
	}
	cause := r.to.String() + " is not among the objects"
	severity := SeverityWarning
	remedy := "add it, or be sure that the cluster has it"
	if asked {
		severity, cause, remedy = SeverityError, r.to.String()+" is neither among the objects nor in the cluster", "add it, or correct the name"
	}
	if r.needed {
		severity = SeverityError
	}
	if meant := spelling.Closest(r.to.Name, g.namesOf(r.to)); meant != "" {
		remedy = "did you mean " + meant + "?"
		if spelling.IsSlip(r.to.Name, meant) {
			severity = SeverityError
		}
	}
	g.report(severity, r.from, RuleReference, r.field, cause, remedy)
}

// namesOf are the names of the objects of a kind and namespace.
func (g *graph) namesOf(like Ref) []string {
	like.Name = ""
	if g.names == nil {
		g.names = map[Ref][]string{}
		for _, ref := range slices.SortedFunc(maps.Keys(g.objects), func(a, b Ref) int { return cmp.Compare(a.Name, b.Name) }) {
			kind := ref
			kind.Name = ""
			g.names[kind] = append(g.names[kind], ref.Name)
		}
	}
	return g.names[like]
}

// wellKnown reports whether every cluster has an object.
func wellKnown(r Ref) bool {
	switch r.Kind {
	case "ServiceAccount":
		return r.Name == "default"
	case "ConfigMap":
		return r.Name == "kube-root-ca.crt" || r.Name == "extension-apiserver-authentication" && r.Namespace == "kube-system"
	case "Role":
		return r.Namespace == "kube-system" && (r.Name == "extension-apiserver-authentication-reader" || strings.HasPrefix(r.Name, "system:"))
	case "ClusterRole":
		return strings.HasPrefix(r.Name, "system:") || slices.Contains([]string{"cluster-admin", "admin", "edit", "view"}, r.Name)
	case "Service":
		return r.Name == "kubernetes" && r.Namespace == "default"
	}
	return false
}

// checkKey reports a key that a ConfigMap or a Secret does not have.
func (g *graph) checkKey(r reference, target render.Rendered) {
	if r.key == "" || r.optional {
		return
	}
	var keys []string
	for _, field := range []string{"data", "binaryData", "stringData"} {
		keys = append(keys, slices.Sorted(maps.Keys(mapAt(target.Object.Object, field)))...)
	}
	if !slices.Contains(keys, r.key) {
		g.report(SeverityError, r.from, RuleReference, r.field, fmt.Sprintf("%s has no key %q", r.to, r.key), didYouMean(r.key, keys, "add the key, or correct its name"))
	}
}

// checkPort reports a port that a Service does not have.
func (g *graph) checkPort(r reference, target render.Rendered) {
	if r.port == nil || r.to.Kind != "Service" {
		return
	}
	var there []string
	for _, p := range listAt(target.Object.Object, "spec", "ports") {
		port, _ := p.(map[string]any)
		if same(port["port"], r.port) || same(port["name"], r.port) && r.port != "" {
			return
		}
		there = append(there, strings.TrimSpace(fmt.Sprintf("%v %s", port["port"], textAt(port, "name"))))
	}
	g.report(SeverityError, r.from, RulePort, r.portField, fmt.Sprintf("%s has no port %v", r.to, r.port), "use one of its ports: "+strings.Join(there, ", "))
}

// checkSelected reports a Service whose selector asks for labels that the pods do not have that it is to send requests
// to.
func checkSelected(g *graph, r reference, target render.Rendered) {
	if r.selected == nil {
		return
	}
	var off []string
	for key, value := range mapAt(target.Object.Object, "spec", "selector") {
		if !addedLabels[key] && !same(r.selected[key], value) {
			off = append(off, fmt.Sprintf("%s=%v", key, value))
		}
	}
	if slices.Sort(off); len(off) > 0 {
		g.report(SeverityError, r.from, RuleSelector, r.field, fmt.Sprintf("%s selects %s, which the labels of the template do not have", r.to, strings.Join(off, ",")), "change the selector of the Service, or the labels")
	}
}

// references lists what all objects refer to.
func (g *graph) references() []reference {
	var all []reference
	for _, o := range g.all {
		ns := g.namespaceOf(o)
		if p, ok := podTemplateOf(o); ok {
			all = append(all, podReferences(o, p, ns)...)
		}
		if find := referencesByKind[o.Object.GroupVersionKind().GroupKind().String()]; find != nil {
			all = append(all, find(o, ns)...)
		}
	}
	return all
}

// referencesByKind find what an object of a kind refers to, besides what its pods do.
var referencesByKind = map[string]func(o render.Rendered, ns string) []reference{
	"Ingress.networking.k8s.io":                    ingressReferences,
	"Rollout.argoproj.io":                          rolloutReferences,
	"HorizontalPodAutoscaler.autoscaling":          autoscalerReferences,
	"StatefulSet.apps":                             statefulSetReferences,
	"RoleBinding.rbac.authorization.k8s.io":        bindingReferences,
	"ClusterRoleBinding.rbac.authorization.k8s.io": bindingReferences,
	"HTTPRoute.gateway.networking.k8s.io":          routeReferences,
	"Application.argoproj.io":                      applicationReferences,
	"GRPCRoute.gateway.networking.k8s.io":          routeReferences, "TCPRoute.gateway.networking.k8s.io": routeReferences,
	"TLSRoute.gateway.networking.k8s.io": routeReferences, "UDPRoute.gateway.networking.k8s.io": routeReferences,
	"ValidatingWebhookConfiguration.admissionregistration.k8s.io": webhookReferences,
	"MutatingWebhookConfiguration.admissionregistration.k8s.io":   webhookReferences,
	"CustomResourceDefinition.apiextensions.k8s.io":               conversionReferences,
	"APIService.apiregistration.k8s.io":                           aggregatedReferences,
	"ServiceAccount":                                              accountReferences,
	"PersistentVolumeClaim":                                       claimReferences,
}

func serviceRef(ns, name string) Ref { return Ref{Kind: "Service", Namespace: ns, Name: name} }

// actionAnnotation begins the annotations by which the AWS Load Balancer Controller defines what a backend does that is
// no Service.
const actionAnnotation = "alb.ingress.kubernetes.io/actions."

// actionPort is the port of such a backend. A Service may have the name too, when a controller that shifts traffic
// writes the annotation.
const actionPort = "use-annotation"

func ingressReferences(o render.Rendered, ns string) []reference {
	var all []reference
	backend := func(at map[string]any, path string) {
		service := mapAt(at, "service")
		if name := textAt(service, "name"); name != "" && o.Object.GetAnnotations()[actionAnnotation+name] == "" {
			r := reference{from: o, field: path + ".service.name", to: serviceRef(ns, name), needed: true, portField: path + ".service.port"}
			if r.port = mapAt(service, "port")["number"]; r.port == nil {
				r.port = mapAt(service, "port")["name"]
			}
			if r.port == actionPort {
				r.port = nil
			}
			all = append(all, r)
		}
	}
	spec := mapAt(o.Object.Object, "spec")
	backend(mapAt(spec, "defaultBackend"), "spec.defaultBackend")
	for i, rule := range listAt(spec, "rules") {
		for j, p := range listAt(rule, "http", "paths") {
			backend(mapAt(p, "backend"), fmt.Sprintf("spec.rules[%d].http.paths[%d].backend", i, j))
		}
	}
	made := slices.ContainsFunc(slices.Collect(maps.Keys(o.Object.GetAnnotations())), func(key string) bool { return strings.HasPrefix(key, "cert-manager.io/") })
	for i, t := range listAt(spec, "tls") {
		if name := textAt(t, "secretName"); name != "" && !made {
			all = append(all, reference{from: o, field: fmt.Sprintf("spec.tls[%d].secretName", i), to: Ref{Kind: "Secret", Namespace: ns, Name: name}})
		}
	}
	return all
}

func rolloutReferences(o render.Rendered, ns string) []reference {
	var all []reference
	for _, at := range []struct{ strategy, field string }{{"blueGreen", "activeService"}, {"blueGreen", "previewService"}, {"canary", "stableService"}, {"canary", "canaryService"}} {
		if name := textAt(mapAt(o.Object.Object, "spec", "strategy", at.strategy), at.field); name != "" {
			all = append(all, reference{
				from: o, field: "spec.strategy." + at.strategy + "." + at.field, to: serviceRef(ns, name), needed: true, selected: mapAt(o.Object.Object, "spec", "template", "metadata", "labels"),
			})
		}
	}
	if workload := mapAt(o.Object.Object, "spec", "workloadRef"); workload != nil {
		all = append(all, toTarget(o, ns, workload, "spec.workloadRef.name"))
	}
	return all
}

// toTarget is a reference by apiVersion, kind and name.
func toTarget(o render.Rendered, ns string, target map[string]any, field string) reference {
	group, _, grouped := strings.Cut(textAt(target, "apiVersion"), "/")
	if !grouped {
		group = ""
	}
	return reference{from: o, field: field, to: Ref{Group: group, Kind: textAt(target, "kind"), Namespace: ns, Name: textAt(target, "name")}}
}

func autoscalerReferences(o render.Rendered, ns string) []reference {
	return []reference{toTarget(o, ns, mapAt(o.Object.Object, "spec", "scaleTargetRef"), "spec.scaleTargetRef.name")}
}

func statefulSetReferences(o render.Rendered, ns string) []reference {
	return []reference{{from: o, field: "spec.serviceName", to: serviceRef(ns, textAt(mapAt(o.Object.Object, "spec"), "serviceName"))}}
}

const rbacGroup = "rbac.authorization.k8s.io"

func bindingReferences(o render.Rendered, ns string) []reference {
	role := mapAt(o.Object.Object, "roleRef")
	to := Ref{Group: rbacGroup, Kind: textAt(role, "kind"), Namespace: ns, Name: textAt(role, "name")}
	if clusterScoped[to.Kind] {
		to.Namespace = ""
	}
	all := []reference{{from: o, field: "roleRef.name", to: to}}
	for i, s := range listAt(o.Object.Object, "subjects") {
		subject, _ := s.(map[string]any)
		if textAt(subject, "kind") == "ServiceAccount" {
			all = append(all, reference{from: o, field: fmt.Sprintf("subjects[%d].name", i), to: Ref{Kind: "ServiceAccount", Namespace: cmp.Or(textAt(subject, "namespace"), ns), Name: textAt(subject, "name")}})
		}
	}
	return all
}

func routeReferences(o render.Rendered, ns string) []reference {
	var all []reference
	for i, rule := range listAt(o.Object.Object, "spec", "rules") {
		for j, b := range listAt(rule, "backendRefs") {
			at := fmt.Sprintf("spec.rules[%d].backendRefs[%d]", i, j)
			if kind := textAt(b, "kind"); kind == "" || kind == "Service" {
				all = append(all, reference{from: o, field: at + ".name", to: serviceRef(cmp.Or(textAt(b, "namespace"), ns), textAt(b, "name")), port: mapAt(b)["port"], portField: at + ".port"})
			}
		}
	}
	return all
}

// applicationReferences: without a name the project is the default one, which exists by itself.
func applicationReferences(o render.Rendered, ns string) []reference {
	name := textAt(mapAt(o.Object.Object, "spec"), "project")
	if name == "" || name == v1alpha1.DefaultProject {
		return nil
	}
	return []reference{{from: o, field: "spec.project", to: Ref{Group: v1alpha1.GroupVersion.Group, Kind: "AppProject", Namespace: ns, Name: name}}}
}

// mapAt follows keys to a mapping; nil where there is none.
func mapAt(at any, keys ...string) map[string]any {
	m, _ := at.(map[string]any)
	for _, key := range keys {
		m, _ = m[key].(map[string]any)
	}
	return m
}

func listAt(at any, keys ...string) []any {
	list, _ := mapAt(at, keys[:len(keys)-1]...)[keys[len(keys)-1]].([]any)
	return list
}

// same reports whether two scalar values are: what is written may be a mapping instead, which compares with nothing.
func same(a, b any) bool {
	switch a.(type) {
	case string, bool, int64, float64:
		switch b.(type) {
		case string, bool, int64, float64:
			return a == b
		}
	}
	return false
}

func textAt(at any, key string) string {
	text, _ := mapAt(at)[key].(string)
	return text
}
