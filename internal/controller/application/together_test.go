package application_test

import (
	"context"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// appAt is an automated Application of another folder, with sync options.
func (w *world) appAt(name, path string, options ...string) types.NamespacedName {
	return w.app(name, func(app *v1alpha1.Application) {
		automated(app)
		app.Spec.Source.Path = path
		app.Spec.SyncPolicy.SyncOptions = options
	})
}

// What a sync brings itself is not asked of the cluster before: accounts, definitions, new fields and versions, and the
// kinds of an operator. What git asks not to be validated is taken as the API server takes it.
func TestWhatASyncBringsItself(t *testing.T) {
	w := newWorld(t)
	w.start()
	group := w.to + ".example.com"
	definition := strings.ReplaceAll(gadgets, "GROUP", group)
	widgets := strings.NewReplacer("gadgets", "widgets", "Gadget", "Widget").Replace(definition)
	t.Cleanup(func() {
		for _, name := range []string{"gadgets." + group, "widgets." + group} {
			crd := &unstructured.Unstructured{}
			crd.SetAPIVersion("apiextensions.k8s.io/v1")
			crd.SetKind("CustomResourceDefinition")
			crd.SetName(name)
			_ = w.Delete(context.Background(), crd)
		}
	})
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: one}\nspec: {serviceAccountName: deployer, priorityClassName: PRIORITY, containers: [{name: a, image: 'a:1'}]}\n"
	priority := w.to
	w.push(map[string]string{
		"pod/a.yaml":    strings.Replace(pod, "PRIORITY", priority, 1),
		"pod/b.yaml":    "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: deployer}\n---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: " + priority + "}\nvalue: 1\n",
		"lax/a.yaml":    configMap("lax", "green", "argocd.argoproj.io/sync-options: Validate=false") + "unknown: field\n",
		"kinds/a.yaml":  definition,
		"kinds/b.yaml":  "apiVersion: " + group + "/v1\nkind: Gadget\nmetadata: {name: one}\nspec: {size: 1}\n",
		"app/a.yaml":    configMap("operator", "green"),
		"app/b.yaml":    "apiVersion: " + group + "/v1\nkind: Widget\nmetadata: {name: app, annotations: {argocd.argoproj.io/sync-wave: '1'}}\nspec: {size: 1}\n",
		"object/a.yaml": "apiVersion: " + group + "/v1\nkind: Widget\nmetadata: {name: object, annotations: {argocd.argoproj.io/sync-wave: '1', argocd.argoproj.io/sync-options: SkipDryRunOnMissingResource=true}}\nspec: {size: 1}\n",
	})
	synced := func(a *v1alpha1.Application) bool {
		return a.Status.Sync.Status == v1alpha1.Synced && a.Operation == nil && a.Status.OperationState != nil && a.Status.OperationState.Phase == v1alpha1.OperationSucceeded
	}
	w.eventually(w.appAt("pod", "pod"), "a Pod with its account and priority", synced)
	w.eventually(w.appAt("lax", "lax"), "an object that is not to be validated", synced)

	kinds := w.appAt("kinds", "kinds")
	w.eventually(kinds, "a definition and its object", synced)
	sha := w.push(map[string]string{
		"kinds/a.yaml": strings.Replace(definition, "size: {type: integer}", "size: {type: integer}, colour: {type: string}", 1),
		"kinds/b.yaml": "apiVersion: " + group + "/v1\nkind: Gadget\nmetadata: {name: one}\nspec: {size: 1, colour: green}\n",
	})
	w.eventually(kinds, "a new field", syncedTo(sha))
	one := &unstructured.Unstructured{}
	one.SetAPIVersion(group + "/v1")
	one.SetKind("Gadget")
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: w.to, Name: "one"}, one); err != nil {
		t.Fatal(err)
	}
	if colour, _, _ := unstructured.NestedString(one.Object, "spec", "colour"); colour != "green" {
		t.Errorf("the new field is %q", colour)
	}
	second := strings.Replace(definition, "  versions:\n", "  versions:\n  - name: v2\n    served: true\n    storage: false\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n          spec: {type: object, properties: {size: {type: integer}}}\n", 1)
	sha = w.push(map[string]string{"kinds/a.yaml": second, "kinds/b.yaml": "apiVersion: " + group + "/v2\nkind: Gadget\nmetadata: {name: one}\nspec: {size: 2}\n"})
	w.eventually(kinds, "a new version", syncedTo(sha))

	both := []types.NamespacedName{w.appAt("by-app", "app", "SkipDryRunOnMissingResource=true"), w.appAt("by-object", "object")}
	for _, name := range both {
		w.eventually(name, "the wait for a kind", func(a *v1alpha1.Application) bool {
			return a.Status.OperationState != nil && strings.Contains(a.Status.OperationState.Message, "kind Widget."+group)
		})
	}
	crd := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(widgets), &crd.Object); err != nil {
		t.Fatal(err)
	}
	if err := w.Create(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
	for _, name := range both {
		w.eventually(name, "the object of an operator's kind", synced)
	}
}
