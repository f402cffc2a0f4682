package cli_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// podOf is a Pod with some lines in the spec of its container.
func podOf(lines ...string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: i\n    " + strings.Join(lines, "\n    ") + "\n"
}

// definition defines CronTab, whose spec has a pattern and a range.
const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crontabs.stable.example.com}
spec:
  group: stable.example.com
  scope: Namespaced
  names: {plural: crontabs, singular: crontab, kind: CronTab, listKind: CronTabList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              cronSpec: {type: string, pattern: '^(\d+|\*)(\s+(\d+|\*)){4}$'}
              replicas: {type: integer, minimum: 1, maximum: 10}
              port: {x-kubernetes-int-or-string: true}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true}
---
`

// mistakes are what people make and other programs let through, misplace or invent, by rule: each with a part of what
// is said of it, and nothing where there is nothing to say.
var mistakes = []struct{ rule, mistake, manifest, says string }{
	{"unknown-field", "a field of another level in a volume", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: [{name: c, image: i}]\n  volumes:\n  - name: v\n    emptyDir: {}\n    resources: {limits: {memory: 2Gi}}\n", `stdin.yaml:9:5: error: Pod p: spec.volumes[0].resources: spec.volumes[0] has no field "resources"; remove it`},
	{"unknown-field", "a block misspelt as a whole", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspecc: {replicas: 1}\n", `stdin.yaml:4:1: error: Deployment d: specc: Deployment has no field "specc"; did you mean spec?`},
	{"unknown-field", "requests beside resources", podOf("resources:", "requests: {cpu: 50m}"), `stdin.yaml:9:5: error: Pod p: spec.containers[0].requests`},
	{"unknown-field", "containers at the level of the template", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: {matchLabels: {app: d}}\n  template:\n    metadata: {labels: {app: d}}\n    spec:\n    containers:\n    - {image: nginx, name: nginx}\n", `stdin.yaml:9:5: error: Deployment d: spec.template.containers: spec.template has no field "containers"`},
	{"unknown-field", "a key that YAML takes for a truth", "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec:\n  true: another\n  ports: [{port: 9313}]\n", `stdin.yaml:5:3: error: Service s: spec.true: spec has no field "true"`},
	{"unknown-field", "an entry of envFrom without its kind", podOf("envFrom: [{name: a}]"), `spec.containers[0].envFrom[0].name: spec.containers[0].envFrom[0] has no field "name"`},
	{"unknown-field", "a field beside the spec of a custom object", definition + "apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata: {name: my}\nreplicas: 1\n", `CronTab my: replicas: CronTab has no field "replicas"`},
	{"unknown-field", "unknown fields that a definition keeps", definition + "apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata: {name: my}\nspec: {free: {any: thing}, port: http}\n", ""},
	{"missing-field", "a Deployment without a selector", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  template:\n    spec:\n", "stdin.yaml:4:1: error: Deployment d: spec.selector: the field is missing; add it"},
	{"missing-field", "the restart policy of a CronJob at its container", "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec:\n  schedule: '* * * * *'\n  jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: i, restartPolicy: OnFailure}]}}}}\n", `spec.jobTemplate.spec.template.spec.restartPolicy: the field is missing: valid values: "OnFailure", "Never"`},
	{"invalid-value", "a selector that the template does not match", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: {matchLabels: {app: other}}\n  template:\n    metadata: {labels: {app: d}}\n    spec: {containers: [{name: c, image: i}]}\n", "`selector` does not match template `labels`"},
	{"invalid-value", "a name with an underscore", podOf("env: [{name: A, valueFrom: {secretKeyRef: {name: aws_sdk, key: k}}}]"), `secretKeyRef.name: invalid value "aws_sdk": a lowercase RFC 1123 subdomain`},
	{"invalid-value", "a Namespace in capital letters", "apiVersion: v1\nkind: Namespace\nmetadata: {creationTimestamp: null, name: Test2}\nspec: {}\nstatus: {}\n", `metadata.name: invalid value "Test2"`},
	{"invalid-value", "a Namespace with a slash", "apiVersion: v1\nkind: Namespace\nmetadata: {name: example.com/dxia-test}\n", "metadata.name: invalid value"},
	{"invalid-value", "a request above its limit", podOf("resources: {limits: {memory: 512Mi}, requests: {memory: 1Gi}}"), "must be less than or equal to memory limit of 512Mi"},
	{"invalid-value", "a variable with two sources", podOf("env: [{name: A, value: a, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]"), "may not be specified when `value` is not empty"},
	{"invalid-value", "a value against the pattern of a definition", definition + "apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata: {name: my}\nspec: {cronSpec: '* * * *'}\n", "spec.cronSpec: invalid value \"* * * *\": should match"},
	{"invalid-value", "a value out of the range of a definition", definition + "apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata: {name: my}\nspec: {replicas: 15}\n", "spec.replicas: invalid value 15: should be less than or equal to 10"},
	{"invalid-value", "the name of a definition", strings.Replace(strings.TrimSuffix(definition, "---\n"), "name: crontabs.", "name: wrong.", 1), `must be spec.names.plural+"."+spec.group`},
	{"wrong-type", "an item of a list of custom objects", definition + "apiVersion: stable.example.com/v1\nkind: CronTabList\nitems:\n- {apiVersion: stable.example.com/v1, kind: CronTab, metadata: {name: my}, spec: {replicas: a}}\n", "CronTab my: spec.replicas: must be of type integer, and is of type string"},
	{"wrong-type", "a list without blanks behind its dashes", "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\nspec:\n  capacity: {storage: 5Gi}\n  accessModes:\n    -ReadWriteOnce\n  hostPath: {path: /data}\n", "spec.accessModes: must be a list, and is text; start each element with a dash"},
	{"wrong-type", "a list of which all is a comment", podOf("args:", "  # - --verbose"), ""},
	{"duplicate-key", "a key twice in a container", podOf("envFrom:", "- configMapRef: {name: a, optional: true}", "envFrom:", "- secretRef: {name: b, optional: true}"), "stdin.yaml:10:5: error: Pod p: spec.containers[0].envFrom: duplicate key: the first is in line 8"},
	{"discouraged", "a variable twice, which server-side apply refuses", podOf("env: [{name: A, value: a}, {name: A, value: b}]"), `warning: Pod p: spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply; remove one of them`},
	{"discouraged", "memory in thousandths of a byte", podOf("resources: {requests: {memory: 300m}}"), `fractional byte value "300m" is invalid`},
	{"unlikely-amount", "cores with the unit of memory", podOf("resources: {limits: {cpu: 500Mi}}"), "warning: Pod p: spec.containers[0].resources.limits.cpu: 500Mi is 524288000 cores; write 500m"},
	{"not-rendered", "a template that was not rendered", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ include \"x\" . }}\n", "line 4: braces of a template; render it first"},
	{"not-rendered", "a schedule without quotes", "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec:\n  schedule: */5 * * * *\n", "line 5: put the value in quotes"},
	{"not-rendered", "a name that is read as a number", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: 123\n", ":4:1: error: ConfigMap: metadata.name must be text, and 123 is read as another value; put it in quotes"},
	{"not-rendered", "a name that is read as a truth", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: no\n", ":4:1: error: Namespace: metadata.name must be text, and no is read as another value; put it in quotes"},
	{"missing-field", "a definition without a type in a version", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\nspec:\n  group: example.com\n  scope: Namespaced\n  names: {kind: Widget, plural: widgets}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n          spec: {}\n", ":16:11: error: CustomResourceDefinition widgets.example.com: spec.versions[0].schema.openAPIV3Schema.properties[spec].type: "},
	{"not-rendered", "a number that is none", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: .nan\n", "stdin.yaml:5:6: error: the number .nan has no form in JSON"},
	{"not-rendered", "dashes with a blank before them", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n ---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: b\n", "line 5: write the dashes that divide documents at the beginning of the line"},
	{"boolean-key", "a key that YAML reads as a truth", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  n: x\n", "stdin.yaml:5:3: warning: ConfigMap a: data.n: the key n is read as false"},
	{"set-by-server", "an object as a cluster has it", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  uid: b\n", "stdin.yaml:5:3: warning: ConfigMap a: metadata.uid: an API server sets it itself"},
	{"image-name", "an image that is no name", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: 'Foo/Bar:X Y'}]}\n", "stdin.yaml:4:31: warning: Pod p: spec.containers[0].image: no container runtime takes the name"},
	{"unsupported-value", "a value that YAML merges in", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  initContainers:\n  - &c\n    name: a\n    image: b\n    imagePullPolicy: Nope\n  containers:\n  - <<: *c\n    name: d\n", "stdin.yaml:9:5: error: Pod p: spec.containers[0].imagePullPolicy: unsupported value \"Nope\"; use one of \"Always\", \"IfNotPresent\", \"Never\" [unsupported-value]"},
	{"not-rendered", "four dashes", "----\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n", "line 1: three dashes divide documents"},
	{"not-rendered", "no blank behind a colon", "apiVersion:v1\nkind:PersistentVolume\nmetadata:\n  name: pv-1\n", "line 1: write a blank behind the colon"},
	{"not-rendered", "a tab", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: a\n", "stdin.yaml:4:1: error: invalid YAML: found character that cannot start any token; line 4: indent it with blanks, and not with tabs"},
	{"not-rendered", "a field one column too far", podOf("env:", "- name: A", "   value: b"), "stdin.yaml:10:1: error: invalid YAML"},
	{"not-rendered", "objects that nothing divides", "{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"a\"}}\n{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"B\"}}\n", "stdin.yaml:2:1: error: another document begins here"},
	{"not-rendered", "metadata misspelt", "apiVersion: apps/v1\nkind: Deployment\nmetaData:\n  name: rss\n", "Deployment without metadata.name; write metadata in place of metaData"},
	{"skipped-file", "an answer of a server in place of manifests", "<html><body>404</body></html>\n", "error: left out: not an object"},
	{"no-objects", "an empty list", "apiVersion: v1\nkind: List\nitems: []\n", "no objects to validate"},
	{"no-objects", "comments and empty documents beside an object", "# of a chart\n---\n# Source: a.yaml\n---\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n---\n\n", ""},
	{"invalid-value", "a list beside other objects", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata: {name: B}\n", "stdin.yaml:10:14: error: Namespace B: metadata.name"},
	{"no-objects", "a name that is generated", "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: j-}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}\n", ""},
	{"wrong-type", "carriage returns, and a mark at the beginning", "\ufeffapiVersion: v1\r\nkind: ConfigMap\r\nmetadata:\r\n  name: a\r\ndata:\r\n  a: 1\r\n", "stdin.yaml:6:3: error: ConfigMap a: data[a]: must be text"},
	{"not-rendered", "a mark behind the first line", "---\n\ufeffapiVersion: v1\nkind: ConfigMap\nmetadata: {name: A}\n", "error: ConfigMap without apiVersion; remove the byte order mark before apiVersion"},
	{"repeated-object", "a namespace that is given, and the default", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\n", "warning: ConfigMap default/a is given by stdin.yaml:1 and again by stdin.yaml:5"},
	{"repeated-object", "a name in two namespaces", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: c}\n", ""},
	{"unknown-kind", "a kind in small letters", "apiVersion: apps/v1\nkind: deployment\nmetadata: {name: a}\n", "unknown kind apps/v1 deployment: Kubernetes does not have it, and no CustomResourceDefinition among the objects defines it; did you mean Deployment?"},
	{"removed-api", "the last beta of flow control", "apiVersion: flowcontrol.apiserver.k8s.io/v1beta3\nkind: FlowSchema\nmetadata: {name: a}\nspec: {priorityLevelConfiguration: {name: a}}\n", "FlowSchema is not served since v1.32; use flowcontrol.apiserver.k8s.io/v1; no field changes"},
	{"removed-api", "the beta of a kind of the aggregator", "apiVersion: apiregistration.k8s.io/v1beta1\nkind: APIService\nmetadata: {name: v1.x}\n", "APIService is not served since v1.22"},
	{"removed-api", "the beta of CSIDriver", "apiVersion: storage.k8s.io/v1beta1\nkind: CSIDriver\nmetadata: {name: x}\n", "CSIDriver is not served since v1.22"},
	{"removed-api", "the beta of CronJob", "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: x}\n", "CronJob is not served since v1.25"},
	{"selects-nothing", "a Service of one pod of a StatefulSet", "apiVersion: v1\nkind: Service\nmetadata: {name: a-0}\nspec: {selector: {app: a, statefulset.kubernetes.io/pod-name: a-0}, ports: [{port: 80}]}\n---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec: {serviceName: a-0, selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: b}]}}}\n", ""},
	{"selects-nothing", "labels of the workload and not of its pods", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {app: shop}, ports: [{port: 80}]}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, labels: {app: shop}}\nspec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: b}]}}}\n", "error: Service a: spec.selector: no pod among the objects has the labels app=shop; correct the selector: those of Deployment a have app=a"},
	{"selects-nothing", "a Service without a selector, and its Endpoints", "kind: EndpointSlice\napiVersion: discovery.k8s.io/v1\nmetadata: {name: s-1, labels: {kubernetes.io/service-name: s}}\naddressType: IPv4\nports: [{port: 443}]\nendpoints: [{addresses: [10.1.2.3]}]\n---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{name: https, port: 443, targetPort: 443}]}\n", ""},
	{"selects-nothing", "a NetworkPolicy that protects nothing", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {matchLabels: {app: x}}}\n", "warning: NetworkPolicy a: spec.podSelector: no pod among the objects has the labels app=x"},
	{"missing-reference", "a Service that an Ingress names", "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {defaultBackend: {service: {name: shop, port: {number: 80}}}}\n", "error: Ingress a: spec.defaultBackend.service.name: Service shop is not among the objects"},
	{"missing-reference", "a backend that is an action of a load balancer", "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a, annotations: {alb.ingress.kubernetes.io/actions.to-tls: '{}'}}\nspec: {defaultBackend: {service: {name: to-tls, port: {name: use-annotation}}}}\n", ""},
	{"missing-reference", "an autoscaler of nothing", "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 10}\n", "warning: HorizontalPodAutoscaler a: spec.scaleTargetRef.name: Deployment web is not among the objects"},
	{"missing-reference", "a Namespace that comes with the objects", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n", ""},
}

// What other programs miss is found, where it stands; what they invent is not.
func TestMistakes(t *testing.T) {
	inFolder(t, "")
	for _, m := range mistakes {
		t.Run(m.rule+"/"+m.mistake, func(t *testing.T) {
			code, stdout, stderr := runLine(t, m.manifest, "cyan validate - --fail-on warning")
			switch {
			case m.says == "" && (code != 0 || !strings.Contains(stderr, "nothing found")):
				t.Errorf("got %d %s%s, want nothing", code, stdout, stderr)
			case m.says != "" && (code == 0 || !strings.Contains(stdout, m.says) || !strings.Contains(stdout, "["+m.rule+"]")):
				t.Errorf("got %d\n%swant %s [%s]", code, stdout, m.says, m.rule)
			}
		})
	}
}

// What only the controllers know of their kinds is found before they do.
func TestValidateKindsOfControllers(t *testing.T) {
	const project, application = "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: team, namespace: argocd}\nspec:\n  ", "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop, namespace: argocd}\nspec:\n  project: default\n  source: {repoURL: 'https://git.example/shop', path: k8s}\n  destination: {name: in-cluster}\n  "
	of := func(kind string) string {
		return "apiVersion: argoproj.io/v1alpha1\nkind: " + kind + "\nmetadata: {name: a}\nspec: {metrics: [{name: m}]}\n"
	}
	annotated := func(key, value string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {%s: %q}}\n", key, value)
	}
	inFolder(t, "")
	for _, c := range []struct{ name, manifest, says string }{
		{"a project", project + "roles: [{name: dev, policies: ['p, proj:team:dev, applications, get, team/*, allow']}]\n", ""},
		{"a policy of a role", project + "roles:\n  - name: dev\n    policies:\n    - p, proj:team:dev, applications, get, team/*, allow\n    - p, proj:team:ops, applications, get, team/*, allow\n", `stdin.yaml:9:7: warning: AppProject argocd/team: spec.roles[0].policies[1]: subject "proj:team:ops"`},
		{"a field of a role", project + "roles:\n  - name: dev\n    polices: []\n    description: x\n    polices: [p]\n", "spec.roles[0].polices: unknown field; did you mean spec.roles[0].policies?"},
		{"a window", project + "syncWindows:\n  - kind: allow\n    schedule: 0 9 * *\n    duration: 1h\n    applications: ['*']\n", `stdin.yaml:7:5: error: AppProject argocd/team: spec.syncWindows[0].schedule: invalid schedule "0 9 * *"`},
		{"an Application", application + "\n", ""},
		{"a sync option", application + "syncPolicy: {syncOptions: [PruneLst=true]}\n", `stdin.yaml:8:30: warning: Application argocd/shop: spec.syncPolicy.syncOptions[0]: "PruneLst=true": unknown sync option; did you mean PruneLast?`},
		{"a chart", strings.Replace(application, "path: k8s", "chart: shop", 1) + "\n", "error: Application argocd/shop: spec.source.chart: Helm charts are not rendered"},
		{"a field misspelt, which is said once", application + "syncPolicy: {automted: {}}\n", `spec.syncPolicy.automted: spec.syncPolicy has no field "automted"; did you mean automated? [unknown-field]`},
		{"two clusters", strings.Replace(application, "name: in-cluster", "name: a, server: 'https://b'", 1) + "\n", "spec.destination: server \"https://b\" and name \"a\"; keep one of them"},
		{"a template of analyses", of("AnalysisTemplate"), "warning: AnalysisTemplate a: spec: analyses are not run"},
		{"one of the cluster", of("ClusterAnalysisTemplate"), "warning: ClusterAnalysisTemplate a: spec: analyses are not run"},
		{"an analysis", of("AnalysisRun"), "error: AnalysisRun a: spec: analyses are not run"},
		{"what generates Applications, which is said once", of("ApplicationSet"), "stdin.yaml:2:1: error: ApplicationSet a: kind: argoproj.io/v1alpha1 ApplicationSet is not served: no Application is generated from it"},
		{"an experiment", of("Experiment"), "error: Experiment a: spec: experiments are not run"},
		{"a Rollout's workload", "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nspec: {workloadRef: {apiVersion: apps/v1, kind: StatefulSet, name: a}, strategy: {blueGreen: {activeService: a}}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: b}]}}}\n", "error: Rollout a: spec.workloadRef: apps/v1 StatefulSet is not supported"},
		{"a wave", annotated("argocd.argoproj.io/sync-wave", "one"), `stdin.yaml:3:35: warning: ConfigMap a: metadata.annotations[argocd.argoproj.io/sync-wave]: "one": invalid wave, taken for 0; write a whole number [not-honoured]`},
		{"an option of an object", annotated("argocd.argoproj.io/sync-options", "Prunne=false"), `"Prunne=false": unknown sync option; did you mean Prune?`},
		{"an option of comparing", annotated("argocd.argoproj.io/compare-options", "IgnoreExtranous"), `"IgnoreExtranous": unknown compare option; did you mean IgnoreExtraneous?`},
		{"a hook", annotated("argocd.argoproj.io/hook", "PreSyncc"), `"PreSyncc": unknown hook; did you mean PreSync?`},
		{"an annotation misspelt", annotated("argocd.argoproj.io/hok", "PreSync"), "unknown annotation; did you mean argocd.argoproj.io/hook?"},
		{"an annotation of others", annotated("example.com/hok", "PreSync"), ""},
		{"a policy of an installation", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-rbac-cm}\ndata:\n  policy.csv: |\n    p, role:a, applications, get, */*, allow\n    p, role:a, applications\n", "stdin.yaml:5:3: warning: ConfigMap argocd-rbac-cm: data[policy.csv]: line 2: 3 fields, where p has 6"},
		{"a setting", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\ndata: {timeout.reconciliaton: 60s}\n", "data[timeout.reconciliaton]: unknown key"},
	} {
		code, stdout, stderr := runLine(t, c.manifest, "cyan validate - --fail-on warning")
		if c.says == "" && (code != 0 || !strings.Contains(stderr, "nothing found")) || c.says != "" && (code != 1 || !strings.Contains(stdout, c.says)) {
			t.Errorf("%s: got %d\n%s%swant %s", c.name, code, stdout, stderr, c.says)
		}
		if n := strings.Count(stdout, "\n"); c.says != "" && n != 1+strings.Count(c.manifest, "polices: [p]") {
			t.Errorf("%s: got %d lines, want 1:\n%s", c.name, n, stdout)
		}
	}
}

// Places are URIs, whatever files are called and wherever they are.
func TestValidateURIs(t *testing.T) {
	inFolder(t, "-- a b/c#%d.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: A}\n")
	uri := func(file string) (all []string) {
		var report struct {
			Runs []struct {
				Results []struct {
					Locations []struct {
						PhysicalLocation struct {
							ArtifactLocation struct{ URI, URIBaseID string }
						}
					}
				}
			}
		}
		_, stdout, _ := runWords(t, "cyan", "validate", file, "-o", "sarif")
		if err := json.Unmarshal([]byte(stdout), &report); err != nil {
			t.Fatal(err, stdout)
		}
		for _, r := range report.Runs[0].Results {
			for _, l := range r.Locations {
				all = append(all, l.PhysicalLocation.ArtifactLocation.URI+" "+l.PhysicalLocation.ArtifactLocation.URIBaseID)
			}
		}
		return all
	}
	if got := uri("a b/c#%d.yaml"); len(got) != 1 || got[0] != "a%20b/c%23%25d.yaml %SRCROOT%" {
		t.Errorf("got %q, want the path in the form of a URI", got)
	}
	here, err := filepath.Abs("a b/c#%d.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if got := uri(here); len(got) != 1 || !strings.HasPrefix(got[0], "file:///") || !strings.HasSuffix(got[0], "/a%20b/c%23%25d.yaml ") {
		t.Errorf("got %q, want a URI of this machine", got)
	}
}

// A Component, and a kustomization that builds nothing, are named with what to validate instead.
func TestValidateWhatBuildsNothing(t *testing.T) {
	inFolder(t, `
-- part/kustomization.yaml --
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
labels: [{pairs: {a: b}}]
-- patching/kustomization.yaml --
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches: [{patch: "{apiVersion: v1, kind: Secret, metadata: {name: b}}"}]
-- nothing/kustomization.yaml --
labels: [{pairs: {a: b}}]
`)
	const remedy = "validate a kustomization that has the Component in components"
	for line, want := range map[string]string{
		"cyan validate part":     "part: error: no objects to validate; " + remedy + " [no-objects]\n",
		"cyan validate patching": remedy + " [not-rendered]\n",
		"cyan validate nothing":  "nothing: error: no objects to validate; name what has objects in resources or generators of its kustomization [no-objects]\n",
	} {
		if code, stdout, stderr := runLine(t, "", line); code == 0 || !strings.HasSuffix(stdout, want) {
			t.Errorf("%s: got %d and\n%s%swant\n%s", line, code, stdout, stderr, want)
		}
	}
}
