package devloop

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/render"
)

func objectOf(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
		t.Fatal(err)
	}
	return object
}

// In a namespace that others use too, the pods and Services of the project alone count.
func TestScope(t *testing.T) {
	s := scopeOf([]*unstructured.Unstructured{
		objectOf(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {selector: {matchLabels: {app: web}}}}"),
		objectOf(t, "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: shop}, spec: {selector: {matchExpressions: [{key: app, operator: In, values: [db]}]}}}"),
		objectOf(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: all, namespace: shop}, spec: {selector: {}}}"),
		objectOf(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: far, namespace: other}, spec: {selector: {matchLabels: {app: far}}}}"),
		objectOf(t, "{apiVersion: batch/v1, kind: Job, metadata: {name: migrate, namespace: shop}}"),
		objectOf(t, "{apiVersion: batch/v1, kind: CronJob, metadata: {name: nightly, namespace: shop}}"),
		objectOf(t, "{apiVersion: v1, kind: Pod, metadata: {name: single, namespace: shop}}"),
		objectOf(t, "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {selector: {app: web}}}"),
	}, "shop")
	owned := func(job string) []metav1.OwnerReference { return []metav1.OwnerReference{{Kind: "Job", Name: job}} }
	for _, row := range []struct {
		rule string
		pod  metav1.ObjectMeta
		want bool
	}{
		{"a pod of a selector", metav1.ObjectMeta{Name: "a", Labels: map[string]string{"app": "web", "x": "y"}}, true},
		{"a pod of an expression", metav1.ObjectMeta{Name: "a", Labels: map[string]string{"app": "db"}}, true},
		{"a pod of a selector in another namespace", metav1.ObjectMeta{Name: "a", Labels: map[string]string{"app": "far"}}, false},
		{"a pod of somebody else", metav1.ObjectMeta{Name: "a", Labels: map[string]string{"app": "other"}}, false},
		{"a pod of a Job", metav1.ObjectMeta{Name: "a", OwnerReferences: owned("migrate")}, true},
		{"a pod of a Job that a CronJob makes", metav1.ObjectMeta{Name: "a", OwnerReferences: owned("nightly-123")}, true},
		{"a pod of another Job", metav1.ObjectMeta{Name: "a", OwnerReferences: owned("other")}, false},
		{"a pod by its name", metav1.ObjectMeta{Name: "single"}, true},
	} {
		if got := s.hasPod(&corev1.Pod{ObjectMeta: row.pod}); got != row.want {
			t.Errorf("%s: got %t, want %t", row.rule, got, row.want)
		}
	}
	for name, want := range map[string]bool{"web": true, "other": false} {
		if got := s.hasService(&corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}}); got != want {
			t.Errorf("Service %s: got %t, want %t", name, got, want)
		}
	}
	var none *scope
	if !none.hasPod(&corev1.Pod{}) || !none.hasService(&corev1.Service{}) {
		t.Error("without a scope, all of the namespace counts")
	}
}

func TestNamespaceOfManifests(t *testing.T) {
	deployment := func(namespace string) render.Rendered {
		object := objectOf(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}")
		object.SetNamespace(namespace)
		return render.Rendered{Object: object}
	}
	service := render.Rendered{Object: objectOf(t, "{apiVersion: v1, kind: Service, metadata: {name: a, namespace: elsewhere}}")}
	for _, row := range []struct {
		rule string
		all  []render.Rendered
		want string
	}{
		{"workloads that name none", []render.Rendered{deployment("")}, "mine"},
		{"workloads of one", []render.Rendered{deployment("shop"), deployment("shop"), service}, "shop"},
		{"workloads of several", []render.Rendered{deployment("shop"), deployment("other")}, "mine"},
		{"some that name none", []render.Rendered{deployment("shop"), deployment("")}, "mine"},
		{"no workload", []render.Rendered{service}, "mine"},
	} {
		if got := namespaceOf(row.all, "mine"); got != row.want {
			t.Errorf("%s: got %s, want %s", row.rule, got, row.want)
		}
	}
}

func TestRegistryOfACluster(t *testing.T) {
	for text, want := range map[string]string{"host: localhost:5000\nhelp: x\n": "localhost:5000", "help: x\n": "", "[": "", "": ""} {
		if got := registryIn(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
