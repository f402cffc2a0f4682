package plan_test

import (
	"encoding/json"
	"testing"

	"github.com/cyan-cd/cyan/internal/plan"
)

// TestFieldsThatAreNotGits: what a kind's contract leaves to others, or what is another way to write a field, is not
// applied as it stands.
func TestFieldsThatAreNotGits(t *testing.T) {
	const (
		role    = "apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole"
		hooks   = "apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration"
		checks  = "apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration"
		crd     = "apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition"
		service = "apiVersion: apiregistration.k8s.io/v1, kind: APIService"
		secret  = "apiVersion: v1, kind: Secret"
	)
	for _, c := range []struct{ name, kind, given, want string }{
		{"the rules of an aggregated role", role, "aggregationRule: {clusterRoleSelectors: []}, rules: []", "aggregationRule: {clusterRoleSelectors: []}"},
		{"rules of an aggregated role that git fills", role, "aggregationRule: {}, rules: [{verbs: [get]}]", "aggregationRule: {}"},
		{"the rules of a role", role, "rules: []", "rules: []"},
		{"the rules of a role without an aggregation", role, "aggregationRule: null, rules: []", "aggregationRule: null, rules: []"},
		{"an empty bundle of a mutating webhook", hooks, "webhooks: [{clientConfig: {caBundle: '', url: u}}, {clientConfig: {caBundle: Cg==}}, {clientConfig: {caBundle: null}}, x, {}]", "webhooks: [{clientConfig: {url: u}}, {clientConfig: {}}, {clientConfig: {}}, x, {}]"},
		{"an empty bundle of a validating webhook", checks, "webhooks: [{clientConfig: {caBundle: ''}}]", "webhooks: [{clientConfig: {}}]"},
		{"a bundle of a webhook", hooks, "webhooks: [{clientConfig: {caBundle: QUJD}}]", "webhooks: [{clientConfig: {caBundle: QUJD}}]"},
		{"an empty bundle of a conversion", crd, "spec: {conversion: {webhook: {clientConfig: {caBundle: ''}}}}", "spec: {conversion: {webhook: {clientConfig: {}}}}"},
		{"no conversion", crd, "spec: {conversion: none}", "spec: {conversion: none}"},
		{"an empty bundle of an APIService", service, "spec: {caBundle: '', group: g}", "spec: {group: g}"},
		{"the finalizers of a namespace", "apiVersion: v1, kind: Namespace", "spec: {finalizers: [kubernetes]}", "spec: {}"},
		{"stringData", secret, "stringData: {a: sesame}", "data: {a: c2VzYW1l}"},
		{"stringData over data", secret, "data: {a: b3Blbg==, b: b3Blbg==}, stringData: {a: sesame}", "data: {a: c2VzYW1l, b: b3Blbg==}"},
		{"stringData and no data", secret, "data: null, stringData: {a: sesame}", "data: {a: c2VzYW1l}"},
		{"empty stringData", secret, "stringData: {}", ""},
		{"stringData that is no text", secret, "stringData: {a: 1}", "stringData: {a: 1}"},
		{"data that is no mapping", secret, "data: x, stringData: {a: b}", "data: x, stringData: {a: b}"},
		{"the same fields of another kind", "apiVersion: x.example/v1, kind: Secret", "stringData: {a: b}", "stringData: {a: b}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := func(fields string) string { return "{" + c.kind + ", metadata: {name: x}, " + fields + "}" }
			prepared, _ := plan.Prepare([]plan.Desired{{Object: object(t, text(c.given))}}, plan.Policy{})
			got, _ := json.Marshal(prepared[0].Object)
			want, _ := json.Marshal(object(t, text(c.want)))
			if string(got) != string(want) {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}
