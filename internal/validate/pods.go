package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/render"
)

// podTemplate is what the pods of an object are made of.
type podTemplate struct {
	of        render.Rendered
	namespace string
	// path is the field with the spec of the pods.
	path   string
	spec   map[string]any
	labels map[string]any
}

// templatePaths are the fields with the template of pods, by kind.
var templatePaths = map[string][]string{
	"Deployment.apps": {"spec", "template"}, "ReplicaSet.apps": {"spec", "template"}, "StatefulSet.apps": {"spec", "template"}, "DaemonSet.apps": {"spec", "template"},
	"ReplicationController": {"spec", "template"}, "Job.batch": {"spec", "template"}, "CronJob.batch": {"spec", "jobTemplate", "spec", "template"}, "PodTemplate": {"template"},
	"Rollout.argoproj.io": {"spec", "template"}, "Pod": {},
}

func podTemplateOf(o render.Rendered) (podTemplate, bool) {
	path, ok := templatePaths[o.Object.GroupVersionKind().GroupKind().String()]
	template := mapAt(o.Object.Object, path...)
	if !ok || template == nil || mapAt(template, "spec") == nil {
		return podTemplate{}, false
	}
	return podTemplate{of: o, path: strings.Join(append(path[:len(path):len(path)], "spec"), "."), spec: mapAt(template, "spec"), labels: mapAt(template, "metadata", "labels")}, true
}

// podContainer is one of a pod, and where it stands.
type podContainer struct {
	path    string
	content map[string]any
}

func (p podTemplate) containers() []podContainer {
	var all []podContainer
	for _, list := range []string{"containers", "initContainers"} {
		for i, c := range listAt(p.spec, list) {
			all = append(all, podContainer{fmt.Sprintf("%s.%s[%d]", p.path, list, i), mapAt(c)})
		}
	}
	return all
}

// podReferences lists what pods refer to.
func podReferences(o render.Rendered, p podTemplate, ns string) []reference {
	var all []reference
	add := func(kind string, at map[string]any, nameField, path string) {
		if name := textAt(at, nameField); name != "" {
			optional, _ := at["optional"].(bool)
			all = append(all, reference{from: o, field: path + "." + nameField, to: Ref{Kind: kind, Namespace: ns, Name: name}, key: textAt(at, "key"), optional: optional})
		}
	}
	add("ServiceAccount", p.spec, "serviceAccountName", p.path)
	for i, s := range listAt(p.spec, "imagePullSecrets") {
		add("Secret", mapAt(s), "name", fmt.Sprintf("%s.imagePullSecrets[%d]", p.path, i))
	}
	for i, v := range listAt(p.spec, "volumes") {
		at := fmt.Sprintf("%s.volumes[%d]", p.path, i)
		add("ConfigMap", mapAt(v, "configMap"), "name", at+".configMap")
		add("Secret", mapAt(v, "secret"), "secretName", at+".secret")
		add("PersistentVolumeClaim", mapAt(v, "persistentVolumeClaim"), "claimName", at+".persistentVolumeClaim")
		for j, s := range listAt(v, "projected", "sources") {
			add("ConfigMap", mapAt(s, "configMap"), "name", fmt.Sprintf("%s.projected.sources[%d].configMap", at, j))
			add("Secret", mapAt(s, "secret"), "name", fmt.Sprintf("%s.projected.sources[%d].secret", at, j))
			all = append(all, itemReferences(o, s, "name", fmt.Sprintf("%s.projected.sources[%d]", at, j), ns)...)
		}
		all = append(all, itemReferences(o, v, "secretName", at, ns)...)
	}
	for _, c := range p.containers() {
		for i, e := range listAt(c.content, "env") {
			at := fmt.Sprintf("%s.env[%d].valueFrom", c.path, i)
			add("ConfigMap", mapAt(e, "valueFrom", "configMapKeyRef"), "name", at+".configMapKeyRef")
			add("Secret", mapAt(e, "valueFrom", "secretKeyRef"), "name", at+".secretKeyRef")
		}
		for i, e := range listAt(c.content, "envFrom") {
			at := fmt.Sprintf("%s.envFrom[%d]", c.path, i)
			add("ConfigMap", mapAt(e, "configMapRef"), "name", at+".configMapRef")
			add("Secret", mapAt(e, "secretRef"), "name", at+".secretRef")
		}
	}
	return all
}

// itemReferences lists the keys of a ConfigMap or a Secret that a volume picks. secretName is the field that names a
// Secret.
func itemReferences(o render.Rendered, volume any, secretName, at, ns string) []reference {
	var all []reference
	for _, source := range []struct{ field, kind, name string }{{"configMap", "ConfigMap", "name"}, {"secret", "Secret", secretName}} {
		from := mapAt(volume, source.field)
		optional, _ := from["optional"].(bool)
		for i, item := range listAt(from, "items") {
			// Whether the object is there is asked once, by its name.
			all = append(all, reference{from: o, field: fmt.Sprintf("%s.%s.items[%d].key", at, source.field, i), to: Ref{Kind: source.kind, Namespace: ns, Name: textAt(from, source.name)}, key: textAt(item, "key"), optional: optional})
		}
	}
	return all
}

// selects reports a selector that no pod of the objects matches, and ports of a Service that its pods do not have.
func (g *graph) selects(o render.Rendered) {
	switch o.Object.GroupVersionKind().GroupKind().String() {
	case "Service":
		g.service(o)
	case "PodDisruptionBudget.policy":
		labelSelector(g, o, "selector")
	case "NetworkPolicy.networking.k8s.io":
		labelSelector(g, o, "podSelector")
	}
}

// labelSelector reports one that no pod of the objects matches, whose pods may be elsewhere. One with expressions is
// left to the cluster.
func labelSelector(g *graph, o render.Rendered, field string) {
	selector := mapAt(o.Object.Object, "spec", field)
	labels := written(mapAt(selector, "matchLabels"))
	if len(labels) > 0 && len(listAt(selector, "matchExpressions")) == 0 && len(g.matching(g.namespaceOf(o), labels)) == 0 {
		g.report(SeverityWarning, o, RuleSelector, "spec."+field, "no pod among the objects has the labels "+labelText(labels), g.nearLabels(o, labels))
	}
}

// addedLabels are those that controllers add to the pods that they make: no template has them.
var addedLabels = map[string]bool{
	"pod-template-hash": true, "controller-revision-hash": true, "pod-template-generation": true, "rollouts-pod-template-hash": true,
	"statefulset.kubernetes.io/pod-name": true, "apps.kubernetes.io/pod-index": true,
	"job-name": true, "controller-uid": true, "batch.kubernetes.io/job-name": true, "batch.kubernetes.io/controller-uid": true, "batch.kubernetes.io/job-completion-index": true,
}

// written are the labels of a selector that a template has to have.
func written(selector map[string]any) map[string]any {
	all := maps.Clone(selector)
	maps.DeleteFunc(all, func(key string, _ any) bool { return addedLabels[key] })
	return all
}

func (g *graph) service(o render.Rendered) {
	spec := mapAt(o.Object.Object, "spec")
	selector := written(mapAt(spec, "selector"))
	if len(selector) == 0 || textAt(spec, "type") == "ExternalName" {
		return
	}
	pods := g.matching(g.namespaceOf(o), selector)
	if len(pods) == 0 {
		severity := SeverityError
		if g.foreign || len(g.pods) == 0 {
			// Who makes these pods may be elsewhere.
			severity = SeverityWarning
		}
		g.report(severity, o, RuleSelector, "spec.selector", "no pod among the objects has the labels "+labelText(selector), g.nearLabels(o, selector))
		return
	}
	for i, p := range listAt(spec, "ports") {
		g.targetPort(o, fmt.Sprintf("spec.ports[%d]", i), mapAt(p), pods)
	}
}

// targetPort reports a port of a Service that no container of its pods has. A number need not be declared.
func (g *graph) targetPort(o render.Rendered, path string, port map[string]any, pods []podTemplate) {
	target, field := port["targetPort"], path+".targetPort"
	if target == nil {
		target, field = port["port"], path+".port"
	}
	var declared []string
	for _, p := range pods {
		for _, c := range p.containers() {
			for _, d := range listAt(c.content, "ports") {
				declares := mapAt(d)
				if same(declares["containerPort"], target) || same(declares["name"], target) {
					return
				}
				declared = append(declared, strings.TrimSpace(fmt.Sprintf("%v %s", declares["containerPort"], textAt(declares, "name"))))
			}
		}
	}
	slices.Sort(declared)
	have := strings.Join(slices.Compact(declared), ", ")
	switch _, named := target.(string); {
	case named:
		g.report(SeverityError, o, RulePort, field, fmt.Sprintf("no container of the selected pods has a port of the name %q", target), portRemedy(have))
	case have != "":
		g.report(SeverityWarning, o, RulePort, field, fmt.Sprintf("no container of the selected pods declares port %v", target), portRemedy(have))
	}
}

func portRemedy(have string) string {
	if have == "" {
		return "name the port in the container, or give its number"
	}
	return "use one of their ports: " + have
}

// matching are the pods of a namespace that have some labels.
func (g *graph) matching(namespace string, labels map[string]any) []podTemplate {
	var fewest []int
	first := true
	for key, value := range labels {
		if with := g.labelled[label{namespace, key, fmt.Sprint(value)}]; first || len(with) < len(fewest) {
			fewest, first = with, false
		}
	}
	var found []podTemplate
	for _, i := range fewest {
		if hasAll(g.pods[i].labels, labels) {
			found = append(found, g.pods[i])
		}
	}
	return found
}

// label is one that pods of a namespace have.
type label struct{ namespace, key, value string }

// index notes the labels of the pods, so that selectors are compared with few of them.
func (g *graph) index() {
	g.labelled = map[label][]int{}
	for i, p := range g.pods {
		for key, value := range p.labels {
			l := label{p.namespace, key, fmt.Sprint(value)}
			g.labelled[l] = append(g.labelled[l], i)
		}
	}
}

func hasAll(labels, wanted map[string]any) bool {
	for key, value := range wanted {
		if !same(labels[key], value) {
			return false
		}
	}
	return true
}

func labelText(labels map[string]any) string {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, fmt.Sprintf("%s=%v", key, labels[key]))
	}
	return strings.Join(pairs, ",")
}

// mostCompared bounds the selectors for which all pods are looked at for labels that may be meant: each costs as much
// as there are pods.
const mostCompared = 100

// nearLabels is a remedy for labels that no pod has: those of the pods that share most of them.
func (g *graph) nearLabels(o render.Rendered, wanted map[string]any) string {
	best, most := "", -1
	if g.compared++; g.compared > mostCompared {
		return "correct the selector, or the labels of the pods"
	}
	for _, p := range g.pods {
		if p.namespace != g.namespaceOf(o) || len(p.labels) == 0 {
			continue
		}
		shared := 0
		for key := range wanted {
			if _, has := p.labels[key]; has {
				shared++
			}
		}
		if shared > most {
			best, most = fmt.Sprintf("those of %s have %s", ObjectName(p.of.Object), labelText(p.labels)), shared
		}
	}
	if best == "" {
		return "add the workload, or correct the selector"
	}
	return "correct the selector: " + best
}

// probes reports names of ports in probes and hooks that their container does not have.
func (g *graph) probes(p podTemplate) {
	for _, c := range p.containers() {
		for _, at := range [][]string{{"livenessProbe"}, {"readinessProbe"}, {"startupProbe"}, {"lifecycle", "preStop"}, {"lifecycle", "postStart"}} {
			for _, action := range []string{"httpGet", "tcpSocket"} {
				port, named := mapAt(c.content, append(at[:len(at):len(at)], action)...)["port"].(string)
				if !named || strings.Trim(port, "0123456789") == "" {
					continue
				}
				has := slices.ContainsFunc(listAt(c.content, "ports"), func(d any) bool { return textAt(d, "name") == port })
				if !has {
					field := c.path + "." + strings.Join(at, ".") + "." + action + ".port"
					g.report(SeverityError, p.of, RulePort, field, fmt.Sprintf("the container has no port of the name %q", port), "name one of its ports so, or give a number")
				}
			}
		}
	}
}
