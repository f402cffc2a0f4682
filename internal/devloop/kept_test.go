package devloop

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// A definition that a loop has made behind its look at what the cluster serves stays while somebody else has an object
// of its kind, and so does a Namespace that somebody else keeps a role in.
func TestWhatOthersUseIsKept(t *testing.T) {
	cluster := testkit.Cluster(t)
	namespace := cluster.Namespace(t)
	reader, err := live.NewReader(cluster.Config)
	if err == nil {
		_, err = reader.Kinds(t.Context(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	crd := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: "things.kept.example.com"}, Spec: apiextensionsv1.CustomResourceDefinitionSpec{
		Group: "kept.example.com", Scope: apiextensionsv1.NamespaceScoped, Names: apiextensionsv1.CustomResourceDefinitionNames{Kind: "Thing", ListKind: "ThingList", Plural: "things", Singular: "thing"},
		Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: "v1", Served: true, Storage: true, Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
			Type: "object", XPreserveUnknownFields: ptr.To(true),
		}}}},
	}}
	if err := cluster.Client.Create(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Client.Delete(context.Background(), crd) })
	thing := &unstructured.Unstructured{}
	thing.SetAPIVersion("kept.example.com/v1")
	thing.SetKind("Thing")
	thing.SetNamespace(namespace)
	thing.SetName("mine")
	testkit.Eventually(t, time.Minute, "things are served", func() error { return client.IgnoreAlreadyExists(cluster.Client.Create(t.Context(), thing.DeepCopy())) })
	why := func(kind schema.GroupVersionKind, name string) string {
		t.Helper()
		seen, err := reader.Client.Get(t.Context(), kind, "", name)
		if err == nil && seen == nil {
			err = errors.New("not found")
		}
		if err != nil {
			t.Fatal(err)
		}
		said, err := usedByOthers(t.Context(), reader, seen, "mine")
		if err != nil {
			t.Fatal(err)
		}
		return said
	}
	definition := apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition")
	testkit.Eventually(t, time.Minute, "the definition is kept", func() error {
		if got, want := why(definition, crd.Name), "Thing "+namespace+"/mine would go with it, which the loop has not made"; got != want {
			// Until the server lists the kind, the definition is kept for that.
			if !strings.Contains(got, "cannot be seen yet") {
				t.Fatalf("got %q, want %q", got, want)
			}
			return errors.New(got)
		}
		return nil
	})
	if err := cluster.Client.Delete(t.Context(), thing); err != nil {
		t.Fatal(err)
	}
	if got := why(definition, crd.Name); got != "" {
		t.Errorf("without an object of it: kept, since %s", got)
	}

	place := corev1.SchemeGroupVersion.WithKind("Namespace")
	if got := why(place, namespace); got != "" {
		t.Errorf("an empty Namespace: kept, since %s", got)
	}
	if err := cluster.Client.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "robot"}}); err != nil {
		t.Fatal(err)
	}
	if got := why(place, namespace); !strings.Contains(got, "ServiceAccount "+namespace+"/robot would go with it") {
		t.Errorf("with a ServiceAccount of somebody else: got %q", got)
	}
}
