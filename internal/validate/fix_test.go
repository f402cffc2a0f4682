package validate

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/cyan-cd/cyan/internal/render"
)

func TestFix(t *testing.T) {
	const ingressHead = "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: w}\nspec:\n"
	const newHead = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: w}\nspec:\n"
	for _, c := range []struct {
		rule, before string
		minor        int
		after        string // "" for the same
		left         string
	}{
		{"a version with the same fields", "# c\napiVersion: batch/v1beta1 # old\nkind: CronJob\n", 37, "# c\napiVersion: batch/v1 # old\nkind: CronJob\n", ""},
		{"in quotes", "apiVersion: \"batch/v1beta1\"\nkind: CronJob\n", 37, "apiVersion: \"batch/v1\"\nkind: CronJob\n", ""},
		{"with lines that end as on Windows", "apiVersion: batch/v1beta1\r\nkind: CronJob\r\n", 37, "apiVersion: batch/v1\r\nkind: CronJob\r\n", ""},
		{"in a list", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: batch/v1beta1\n  kind: CronJob\n", 37, "apiVersion: v1\nkind: List\nitems:\n- apiVersion: batch/v1\n  kind: CronJob\n", ""},
		{"in the second document", "a: b\n---\napiVersion: batch/v1beta1\nkind: CronJob\n", 37, "a: b\n---\napiVersion: batch/v1\nkind: CronJob\n", ""},
		{"deprecated in that version, and served in another", "apiVersion: batch/v1beta1\nkind: CronJob\n", 21, "apiVersion: batch/v1\nkind: CronJob\n", ""},
		{"not deprecated yet", "apiVersion: batch/v1beta1\nkind: CronJob\n", 20, "", ""},
		{"another kind replaces it from that version on", "apiVersion: v1\nkind: Endpoints\n", 33, "", "Endpoints: v1 is left as it is: use discovery.k8s.io/v1 EndpointSlice"},
		{"served on", "apiVersion: batch/v1\nkind: CronJob\n", 37, "", ""},
		{"the successor is too new", "apiVersion: flowcontrol.apiserver.k8s.io/v1beta3\nkind: FlowSchema\n", 28, "", ""},
		{"one of two successors is there", "apiVersion: flowcontrol.apiserver.k8s.io/v1beta2\nkind: FlowSchema\n", 28, "apiVersion: flowcontrol.apiserver.k8s.io/v1beta3\nkind: FlowSchema\n", ""},
		{"the last successor is there", "apiVersion: flowcontrol.apiserver.k8s.io/v1beta2\nkind: FlowSchema\n", 29, "apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: FlowSchema\n", ""},
		{"fields that people have to change", "apiVersion: events.k8s.io/v1beta1\nkind: Event\nmetadata: {name: h}\n", 37, "", "Event h: events.k8s.io/v1beta1 is left as it is; then type is Normal"},
		{"a kind without a successor", "apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\n", 37, "", "PodSecurityPolicy: policy/v1beta1 is left as it is: remove it, nothing replaces it; then label the namespaces"},
		{"another kind replaces it", "apiVersion: v1\nkind: Endpoints\n", 37, "", "Endpoints: v1 is left as it is: use discovery.k8s.io/v1 EndpointSlice; then"},
		{"another kind is going to replace it", "apiVersion: v1\nkind: Endpoints\n", 32, "", ""},
		{"fields that have changed with each version", "apiVersion: resource.k8s.io/v1alpha2\nkind: ResourceClaim\n", 37, "", "ResourceClaim: resource.k8s.io/v1alpha2 is left as it is; its fields have changed: write it anew as resource.k8s.io/v1"},
		{"the types name the list of it as what replaces it", "apiVersion: networking.k8s.io/v1beta1\nkind: IngressClass\n", 37, "apiVersion: networking.k8s.io/v1\nkind: IngressClass\n", ""},
		{"a budget with a selector", "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nspec: {selector: {matchLabels: {a: b}}}\n", 37, "apiVersion: policy/v1\nkind: PodDisruptionBudget\nspec: {selector: {matchLabels: {a: b}}}\n", ""},
		{"a budget that selects nothing, and would select all", "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nspec: {selector: {}}\n", 37, "", "an empty spec.selector selected no pods"},
		{"a budget without a selector, which selects nothing in either", "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nspec: {minAvailable: 1}\n", 37, "apiVersion: policy/v1\nkind: PodDisruptionBudget\nspec: {minAvailable: 1}\n", ""},
		{"a workload with a selector", "apiVersion: apps/v1beta2\nkind: Deployment\nspec: {selector: {matchLabels: {a: b}}}\n", 37, "apiVersion: apps/v1\nkind: Deployment\nspec: {selector: {matchLabels: {a: b}}}\n", ""},
		{"a workload without one", "apiVersion: apps/v1beta2\nkind: Deployment\nspec: {}\n", 37, "", "left as it is"},
		{"an Ingress", ingressHead + "  rules:\n  - http:\n      paths:\n      - path: /\n        backend:\n          serviceName: w\n          servicePort: 80\n", 37, newHead + "  rules:\n  - http:\n      paths:\n      - path: /\n        pathType: ImplementationSpecific\n        backend:\n          service:\n            name: w\n            port:\n              number: 80\n", ""},
		{"with the port first", ingressHead + "  backend:\n    servicePort: http # p\n    serviceName: w # n\n", 37, newHead + "  defaultBackend:\n    service:\n      port:\n        name: http # p\n      name: w # n\n", ""},
		{"with a path without a path", ingressHead + "  rules:\n  - http:\n      paths:\n      - backend:\n          serviceName: w\n          servicePort: 80\n", 37, newHead + "  rules:\n  - http:\n      paths:\n      - pathType: ImplementationSpecific\n        backend:\n          service:\n            name: w\n            port:\n              number: 80\n", ""},
		{"with a type of path", ingressHead + "  rules:\n  - http:\n      paths:\n      - pathType: Prefix\n        path: /\n        backend: {serviceName: w, servicePort: 80}\n", 37, newHead + "  rules:\n  - http:\n      paths:\n      - pathType: Prefix\n        path: /\n        backend: {service: {name: w, port: {number: 80}}}\n", ""},
		{"in one line", ingressHead + "  rules: [{http: {paths: [{path: /, backend: {serviceName: w, servicePort: 80}}]}}]\n", 37, "", "Ingress w: extensions/v1beta1 is left as it is: written in one line with other fields"},
	} {
		fixed, err := Fix([]byte(c.before), c.minor)
		after := c.after
		if after == "" {
			after = c.before
		}
		if err != nil || string(fixed.Data) != after {
			t.Errorf("%s: got %v\n%s\nwant\n%s", c.rule, err, fixed.Data, after)
		}
		if got := strings.Join(fixed.Left, "\n"); !strings.Contains(got, c.left) || c.left == "" && got != "" {
			t.Errorf("%s: left is %q, want %q", c.rule, got, c.left)
		}
	}
}

// Whatever a file holds, what is written reads back, and is not edited a second time.
func FuzzFix(f *testing.F) {
	f.Add("apiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nspec:\n  backend: {serviceName: a, servicePort: 1}\n")
	f.Add("apiVersion: extensions/v1beta1\nkind: Ingress\nspec:\n  rules:\n  - http:\n      paths:\n      - backend:\n          servicePort: a\n          serviceName: b\n")
	f.Add("- apiVersion: batch/v1beta1\n  kind: CronJob\n---\n{apiVersion: batch/v1beta1, kind: CronJob}\n")
	for _, c := range fixesByRule {
		f.Add(c.before)
	}
	f.Fuzz(keepsWhatIsFixed)
}

// keepsWhatIsFixed holds a text to what a fix may do: it reads back, it has all comments, and nothing is left to fix.
func keepsWhatIsFixed(t *testing.T, text string) {
	t.Helper()
	fixed, err := Fix([]byte(text), NewestMinor)
	if err != nil || string(fixed.Data) == text {
		return
	}
	for _, part := range strings.Split(string(fixed.Data), "\n---") {
		var node yaml.Node
		if strings.Count(text, "---") == 0 && yaml.Unmarshal([]byte(part), &node) != nil {
			t.Errorf("%q became %q, which does not read back", text, fixed.Data)
		}
	}
	for _, comment := range commentsIn(text) {
		if !strings.Contains(string(fixed.Data), comment) {
			t.Errorf("%q became %q, without the comment %q", text, fixed.Data, comment)
		}
	}
	again, err := Fix(fixed.Data, NewestMinor)
	if err != nil || string(again.Data) != string(fixed.Data) {
		t.Errorf("%q became %q, and then %q, %v", text, fixed.Data, again.Data, err)
	}
}

// Comments between a field and the first below it are kept, and so are those of a field without a value.
func TestFixKeepsTheCommentsOfADefinition(t *testing.T) {
	keepsWhatIsFixed(t, "apiVersion: apiextensions.k8s.io/v1beta1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\nspec:\n  group: example.com\n  names: {kind: Widget, plural: widgets}\n  preserveUnknownFields: false\n  # where\n  scope: # one of two\n  version: v1\n  validation: {openAPIV3Schema: {type: object}}\n")
	keepsWhatIsFixed(t, "apiVersion: apiextensions.k8s.io/v1beta1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\nspec:\n  group: example.com\n  names: {kind: Widget, plural: widgets}\n  preserveUnknownFields: false\n  scope: Cluster\n  version: v1\n  validation: {openAPIV3Schema: {type: object}}\n  conversion:\n    # of the shop\n    strategy: Webhook\n    conversionReviewVersions: [v1]\n    webhookClientConfig: {service: {name: s, namespace: ns}}\n")
}

// commentsIn are the lines of the comments of a file.
func commentsIn(text string) []string {
	var all []string
	docs, _ := render.SplitDocuments([]byte(text))
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		for _, comment := range []string{n.HeadComment, n.LineComment, n.FootComment} {
			for _, line := range strings.Split(comment, "\n") {
				all = append(all, strings.TrimSpace(line))
			}
		}
		for _, c := range n.Content {
			visit(c)
		}
	}
	for _, d := range docs {
		visit(d)
	}
	return all
}
