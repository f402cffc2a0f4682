package validate

import (
	"strings"
	"testing"
)

// Each kind of reference that leads nowhere is found at its field, and one that leads somewhere is not.
func TestReferencesByKind(t *testing.T) {
	const (
		absent   = " is not among the objects; add it, or be sure that the cluster has it\n"
		plain    = "containers: [{name: a, image: a}]"
		web      = "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {clusterIP: None, ports: [{name: http, port: 80}]}}"
		roleOf   = "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: b, namespace: shop}, roleRef: {apiGroup: rbac.authorization.k8s.io, "
		client   = "clientConfig: {service: {name: hook, namespace: shop}}"
		toWeb    = "clientConfig: {service: {name: web, namespace: shop, port: 81}}"
		noPort81 = "Service web has no port 81; use one of its ports: 80 http\n"
	)
	object := func(apiVersion, kind, rest string) string {
		return "{apiVersion: " + apiVersion + ", kind: " + kind + ", metadata: {name: x, namespace: shop}, " + rest + "}"
	}
	ingress := func(spec string) string { return object("networking.k8s.io/v1", "Ingress", "spec: {"+spec+"}") }
	route := func(kind, backend string) string {
		return object("gateway.networking.k8s.io/v1", kind, "spec: {rules: [{backendRefs: [{"+backend+"}]}]}")
	}
	set := func(service string) string {
		return object("apps/v1", "StatefulSet", "spec: {serviceName: "+service+", selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {"+plain+"}}}")
	}
	scaler := func(apiVersion, kind, name string) string {
		return object("autoscaling/v2", "HorizontalPodAutoscaler", "spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: "+apiVersion+", kind: "+kind+", name: "+name+"}}")
	}
	hook := func(kind, client string) string {
		return object("admissionregistration.k8s.io/v1", kind, "webhooks: [{name: a.example.com, "+client+"}]")
	}
	projected := func(item string) string {
		return object("v1", "Pod", "spec: {"+plain+", volumes: [{name: v, projected: {sources: [{"+item+"}]}}]}")
	}
	settings := "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop}, data: {level: info}}"
	secret := "{apiVersion: v1, kind: Secret, metadata: {name: token, namespace: shop}, stringData: {a: b}}"
	for _, c := range []struct{ rule, objects, want string }{
		{"a default backend", ingress("defaultBackend: {service: {name: nowhere, port: {number: 80}}}"), "error missing-reference a.yaml:1: Ingress shop/x: spec.defaultBackend.service.name: Service nowhere" + absent},
		{"a default backend's port by name", ingress("defaultBackend: {service: {name: web, port: {name: htpp}}}") + "\n---\n" + web, "error missing-port a.yaml:1: Ingress shop/x: spec.defaultBackend.service.port: Service web has no port htpp; use one of its ports: 80 http\n"},
		{"a default backend's port that is there", ingress("defaultBackend: {service: {name: web, port: {name: http}}}") + "\n---\n" + web, ""},
		{"a certificate", ingress("tls: [{secretName: cert}]"), "warning missing-reference a.yaml:1: Ingress shop/x: spec.tls[0].secretName: Secret cert" + absent},
		{"a certificate that is there", ingress("tls: [{secretName: token}]") + "\n---\n" + secret, ""},

		{"the Service of a StatefulSet", set("nowhere"), "warning missing-reference a.yaml:1: StatefulSet shop/x: spec.serviceName: Service nowhere" + absent},
		{"that is there", set("web") + "\n---\n" + web, ""},

		{"a workload of the core group", scaler("v1", "ReplicationController", "nowhere"), "warning missing-reference a.yaml:1: HorizontalPodAutoscaler shop/x: spec.scaleTargetRef.name: ReplicationController nowhere" + absent},
		{"that is there, of the core group", scaler("v1", "ReplicationController", "x") + "\n---\n" + object("v1", "ReplicationController", "spec: {selector: {a: b}}"), ""},
		{"a workload of another group", scaler("apps/v1", "StatefulSet", "x") + "\n---\n" + set("web") + "\n---\n" + web, ""},
		{"the workload of a Rollout", object("argoproj.io/v1alpha1", "Rollout", "spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: nowhere}}"), "warning missing-reference a.yaml:1: Rollout shop/x: spec.workloadRef.name: Deployment nowhere" + absent},
		{"the Services of a canary", object("argoproj.io/v1alpha1", "Rollout", "spec: {strategy: {canary: {stableService: a, canaryService: bb}}}"),
			"error missing-reference a.yaml:1: Rollout shop/x: spec.strategy.canary.stableService: Service a" + absent + "error missing-reference a.yaml:1: Rollout shop/x: spec.strategy.canary.canaryService: Service bb" + absent},
		{"the preview of a Rollout", object("argoproj.io/v1alpha1", "Rollout", "spec: {strategy: {blueGreen: {activeService: web, previewService: nowhere}}}") + "\n---\n" + web, "error missing-reference a.yaml:1: Rollout shop/x: spec.strategy.blueGreen.previewService: Service nowhere" + absent},

		{"a role", roleOf + "kind: Role, name: nowhere}}", "warning missing-reference a.yaml:1: RoleBinding shop/b: roleRef.name: Role nowhere" + absent},
		{"a role that is there", roleOf + "kind: Role, name: x}}\n---\n" + object("rbac.authorization.k8s.io/v1", "Role", "rules: []"), ""},
		{"a role of another namespace", roleOf + "kind: Role, name: x}}\n---\n" + strings.Replace(object("rbac.authorization.k8s.io/v1", "Role", "rules: []"), "shop", "other", 1), "warning missing-reference a.yaml:1: RoleBinding shop/b: roleRef.name: Role x" + absent},
		{"a role of the cluster", roleOf + "kind: ClusterRole, name: nowhere}}", "warning missing-reference a.yaml:1: RoleBinding shop/b: roleRef.name: ClusterRole nowhere" + absent},
		{"a role of the cluster that is there", roleOf + "kind: ClusterRole, name: x}}\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: x}}", ""},
		{"a role of the API server's own", roleOf + "kind: ClusterRole, name: 'system:node'}}", ""},
		{"a ServiceAccount", roleOf + "kind: ClusterRole, name: view}, subjects: [{kind: User, name: jane}, {kind: ServiceAccount, name: robot}]}", "warning missing-reference a.yaml:1: RoleBinding shop/b: subjects[1].name: ServiceAccount robot" + absent},
		{"a ServiceAccount of another namespace", roleOf + "kind: ClusterRole, name: view}, subjects: [{kind: ServiceAccount, name: robot, namespace: other}]}\n---\n{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot, namespace: other}}", ""},
		{"a ServiceAccount, for the whole cluster", strings.NewReplacer("RoleBinding", "ClusterRoleBinding", ", namespace: shop", "").Replace(roleOf) + "kind: ClusterRole, name: view}, subjects: [{kind: ServiceAccount, name: robot, namespace: other}]}", "warning missing-reference a.yaml:1: ClusterRoleBinding b: subjects[0].name: ServiceAccount robot" + absent},

		{"a backend of a route", route("HTTPRoute", "name: nowhere, port: 80"), "warning missing-reference a.yaml:1: HTTPRoute shop/x: spec.rules[0].backendRefs[0].name: Service nowhere" + absent},
		{"a port of one", route("HTTPRoute", "name: web, port: 81") + "\n---\n" + web, "error missing-port a.yaml:1: HTTPRoute shop/x: spec.rules[0].backendRefs[0].port: " + noPort81},
		{"a backend of another namespace", route("GRPCRoute", "kind: Service, name: web, namespace: other, port: 80") + "\n---\n" + web, "warning missing-reference a.yaml:1: GRPCRoute shop/x: spec.rules[0].backendRefs[0].name: Service web" + absent},
		{"a backend that is no Service", route("TLSRoute", "kind: Bucket, name: web"), ""},
		{"a backend that is there", route("TCPRoute", "name: web, port: 80") + "\n---\n" + web, ""},

		{"a webhook", hook("ValidatingWebhookConfiguration", client), "warning missing-reference a.yaml:1: ValidatingWebhookConfiguration shop/x: webhooks[0].clientConfig.service.name: Service hook" + absent},
		{"a webhook that changes", hook("MutatingWebhookConfiguration", client), "warning missing-reference a.yaml:1: MutatingWebhookConfiguration shop/x: webhooks[0].clientConfig.service.name: Service hook" + absent},
		{"a webhook's port", hook("ValidatingWebhookConfiguration", toWeb) + "\n---\n" + web, "error missing-port a.yaml:1: ValidatingWebhookConfiguration shop/x: webhooks[0].clientConfig.service.port: " + noPort81},
		{"a webhook elsewhere", hook("ValidatingWebhookConfiguration", "clientConfig: {url: 'https://a.example'}"), ""},
		{"a conversion", object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec: {conversion: {strategy: Webhook, webhook: {"+client+"}}}"), "warning missing-reference a.yaml:1: CustomResourceDefinition shop/x: spec.conversion.webhook.clientConfig.service.name: Service hook" + absent},
		{"an API elsewhere", object("apiregistration.k8s.io/v1", "APIService", "spec: {service: {name: hook, namespace: shop}}"), "warning missing-reference a.yaml:1: APIService shop/x: spec.service.name: Service hook" + absent},
		{"an API of the API server itself", object("apiregistration.k8s.io/v1", "APIService", "spec: {group: a}"), ""},

		{"a Secret for images of a ServiceAccount", object("v1", "ServiceAccount", "imagePullSecrets: [{name: nowhere}]"), "warning missing-reference a.yaml:1: ServiceAccount shop/x: imagePullSecrets[0].name: Secret nowhere" + absent},
		{"a claim that is a copy", object("v1", "PersistentVolumeClaim", "spec: {dataSource: {kind: PersistentVolumeClaim, name: nowhere}}"), "warning missing-reference a.yaml:1: PersistentVolumeClaim shop/x: spec.dataSource.name: PersistentVolumeClaim nowhere" + absent},
		{"a claim that is a copy of another namespace's", object("v1", "PersistentVolumeClaim", "spec: {dataSourceRef: {kind: PersistentVolumeClaim, name: x, namespace: other}}"), "warning missing-reference a.yaml:1: PersistentVolumeClaim shop/x: spec.dataSourceRef.name: PersistentVolumeClaim x" + absent},
		{"one of this namespace that is there", object("v1", "PersistentVolumeClaim", "spec: {dataSource: {kind: PersistentVolumeClaim, name: x}}"), ""},
		{"one of another that is there", strings.Replace(object("v1", "PersistentVolumeClaim", "spec: {}"), "shop", "other", 1) + "\n---\n" + object("v1", "PersistentVolumeClaim", "spec: {dataSourceRef: {kind: PersistentVolumeClaim, name: x, namespace: other}}"), ""},
		{"a Secret for images of a ServiceAccount that is there", object("v1", "ServiceAccount", "imagePullSecrets: [{name: token}]") + "\n---\n" + secret, ""},
		{"a claim of a snapshot", object("v1", "PersistentVolumeClaim", "spec: {dataSource: {apiGroup: snapshot.storage.k8s.io, kind: VolumeSnapshot, name: nowhere}}"), ""},
		{"a claim of another kind's", object("v1", "PersistentVolumeClaim", "spec: {dataSource: {apiGroup: a.example, kind: PersistentVolumeClaim, name: nowhere}}"), ""},
		{"an item of a projected ConfigMap", projected("configMap: {name: settings, items: [{key: nothing, path: x}]}") + "\n---\n" + settings, `error missing-reference a.yaml:1: Pod shop/x: spec.volumes[0].projected.sources[0].configMap.items[0].key: ConfigMap settings has no key "nothing"; add the key, or correct its name` + "\n"},
		{"an item of a projected Secret", projected("secret: {name: token, items: [{key: nothing, path: x}]}") + "\n---\n" + secret, `error missing-reference a.yaml:1: Pod shop/x: spec.volumes[0].projected.sources[0].secret.items[0].key: Secret token has no key "nothing"; add the key, or correct its name` + "\n"},
		{"a ConfigMap of a volume", object("v1", "Pod", "spec: {"+plain+", volumes: [{name: v, configMap: {name: nowhere}}]}"), "warning missing-reference a.yaml:1: Pod shop/x: spec.volumes[0].configMap.name: ConfigMap nowhere" + absent},
		{"a projected Secret", projected("secret: {name: nowhere}"), "warning missing-reference a.yaml:1: Pod shop/x: spec.volumes[0].projected.sources[0].secret.name: Secret nowhere" + absent},
		{"a ConfigMap for the environment", object("v1", "Pod", "spec: {containers: [{name: a, image: a, envFrom: [{configMapRef: {name: nowhere}}]}]}"), "warning missing-reference a.yaml:1: Pod shop/x: spec.containers[0].envFrom[0].configMapRef.name: ConfigMap nowhere" + absent},
		{"an item that may be missing", object("v1", "Pod", "spec: {"+plain+", volumes: [{name: v, configMap: {name: settings, optional: true, items: [{key: nothing, path: x}]}}]}") + "\n---\n" + settings, ""},
		{"a port of a Service that has no other", strings.Replace(with(webService, "80"), ", targetPort: 80", "", 1) + "\n---\n" + with(webApp, "containers: [{name: a, image: a, ports: [{containerPort: 82}, {containerPort: 81}]}]"), "warning missing-port a.yaml:1: Service web: spec.ports[0].port: no container of the selected pods declares port 80; use one of their ports: 81, 82\n"},
		{"a named port where none is declared", with(webService, "http") + "\n---\n" + with(webApp, plain), `error missing-port a.yaml:1: Service web: spec.ports[0].targetPort: no container of the selected pods has a port of the name "http"; name the port in the container, or give its number` + "\n"},
		{"a probe of a port in text", object("v1", "Pod", "spec: {containers: [{name: a, image: a, livenessProbe: {tcpSocket: {port: '80'}}, readinessProbe: {tcpSocket: {port: 80}}}]}"), ""},
		{"a Service by two labels, one of which pods have", strings.Replace(with(webService, "80"), "{app: web}", "{app: web, tier: b}", 1) + "\n---\n" + with(webApp, plain) + "\n---\n" + object("v1", "Pod", "spec: {"+plain+"}"), "error selects-nothing a.yaml:1: Service web: spec.selector: no pod among the objects has the labels app=web,tier=b; correct the selector: those of Deployment web have app=web\n"},
		{"pods of another namespace, and of none", strings.Replace(with(webService, "80"), "name: web}", "name: web, namespace: shop}", 1) + "\n---\n" + with(webApp, plain), "error selects-nothing a.yaml:1: Service shop/web: spec.selector: no pod among the objects has the labels app=web; add the workload, or correct the selector\n"},
		{"pods that share most of the labels", strings.Replace(with(webService, "80"), "{app: web}", "{app: web, tier: b}", 1) + "\n---\n" + strings.NewReplacer("{app: web}", "{tier: c}", "{name: web}", "{name: one}").Replace(with(webApp, plain)) + "\n---\n" + strings.NewReplacer("{app: web}", "{app: a, tier: c}", "{name: web}", "{name: two}").Replace(with(webApp, plain)) + "\n---\n" + strings.ReplaceAll(with(webApp, plain), "{app: web}", "{app: z, tier: z}"), "error selects-nothing a.yaml:1: Service web: spec.selector: no pod among the objects has the labels app=web,tier=b; correct the selector: those of Deployment two have app=a,tier=c\n"},
		{"two labels that no pod has both of", strings.Replace(with(webService, "80"), "{app: web}", "{app: web, tier: b}", 1) + "\n---\n" + with(webApp, plain) + "\n---\n" + strings.NewReplacer("{app: web}", "{tier: b}", "{name: web}", "{name: other}").Replace(with(webApp, plain)), "error selects-nothing a.yaml:1: Service web: spec.selector: no pod among the objects has the labels app=web,tier=b; correct the selector: those of Deployment web have app=web\n"},
		{"the first of the names that are as near", object("v1", "Pod", "spec: {containers: [{name: a, image: a, envFrom: [{configMapRef: {name: level-x}}]}]}") + many(8, "\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: level-%[1]d, namespace: shop}}"), "warning missing-reference a.yaml:1: Pod shop/x: spec.containers[0].envFrom[0].configMapRef.name: ConfigMap level-x is not among the objects; did you mean level-0?\n"},
		{"the Role of those who extend the API server", strings.ReplaceAll(object("rbac.authorization.k8s.io/v1", "RoleBinding", "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: extension-apiserver-authentication-reader}, subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: u}]"), "shop", "kube-system"), ""},
		{"a Role of the system", strings.ReplaceAll(object("rbac.authorization.k8s.io/v1", "RoleBinding", "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: 'system:controller:bootstrap-signer'}, subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: u}]"), "shop", "kube-system"), ""},
		{"one of its name elsewhere", object("rbac.authorization.k8s.io/v1", "RoleBinding", "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: 'system:controller:bootstrap-signer'}, subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: u}]"), "warning missing-reference a.yaml:1: RoleBinding shop/x: roleRef.name: Role system:controller:bootstrap-signer" + absent},
		{"a Role that the system has not", strings.ReplaceAll(object("rbac.authorization.k8s.io/v1", "RoleBinding", "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: mine}, subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: u}]"), "shop", "kube-system"), "warning missing-reference a.yaml:1: RoleBinding kube-system/x: roleRef.name: Role mine" + absent},
		{"the ConfigMap of the API server's CAs", strings.ReplaceAll(object("v1", "Pod", "spec: {containers: [{name: a, image: a, envFrom: [{configMapRef: {name: extension-apiserver-authentication}}, {configMapRef: {name: kube-root-ca.crt}}]}]}"), "shop", "kube-system"), ""},
		{"the Service of the API server", strings.ReplaceAll(ingress("defaultBackend: {service: {name: kubernetes, port: {number: 443}}}"), "shop", "default"), ""},
		{"one of its name elsewhere", ingress("defaultBackend: {service: {name: kubernetes, port: {number: 443}}}"), "error missing-reference a.yaml:1: Ingress shop/x: spec.defaultBackend.service.name: Service kubernetes" + absent},

		{"a Service where other kinds may make pods", with(webService, "80") + "\n---\n" + object("v1", "Pod", "spec: {"+plain+"}") + "\n---\n" + object("a.example/v1", "App", "spec: {}"), "warning selects-nothing a.yaml:1: Service web: spec.selector: no pod among the objects has the labels app=web; add the workload, or correct the selector\n"},
		{"a Service where none may", with(webService, "80") + "\n---\n" + object("v1", "Pod", "spec: {"+plain+"}") + "\n---\n" + object("argoproj.io/v1alpha1", "Application", "spec: {}"), "error selects-nothing a.yaml:1: Service web: spec.selector: no pod among the objects has the labels app=web; add the workload, or correct the selector\n"},
	} {
		if got := texts(references(fromManifest(t, c.objects), nil)); got != c.want {
			t.Errorf("%s: got\n%swant\n%s", c.rule, got, c.want)
		}
	}
}

// What is referred to comes in an order, each once.
func TestReferredInOrder(t *testing.T) {
	objects := fromManifest(t, with(webApp, "containers: [{name: a, image: a, envFrom: [{secretRef: {name: c}}, {secretRef: {name: a}}, {configMapRef: {name: b}}, {secretRef: {name: b}}]}]"))
	var got []string
	for _, r := range Referred(objects, nil) {
		got = append(got, r.String())
	}
	if want := "ConfigMap b, Secret a, Secret b, Secret c"; strings.Join(got, ", ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
