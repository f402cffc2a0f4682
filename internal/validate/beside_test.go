package validate

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// What is known without the cluster is found, and what the cluster may have is not.
func TestBeside(t *testing.T) {
	const (
		endpoints = "{apiVersion: v1, kind: Endpoints, metadata: {name: e}}"
		limits    = "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {most: '1'}}"
	)
	old, asOld, served := schema.GroupVersionKind{Version: "v1", Kind: "Endpoints"}, &Known{Minor: 32}, schema.GroupVersionKind{Group: "discovery.k8s.io", Version: "v1", Kind: "EndpointSlice"}
	for _, c := range []struct {
		rule, manifests string
		known           *Known
		want            string
	}{
		{"nothing", with(webApp, "containers: [{name: a, image: a}]"), nil, ""},
		{"an object that the cluster may have", with(webApp, "serviceAccountName: robot, containers: [{name: a, image: a, envFrom: [{secretRef: {name: s}}]}]"), nil, ""},
		{"one that has nearly the name", with(webApp, "containers: [{name: a, image: a, envFrom: [{configMapRef: {name: setings}}]}]") + "\n---\n" + limits, nil, ""},
		{"one without which nothing works", with(webIngress, "web, port: {number: 80}"), nil, ""},
		{"a key that an object does not have", with(webApp, "containers: [{name: a, image: a, env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: mots}}}]}]") + "\n---\n" + limits, nil, "error missing-reference"},
		{"a port that an object does not have", with(webIngress, "web, port: {number: 81}") + "\n---\n" + with(webService, "80"), nil, "error missing-port"},
		{"a port that pods do not declare", with(webService, "8080") + "\n---\n" + with(webApp, "containers: [{name: a, image: a, ports: [{containerPort: 80}]}]"), nil, ""},
		{"a name that no port has", with(webService, "http") + "\n---\n" + with(webApp, "containers: [{name: a, image: a}]"), nil, "error missing-port"},
		{"pods that do not match", with(webService, "80") + "\n---\n" + strings.ReplaceAll(with(webApp, "containers: [{name: a, image: a}]"), "app: web", "app: wbe"), nil, "error selects-nothing"},
		{"pods that may be elsewhere", with(webService, "80"), nil, ""},
		{"what is deprecated", endpoints, nil, "warning deprecated-api"},
		{"what is not deprecated in a version", endpoints, asOld, ""},
		{"what is deprecated in a cluster that serves what comes after", endpoints, &Known{Kinds: map[schema.GroupVersionKind]bool{old: true, served: true}}, "warning deprecated-api"},
		{"what is deprecated later than the cluster", endpoints, &Known{Kinds: map[schema.GroupVersionKind]bool{old: true}}, ""},
	} {
		got := texts(Beside(rendered(t, map[string]string{"a.yaml": c.manifests}), c.known))
		if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" || strings.Count(got, "\n") > 1 {
			t.Errorf("%s: got %q, want %q", c.rule, got, c.want)
		}
	}
}

// A patch and the images of a kustomization are looked at; a note is not worth it.
func TestBesideAKustomization(t *testing.T) {
	got := texts(Beside(rendered(t, map[string]string{
		"kustomization.yaml": "resources: [a.yaml]\nimages: [{name: redis, newTag: '7'}, {name: pokoytan/counter, newTag: v2}]\npatches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    spec: {replicas: 1, replicas: 2}\n",
		"a.yaml":             with(webApp, "containers: [{name: a, image: 'pokotyan/counter:v1'}, {name: b, image: 'redis:6'}, {name: c, image: 'proxy:1'}]"),
	}), nil))
	for _, want := range []string{"error image-without-entry a.yaml:1", "error unused-image-entry kustomization.yaml:2", "error duplicate-key kustomization.yaml:8"} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%swant %s", got, want)
		}
	}
	if n := strings.Count(got, "\n"); n != 3 {
		t.Errorf("%d findings, want 3:\n%s", n, got)
	}
}
