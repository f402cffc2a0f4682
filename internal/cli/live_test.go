package cli_test

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const liveManifests = `
-- pods.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web
        envFrom: [{configMapRef: {name: there}}, {secretRef: {name: missing}}]
-- lamp.yaml --
apiVersion: validate.example.com/v1
kind: Lamp
metadata: {name: lamp}
spec: {watts: many}
`

// With --live, the cluster is asked for what is referred to, and for the kinds that it serves.
func TestValidateLive(t *testing.T) {
	s := newShell(t)
	namespace := s.cluster.Namespace(t)
	kubeconfig := s.cluster.Kubeconfig
	inFolder(t, liveManifests)
	t.Setenv("KUBECONFIG", kubeconfig)
	lamps := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: "lamps.validate.example.com"}, Spec: apiextensionsv1.CustomResourceDefinitionSpec{
		Group: "validate.example.com", Scope: apiextensionsv1.NamespaceScoped, Names: apiextensionsv1.CustomResourceDefinitionNames{Kind: "Lamp", ListKind: "LampList", Plural: "lamps", Singular: "lamp"},
		Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: "v1", Served: true, Storage: true, Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
			Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{"spec": {Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{"watts": {Type: "integer"}}}},
		}}}},
	}}
	for _, o := range []client.Object{lamps, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "there"}}} {
		if err := s.cluster.Client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.cluster.Client.Delete(context.Background(), o) })
	}
	const found = "pods.yaml:12:63: error: Deployment web: spec.template.spec.containers[0].envFrom[1].secretRef.name: Secret missing is neither among the objects nor in the cluster; add it, or correct the name [missing-reference]"
	const mayBe = "warning: Deployment web: spec.template.spec.containers[0].envFrom[0].configMapRef.name: ConfigMap there is not among the objects"
	if code, out, errs := runLine(t, "", "cyan validate pods.yaml -n "+namespace); code != 0 || !strings.Contains(out, mayBe) {
		t.Errorf("without a cluster: exit code %d, %s%s; want 0, and %s", code, out, errs, mayBe)
	}
	if code, out, errs := runLine(t, "", "cyan validate pods.yaml --live -n "+namespace); code != 1 || !strings.Contains(out, found) || strings.Contains(out, "ConfigMap there") {
		t.Errorf("with the cluster: exit code %d, %s%s; want 1, and %s alone", code, out, errs, found)
	}
	if code, out, errs := runLine(t, "", "cyan validate lamp.yaml"); code != 1 || !strings.Contains(out, "[unknown-kind]") {
		t.Errorf("a kind of the cluster, without it: exit code %d, %s%s; want it unknown", code, out, errs)
	}
	lamp := "lamp.yaml:4:8: error: Lamp lamp: spec.watts: "
	for patience := 0; ; patience++ {
		code, out, errs := runLine(t, "", "cyan validate lamp.yaml --live -n "+namespace)
		if code == 1 && strings.Contains(out, lamp) {
			break
		}
		// A definition is served a moment after it was made.
		if patience == 200 || !strings.Contains(out, "Lamp") {
			t.Fatalf("a kind of the cluster: exit code %d, %s%s; want 1, and %s", code, out, errs, lamp)
		}
	}
}

// A cluster that does not answer is wrong use: nothing was checked.
func TestValidateLiveWithoutACluster(t *testing.T) {
	inFolder(t, liveManifests)
	if code, out, errs := runLine(t, "", "cyan validate pods.yaml --live"); code != 2 || out != "" || !strings.Contains(errs, "kubeconfig") {
		t.Errorf("exit code %d, %q, %q; want 2, and what is wrong with the kubeconfig", code, out, errs)
	}
}
