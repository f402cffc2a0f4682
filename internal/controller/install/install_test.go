package install_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/controller/install"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// within bounds the wait for an outcome on a busy machine.
const within = 30 * time.Second

// unknown is a field that no definition of Cyan lists.
const unknown = "fieldOfAnotherProgram"

// full returns a value that has every field that a schema lists, and at every level one more.
func full(schema apiextensionsv1.JSONSchemaProps) any {
	switch {
	case len(schema.Enum) > 0 || schema.Type == "string" && schema.Format == "date-time":
		return "2026-01-02T03:04:05Z"
	case schema.XIntOrString || schema.Type == "integer":
		return int64(1)
	case schema.Type == "boolean":
		return true
	case schema.Type == "string":
		return "text"
	case schema.Type == "array" && schema.Items != nil:
		return []any{full(*schema.Items.Schema)}
	case schema.AdditionalProperties != nil:
		return map[string]any{"key": full(*schema.AdditionalProperties.Schema)}
	case schema.Type == "object":
		all := map[string]any{unknown: map[string]any{"list": []any{map[string]any{"a": "b"}}}}
		for name, property := range schema.Properties {
			all[name] = full(property)
		}
		return all
	}
	return []any{map[string]any{unknown: "text"}}
}

// object returns a full object of a definition.
func object(crd *apiextensionsv1.CustomResourceDefinition, namespace string) *unstructured.Unstructured {
	version := crd.Spec.Versions[0]
	o := &unstructured.Unstructured{Object: full(*version.Schema.OpenAPIV3Schema).(map[string]any)}
	o.SetAPIVersion(crd.Spec.Group + "/" + version.Name)
	o.SetKind(crd.Spec.Names.Kind)
	o.Object["metadata"] = map[string]any{"name": "full"}
	if crd.Spec.Scope == apiextensionsv1.NamespaceScoped {
		o.SetNamespace(namespace)
	}
	return o
}

// foreign returns a definition as another program may have installed it: it keeps whatever is written.
func foreign(crd *apiextensionsv1.CustomResourceDefinition) *apiextensionsv1.CustomResourceDefinition {
	crd = crd.DeepCopy()
	keep := true
	for i := range crd.Spec.Versions {
		crd.Spec.Versions[i].Schema.OpenAPIV3Schema = &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &keep}
	}
	return crd
}

// replaceDefinitions removes Cyan's definitions and installs others in their place.
func replaceDefinitions(t *testing.T, c client.Client, wanted []*apiextensionsv1.CustomResourceDefinition) {
	t.Helper()
	for _, crd := range wanted {
		if err := client.IgnoreNotFound(c.Delete(t.Context(), crd.DeepCopy())); err != nil {
			t.Fatal(err)
		}
		eventually(t, "definition "+crd.Name+" to be gone", func(ctx context.Context) (bool, error) {
			err := c.Get(ctx, client.ObjectKeyFromObject(crd), &apiextensionsv1.CustomResourceDefinition{})
			return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
		})
		if err := c.Create(t.Context(), crd.DeepCopy()); err != nil {
			t.Fatal(err)
		}
	}
}

func eventually(t *testing.T, what string, met func(context.Context) (bool, error)) {
	t.Helper()
	if err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, within, true, met); err != nil {
		t.Fatalf("waiting for %s: %v", what, err)
	}
}

func definitions(t *testing.T) []*apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	all, err := install.Definitions()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestObjectsOfAnotherInstallationKeepEveryField(t *testing.T) {
	cluster := testkit.Cluster(t)
	namespace := cluster.Namespace(t)
	all := definitions(t)
	var foreigners []*apiextensionsv1.CustomResourceDefinition
	for _, crd := range all {
		foreigners = append(foreigners, foreign(crd))
	}
	replaceDefinitions(t, cluster.Client, foreigners)
	for _, crd := range all {
		eventually(t, crd.Spec.Names.Kind+" to be stored", func(ctx context.Context) (bool, error) {
			err := cluster.Client.Create(ctx, object(crd, namespace))
			return err == nil || apierrors.IsAlreadyExists(err), client.IgnoreNotFound(err)
		})
		if subresources := crd.Spec.Versions[0].Subresources; subresources != nil && subresources.Status != nil {
			patchStatus(t, cluster.Client, object(crd, namespace), object(crd, namespace).Object["status"])
		}
	}
	if err := install.CRDs(t.Context(), cluster.Config); err != nil {
		t.Fatal(err)
	}
	for _, crd := range all {
		t.Run(crd.Spec.Names.Kind, func(t *testing.T) {
			written := object(crd, namespace)
			written.Object = map[string]any{"apiVersion": written.GetAPIVersion(), "kind": written.GetKind(), "metadata": written.Object["metadata"]}
			patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"written":"again"}}}`))
			if err := cluster.Client.Patch(t.Context(), written, patch); err != nil {
				t.Fatal(err)
			}
			if subresources := crd.Spec.Versions[0].Subresources; subresources != nil && subresources.Status != nil {
				patchStatus(t, cluster.Client, written, map[string]any{"phase": "again"})
			}
			for _, difference := range testkit.MissingFields(object(crd, namespace).Object, written.Object) {
				t.Errorf("%s was written again under Cyan's definition and lost %s", crd.Spec.Names.Kind, difference)
			}
		})
	}
}

func patchStatus(t *testing.T, c client.Client, o *unstructured.Unstructured, status any) {
	t.Helper()
	body, err := (&unstructured.Unstructured{Object: map[string]any{"apiVersion": o.GetAPIVersion(), "kind": o.GetKind(), "status": status}}).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Status().Patch(t.Context(), o, client.RawPatch(types.MergePatchType, body)); err != nil {
		t.Fatal(err)
	}
}

func TestDefinitionWhoseObjectsWouldLoseSomethingIsNotReplaced(t *testing.T) {
	cluster := testkit.Cluster(t)
	rollouts := func() *apiextensionsv1.CustomResourceDefinition {
		for _, crd := range definitions(t) {
			if crd.Spec.Names.Kind == "Rollout" {
				return foreign(crd)
			}
		}
		t.Fatal("no definition of Rollout")
		return nil
	}
	for _, test := range []struct {
		name   string
		change func(*apiextensionsv1.CustomResourceDefinition)
		want   string
	}{
		{"another version that is served", func(crd *apiextensionsv1.CustomResourceDefinition) {
			other := crd.Spec.Versions[0].DeepCopy()
			other.Name, other.Storage = "v1beta1", false
			crd.Spec.Versions = append(crd.Spec.Versions, *other)
		}, "version v1beta1"},
		{"another version that is stored", func(crd *apiextensionsv1.CustomResourceDefinition) {
			other := crd.Spec.Versions[0].DeepCopy()
			other.Name, other.Served = "v1beta1", false
			crd.Spec.Versions[0].Storage = false
			crd.Spec.Versions = append(crd.Spec.Versions, *other)
		}, "version v1beta1"},
		{"a conversion", func(crd *apiextensionsv1.CustomResourceDefinition) {
			url := "https://converter.example/"
			crd.Spec.Conversion = &apiextensionsv1.CustomResourceConversion{
				Strategy: apiextensionsv1.WebhookConverter,
				Webhook:  &apiextensionsv1.WebhookConversion{ConversionReviewVersions: []string{"v1"}, ClientConfig: &apiextensionsv1.WebhookClientConfig{URL: &url}},
			}
		}, "conversion by webhook"},
	} {
		t.Run(test.name, func(t *testing.T) {
			crd := rollouts()
			test.change(crd)
			replaceDefinitions(t, cluster.Client, []*apiextensionsv1.CustomResourceDefinition{crd})
			err := install.CRDs(t.Context(), cluster.Config)
			refusal := problem.Of(err)
			if refusal == nil || refusal.Kind != problem.Refused || !strings.Contains(refusal.Cause, test.want) || !strings.Contains(refusal.Remedy, "--skip-crds") {
				t.Fatalf("got %v, want a refusal that names %q and the way out", err, test.want)
			}
			if want := "CustomResourceDefinition " + crd.Name; refusal.Object != want {
				t.Errorf("got a refusal of %s, want %s", refusal.Object, want)
			}
			after := &apiextensionsv1.CustomResourceDefinition{}
			if err := cluster.Client.Get(t.Context(), client.ObjectKeyFromObject(crd), after); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(names(after), names(crd)) {
				t.Errorf("got versions %v after the refusal, want %v", names(after), names(crd))
			}
		})
	}
	replaceDefinitions(t, cluster.Client, []*apiextensionsv1.CustomResourceDefinition{rollouts()})
	if err := install.CRDs(t.Context(), cluster.Config); err != nil {
		t.Errorf("got %v over a definition with nothing more than Cyan's, want none", err)
	}
}

func names(crd *apiextensionsv1.CustomResourceDefinition) []string {
	var all []string
	for _, v := range crd.Spec.Versions {
		all = append(all, v.Name)
	}
	return all
}
