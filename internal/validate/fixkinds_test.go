package validate

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"k8s.io/apimachinery/pkg/runtime/schema"
	clientscheme "k8s.io/client-go/kubernetes/scheme"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
)

const (
	hpaHead = "# of the shop\napiVersion: autoscaling/v2beta1 # old\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: h\nspec:\n  maxReplicas: 3\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: d}\n"
	crdHead = "apiVersion: apiextensions.k8s.io/v1beta1\nkind: CustomResourceDefinition\nmetadata:\n  name: widgets.example.com\nspec:\n  group: example.com\n  names: {kind: Widget, plural: widgets}\n  preserveUnknownFields: false\n"
)

// fixesByRule are objects in which more changes than the version: what of them is taken out and put in, as a diff has
// it, or what is left, with the reason.
var fixesByRule = []struct{ rule, before, diff, left string }{
	{"fields of v2beta1 under the name of v2beta2", strings.Replace(hpaHead, "v2beta1", "v2beta2", 1) + "  metrics:\n  - type: Resource\n    resource:\n      name: cpu # of all\n      targetAverageUtilization: 50 # percent\n  - type: Resource\n    resource: {name: memory, target: {type: AverageValue, averageValue: 1Gi}}\n  - type: Object\n    object:\n      describedObject: {apiVersion: v1, kind: Service, name: i}\n      metric: {name: rps}\n      target: {type: Value, value: '10'}\n",
		`-      targetAverageUtilization: 50 # percent
+      target:
+        type: Utilization
+        averageUtilization: 50 # percent`, ""},
	{"fields of v2beta1 beside those of v2beta2", strings.Replace(hpaHead, "v2beta1", "v2beta2", 1) + "  metrics:\n  - type: Resource\n    resource:\n      name: cpu\n      target: {type: Utilization, averageUtilization: 40}\n      targetAverageUtilization: 50\n", "", "fields of both versions; take those of v2beta1 out"},
	{"a resource by utilization", hpaHead + "  metrics:\n  - type: Resource\n    resource:\n      name: cpu # of all\n      # half of it\n      targetAverageUtilization: 50 # percent\n  # and memory\n  - type: Resource\n    resource: {name: memory, targetAverageValue: 1Gi}\n",
		`-      targetAverageUtilization: 50 # percent
+      target:
+        type: Utilization
+        averageUtilization: 50 # percent
-    resource: {name: memory, targetAverageValue: 1Gi}
+    resource: {name: memory, target: {type: AverageValue, averageValue: 1Gi}}`, ""},
	{"a resource of a container", hpaHead + "  metrics:\n    - type: ContainerResource\n      containerResource:\n        name: cpu\n        container: web\n        targetAverageUtilization: 50\n",
		"-        targetAverageUtilization: 50\n+        target:\n+          type: Utilization\n+          averageUtilization: 50", ""},
	{"a metric of pods, whose selector stands elsewhere", hpaHead + "  metrics:\n  - type: Pods\n    pods:\n      metricName: rps\n      targetAverageValue: 1k\n      selector:\n        matchLabels:\n          # of the shop\n          a: b\n\n  minReplicas: 2\n",
		`-      metricName: rps
-      targetAverageValue: 1k
-      selector:
-        matchLabels:
-          # of the shop
-          a: b
+      metric:
+        name: rps
+        selector:
+          matchLabels:
+            # of the shop
+            a: b
+      target:
+        type: AverageValue
+        averageValue: 1k`, ""},
	{"a metric of an object", hpaHead + "  metrics:\n  - type: Object\n    object:\n      target:\n        apiVersion: networking.k8s.io/v1\n        kind: Ingress\n        name: i\n      metricName: rps\n      targetValue: '10'\n",
		"-      target:\n+      describedObject:\n-      metricName: rps\n-      targetValue: '10'\n+      metric:\n+        name: rps\n+      target:\n+        type: Value\n+        value: '10'", ""},
	{"a metric of an object by its pods", hpaHead + "  metrics:\n  - object: {target: {apiVersion: v1, kind: Service, name: i}, metricName: rps, targetValue: 10, averageValue: 3}\n    type: Object\n",
		"-  - object: {target: {apiVersion: v1, kind: Service, name: i}, metricName: rps, targetValue: 10, averageValue: 3}\n+  - object: {describedObject: {apiVersion: v1, kind: Service, name: i}, metric: {name: rps}, target: {type: AverageValue, value: 10, averageValue: 3}}", ""},
	{"a metric from outside", hpaHead + "  metrics:\n  - type: External\n    external:\n      metricName: queue\n      metricSelector: {matchLabels: {q: \"a, {b\"}}\n      targetValue: 30\n",
		"-      metricName: queue\n-      metricSelector: {matchLabels: {q: \"a, {b\"}}\n-      targetValue: 30\n+      metric:\n+        name: queue\n+        selector: {matchLabels: {q: \"a, {b\"}}\n+      target:\n+        type: Value\n+        value: 30", ""},
	{"no metrics", hpaHead, "", ""},
	{"a key twice", hpaHead + "  metrics: []\n  metrics: []\n", "", "metrics is given twice in one mapping"},
	{"a metric with two targets", hpaHead + "  metrics:\n  - type: External\n    external: {metricName: q, targetValue: 1, targetAverageValue: 2}\n", "", "spec.metrics[0].external: two targets; take one out"},
	{"a metric without one", hpaHead + "  metrics:\n  - type: Resource\n    resource:\n      name: cpu\n", "", "spec.metrics[0].resource: no target"},
	{"a metric of both versions", hpaHead + "  metrics:\n  - type: Resource\n    resource: {name: cpu, targetAverageValue: 1, target: {}}\n", "", "fields of both versions"},
	{"a metric that stands elsewhere", hpaHead + "  metrics:\n  - type: Resource\n    resource: &r {name: cpu, targetAverageValue: 1}\n  - type: Resource\n    resource: *r\n", "", "the object uses anchors"},
	{"a metric that another object uses", hpaHead + "  metrics:\n  - type: Resource\n    resource: &r {name: cpu, targetAverageValue: 1}\n", "", "its fields are used elsewhere by an anchor"},
	{"all in one line", hpaHead + "  metrics: [{type: Resource, resource: {name: cpu, targetAverageValue: 1}}, {type: Resource, resource: {name: memory, targetAverageValue: 1}}]\n", "", "spec.metrics[1].resource: written in one line with other fields"},
	{"braces over several lines", hpaHead + "  metrics:\n  - type: Resource\n    resource: {name: cpu,\n      targetAverageValue: 1}\n", "", "braces over several lines"},
	{"letters of which it is not known how wide they are", hpaHead + "  metrics:\n  - type: Resource\n    resource: {name: ä, targetAverageValue: 1}\n", "", "braces over several lines"},
	{"a key in quotes", hpaHead + "  metrics:\n  - type: Resource\n    resource:\n      \"name\": cpu\n      targetAverageValue: 1\n", "", "a field is written in an unusual way"},

	{"webhooks get the defaults that they had", "apiVersion: admissionregistration.k8s.io/v1beta1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks:\n# the first\n- name: a.example.com\n  clientConfig: {service: {name: s, namespace: ns}}\n  sideEffects: None\n  admissionReviewVersions: [v1beta1]\n\n# the second\n- name: b.example.com\n  timeoutSeconds: 5\n  failurePolicy: Fail\n  matchPolicy: Equivalent\n  clientConfig: {service: {name: s, namespace: ns}}\n  sideEffects: NoneOnDryRun\n  admissionReviewVersions: [v1]\n",
		"+  failurePolicy: Ignore\n+  matchPolicy: Exact\n+  timeoutSeconds: 30", ""},
	{"in braces, some given", "apiVersion: admissionregistration.k8s.io/v1beta1\nkind: MutatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks:\n- {name: a.example.com, failurePolicy: Fail, matchPolicy: null, sideEffects: None, admissionReviewVersions: [v1], clientConfig: {url: 'https://x'}}\n",
		"-- {name: a.example.com, failurePolicy: Fail, matchPolicy: null, sideEffects: None, admissionReviewVersions: [v1], clientConfig: {url: 'https://x'}}\n+- {name: a.example.com, failurePolicy: Fail, sideEffects: None, admissionReviewVersions: [v1], clientConfig: {url: 'https://x'}, matchPolicy: Exact, timeoutSeconds: 30}", ""},
	{"side effects are not known", "apiVersion: admissionregistration.k8s.io/v1beta1\nkind: MutatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks:\n- name: a.example.com\n  admissionReviewVersions: [v1]\n", "", "webhooks[0].sideEffects has to be None or NoneOnDryRun"},
	{"side effects that v1 does not take", "apiVersion: admissionregistration.k8s.io/v1beta1\nkind: MutatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks:\n- name: a.example.com\n  sideEffects: Unknown\n", "", "webhooks[0].sideEffects has to be None or NoneOnDryRun"},
	{"versions of reviews are not known", "apiVersion: admissionregistration.k8s.io/v1beta1\nkind: MutatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks:\n- name: a.example.com\n  sideEffects: None\n", "", "webhooks[0].admissionReviewVersions is required in v1, and was [v1beta1]"},
	{"two webhooks of a name", "apiVersion: admissionregistration.k8s.io/v1beta1\nkind: MutatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks:\n- {name: a, sideEffects: None, admissionReviewVersions: [v1], failurePolicy: Fail, matchPolicy: Exact, timeoutSeconds: 1}\n- {name: a}\n", "", "webhooks[1].name: a is there twice"},

	{"a definition with one version", crdHead + "  # the first one\n  version: v1 # for now\n  validation:\n    openAPIV3Schema:\n      type: object\n      description: |\n        Widgets.\n\n        # no comment\n      properties: {spec: {type: object}}\n  subresources: {status: {}}\n  additionalPrinterColumns:\n  - name: Size\n    type: string\n    # where\n    JSONPath: .spec.size\n  scope: Namespaced\n",
		`-  version: v1 # for now
-  validation:
-    openAPIV3Schema:
-      type: object
-      description: |
-        Widgets.
+  versions:
+  - name: v1 # for now
+    served: true
+    storage: true
+    schema:
+      openAPIV3Schema:
+        type: object
+        description: |
+          Widgets.
-        # no comment
-      properties: {spec: {type: object}}
-  subresources: {status: {}}
-  additionalPrinterColumns:
-  - name: Size
-    type: string
-    # where
-    JSONPath: .spec.size
+          # no comment
+        properties: {spec: {type: object}}
+    subresources: {status: {}}
+    additionalPrinterColumns:
+    - name: Size
+      type: string
+      # where
+      jsonPath: .spec.size`, ""},
	{"with several, and one schema", crdHead + "  scope: Cluster\n  version: v1 # the one\n  versions:\n    # new\n    - name: v1\n      served: true\n      storage: true\n    # old\n    - {name: v1beta1, served: true, storage: false}\n    # no more\n  validation: {openAPIV3Schema: {type: object}}\n",
		`-  version: v1 # the one
+  # the one
+      schema: {openAPIV3Schema: {type: object}}
-    - {name: v1beta1, served: true, storage: false}
+    - name: v1beta1
+      served: true
+      storage: false
+      schema: {openAPIV3Schema: {type: object}}
-  validation: {openAPIV3Schema: {type: object}}`, ""},
	{"with a schema for each", crdHead + "  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object}}\n    additionalPrinterColumns: [{name: Size, type: string, JSONPath: .spec.size}] # one\n",
		"-    additionalPrinterColumns: [{name: Size, type: string, JSONPath: .spec.size}] # one\n+    additionalPrinterColumns: # one\n+    - name: Size\n+      type: string\n+      jsonPath: .spec.size\n+  scope: Namespaced", ""},
	{"with versions in braces", crdHead + "  scope: Cluster\n  validation: {openAPIV3Schema: {type: object}}\n  versions: [{name: v1, served: true, storage: true}]\n",
		"-  validation: {openAPIV3Schema: {type: object}}\n-  versions: [{name: v1, served: true, storage: true}]\n+  versions:\n+  - name: v1\n+    served: true\n+    storage: true\n+    schema: {openAPIV3Schema: {type: object}}", ""},
	{"with a webhook that converts", crdHead + "  scope: Cluster\n  version: v1\n  validation: {openAPIV3Schema: {type: object}}\n  conversion:\n    strategy: Webhook\n    conversionReviewVersions: [v1]\n    webhookClientConfig:\n      service: {name: s, namespace: ns}\n",
		"-  version: v1\n-  validation: {openAPIV3Schema: {type: object}}\n+  versions:\n+  - name: v1\n+    served: true\n+    storage: true\n+    schema: {openAPIV3Schema: {type: object}}\n-    conversionReviewVersions: [v1]\n-    webhookClientConfig:\n-      service: {name: s, namespace: ns}\n+    webhook:\n+      clientConfig:\n+        service: {name: s, namespace: ns}\n+      conversionReviewVersions: [v1]", ""},
	{"that is not converted", crdHead + "  scope: Cluster\n  version: v1\n  validation: {openAPIV3Schema: {type: object}}\n  conversion: {strategy: None}\n",
		"-  version: v1\n-  validation: {openAPIV3Schema: {type: object}}\n+  versions:\n+  - name: v1\n+    served: true\n+    storage: true\n+    schema: {openAPIV3Schema: {type: object}}", ""},
	{"that converts by nothing", crdHead + "  version: v1\n  validation: {openAPIV3Schema: {type: object}}\n  conversion: {strategy: Webhook}\n", "", "spec.conversion names no webhook"},
	{"that does not say by which reviews", crdHead + "  version: v1\n  validation: {openAPIV3Schema: {type: object}}\n  conversion: {strategy: Webhook, webhookClientConfig: {url: 'https://x'}}\n", "", "spec.conversion.conversionReviewVersions is required"},
	{"without a schema", crdHead + "  version: v1\n", "", "spec.validation has no schema"},
	{"without a schema for one version", crdHead + "  versions:\n  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}\n  - {name: v2, served: true, storage: false}\n", "", "spec.versions[1] has no schema"},
	{"without a version", crdHead + "  validation: {openAPIV3Schema: {type: object}}\n", "", "neither version nor versions"},
	{"with a schema in both places", crdHead + "  validation: {openAPIV3Schema: {type: object}}\n  versions:\n  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}\n", "", "spec.versions has schema, which spec has as well"},
	{"with a schema that v1 does not take", crdHead + "  version: v1\n  validation: {openAPIV3Schema: {properties: {spec: {}}}}\n", "", "v1 would not take it: spec.validation.openAPIV3Schema.properties[spec].type"},
	{"that keeps unknown fields", strings.Replace(crdHead, "  preserveUnknownFields: false\n", "", 1) + "  version: v1\n  validation: {openAPIV3Schema: {type: object}}\n", "", "spec.preserveUnknownFields is not false"},

	{"shares of a priority level", "apiVersion: flowcontrol.apiserver.k8s.io/v1beta2\nkind: PriorityLevelConfiguration\nmetadata: {name: p}\nspec:\n  type: Limited\n  limited:\n    assuredConcurrencyShares: 5 # of all\n    limitResponse: {type: Reject}\n", "-    assuredConcurrencyShares: 5 # of all\n+    nominalConcurrencyShares: 5 # of all", ""},
	{"shares by another name already", "apiVersion: flowcontrol.apiserver.k8s.io/v1beta3\nkind: PriorityLevelConfiguration\nmetadata: {name: p}\nspec: {type: Limited, limited: {nominalConcurrencyShares: 5, limitResponse: {type: Reject}}}\n", "", ""},
	{"no shares, which stood for the default", "apiVersion: flowcontrol.apiserver.k8s.io/v1beta3\nkind: PriorityLevelConfiguration\nmetadata: {name: p}\nspec: {type: Limited, limited: {nominalConcurrencyShares: 0, limitResponse: {type: Reject}}}\n", "", "spec.limited.nominalConcurrencyShares is 0"},
	{"endpoints", "apiVersion: discovery.k8s.io/v1beta1\nkind: EndpointSlice\nmetadata: {name: e}\naddressType: IPv4\nendpoints: [{addresses: [10.0.0.1]}]\n", "", ""},
	{"endpoints with a topology", "apiVersion: discovery.k8s.io/v1beta1\nkind: EndpointSlice\nmetadata: {name: e}\naddressType: IPv4\nendpoints: [{addresses: [10.0.0.1], topology: {a: b}}]\n", "", "endpoints[0].topology is zone, nodeName and deprecatedTopology"},
	{"a request that names its signer", "apiVersion: certificates.k8s.io/v1beta1\nkind: CertificateSigningRequest\nmetadata: {name: c}\nspec: {signerName: example.com/s, usages: [client auth], request: " + certificateRequest + "}\n", "", ""},
	{"a request without usages", "apiVersion: certificates.k8s.io/v1beta1\nkind: CertificateSigningRequest\nmetadata: {name: c}\nspec: {signerName: example.com/s, request: YQ==}\n", "", "spec.usages is required"},
	{"a request without a signer", "apiVersion: certificates.k8s.io/v1beta1\nkind: CertificateSigningRequest\nmetadata: {name: c}\nspec: {usages: [client auth], request: YQ==}\n", "", "spec.signerName is required"},
	{"a request to the signer that v1 does not have", "apiVersion: certificates.k8s.io/v1beta1\nkind: CertificateSigningRequest\nmetadata: {name: c}\nspec: {usages: [client auth], signerName: kubernetes.io/legacy-unknown}\n", "", "may not be kubernetes.io/legacy-unknown"},
	{"a role of the alpha version", "apiVersion: rbac.authorization.k8s.io/v1alpha1\nkind: Role\nmetadata: {name: r}\nrules: [{apiGroups: [''], resources: [pods], verbs: [get]}]\n", "", ""},
	{"subjects by a version", bindingOf("- kind: User\n  # of the rules\n  apiVersion: rbac.authorization.k8s.io/v1alpha1 # old\n  name: jane\n- {kind: Group, name: ops, apiVersion: 'rbac.authorization.k8s.io/v1alpha1'}\n- {kind: ServiceAccount, name: a, namespace: b, apiVersion: v1}\n- {kind: ServiceAccount, name: c, namespace: b, apiVersion: \"v1\"}\n- {kind: User, name: x}\n"),
		`-  apiVersion: rbac.authorization.k8s.io/v1alpha1 # old
+  apiGroup: rbac.authorization.k8s.io # old
-- {kind: Group, name: ops, apiVersion: 'rbac.authorization.k8s.io/v1alpha1'}
-- {kind: ServiceAccount, name: a, namespace: b, apiVersion: v1}
-- {kind: ServiceAccount, name: c, namespace: b, apiVersion: "v1"}
+- {kind: Group, name: ops, apiGroup: 'rbac.authorization.k8s.io'}
+- {kind: ServiceAccount, name: a, namespace: b, apiGroup: ""}
+- {kind: ServiceAccount, name: c, namespace: b, apiGroup: ""}`, ""},
	{"a subject that was all users", bindingOf("- {kind: User, name: '*'}\n"), "", "subjects[0] is the user *, which stood for the group system:authenticated"},
	{"a group of that name", bindingOf("- {kind: Group, name: '*'}\n"), "", ""},
	{"a subject of an unknown kind", bindingOf("- {kind: User, name: jane}\n- {kind: Robot, name: r, apiVersion: example.com/v1}\n"), "", "subjects[1] has apiGroup in place of apiVersion in v1"},
	{"a subject of both versions", bindingOf("- {kind: User, name: jane, apiGroup: rbac.authorization.k8s.io, apiVersion: rbac.authorization.k8s.io/v1alpha1}\n"), "", "subjects[0] has apiGroup in place of apiVersion in v1"},
	{"a class of runtimes of the alpha version", "apiVersion: node.k8s.io/v1alpha1\nkind: RuntimeClass\nmetadata: {name: r}\nspec: {runtimeHandler: h}\n", "", "then spec.runtimeHandler is handler"},
	{"a StatefulSet that gives what has another default", workloadOf("apps/v1beta1", "StatefulSet", "serviceName: s, updateStrategy: {type: OnDelete}, "), "", ""},
	{"a StatefulSet that does not", workloadOf("apps/v1beta1", "StatefulSet", "serviceName: s, "), "", "spec.updateStrategy.type is not given"},
	{"a DaemonSet with what is gone", workloadOf("extensions/v1beta1", "DaemonSet", "templateGeneration: 1, updateStrategy: {type: OnDelete}, "), "", "spec.templateGeneration is not in apps/v1"},
	{"a DaemonSet", workloadOf("extensions/v1beta1", "DaemonSet", "updateStrategy: {type: OnDelete}, "), "", ""},
	{"a ReplicaSet", workloadOf("extensions/v1beta1", "ReplicaSet", ""), "", ""},
	{"a Deployment that gives what has another default", workloadOf("extensions/v1beta1", "Deployment", "progressDeadlineSeconds: 60, revisionHistoryLimit: 3, strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}, "), "", ""},
	{"a Deployment that has no rolling update", workloadOf("extensions/v1beta1", "Deployment", "progressDeadlineSeconds: 60, revisionHistoryLimit: 3, strategy: {type: Recreate}, "), "", ""},
	{"a Deployment that does not", workloadOf("extensions/v1beta1", "Deployment", "progressDeadlineSeconds: 60, revisionHistoryLimit: 3, "), "", "spec.strategy.rollingUpdate.maxSurge is not given"},
	{"a Deployment that goes back", workloadOf("apps/v1beta1", "Deployment", "revisionHistoryLimit: 3, rollbackTo: {}, "), "", "spec.rollbackTo is not in apps/v1"},
}

const certificateRequest = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K"

func bindingOf(subjects string) string {
	return "apiVersion: rbac.authorization.k8s.io/v1alpha1\nkind: RoleBinding\nmetadata: {name: b, namespace: b}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\nsubjects:\n" + subjects
}

func workloadOf(version, kind, spec string) string {
	return "apiVersion: " + version + "\nkind: " + kind + "\nmetadata: {name: d}\nspec: {" + spec + "selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}\n"
}

// What is edited is what a rule says, line by line, and an API server of today takes it.
func TestFixByRule(t *testing.T) {
	for _, c := range fixesByRule {
		t.Run(c.rule, func(t *testing.T) {
			fixed, err := Fix([]byte(c.before), NewestMinor)
			if err != nil {
				t.Fatal(err)
			}
			left := strings.Join(fixed.Left, "\n")
			if c.left != "" {
				if string(fixed.Data) != c.before || !strings.Contains(left, c.left) {
					t.Errorf("left is %q, want %q, of\n%s", left, c.left, fixed.Data)
				}
				return
			}
			if got := changedLines(c.before, string(fixed.Data)); left != "" || got != c.diff {
				t.Errorf("left is %q; the diff is\n%s\nwant\n%s", left, got, c.diff)
			}
			if c.rule == "a request that names its signer" {
				return // which no API server takes without a certificate that is one
			}
			for _, finding := range Check(objectsOf(t, string(fixed.Data)), nil) {
				t.Errorf("the result has %s:\n%s", finding, fixed.Data)
			}
		})
	}
}

func objectsOf(t *testing.T, manifest string) []render.Rendered {
	t.Helper()
	result, err := renderers.Render(fstest.MapFS{"m.yaml": {Data: []byte(manifest)}}, v1alpha1.ApplicationSource{Directory: &v1alpha1.DirectorySource{Recurse: true}}, render.Options{})
	if err != nil || len(result.Objects) == 0 {
		t.Fatalf("%v in\n%s", err, manifest)
	}
	return result.Objects
}

// changedLines is a diff without the lines that stay, and without that of the version.
func changedLines(before, after string) string {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	longest := make([][]int, len(a)+1)
	for i := range longest {
		longest[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if longest[i][j] = max(longest[i+1][j], longest[i][j+1]); a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			}
		}
	}
	var out []string
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && longest[i+1][j] >= longest[i][j+1]:
			out = append(out, "-"+a[i])
			i++
		default:
			out = append(out, "+"+b[j])
			j++
		}
	}
	return strings.Join(slices.DeleteFunc(out, func(line string) bool { return strings.HasPrefix(line[1:], "apiVersion:") }), "\n")
}

// Of every version of a kind that Kubernetes has removed, an object is migrated, or it is named with what to do.
func TestFixKnowsWhatIsRemoved(t *testing.T) {
	removed := map[schema.GroupVersionKind]bool{}
	for kind := range clientscheme.Scheme.AllKnownTypes() {
		removed[kind] = true
	}
	for kind := range leftTypes {
		removed[kind] = true
	}
	counted := 0
	for kind := range removed {
		l, _ := lifecycleOf(kind)
		if l.removed == 0 || l.removed > NewestMinor || strings.HasSuffix(kind.Kind, "List") || strings.HasSuffix(kind.Kind, "Options") {
			continue
		}
		counted++
		before := "apiVersion: " + kind.GroupVersion().String() + "\nkind: " + kind.Kind + "\nmetadata: {name: x}\n"
		fixed, err := Fix([]byte(before), NewestMinor)
		left := strings.Join(fixed.Left, "\n")
		if err != nil || (string(fixed.Data) == before) != strings.Contains(left, "x: "+kind.GroupVersion().String()+" is left as it is") {
			t.Errorf("%s: %v, left is %q of\n%s", kind, err, left, fixed.Data)
		}
		if strings.HasSuffix(left, "is left as it is") {
			t.Errorf("%s: %q does not say what to do", kind, left)
		}
	}
	if counted < 80 {
		t.Errorf("%d versions of kinds are removed, want at least 80", counted)
	}
}
