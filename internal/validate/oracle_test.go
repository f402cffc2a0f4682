package validate

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/renderers"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// podSpec is a Deployment whose pod has the spec; container one whose only container has more fields.
func podSpec(spec string) string {
	return "{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {" + spec + "}}}}"
}

func container(fields string) string {
	return podSpec("containers: [{name: a, image: a, " + fields + "}]")
}

func rolloutPod(fields string) string {
	return "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: x}, spec: {selector: {matchLabels: {a: b}}, strategy: {blueGreen: {activeService: s}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a, " + fields + "}]}}}}"
}

func serviceSpec(spec string) string {
	return "{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {" + spec + "}}"
}

// definitionWith is a definition of a kind with one field, which has the schema.
func definitionWith(schema string) string {
	return "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: widgets.oracle.example.com}, spec: {group: oracle.example.com, names: {kind: Widget, plural: widgets}, scope: Namespaced, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {a: {" + schema + "}}}}}]}}"
}

func configMap(metadata, rest string) string {
	return "{apiVersion: v1, kind: ConfigMap, metadata: {name: x" + metadata + "}" + rest + "}"
}

// oracle are objects whose verdict here has to be that of a real API server. Most are what people get wrong.
var oracle = []struct {
	rule, manifest string
	// want are the words of a finding; "" when the object is taken.
	want string
}{
	// What the server sets itself, and names of images.
	{"a uid", configMap(", uid: abc", ""), ""},
	{"a resource version", configMap(", resourceVersion: '7'", ""), ""},
	{"managed fields of nothing", configMap(", managedFields: []", ""), ""},
	{"a time of deletion", configMap(", deletionTimestamp: '2020-01-01T00:00:00Z'", ""), ""},
	{"a generation", configMap(", generation: 7", ""), ""},
	{"a negative generation", configMap(", generation: -7", ""), "metadata.generation"},
	{"a link to itself", configMap(", selfLink: /api", ""), ""},
	{"the name of a cluster", configMap(", clusterName: c", ""), "has no field"},
	{"an image with a blank before it", podSpec("containers: [{name: a, image: ' i'}]"), ""},
	{"an image of a Pod with a blank before it", "{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: [{name: a, image: ' i'}]}}", "image"},
	{"an image of a Pod that is no name", "{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: [{name: a, image: 'Foo/Bar:X Y'}]}}", ""},
	// Schemas of definitions.
	{"a number or text, with a type", definitionWith("type: integer, x-kubernetes-int-or-string: true"), ""},
	{"a number or text", definitionWith("x-kubernetes-int-or-string: true"), ""},
	{"a list without a type of its elements", definitionWith("type: array"), "items"},
	{"an embedded object that is a number", definitionWith("type: integer, x-kubernetes-embedded-resource: true"), "must be object"},
	{"a set that is text", definitionWith("type: string, x-kubernetes-list-type: set"), "must be array"},
	{"a mapping that is text", definitionWith("type: string, x-kubernetes-map-type: atomic"), "must be object"},
	// Quantities.
	{"a quantity as a fraction", container("resources: {requests: {cpu: 0.5}}"), ""},
	{"a quantity as a whole number", container("resources: {requests: {cpu: 1, memory: 1000000}}"), ""},
	{"a quantity as an exponent", container("resources: {limits: {memory: 1e9}}"), ""},
	{"a quantity as a small fraction", container("resources: {requests: {cpu: 0.1}}"), ""},
	{"a quantity as text", container("resources: {requests: {cpu: 100m}}"), ""},
	{"a quantity with a wrong unit", container("resources: {requests: {memory: 1GB}}"), "resources.requests[memory]"},
	{"a quantity as truth", container("resources: {requests: {cpu: true}}"), "resources.requests[cpu]"},
	{"a quantity as null", container("resources: {requests: {cpu: null}}"), ""},
	{"a negative quantity", container("resources: {requests: {cpu: -1}}"), "resources.requests"},
	{"a request above its limit", container("resources: {requests: {cpu: 2}, limits: {cpu: 1}}"), "must be less than or equal to cpu limit"},
	{"a quantity as a fraction in a Rollout", rolloutPod("resources: {requests: {cpu: 0.5}}"), ""},
	{"a quantity with a wrong unit in a Rollout", rolloutPod("resources: {requests: {memory: 1GB}}"), "resources.requests"},
	{"a quantity of a volume as a fraction", podSpec("containers: [{name: a, image: a}], volumes: [{name: v, emptyDir: {sizeLimit: 0.5}}]"), ""},
	{"a quantity of a claim as a number", "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: x}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1000000000}}}}", ""},
	{"a quota with a number", "{apiVersion: v1, kind: ResourceQuota, metadata: {name: x}, spec: {hard: {pods: 4, cpu: 1.5}}}", ""},
	// What repeats.
	{"an env name twice", container("env: [{name: A, value: b}, {name: A, value: c}]"), ""},
	{"an env name thrice in a Rollout", rolloutPod("env: [{name: A, value: b}, {name: A, value: c}, {name: A, value: d}]"), ""},
	{"a container port twice", container("ports: [{containerPort: 80}, {containerPort: 80}]"), ""},
	{"a container port under two names", container("ports: [{name: a, containerPort: 80}, {name: b, containerPort: 80}]"), ""},
	{"a container port under two names in a Rollout", rolloutPod("ports: [{name: a, containerPort: 80}, {name: b, containerPort: 80}]"), ""},
	{"a container port of both protocols", container("ports: [{containerPort: 80, protocol: TCP}, {containerPort: 80, protocol: UDP}]"), ""},
	{"a name of two container ports", container("ports: [{name: a, containerPort: 80}, {name: a, containerPort: 81}]"), "duplicate value"},
	{"a name of two container ports in a Rollout", rolloutPod("ports: [{name: a, containerPort: 80}, {name: a, containerPort: 81}]"), "duplicate value"},
	{"a port of a Service twice", serviceSpec("ports: [{name: a, port: 80}, {name: b, port: 80}]"), "duplicate"},
	{"a name of two ports of a Service", serviceSpec("ports: [{name: a, port: 80}, {name: a, port: 81}]"), "duplicate"},
	{"a Service with two ports without names", serviceSpec("ports: [{port: 80}, {port: 81}]"), "name"},
	{"two containers of one name", podSpec("containers: [{name: a, image: a}, {name: a, image: b}]"), "duplicate"},
	{"a container and an init container of one name", podSpec("containers: [{name: a, image: a}], initContainers: [{name: a, image: b}]"), "duplicate"},
	{"two volumes of one name", podSpec("containers: [{name: a, image: a}], volumes: [{name: v, emptyDir: {}}, {name: v, emptyDir: {}}]"), "duplicate"},
	{"two mounts on one path", podSpec("containers: [{name: a, image: a, volumeMounts: [{name: v, mountPath: /a}, {name: v, mountPath: /a}]}], volumes: [{name: v, emptyDir: {}}]"), "mountPath"},
	{"an image pull secret twice", podSpec("containers: [{name: a, image: a}], imagePullSecrets: [{name: s}, {name: s}]"), ""},
	{"a toleration twice", podSpec("containers: [{name: a, image: a}], tolerations: [{key: a, operator: Exists}, {key: a, operator: Exists}]"), ""},
	{"an argument twice", container("args: [a, a]"), ""},
	{"an owner twice", configMap(", ownerReferences: [{apiVersion: v1, kind: Node, name: own, uid: u}, {apiVersion: v1, kind: Node, name: own, uid: u}]", ""), ""},
	{"a finalizer twice", configMap(", finalizers: [a/b, a/b]", ""), ""},
	{"a subject twice", "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: x}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}, subjects: [{kind: User, name: u, apiGroup: rbac.authorization.k8s.io}, {kind: User, name: u, apiGroup: rbac.authorization.k8s.io}]}", ""},
	{"a secret of a service account twice", "{apiVersion: v1, kind: ServiceAccount, metadata: {name: x}, secrets: [{name: s}, {name: s}]}", ""},
	{"a host of an Ingress twice", "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: x}, spec: {rules: [{host: a.example}, {host: a.example}]}}", ""},
	{"a metric of an autoscaler twice", "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: x}, spec: {maxReplicas: 3, scaleTargetRef: {kind: Deployment, name: d, apiVersion: apps/v1}, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 1}}}, {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 2}}}]}}", ""},
	// References within an object.
	{"a mount of a volume that is not there", container("volumeMounts: [{name: v, mountPath: /v}]"), "no volume"},
	{"a mount of a volume that is not there, in a Rollout", rolloutPod("volumeMounts: [{name: v, mountPath: /v}]"), "no volume"},
	{"a device of a volume that is not there", container("volumeDevices: [{name: v, devicePath: /v}]"), "no volume"},
	{"a mount in an init container of a volume that is not there", podSpec("containers: [{name: a, image: a}], initContainers: [{name: i, image: a, volumeMounts: [{name: v, mountPath: /v}]}]"), "no volume"},
	{"a probe at a port that has no name", container("livenessProbe: {httpGet: {port: nope}}"), ""},
	{"a selector that the labels do not match", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: c}}, spec: {containers: [{name: a, image: a}]}}}}", "selector"},
	{"no selector", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {template: {metadata: {labels: {a: c}}, spec: {containers: [{name: a, image: a}]}}}}", "selector"},
	{"a scheduling claim that is not there", container("resources: {claims: [{name: c}]}"), "claims"},
	// Types.
	{"a number for the value of a variable", container("env: [{name: A, value: 1}]"), "put it in quotes"},
	{"a truth for the value of a variable", container("env: [{name: A, value: true}]"), "put it in quotes"},
	{"a number for a label", configMap(", labels: {a: 1}", ""), "put it in quotes"},
	{"a truth for an annotation", configMap(", annotations: {a: true}", ""), "put it in quotes"},
	{"a number for data", configMap("", ", data: {a: 1}"), "put it in quotes"},
	{"a number as a key", configMap("", ", data: {1: a}"), ""},
	{"a fraction as a key", configMap("", ", data: {1.5: a}"), ""},
	{"a truth as a key", configMap("", ", data: {true: a}"), ""},
	{"a number as a key of labels", configMap(", labels: {8080: a}", ""), ""},
	{"a number as a key that is unknown", container("8080: a"), "has no field"},
	{"text for replicas", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {replicas: '1', selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}", "without quotes"},
	{"a fraction for replicas", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {replicas: 1.5, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}", "whole number"},
	{"a whole number written as a fraction for replicas", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {replicas: 1.0, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}", ""},
	{"null for replicas", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {replicas: null, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}", ""},
	{"null for a list", container("env: null, args: null"), ""},
	{"null in a list of text", container("args: [a, null]"), ""},
	{"null in a list of objects", container("env: [null]"), "env"},
	{"an empty list of containers", podSpec("containers: []"), "containers"},
	{"a port as text", container("ports: [{containerPort: '80'}]"), "without quotes"},
	{"a target port as text", serviceSpec("ports: [{port: 80, targetPort: http}]"), ""},
	{"a target port as a numeral in text", serviceSpec("ports: [{port: 80, targetPort: '8080'}]"), "targetPort"},
	{"a port out of range", container("ports: [{containerPort: 70000}]"), "65535"},
	{"a number for a command", container("command: [sleep, 3600]"), "put it in quotes"},
	{"text for a truth", container("tty: 'true'"), "without quotes"},
	{"text for a time", "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, creationTimestamp: yesterday}}", "creationTimestamp"},
	{"null for the creation time", configMap(", creationTimestamp: null", ""), ""},
	{"a mode in octal", podSpec("containers: [{name: a, image: a}], volumes: [{name: v, configMap: {name: c, defaultMode: 0644}}]"), ""},
	{"a mode out of range", podSpec("containers: [{name: a, image: a}], volumes: [{name: v, configMap: {name: c, defaultMode: 644}}]"), "defaultMode"},
	// Unknown fields.
	{"a field in another case", container("imagepullpolicy: Always"), "did you mean imagePullPolicy"},
	{"a field of another object", container("replicas: 1"), "has no field"},
	{"a field of the metadata", configMap(", lables: {a: b}", ""), "did you mean labels"},
	{"data beside an object", configMap("", ", dat: {a: b}"), "did you mean data"},
	// Values.
	{"an unknown policy for images", container("imagePullPolicy: Sometimes"), "unsupported value"},
	{"an unknown kind of Service", serviceSpec("type: LoadBalacer, ports: [{port: 80}]"), "unsupported value"},
	{"a name in capital letters", "{apiVersion: v1, kind: ConfigMap, metadata: {name: X}}", "metadata.name"},
	{"a name that is too long", "{apiVersion: v1, kind: Service, metadata: {name: a23456789-123456789-123456789-123456789-123456789-123456789-1234}, spec: {ports: [{port: 80}]}}", "63"},
	{"a label that is too long", configMap(", labels: {a: a23456789-123456789-123456789-123456789-123456789-123456789-1234}", ""), "63"},
	{"a label with a blank", configMap(", labels: {a: 'b c'}", ""), "metadata.labels"},
	{"a key of data with a blank", configMap("", ", data: {'a b': c}"), "data"},
	{"a key in data and in binaryData", configMap("", ", data: {a: b}, binaryData: {a: Yg==}"), "duplicate"},
	{"a schedule that is none", "{apiVersion: batch/v1, kind: CronJob, metadata: {name: x}, spec: {schedule: daily, jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}}}", "schedule"},
	{"a Job that restarts always", "{apiVersion: batch/v1, kind: Job, metadata: {name: x}, spec: {template: {spec: {containers: [{name: a, image: a}]}}}}", "restartPolicy"},
	{"a variable without a name", container("env: [{value: a}]"), "name"},
	{"a variable with a value and a source", container("env: [{name: A, value: b, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]"), "valueFrom"},
	{"a variable with an equals sign", container("env: [{name: 'A=B', value: b}]"), "name"},
	{"two probes in one", container("livenessProbe: {httpGet: {port: 80}, tcpSocket: {port: 80}}"), "livenessProbe"},
	{"no image", podSpec("containers: [{name: a}]"), "image"},
	{"an Ingress without a kind of path", "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: x}, spec: {rules: [{http: {paths: [{path: /, backend: {service: {name: s, port: {number: 80}}}}]}}]}}", "pathType"},
	{"an Ingress with the old backend", "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: x}, spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {serviceName: s, servicePort: 80}}]}}]}}", "has no field"},
	{"a role with no verbs", "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: x}, rules: [{apiGroups: [''], resources: [pods]}]}", "verbs"},
	{"a budget with both bounds", "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: x}, spec: {minAvailable: 1, maxUnavailable: 1, selector: {matchLabels: {a: b}}}}", "cannot be both set"},
	{"a claim without a size", "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: x}, spec: {accessModes: [ReadWriteOnce]}}", "storage"},
	{"a Secret in plain text", "{apiVersion: v1, kind: Secret, metadata: {name: x}, data: {a: 'not base64!'}}", "base64"},
	{"a Secret of a type without its keys", "{apiVersion: v1, kind: Secret, metadata: {name: x}, type: kubernetes.io/tls}", "tls.crt"},
	{"a network policy with a port that is none", "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: x}, spec: {podSelector: {}, ingress: [{ports: [{port: 0}]}]}}", "port"},
	{"a set without a service name", "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: x}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}", ""},
	{"a strategy with fields of another", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}", "rollingUpdate"},
	{"a policy for the host's network and ports", podSpec("hostNetwork: true, containers: [{name: a, image: a, ports: [{containerPort: 80, hostPort: 81}]}]"), "hostPort"},
	{"a privileged container", container("securityContext: {privileged: true}"), ""},
	{"a privileged container in a Rollout", rolloutPod("securityContext: {privileged: true}"), ""},
	{"a privileged container that may not gain rights", container("securityContext: {privileged: true, allowPrivilegeEscalation: false}"), "allowPrivilegeEscalation"},
	{"a process of the host, of Windows", podSpec("hostNetwork: true, os: {name: windows}, securityContext: {windowsOptions: {hostProcess: true}}, containers: [{name: a, image: a}]"), ""},
	{"the namespaces of the host", podSpec("hostNetwork: true, hostPID: true, hostIPC: true, containers: [{name: a, image: a}]"), ""},
	{"a mount that is seen by the host", podSpec("containers: [{name: a, image: a, securityContext: {privileged: true}, volumeMounts: [{name: v, mountPath: /v, mountPropagation: Bidirectional}]}], volumes: [{name: v, hostPath: {path: /v}}]"), ""},
	{"a mount that is seen by the host, of a container without privileges", podSpec("containers: [{name: a, image: a, volumeMounts: [{name: v, mountPath: /v, mountPropagation: Bidirectional}]}], volumes: [{name: v, hostPath: {path: /v}}]"), "mountPropagation"},
	{"an autoscaler with more at least than at most", "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: x}, spec: {minReplicas: 5, maxReplicas: 3, scaleTargetRef: {kind: Deployment, name: d, apiVersion: apps/v1}}}", "maxReplicas"},
	{"a status", "{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {ports: [{port: 80}]}, status: {loadBalancer: {}}}", ""},
	{"a status of nonsense", "{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {ports: [{port: 80}]}, status: {nonsense: 1}}", "has no field"},
	{"a namespace of capital letters", "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: Team}}", "namespace"},
}

// What is refused here is refused by a real API server, and what is taken here is taken there; but for the pods of a
// Rollout, whose definition has no rules for them: the pods that it makes would be refused.
func TestVerdictsAreTheAPIServers(t *testing.T) {
	if testing.Short() {
		t.Skip("starts an API server")
	}
	cluster := testkit.Cluster(t)
	testkit.Eventually(t, time.Minute, "the service account of the namespace default", func() error {
		return cluster.Client.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "default"}, &corev1.ServiceAccount{})
	})
	for _, row := range oracle {
		rendered := fromFile(t, row.manifest)
		err := dryRun(t.Context(), cluster.Client, rendered)
		isRollout := rendered.Object.GetKind() == "Rollout"
		if refused := row.want != ""; (err != nil) != refused && (!isRollout || !refused) {
			t.Errorf("%s: the API server says %v; the table wants %q", row.rule, err, row.want)
		}
	}
}

// Without an API server, the verdict is the same.
func TestVerdicts(t *testing.T) {
	for _, row := range oracle {
		findings := lines(Check([]render.Rendered{fromFile(t, row.manifest)}, nil))
		if row.want == "" && findings != "" || !strings.Contains(findings, row.want) {
			t.Errorf("%s: found %q, want %q", row.rule, findings, row.want)
		}
	}
}

// fromFile renders a file with one object.
func fromFile(t testing.TB, manifest string) render.Rendered {
	t.Helper()
	tree := fstest.MapFS{"a.yaml": {Data: []byte(manifest), Mode: 0o644}}
	result, err := renderers.Render(tree, v1alpha1.ApplicationSource{}, render.Options{Namespace: "default"})
	if err != nil || len(result.Objects) != 1 {
		t.Fatalf("rendering %s: %v", manifest, err)
	}
	return result.Objects[0]
}
