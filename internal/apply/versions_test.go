package apply_test

import (
	"errors"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"context"
	"time"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// gizmos serves one kind in any version.
type gizmos struct{ group string }

func (g gizmos) Resource(kind schema.GroupVersionKind) (schema.GroupVersionResource, bool, bool) {
	return kind.GroupVersion().WithResource("gizmos"), true, kind.Group == g.group
}

func (gizmos) Served(schema.GroupKind) []string { return []string{"v1", "v2"} }

const gizmoDefinition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gizmos.GROUP}
spec:
  group: GROUP
  names: {kind: Gizmo, plural: gizmos}
  scope: Namespaced
  versions:
  - {name: v1, served: true, storage: STORED1, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {old: {type: string}, size: {type: integer}}}}}}}
  - {name: v2, served: true, storage: STORED2, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}}
`

// An object that was applied in a version that is gone since is applied all the same.
func TestAVersionThatIsGone(t *testing.T) {
	cluster := testkit.Cluster(t)
	namespace := cluster.Namespace(t)
	connection, err := dynamic.NewForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	group := namespace + ".example.com"
	c := apply.NewClient(connection, gizmos{group})
	definition := func(first, second string) *unstructured.Unstructured {
		u := &unstructured.Unstructured{}
		text := strings.NewReplacer("GROUP", group, "STORED1", first, "STORED2", second).Replace(gizmoDefinition)
		if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
			t.Fatal(err)
		}
		return u
	}
	crd := definition("true", "false")
	if err := cluster.Client.Create(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Client.Delete(context.Background(), crd) })
	until := func(what string, do func() error) {
		t.Helper()
		var last error
		err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
			last = do()
			return last == nil, nil
		})
		if err != nil {
			t.Fatalf("%s: %v", what, last)
		}
	}
	old := object(t, namespace, "{apiVersion: "+group+"/v1, kind: Gizmo, metadata: {name: g}, spec: {size: 1, old: x}}")
	until("applying the old version", func() error {
		_, err := c.Apply(t.Context(), old, nil, apply.How{})
		return err
	})
	// The old version goes, as when its definition is changed in two steps.
	if err := cluster.Client.Get(t.Context(), client.ObjectKeyFromObject(crd), crd); err != nil {
		t.Fatal(err)
	}
	crd.Object["spec"] = definition("false", "true").Object["spec"]
	// What has this default was answered by what stores the new version: it takes a while to serve a definition.
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	if err := unstructured.SetNestedMap(versions[1].(map[string]any), map[string]any{"type": "string", "default": "v2"}, "schema", "openAPIV3Schema", "properties", "spec", "properties", "stored"); err != nil {
		t.Fatal(err)
	}
	crd.Object["spec"].(map[string]any)["versions"] = versions
	if err := cluster.Client.Update(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
	fresh := object(t, namespace, "{apiVersion: "+group+"/v2, kind: Gizmo, metadata: {name: g}, spec: {size: 1}}")
	until("storing the new version", func() error {
		live, err := c.Get(t.Context(), fresh.GroupVersionKind(), namespace, "g")
		if err != nil {
			return err
		}
		live.SetLabels(map[string]string{"touched": "yes"})
		if err := cluster.Client.Update(t.Context(), live, client.FieldOwner("theirs")); err != nil {
			return err
		}
		if by, _, _ := unstructured.NestedString(live.Object, "spec", "stored"); by != "v2" {
			return errors.New("the old version is still stored")
		}
		return nil
	})
	until("dropping the old version", func() error {
		if err := cluster.Client.Get(t.Context(), client.ObjectKeyFromObject(crd), crd); err != nil {
			return err
		}
		crd.Object["status"].(map[string]any)["storedVersions"] = []any{"v2"}
		if err := cluster.Client.Status().Update(t.Context(), crd); err != nil {
			return err
		}
		versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
		crd.Object["spec"].(map[string]any)["versions"] = versions[1:]
		return cluster.Client.Update(t.Context(), crd)
	})
	changed := object(t, namespace, "{apiVersion: "+group+"/v2, kind: Gizmo, metadata: {name: g}, spec: {size: 2}}")
	for _, trial := range []apply.Trial{apply.DryRun, apply.Real, apply.Real} {
		until("applying the new version "+string(trial), func() error {
			live, err := c.Get(t.Context(), changed.GroupVersionKind(), namespace, "g")
			if err != nil {
				return err
			}
			done, err := c.Apply(t.Context(), changed, live, apply.How{Trial: trial})
			if err == nil {
				checkAt(t, "after "+string(trial), done.Object, []string{"spec", "size"}, "2")
			}
			return err
		})
	}
	live, err := c.Get(t.Context(), changed.GroupVersionKind(), namespace, "g")
	if err != nil || live.GetLabels()["touched"] != "yes" {
		t.Errorf("what others have set is %v, %v", live.GetLabels(), err)
	}
	for _, entry := range live.GetManagedFields() {
		if entry.Manager == "cyan" && (entry.APIVersion != group+"/v2" || entry.Operation != metav1.ManagedFieldsOperationApply) {
			t.Errorf("an entry is left: %+v", entry)
		}
	}
}
