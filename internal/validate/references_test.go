package validate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
)

// fromManifest renders a file.
func fromManifest(t testing.TB, manifest string) []render.Rendered {
	t.Helper()
	return rendered(t, map[string]string{"a.yaml": manifest}).Objects
}

func rendered(t testing.TB, files map[string]string) *render.Result {
	t.Helper()
	tree := fstest.MapFS{}
	for name, data := range files {
		tree[name] = &fstest.MapFile{Data: []byte(data), Mode: 0o644}
	}
	result, err := renderers.Render(tree, v1alpha1.ApplicationSource{}, render.Options{Namespace: "default"})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// texts are findings with their severity and rule, a line each.
func texts(findings []Finding) string {
	var b strings.Builder
	for _, f := range findings {
		b.WriteString(string(f.Severity) + " " + f.Rule + " " + f.Error.Error() + "\n")
	}
	return b.String()
}

const (
	webPod     = "spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {%}}}}"
	webApp     = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, " + webPod
	webService = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: %}]}}"
	webIngress = "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web}, spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: %}}}]}}]}}"
)

func with(template, value string) string { return strings.Replace(template, "%", value, 1) }

func TestReferences(t *testing.T) {
	const plain = "containers: [{name: a, image: a, ports: [{name: http, containerPort: 8080}]}]"
	settings := "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {level: info}}"
	credentials := "{apiVersion: v1, kind: Secret, metadata: {name: credentials}, stringData: {token: x}}"
	env := func(value string) string {
		return with(webApp, "containers: [{name: a, image: a, env: [{name: A, valueFrom: {"+value+"}}]}]")
	}
	rollout := func(service string) string {
		return "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: web}, spec: {selector: {matchLabels: {app: web}}, strategy: {blueGreen: {activeService: " + service + "}}, template: {metadata: {labels: {app: web}}, spec: {" + plain + "}}}}"
	}
	for _, c := range []struct {
		rule    string
		objects []string
		exists  map[Ref]bool
		want    string
	}{
		{"all that is named is there", []string{with(webApp, plain), with(webService, "http"), with(webIngress, "web, port: {name: http}"), settings}, nil, ""},
		{"a key of a ConfigMap", []string{env("configMapKeyRef: {name: settings, key: level}"), settings}, nil, ""},
		{"a key that it does not have", []string{env("configMapKeyRef: {name: settings, key: levl}"), settings}, nil, `error missing-reference a.yaml:1: Deployment web: spec.template.spec.containers[0].env[0].valueFrom.configMapKeyRef.name: ConfigMap settings has no key "levl"; did you mean level?`},
		{"a key that may be missing", []string{env("configMapKeyRef: {name: settings, key: levl, optional: true}"), settings}, nil, ""},
		{"a ConfigMap that is not rendered", []string{env("configMapKeyRef: {name: other-settings, key: a}")}, nil, "warning missing-reference a.yaml:1: Deployment web: spec.template.spec.containers[0].env[0].valueFrom.configMapKeyRef.name: ConfigMap other-settings is not among the objects; add it, or be sure that the cluster has it"},
		{"a ConfigMap that the cluster has", []string{env("configMapKeyRef: {name: other-settings, key: a}")}, map[Ref]bool{{Kind: "ConfigMap", Namespace: "default", Name: "other-settings"}: true}, ""},
		{"a ConfigMap that it has not", []string{env("configMapKeyRef: {name: other-settings, key: a}")}, map[Ref]bool{{Kind: "ConfigMap", Namespace: "default", Name: "other-settings"}: false}, "error missing-reference a.yaml:1: Deployment web: spec.template.spec.containers[0].env[0].valueFrom.configMapKeyRef.name: ConfigMap other-settings is neither among the objects nor in the cluster; add it, or correct the name"},
		{"a ConfigMap misspelt", []string{env("configMapKeyRef: {name: setings, key: level}"), settings}, nil, "error missing-reference a.yaml:1: Deployment web: spec.template.spec.containers[0].env[0].valueFrom.configMapKeyRef.name: ConfigMap setings is not among the objects; did you mean settings?"},
		{"a ConfigMap that may be missing", []string{env("configMapKeyRef: {name: other-settings, key: a, optional: true}")}, nil, ""},
		{"a Secret of another namespace", []string{env("secretKeyRef: {name: credentials, key: token}"), strings.Replace(credentials, "name: credentials", "name: credentials, namespace: other", 1)}, nil, "warning missing-reference"},
		{"a ConfigMap of another version", []string{env("configMapKeyRef: {name: settings-v2, key: level}"), strings.Replace(settings, "name: settings", "name: settings-v1", 1)}, nil, "warning missing-reference a.yaml:1: Deployment web: spec.template.spec.containers[0].env[0].valueFrom.configMapKeyRef.name: ConfigMap settings-v2 is not among the objects; did you mean settings-v1?"},
		{"a Secret by envFrom", []string{with(webApp, "containers: [{name: a, image: a, envFrom: [{secretRef: {name: nowhere}}]}]")}, nil, "containers[0].envFrom[0].secretRef.name: Secret nowhere is not among the objects"},
		{"volumes", []string{with(webApp, "containers: [{name: a, image: a}], volumes: [{name: a, secret: {secretName: no-secret}}, {name: b, persistentVolumeClaim: {claimName: no-claim}}, {name: c, projected: {sources: [{configMap: {name: no-map}}]}}]")}, nil, "Secret no-secret is not|PersistentVolumeClaim no-claim is not|ConfigMap no-map is not"},
		{"an item of a volume", []string{with(webApp, "containers: [{name: a, image: a}], volumes: [{name: a, configMap: {name: settings, items: [{key: nothing, path: x}]}}]"), settings}, nil, `volumes[0].configMap.items[0].key: ConfigMap settings has no key "nothing"`},
		{"a ServiceAccount", []string{with(webApp, "serviceAccountName: robot, containers: [{name: a, image: a}]")}, nil, "warning missing-reference a.yaml:1: Deployment web: spec.template.spec.serviceAccountName: ServiceAccount robot is not"},
		{"the ServiceAccount that each namespace has", []string{with(webApp, "serviceAccountName: default, containers: [{name: a, image: a}]")}, nil, ""},
		{"a Secret for images", []string{with(webApp, "imagePullSecrets: [{name: pull}], containers: [{name: a, image: a}]")}, nil, "imagePullSecrets[0].name: Secret pull is not"},
		{"a Service that selects nothing", []string{with(webApp, plain), strings.Replace(with(webService, "http"), "app: web", "app: wbe", 1)}, nil, "error selects-nothing a.yaml:3: Service web: spec.selector: no pod among the objects has the labels app=wbe; correct the selector: those of Deployment web have app=web"},
		{"a Service whose pods may be elsewhere", []string{with(webService, "http")}, nil, "warning selects-nothing"},
		{"a Service without a selector", []string{"{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 80}]}}"}, nil, ""},
		{"a named port that no container has", []string{with(webApp, plain), with(webService, "web")}, nil, `error missing-port a.yaml:3: Service web: spec.ports[0].targetPort: no container of the selected pods has a port of the name "web"; use one of their ports: 8080 http`},
		{"a number that no container declares", []string{with(webApp, plain), with(webService, "8081")}, nil, "warning missing-port a.yaml:3: Service web: spec.ports[0].targetPort: no container of the selected pods declares port 8081"},
		{"a number where nothing is declared", []string{with(webApp, "containers: [{name: a, image: a}]"), with(webService, "8081")}, nil, ""},
		{"an Ingress without its Service", []string{with(webIngress, "nothing, port: {number: 80}")}, nil, "error missing-reference a.yaml:1: Ingress web: spec.rules[0].http.paths[0].backend.service.name: Service nothing is not among the objects"},
		{"an Ingress with a port that its Service does not have", []string{with(webApp, plain), with(webService, "http"), with(webIngress, "web, port: {number: 81}")}, nil, "error missing-port a.yaml:5: Ingress web: spec.rules[0].http.paths[0].backend.service.port: Service web has no port 81; use one of its ports: 80 http"},
		{"a certificate that is made", []string{"{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web, annotations: {cert-manager.io/issuer: x}}, spec: {tls: [{secretName: made}], defaultBackend: {service: {name: web, port: {number: 80}}}}}", with(webApp, plain), with(webService, "http")}, nil, ""},
		{"a certificate that is not", []string{"{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web}, spec: {tls: [{secretName: given}], defaultBackend: {service: {name: web, port: {number: 80}}}}}", with(webApp, plain), with(webService, "http")}, nil, "warning missing-reference a.yaml:1: Ingress web: spec.tls[0].secretName: Secret given"},
		{"a Rollout", []string{rollout("web"), with(webService, "http")}, nil, ""},
		{"a Rollout without its Service", []string{rollout("active"), with(webService, "http")}, nil, "error missing-reference a.yaml:1: Rollout web: spec.strategy.blueGreen.activeService: Service active is not among the objects"},
		{"an autoscaler of nothing", []string{"{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: x}, spec: {maxReplicas: 3, scaleTargetRef: {kind: Deployment, name: wbe, apiVersion: apps/v1}}}", with(webApp, plain)}, nil, "error missing-reference a.yaml:1: HorizontalPodAutoscaler x: spec.scaleTargetRef.name: Deployment wbe is not among the objects; did you mean web?"},
		{"a budget of nothing", []string{"{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: x}, spec: {minAvailable: 1, selector: {matchLabels: {app: other}}}}", with(webApp, plain)}, nil, "warning selects-nothing"},
		{"a role that is not there", []string{"{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: x}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}, subjects: [{kind: ServiceAccount, name: default}]}"}, nil, "roleRef.name: Role r is not among the objects"},
		{"a role that each cluster has", []string{"{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: x}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}, subjects: [{kind: ServiceAccount, name: default}]}"}, nil, ""},
		{"a probe of a named port", []string{with(webApp, "containers: [{name: a, image: a, readinessProbe: {httpGet: {port: web}}, ports: [{name: http, containerPort: 80}]}]")}, nil, `error missing-port a.yaml:1: Deployment web: spec.template.spec.containers[0].readinessProbe.httpGet.port: the container has no port of the name "web"`},
		{"a Service of a Rollout that selects other pods", []string{rollout("web"), strings.Replace(with(webService, "http"), "{app: web}", "{app: web, tier: x, rollouts-pod-template-hash: abc}", 1)}, nil, "error selects-nothing a.yaml:1: Rollout web: spec.strategy.blueGreen.activeService: Service web selects tier=x, which the labels of the template do not have; change the selector of the Service, or the labels|error selects-nothing a.yaml:3: Service web: spec.selector: no pod among the objects has the labels app=web,tier=x"},
		{"a Service by labels that controllers add", []string{with(webApp, plain), strings.Replace(with(webService, "http"), "{app: web}", "{app: web, statefulset.kubernetes.io/pod-name: web-0, pod-template-hash: abc}", 1)}, nil, ""},
		{"a Service by such a label alone", []string{strings.Replace(with(webService, "http"), "{app: web}", "{job-name: a}", 1)}, nil, ""},
		{"a policy for pods that are not there", []string{"{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: x}, spec: {podSelector: {matchLabels: {app: wbe}}}}", with(webApp, plain)}, nil, "warning selects-nothing a.yaml:1: NetworkPolicy x: spec.podSelector: no pod among the objects has the labels app=wbe; correct the selector: those of Deployment web have app=web"},
		{"a policy for all pods", []string{"{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: x}, spec: {podSelector: {}}}"}, nil, ""},
		{"a policy by an expression", []string{"{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: x}, spec: {podSelector: {matchLabels: {app: x}, matchExpressions: [{key: a, operator: Exists}]}}}"}, nil, ""},
		{"a backend that an annotation defines", []string{strings.Replace(with(webIngress, "redirect, port: {name: use-annotation}"), "{name: web}", "{name: web, annotations: {alb.ingress.kubernetes.io/actions.redirect: '{}'}}", 1)}, nil, ""},
		{"a backend whose annotation is written by who shifts the traffic", []string{with(webIngress, "web, port: {name: use-annotation}"), with(webService, "http"), with(webApp, plain)}, nil, ""},
		{"a backend that an annotation of another defines", []string{strings.Replace(with(webIngress, "redirect, port: {name: use-annotation}"), "{name: web}", "{name: web, annotations: {alb.ingress.kubernetes.io/actions.other: '{}'}}", 1)}, nil, "error missing-reference"},
		{"an Application of a project", []string{"{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: x}, spec: {project: taem, source: {repoURL: 'https://git.example/a'}, destination: {name: in-cluster}}}", "{apiVersion: argoproj.io/v1alpha1, kind: AppProject, metadata: {name: team}, spec: {}}"}, nil, "error missing-reference a.yaml:1: Application x: spec.project: AppProject taem is not among the objects; did you mean team?"},
		{"an Application of the default project", []string{"{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: x}, spec: {project: default, source: {repoURL: 'https://git.example/a'}, destination: {name: in-cluster}}}"}, nil, ""},
		{"cores in mebibytes", []string{with(webApp, "containers: [{name: a, image: a, resources: {requests: {cpu: 100Mi}}}]")}, nil, "warning unlikely-amount a.yaml:1: Deployment web: spec.template.spec.containers[0].resources.requests.cpu: 100Mi is 104857600 cores; write 100m for as many thousandths of a core"},
		{"cores that were to be thousandths", []string{with(webApp, "containers: [{name: a, image: a, resources: {limits: {cpu: 250}}}]")}, nil, "limits.cpu: 250 is 250 cores; write 250m"},
		{"many cores", []string{with(webApp, "containers: [{name: a, image: a, resources: {limits: {cpu: 249}}}]")}, nil, ""},
		{"memory without a unit", []string{with(webApp, "containers: [{name: a, image: a}], initContainers: [{name: b, image: b, resources: {limits: {memory: '512'}}}]")}, nil, "initContainers[0].resources.limits.memory: 512 is 512 bytes; write the unit that is meant, such as 512Mi"},
		{"memory in kilobytes", []string{with(webApp, "containers: [{name: a, image: a, resources: {limits: {memory: 512k}}}]")}, nil, "limits.memory: 512k is 512000 bytes; write the unit that is meant, such as 512Mi"},
		{"little memory", []string{with(webApp, "containers: [{name: a, image: a, resources: {limits: {memory: 1Mi}, requests: {memory: 0, cpu: 1m}}}]")}, nil, ""},
		{"memory of less than a byte", []string{with(webApp, "containers: [{name: a, image: a, resources: {requests: {memory: 300m}}}]")}, nil, `warning discouraged a.yaml:1: Deployment web: spec.template.spec.containers[0].resources.requests[memory]: fractional byte value "300m" is invalid`},
		{"a claim without a unit", []string{"{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: x}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10}}}}"}, nil, "warning unlikely-amount a.yaml:1: PersistentVolumeClaim x: spec.resources.requests.storage: 10 is 10 bytes; write the unit that is meant, such as 10Mi"},
		{"a claim of a StatefulSet", []string{"{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: x}, spec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: a}]}}, volumeClaimTemplates: [{metadata: {name: a}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Gi}}}}, {metadata: {name: b}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10}}}}]}}"}, nil, "spec.volumeClaimTemplates[1].spec.resources.requests.storage: 10 is 10 bytes"},
		{"a port twice", []string{with(webApp, "containers: [{name: a, image: a, ports: [{containerPort: 80}, {containerPort: 80}]}]")}, nil, "duplicate port definition with spec.template.spec.containers[0].ports[0]; remove one of them: server-side apply, by which a sync writes, refuses both"},
		{"what an API server warns of", []string{with(webApp, "containers: [{name: a, image: a, env: [{name: A, value: x}, {name: A, value: z}]}]")}, nil, "warning discouraged a.yaml:1: Deployment web: spec.template.spec.containers[0].env[1]: hides previous definition of \"A\""},
	} {
		result := rendered(t, map[string]string{"a.yaml": strings.Join(c.objects, "\n---\n")})
		got := texts(Inspect(nil, result, &Known{Exists: c.exists}))
		for _, want := range strings.Split(c.want, "|") {
			if !strings.Contains(got, want) || c.want == "" && got != "" {
				t.Errorf("%s: got\n%swant %q", c.rule, got, want)
			}
		}
		if n := strings.Count(got, "\n"); c.want != "" && n != 1+strings.Count(c.want, "|") {
			t.Errorf("%s: got %d findings, want %d:\n%s", c.rule, n, 1+strings.Count(c.want, "|"), got)
		}
	}
}

// What is written where a scalar belongs is refused by its type, and compared with nothing.
func TestReferencesByWhatIsNoScalar(t *testing.T) {
	for _, manifests := range []string{
		with(webService, "{a: b}") + "\n---\n" + with(webApp, "containers: [{name: a, image: a, ports: [{containerPort: {a: b}, name: {a: b}}]}]"),
		with(webIngress, "web, port: {number: {a: b}}") + "\n---\n" + strings.Replace(with(webService, "80"), "port: 80", "port: {a: b}", 1),
		strings.ReplaceAll(with(webService, "80"), "app: web", "app: {a: b}") + "\n---\n" + strings.ReplaceAll(with(webApp, "containers: [{name: a, image: a}]"), "app: web", "app: {a: b}"),
		strings.ReplaceAll(with(webService, "80"), "app: web", "app: [b]") + "\n---\n" + strings.ReplaceAll(with(webApp, "containers: [a, [], 7]"), "app: web", "app: [b]"),
	} {
		if got := texts(Inspect(nil, rendered(t, map[string]string{"a.yaml": manifests}), nil)); !strings.Contains(got, RuleWrongType) {
			t.Errorf("%s: got %q, want a %s", manifests, got, RuleWrongType)
		}
	}
}

func TestReferred(t *testing.T) {
	objects := fromManifest(t, with(webApp, "serviceAccountName: robot, containers: [{name: a, image: a, envFrom: [{secretRef: {name: s}}, {secretRef: {name: s}}]}]")+"\n---\n"+"{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot}}")
	got := Referred(objects, &Known{DefaultNamespace: "shop"})
	if len(got) != 1 || got[0] != (Ref{Kind: "Secret", Namespace: "shop", Name: "s"}) {
		t.Errorf("got %v, want Secret s of namespace shop alone", got)
	}
}

func TestImageEntries(t *testing.T) {
	base := map[string]string{
		"base/kustomization.yaml": "resources: [d.yaml]\n",
		"base/d.yaml":             with(webApp, "containers: [{name: a, image: 'pokotyan/counter:v1'}, {name: b, image: 'redis:6'}]"),
		"part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages: [{name: '*', newTag: v2}]\n",
	}
	for _, c := range []struct{ rule, kustomization, want string }{
		{"no entries", "resources: [base]\n", ""},
		{"an entry that matches", "resources: [base]\nimages: [{name: pokotyan/counter, newTag: v2}]\n", "note image-without-entry base/d.yaml:1: Deployment web: spec.template.spec.containers[1].image: no entry of images in the kustomization is for \"redis\"; add an entry to images, if the kustomization is to set it\n"},
		{"an entry that is misspelt", "resources: [base]\nimages: [{name: redis, newTag: '7'}, {name: pokoytan/counter, newTag: v2}]\n",
			"error image-without-entry base/d.yaml:1: Deployment web: spec.template.spec.containers[0].image: no entry of images in the kustomization is for \"pokotyan/counter\"; an entry of images is for pokoytan/counter: write the same name in both\n" +
				"error unused-image-entry kustomization.yaml:2: images: no image has the name \"pokoytan/counter\"; did you mean pokotyan/counter?\n"},
		{"an entry with another number", "resources: [base]\nimages: [{name: redis, newTag: '7'}, {name: pokotyan/counter2, newTag: v2}]\n",
			"warning image-without-entry base/d.yaml:1: Deployment web: spec.template.spec.containers[0].image: no entry of images in the kustomization is for \"pokotyan/counter\"; an entry of images is for pokotyan/counter2: write the same name in both\n" +
				"warning unused-image-entry kustomization.yaml:2: images: no image has the name \"pokotyan/counter2\"; did you mean pokotyan/counter?\n"},
		{"an entry for nothing", "resources: [base]\nimages: [{name: redis, newTag: '7'}, {name: pokotyan/counter, newTag: v2}, {name: memcached, newTag: v2}]\n", "warning unused-image-entry kustomization.yaml:2: images: no image has the name \"memcached\"; remove it, or correct the name; there are: pokotyan/counter, redis\n"},
		{"an entry for all images", "resources: [base]\nimages: [{name: '*', newTag: v2}]\n", ""},
		{"entries that are patterns", "resources: [base]\nimages: [{name: '.*/counter', newTag: v2}, {name: 'red.s', newName: cache, newTag: v2}]\n", ""},
		{"a pattern for nothing", "resources: [base]\nimages: [{name: '*', newTag: v2}, {name: 'mem.*', newTag: v2}, {name: '[', newTag: v2}]\n",
			"warning unused-image-entry kustomization.yaml:2: images: no image has the name \"mem.*\"; remove it, or correct the name; there are: pokotyan/counter, redis\n" +
				"warning unused-image-entry kustomization.yaml:2: images: no image has the name \"[\"; remove it, or correct the name; there are: pokotyan/counter, redis\n"},
		{"an entry for one tag", "resources: [base]\nimages: [{name: '.*', newTag: v2}, {name: 'redis:v2', newTag: v3}]\n", ""},
		{"an entry for another tag", "resources: [base]\nimages: [{name: '.*', newName: a}, {name: 'a:7', newTag: v3}]\n",
			"warning unused-image-entry kustomization.yaml:2: images: no image has the name \"a:7\"; remove it, or correct the name; there are: a\n"},
		{"an entry for what the one before makes", "resources: [base]\nimages: [{name: redis, newName: cache}, {name: cache, newTag: v2}, {name: pokotyan/counter, newTag: v2}]\n", ""},
		{"an entry of a component", "resources: [base]\ncomponents: [part]\n", ""},
		{"a patch of another field", "resources: [base]\nimages: [{name: '*', newTag: v2}, {name: web, newTag: v2}]\npatches: [{target: {kind: Deployment}, patch: '[{\"op\": \"add\", \"path\": \"/metadata/labels\", \"value\": {}}, {\"op\": \"add\", \"path\": \"/metadata/labels/a\", \"value\": \"web\"}]'}]\n",
			"warning unused-image-entry kustomization.yaml:2: images: no image has the name \"web\"; remove it, or correct the name; there are: pokotyan/counter, redis\n"},
	} {
		files := map[string]string{"kustomization.yaml": c.kustomization}
		for name, data := range base {
			files[name] = data
		}
		if got := texts(Inspect(nil, rendered(t, files), nil)); got != c.want {
			t.Errorf("%s: got\n%swant\n%s", c.rule, got, c.want)
		}
	}
}

// Entries of images that are for nothing name what there is, a few of it; those that were not read are named as such.
func TestImageEntriesOfFewAndMany(t *testing.T) {
	of := func(images ...string) map[string]string {
		var containers []string
		for i, image := range images {
			containers = append(containers, fmt.Sprintf("{name: c%d, image: %s}", i, image))
		}
		return map[string]string{
			"kustomization.yaml": "resources: [d.yaml, s.yaml]\nimages:\n- {name: elsewhere, newTag: v2}\n",
			"d.yaml":             with(webApp, "containers: ["+strings.Join(containers, ", ")+"]"), "s.yaml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
		}
	}
	many := []string{"i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8"}
	for _, c := range []struct {
		rule  string
		files map[string]string
		want  string
	}{
		{"none", of("''"), "remove it: nothing that the kustomization builds on has an image"},
		{"eight", of(many...), "remove it, or correct the name; there are: i1, i2, i3, i4, i5, i6, i7, i8"},
		{"ten", of(append(many, "i9", "j1")...), "remove it, or correct the name; there are: i1, i2, i3, i4, i5, i6, i7, i8, and 2 more"},
	} {
		found := imageEntries(rendered(t, c.files))
		i := slices.IndexFunc(found, func(f Finding) bool { return f.Rule == RuleImageEntry })
		if i < 0 || found[i].Remedy != c.want || found[i].Line != 3 || found[i].Column != 10 || found[i].Kind != problem.Usage {
			t.Errorf("%s: got\n%+v\nwant %s at 3:10", c.rule, texts(found), c.want)
		}
	}
	got := imageEntries(&render.Result{ImagesUnread: &render.Place{File: "kustomization.yaml", Line: 2, Column: 4}})
	want := Finding{&problem.Error{
		Kind: problem.Usage, Rule: RuleNotLookedAt, File: "kustomization.yaml", Line: 2, Column: 4, Field: "images",
		Cause: "not compared with the images of the objects, because rendering them costs much already", Remedy: "validate a part of the kustomization",
	}, SeverityWarning}
	if len(got) != 1 || *got[0].Error != *want.Error || got[0].Severity != want.Severity {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A key that a patch has twice is an error, since one of the two is lost.
func TestRepeatedKeysOfPatches(t *testing.T) {
	got := texts(Inspect(nil, rendered(t, map[string]string{
		"kustomization.yaml": "resources: [a.yaml]\npatches:\n- path: p.yaml\n- patch: |-\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: a}\n    data: {x: y}\n    data: {z: y}\n",
		"a.yaml":             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
		"p.yaml":             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {e: b}\ndata: {f: d}\n",
	}), nil))
	for _, want := range []string{
		"error duplicate-key kustomization.yaml:9: patch of ConfigMap a: data: duplicate key: the first is in line 8; remove one of them\n",
		"error duplicate-key p.yaml:5: patch of ConfigMap a: data: duplicate key: the first is in line 4; remove one of them\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%swant %s", got, want)
		}
	}
}
