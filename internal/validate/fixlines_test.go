package validate

import (
	"strings"
	"testing"
)

func hooks(version string) string {
	return "apiVersion: admissionregistration.k8s.io/" + version + "\nkind: ValidatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks:\n"
}

// How a file is written stays: what is edited is on the lines concerned, and what cannot be edited there is left, with
// the reason.
func TestFixByHowItIsWritten(t *testing.T) {
	const (
		old  = "apiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata: {name: w}\n"
		now  = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: w}\n"
		crd  = "apiVersion: apiextensions.k8s.io/v1beta1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\nspec:\n  preserveUnknownFields: false\n"
		crd1 = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\nspec:\n  preserveUnknownFields: false\n"
		rest = "  group: example.com\n  scope: Namespaced\n  names: {kind: Widget, plural: widgets}\n"
		hpa  = "apiVersion: autoscaling/v2beta1\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\nspec:\n  metrics:\n"
		hpa2 = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\nspec:\n  metrics:\n"
		path = "spec:\n  rules:\n  - http:\n      paths:\n"
	)
	for _, c := range []struct {
		rule, before string
		after        string // "" for the same
		left         string
	}{
		{"no line break at the end", "kind: CronJob\napiVersion: batch/v1beta1", "kind: CronJob\napiVersion: batch/v1", ""},
		{"lines that end as on Windows", strings.ReplaceAll(old+"spec:\n  backend:\n    serviceName: a\n    servicePort: 1\n", "\n", "\r\n"), strings.ReplaceAll(now+"spec:\n  defaultBackend:\n    service:\n      name: a\n      port:\n        number: 1\n", "\n", "\r\n"), ""},
		{"lines that end as on an old Mac", old + "spec:\n  backend:\n    serviceName: a\r    servicePort: 1\n", "", "Ingress w: networking.k8s.io/v1beta1 is left as it is: the file has line breaks other than LF and CRLF"},
		{"a separator of lines that only YAML knows", old + "# a\u2028# b\nspec: {backend: {serviceName: a, servicePort: 1}}\n", "", "the file has line breaks other than LF and CRLF"},
		{"another value of that text before it", "{metadata: {name: batch/v1beta1}, apiVersion: batch/v1beta1, kind: CronJob}\n", "{metadata: {name: batch/v1beta1}, apiVersion: batch/v1, kind: CronJob}\n", ""},
		{"and behind it", "{apiVersion: batch/v1beta1, kind: CronJob, metadata: {name: batch/v1beta1}}\n", "{apiVersion: batch/v1, kind: CronJob, metadata: {name: batch/v1beta1}}\n", ""},
		{"items of what is no list", "apiVersion: v1\nkind: ConfigMap\nitems:\n- apiVersion: batch/v1beta1\n  kind: CronJob\n", "", ""},
		{"items of a list that are no list", "apiVersion: v1\nkind: List\nitems: {apiVersion: batch/v1beta1, kind: CronJob}\n", "", ""},
		{"a list of one kind", "apiVersion: batch/v1beta1\nkind: CronJobList\nitems:\n- apiVersion: batch/v1beta1\n  kind: CronJob\n", "apiVersion: batch/v1beta1\nkind: CronJobList\nitems:\n- apiVersion: batch/v1\n  kind: CronJob\n", ""},
		{"a version that is none", "apiVersion: a/b/c\nkind: CronJob\n", "", ""},
		{"no version", "kind: CronJob\n", "", ""},
		{"an object of two documents that cannot be migrated, and one that can", "apiVersion: apps/v1beta2\nkind: Deployment\nmetadata: {name: d}\nspec: {}\n---\napiVersion: batch/v1beta1\nkind: CronJob\n", "apiVersion: apps/v1beta2\nkind: Deployment\nmetadata: {name: d}\nspec: {}\n---\napiVersion: batch/v1\nkind: CronJob\n", "Deployment d: apps/v1beta2 is left as it is: spec.selector is not given"},

		{"an Ingress without a spec", old, now, ""},
		{"with rules that are for all paths", old + "spec:\n  rules:\n  - host: a.example\n", now + "spec:\n  rules:\n  - host: a.example\n", ""},
		{"a path without a backend", old + path + "      - path: /\n", "", "Ingress w: networking.k8s.io/v1beta1 is left as it is: a path has no backend"},
		{"a path that is no mapping", old + path + "      - /\n", "", "a path has no backend"},
		{"a backend without a port", old + path + "      - path: /\n        backend:\n          serviceName: w\n", "", "a backend names no service and port"},
		{"a backend without a service", old + "spec:\n  backend: {servicePort: 1}\n", "", "a backend names no service and port"},
		{"a backend that is a resource", old + "spec:\n  backend:\n    resource: {kind: Bucket, name: b}\n", now + "spec:\n  defaultBackend:\n    resource: {kind: Bucket, name: b}\n", ""},
		{"a backend that is both", old + "spec:\n  backend:\n    resource: {kind: Bucket, name: b}\n    serviceName: w\n    servicePort: 1\n", now + "spec:\n  defaultBackend:\n    resource: {kind: Bucket, name: b}\n    service:\n      name: w\n      port:\n        number: 1\n", ""},
		{"a backend as v1 has it", old + path + "      - path: /\n        pathType: Prefix\n        backend:\n          service: {name: w, port: {number: 80}}\n", now + path + "      - path: /\n        pathType: Prefix\n        backend:\n          service: {name: w, port: {number: 80}}\n", ""},
		{"a service that is a mapping", old + "spec:\n  backend: {serviceName: {}, servicePort: 1}\n", "", "the service and port of a backend are no plain values"},
		{"a port that is a list", old + "spec:\n  backend: {serviceName: a, servicePort: []}\n", "", "the service and port of a backend are no plain values"},
		{"a port whose name is a number", old + "spec:\n  backend:\n    serviceName: a\n    servicePort: \"80\"\n", now + "spec:\n  defaultBackend:\n    service:\n      name: a\n      port:\n        name: \"80\"\n", ""},
		{"a webhook's field that has a comment and no value", hooks("v1beta1") + "- name: a\n  timeoutSeconds: # soon\n  failurePolicy: Fail\n  matchPolicy: Exact\n  sideEffects: None\n  admissionReviewVersions: [v1]\n",
			hooks("v1") + "- name: a\n  failurePolicy: Fail\n  matchPolicy: Exact\n  sideEffects: None\n  admissionReviewVersions: [v1]\n  # soon\n  timeoutSeconds: 30\n", ""},
		{"a version in braces with a comment behind them", crd + rest + "  versions:\n  - {name: v1, served: true, storage: true} # one\n  validation: {openAPIV3Schema: {type: object}}\n",
			crd1 + rest + "  versions:\n  # one\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object}}\n", ""},
		{"comments of what goes, before what goes too", crd + rest + "  # first\n  version: v1 # now\n  validation: # none\n  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]\n",
			crd1 + rest + "  # first\n  # now\n  # none\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object}}\n", ""},
		{"a conversion with a comment at its end", crd + rest + "  version: v1\n  validation: {openAPIV3Schema: {type: object}}\n  conversion:\n    strategy: Webhook\n    conversionReviewVersions: [v1]\n    webhookClientConfig: {service: {name: s, namespace: ns}}\n    # new\n",
			crd1 + rest + "  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object}}\n  conversion:\n    strategy: Webhook\n    webhook:\n      clientConfig: {service: {name: s, namespace: ns}}\n      conversionReviewVersions: [v1]\n    # new\n", ""},
		{"a conversion in braces with a comment behind them", crd + rest + "  version: v1\n  validation: {openAPIV3Schema: {type: object}}\n  conversion: {strategy: Webhook, conversionReviewVersions: [v1], webhookClientConfig: {service: {name: s, namespace: ns}}} # own\n",
			crd1 + rest + "  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object}}\n  conversion: # own\n    strategy: Webhook\n    webhook:\n      clientConfig: {service: {name: s, namespace: ns}}\n      conversionReviewVersions: [v1]\n", ""},
		{"quotes", old + "spec:\n  backend: {serviceName: 'a', servicePort: \"http\"}\n", now + "spec:\n  defaultBackend: {service: {name: \"a\", port: {name: \"http\"}}}\n", ""},
		{"braces with another field", old + "spec:\n  backend: {serviceName: a, servicePort: 1, x: 1}\n", "", inOneLine},
		{"braces over two lines", old + "spec:\n  backend: {serviceName: a,\n    servicePort: 1}\n", "", inOneLine},
		{"braces on the next line", old + "spec:\n  backend:\n    {serviceName: a, servicePort: 1}\n", now + "spec:\n  defaultBackend:\n    {service: {name: a, port: {number: 1}}}\n", ""},
		{"a comment behind braces", old + "spec:\n  backend: {serviceName: a, servicePort: 1} # all\n", now + "spec:\n  defaultBackend: {service: {name: a, port: {number: 1}}} # all\n", ""},
		{"a field between the two", old + "spec:\n  backend:\n    serviceName: a\n    x: 1\n    servicePort: 1\n", "", inOneLine},
		{"a field before the two", old + "spec:\n  backend:\n    x: 1\n    serviceName: a\n    servicePort: 1\n", now + "spec:\n  defaultBackend:\n    x: 1\n    service:\n      name: a\n      port:\n        number: 1\n", ""},
		{"a comment between the two", old + "spec:\n  backend:\n    serviceName: a\n    # the port\n    servicePort: 1\n", now + "spec:\n  defaultBackend:\n    service:\n      name: a\n    # the port\n      port:\n        number: 1\n", ""},
		{"a path in braces", old + path + "      - {path: /, backend: {serviceName: a, servicePort: 1}}\n", "", inOneLine},
		{"a path and its backend begin in one line", old + path + "      - backend: {serviceName: a, servicePort: 1}\n        path: /\n", now + path + "      - backend: {service: {name: a, port: {number: 1}}}\n        path: /\n        pathType: ImplementationSpecific\n", ""},
		{"a backend in the line of the path's beginning, and no path", old + path + "      - backend: {serviceName: a, servicePort: 1}\n", "", inOneLine},
		{"a path over two lines", old + path + "      - path:\n          /x\n        backend:\n          serviceName: a\n          servicePort: 1\n", now + path + "      - pathType: ImplementationSpecific\n        path:\n          /x\n        backend:\n          service:\n            name: a\n            port:\n              number: 1\n", ""},
		{"a path that another one uses", old + path + "      - &p\n        path: /\n        backend:\n          serviceName: a\n          servicePort: 1\n      - *p\n", "", "left as it is"},
		{"two rules", old + path + "      - path: /a\n        backend: {serviceName: a, servicePort: 1}\n  - host: b\n    http:\n      paths:\n      - path: /b\n        backend: {serviceName: b, servicePort: b}\n", now + path + "      - path: /a\n        pathType: ImplementationSpecific\n        backend: {service: {name: a, port: {number: 1}}}\n  - host: b\n    http:\n      paths:\n      - path: /b\n        pathType: ImplementationSpecific\n        backend: {service: {name: b, port: {name: b}}}\n", ""},

		{"a definition in a list", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: apiextensions.k8s.io/v1beta1\n  kind: CustomResourceDefinition\n  metadata: {name: widgets.example.com}\n  spec:\n    group: example.com\n    scope: Namespaced\n    names: {kind: Widget, plural: widgets}\n    preserveUnknownFields: false\n    version: v1\n    validation: {openAPIV3Schema: {type: object}}\n",
			"apiVersion: v1\nkind: List\nitems:\n- apiVersion: apiextensions.k8s.io/v1\n  kind: CustomResourceDefinition\n  metadata: {name: widgets.example.com}\n  spec:\n    group: example.com\n    scope: Namespaced\n    names: {kind: Widget, plural: widgets}\n    preserveUnknownFields: false\n    versions:\n    - name: v1\n      served: true\n      storage: true\n      schema: {openAPIV3Schema: {type: object}}\n", ""},
		{"a definition whose schema v1 refuses, in a list", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: apiextensions.k8s.io/v1beta1\n  kind: CustomResourceDefinition\n  metadata: {name: widgets.example.com}\n  spec:\n    group: example.com\n    scope: Namespaced\n    names: {kind: Widget, plural: widgets}\n    preserveUnknownFields: false\n    version: v1\n    validation: {openAPIV3Schema: {}}\n", "", "v1 would not take it: spec.validation.openAPIV3Schema.type"},
		{"two definitions, of which v1 refuses one", crd + rest + "  version: v1\n  validation: {openAPIV3Schema: {type: object}}\n---\n" + strings.ReplaceAll(crd+rest, "widgets", "gadgets") + "  version: v1\n  validation: {openAPIV3Schema: {}}\n",
			crd1 + rest + "  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object}}\n---\n" + strings.ReplaceAll(crd+rest, "widgets", "gadgets") + "  version: v1\n  validation: {openAPIV3Schema: {}}\n", "gadgets.example.com: apiextensions.k8s.io/v1beta1 is left as it is: v1 would not take it"},
		{"a version whose name comes last, before a comment", crd + rest + "  validation: {openAPIV3Schema: {type: object}}\n  # the only one\n  version: v1\n# the end\n", crd1 + rest + "  # the only one\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object}}\n# the end\n", ""},
		{"subresources for all of several versions", crd + rest + "  subresources: {status: {}}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object}}\n", crd1 + rest + "  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object}}\n    subresources: {status: {}}\n", ""},
		{"subresources in both places", crd + rest + "  subresources: {status: {}}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    subresources: {status: {}}\n    schema: {openAPIV3Schema: {type: object}}\n", "", "spec.versions has subresources, which spec has as well"},
		{"a schema that is null", crd + rest + "  validation: null\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object}}\n", crd1 + rest + "  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object}}\n", ""},
		{"columns that are no list", crd + rest + "  version: v1\n  additionalPrinterColumns: {}\n  validation: {openAPIV3Schema: {type: object}}\n", "", "additionalPrinterColumns has no entries of its own"},
		{"versions that are no list", crd + rest + "  versions: {}\n  validation: {openAPIV3Schema: {type: object}}\n", "", "versions has no entries of its own"},
		{"versions that another list uses", crd + rest + "  versions: &v\n  - {name: v1, served: true, storage: true}\n  validation: {openAPIV3Schema: {type: object}}\n", "", "versions has no entries of its own"},
		{"columns of a version that are no list", crd + rest + "  versions:\n  - name: v1\n    served: true\n    storage: true\n    additionalPrinterColumns: {}\n    schema: {openAPIV3Schema: {type: object}}\n", "", "additionalPrinterColumns has no entries of its own"},
		{"a list that is indented by another width", crd + rest + "  versions:\n  -   name: v1\n      served: true\n      storage: true\n  validation: {openAPIV3Schema: {type: object}}\n", "", "its lines are indented in an unusual way"},
		{"text that is indented by less", hpa + "  - type: Resource\n    resource:\n      name: \"c\n  pu\"\n      targetAverageValue: 1\n", "", "its lines are indented in an unusual way"},
		{"a question mark before a key", hpa + "  - type: Resource\n    resource:\n      ? name\n      : cpu\n      targetAverageValue: 1\n", "", inOneLine},
		{"a key with a tag of its own", hpa + "  - type: Resource\n    resource:\n      &k name: cpu\n      targetAverageValue: 1\n", "", "a field is written in an unusual way"},
		{"what is merged in", hpa + "  - type: Resource\n    resource:\n      <<: {name: cpu}\n      targetAverageValue: 1\n", "", "a field is written in an unusual way"},
		{"a metric without fields", hpa + "  - type: Resource\n    resource: {}\n", "", "a field that has to change has no fields of its own"},
		{"a metric that is a text", hpa + "  - type: Resource\n    resource: cpu\n", "", "a field that has to change has no fields of its own"},
		{"a blank before a colon in braces", hpa + "  - type: Resource\n    resource: {name : cpu, targetAverageValue: 1}\n", "", "a field is written in an unusual way"},
		{"quotes, braces and commas in braces", hpa + "  - type: Pods\n    pods: {metricName: 'a''}b', selector: {matchLabels: {\"x\\\"}\": '{y'}, matchExpressions: [{key: k, operator: Exists}]}, targetAverageValue: 1} # }\n",
			hpa2 + "  - type: Pods\n    pods: {metric: {name: 'a''}b', selector: {matchLabels: {\"x\\\"}\": '{y'}, matchExpressions: [{key: k, operator: Exists}]}}, target: {type: AverageValue, averageValue: 1}} # }\n", ""},
		{"braces that end on another line", hpa + "  - type: Resource\n    resource: {name: cpu, targetAverageValue: 1\n      }\n", "", "its fields are written in braces over several lines"},
		{"a comment over what is moved", hpa + "  - type: Resource\n    resource:\n      name: cpu\n\n      # a half\n      targetAverageUtilization: 50\n      # behind\n", hpa2 + "  - type: Resource\n    resource:\n      name: cpu\n\n      # a half\n      target:\n        type: Utilization\n        averageUtilization: 50\n      # behind\n", ""},
		{"an object in one line, in which more changes than the version", "{apiVersion: networking.k8s.io/v1beta1, kind: Ingress, metadata: {name: w}, spec: {backend: {serviceName: a, servicePort: 1}}}\n", "", "Ingress w: networking.k8s.io/v1beta1 is left as it is: written in one line with other fields"},
		{"two objects in one line", "apiVersion: v1\nkind: List\nitems: [{apiVersion: batch/v1beta1, kind: CronJob, metadata: {name: a}}, {apiVersion: batch/v1beta1, kind: CronJob, metadata: {name: b}}]\n", "apiVersion: v1\nkind: List\nitems: [{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}}, {apiVersion: batch/v1beta1, kind: CronJob, metadata: {name: b}}]\n", "CronJob b: batch/v1beta1 is left as it is: written in one line with other fields"},
		{"a definition in one line", "apiVersion: apiextensions.k8s.io/v1beta1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\nspec: {group: example.com, scope: Namespaced, names: {kind: Widget, plural: widgets}, preserveUnknownFields: false, version: v1, validation: {openAPIV3Schema: {type: object}}}\n",
			"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\nspec: {group: example.com, scope: Namespaced, names: {kind: Widget, plural: widgets}, preserveUnknownFields: false, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}\n", ""},
		{"comments over, behind and in versions", crd + rest + "  # all of them\n  versions: # in order\n  # the first\n  - name: v1\n    served: true\n    storage: true\n  validation: {openAPIV3Schema: {type: object}}\n", crd1 + rest + "  # all of them\n  versions: # in order\n  # the first\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object}}\n", ""},
		{"comments over versions in one line", crd + rest + "  # all of them\n  versions: [{name: v1, served: true, storage: true}] # in order\n  validation: {openAPIV3Schema: {type: object}}\n", crd1 + rest + "  # all of them\n  versions: # in order\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object}}\n", ""},
		{"what is said of a version that goes, at the end", crd + rest + "  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object}}\n  # the one\n  version: v1 # for now\n", crd1 + rest + "  # the one\n  # for now\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object}}\n", ""},
		{"a scope that is null", crd + "  group: example.com\n  scope: null\n  names: {kind: Widget, plural: widgets}\n  version: v1\n  validation: {openAPIV3Schema: {type: object}}\n", crd1 + "  group: example.com\n  names: {kind: Widget, plural: widgets}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object}}\n  scope: Namespaced\n", ""},
		{"why v1 does not take it, whole", crd + rest + "  version: v1\n  validation: {openAPIV3Schema: {}}\n", "", "v1 would not take it: spec.validation.openAPIV3Schema.type: the field is missing: must not be empty at the root; add it"},

		{"webhooks get defaults where they stand", hooks("v1beta1") + "- name: a\n  sideEffects: None\n  admissionReviewVersions: [v1]\n# the second\n- name: b\n  sideEffects: None\n  admissionReviewVersions: [v1]\n  failurePolicy: Fail\n", hooks("v1") + "- name: a\n  sideEffects: None\n  admissionReviewVersions: [v1]\n  failurePolicy: Ignore\n  matchPolicy: Exact\n  timeoutSeconds: 30\n# the second\n- name: b\n  sideEffects: None\n  admissionReviewVersions: [v1]\n  failurePolicy: Fail\n  matchPolicy: Exact\n  timeoutSeconds: 30\n", ""},
		{"webhooks with anchors that give all", hooks("v1beta1") + "- {name: a, sideEffects: None, admissionReviewVersions: &v [v1], failurePolicy: Fail, matchPolicy: Exact, timeoutSeconds: 1}\n- {name: b, sideEffects: None, admissionReviewVersions: *v, failurePolicy: Fail, matchPolicy: Exact, timeoutSeconds: 1}\n", hooks("v1") + "- {name: a, sideEffects: None, admissionReviewVersions: &v [v1], failurePolicy: Fail, matchPolicy: Exact, timeoutSeconds: 1}\n- {name: b, sideEffects: None, admissionReviewVersions: *v, failurePolicy: Fail, matchPolicy: Exact, timeoutSeconds: 1}\n", ""},
		{"webhooks with anchors that do not", hooks("v1beta1") + "- {name: a, sideEffects: None, admissionReviewVersions: &v [v1]}\n- {name: b, sideEffects: None, admissionReviewVersions: *v}\n", "", "webhooks[0]: the object uses anchors"},
		{"two metrics of one line between", hpa + "  - type: Resource\n    resource:\n      targetAverageUtilization: 50\n      name: cpu\n  - type: Resource\n    resource:\n      name: memory\n      targetAverageValue: 1\n", hpa2 + "  - type: Resource\n    resource:\n      target:\n        type: Utilization\n        averageUtilization: 50\n      name: cpu\n  - type: Resource\n    resource:\n      name: memory\n      target:\n        type: AverageValue\n        averageValue: 1\n", ""},
	} {
		fixed, err := Fix([]byte(c.before), NewestMinor)
		after := c.after
		if after == "" {
			after = c.before
		}
		if err != nil || string(fixed.Data) != after {
			t.Errorf("%s: got %v, left %q\n%s\nwant\n%s", c.rule, err, fixed.Left, fixed.Data, after)
		}
		if got := strings.Join(fixed.Left, "\n"); !strings.Contains(got, c.left) || c.left == "" && got != "" {
			t.Errorf("%s: left is %q, want %q", c.rule, got, c.left)
		}
	}
	fixed, err := Fix([]byte("a: [\n"), NewestMinor)
	if err == nil || !strings.HasPrefix(err.Error(), "reading: ") || string(fixed.Data) != "a: [\n" || len(fixed.Left) > 0 {
		t.Errorf("what is no YAML: got %v, %q, %v", err, fixed.Data, fixed.Left)
	}
}
