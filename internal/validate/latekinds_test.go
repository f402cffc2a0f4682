package validate

import (
	"strings"
	"testing"
)

func hpa(spec string) string {
	return "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: x}, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: d}, " + spec + "}}"
}

func budget(spec string) string {
	return "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: x}, spec: {" + spec + "}}"
}

func networkPolicy(spec string) string {
	return "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: x}, spec: {" + spec + "}}"
}

func ownKind(kind, spec string) string {
	return "{apiVersion: argoproj.io/v1alpha1, kind: " + kind + ", metadata: {name: x}, spec: {" + spec + "}}"
}

func gatewayKind(kind, spec string) string {
	return "{apiVersion: gateway.networking.k8s.io/v1, kind: " + kind + ", metadata: {name: x}, spec: {" + spec + "}}"
}

// lateKinds are manifests of kinds that stand beside workloads, each broken in one way.
var lateKinds = []struct{ rule, manifest, want string }{
	{"an autoscaler without an upper bound", hpa("minReplicas: 1"), "spec.maxReplicas"},
	{"an autoscaler with bounds that cross", hpa("minReplicas: 5, maxReplicas: 2"), "spec.maxReplicas"},
	{"an autoscaler of nothing at least", hpa("minReplicas: -1, maxReplicas: 2"), "spec.minReplicas"},
	{"an autoscaler with a target of the version before", hpa("maxReplicas: 2, metrics: [{type: Resource, resource: {name: cpu, targetAverageUtilization: 50}}]"), "targetAverageUtilization"},
	{"an autoscaler with a target without a type", hpa("maxReplicas: 2, metrics: [{type: Resource, resource: {name: cpu, target: {averageUtilization: 50}}}]"), "target.type"},
	{"an autoscaler with a metric of another type", hpa("maxReplicas: 2, metrics: [{type: Pods, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]"), "spec.metrics[0]"},
	{"an autoscaler with a type that there is not", hpa("maxReplicas: 2, metrics: [{type: Cpu}]"), "spec.metrics[0].type"},
	{"an autoscaler that uses less than nothing", hpa("maxReplicas: 2, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 0}}}]"), "averageUtilization"},
	{"an autoscaler with a policy without a period", hpa("maxReplicas: 2, behavior: {scaleDown: {policies: [{type: Pods, value: 1}]}}"), "periodSeconds"},
	{"an autoscaler with a window of two hours", hpa("maxReplicas: 2, behavior: {scaleDown: {stabilizationWindowSeconds: 7200}}"), "stabilizationWindowSeconds"},

	{"a budget of both", budget("minAvailable: 1, maxUnavailable: 1, selector: {matchLabels: {a: b}}"), "minAvailable"},
	{"a budget of more than all", budget("minAvailable: 150%, selector: {matchLabels: {a: b}}"), "spec.minAvailable"},
	{"a budget of less than none", budget("maxUnavailable: -1, selector: {matchLabels: {a: b}}"), "spec.maxUnavailable"},
	{"a budget in words", budget("minAvailable: half, selector: {matchLabels: {a: b}}"), "spec.minAvailable"},
	{"a budget with an operator that there is not", budget("minAvailable: 1, selector: {matchExpressions: [{key: a, operator: Is, values: [b]}]}"), "operator"},
	{"a budget with an unknown policy", budget("minAvailable: 1, unhealthyPodEvictionPolicy: Sometimes"), "unhealthyPodEvictionPolicy"},

	{"a policy with a type that there is not", networkPolicy("podSelector: {}, policyTypes: [Inbound]"), "spec.policyTypes"},
	{"a policy with a port out of range", networkPolicy("podSelector: {}, ingress: [{ports: [{port: 70000}]}]"), "port"},
	{"a policy with a port range backwards", networkPolicy("podSelector: {}, egress: [{ports: [{protocol: TCP, port: 90, endPort: 80}]}], policyTypes: [Egress]"), "endPort"},
	{"a policy with a range of a named port", networkPolicy("podSelector: {}, ingress: [{ports: [{port: http, endPort: 80}]}]"), "endPort"},
	{"a policy with an address that is none", networkPolicy("podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/99}}]}]"), "cidr"},
	{"a policy with an exception outside", networkPolicy("podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [192.168.0.0/16]}}]}]"), "except"},
	{"a policy with a peer of two kinds", networkPolicy("podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]}]"), "from[0]"},
	{"a policy with a peer of no kind", networkPolicy("podSelector: {}, ingress: [{from: [{}]}]"), "from[0]"},
	{"a policy with a protocol that there is not", networkPolicy("podSelector: {}, ingress: [{ports: [{protocol: HTTP, port: 80}]}]"), "protocol"},

	{"a Rollout with replicas in words", ownKind("Rollout", "replicas: two"), "spec.replicas"},
	{"a Rollout with a strategy that is a word", ownKind("Rollout", "strategy: blueGreen"), "spec.strategy"},
	{"a Rollout with a misspelt Service", ownKind("Rollout", "selector: {matchLabels: {a: b}}, strategy: {blueGreen: {activeServce: s}}"), "activeServ"},
	{"a project with sources that are a word", ownKind("AppProject", "sourceRepos: '*'"), "spec.sourceRepos"},
	{"a project with a misspelt destination", ownKind("AppProject", "destinations: [{servr: x, namespace: y}]"), "servr"},
	{"a project with a list of kinds that is a word", ownKind("AppProject", "clusterResourceWhitelist: all"), "clusterResourceWhitelist"},
	{"a project with a window of minutes in words", ownKind("AppProject", "syncWindows: [{kind: allow, schedule: 1}]"), "schedule"},
	{"an Application without a destination", ownKind("Application", "project: default, source: {repoURL: x, path: y}"), "spec.destination"},
	{"an Application whose pruning is a word", ownKind("Application", "project: default, destination: {}, source: {repoURL: x, path: y}, syncPolicy: {automated: {prune: maybe}}"), "prune"},
	{"generators that are a word", ownKind("ApplicationSet", "generators: all, template: {}"), "ApplicationSet"},
	{"measurements of a version that there is not", strings.Replace(ownKind("AnalysisTemplate", "metrics: []"), "v1alpha1", "v1beta1", 1), "AnalysisTemplate"},
	{"a route, where no definition of routes is", gatewayKind("HTTPRoute", "hostnames: [a]"), "HTTPRoute"},
	{"a gateway, where no definition of gateways is", gatewayKind("Gateway", "listeners: []"), "Gateway"},
}

// Without a cluster, the same is found, where it stands.
func TestLateKinds(t *testing.T) {
	for _, row := range lateKinds {
		if got := lines(Check(fromManifest(t, row.manifest), nil)); got == "" || !strings.Contains(got, row.want) {
			t.Errorf("%s: got %q, want a finding with %q", row.rule, got, row.want)
		}
	}
}
