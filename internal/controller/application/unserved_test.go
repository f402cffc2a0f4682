package application_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// raw makes an Application with fields that its type need not have.
func (w *world) raw(name string, change func(spec map[string]any, metadata map[string]any)) types.NamespacedName {
	w.Helper()
	app := &v1alpha1.Application{
		Spec: v1alpha1.ApplicationSpec{
			Project: "default", Source: &v1alpha1.ApplicationSource{RepoURL: w.repo.URL, Path: "k8s", TargetRevision: "main"},
			Destination: v1alpha1.ApplicationDestination{Server: v1alpha1.InClusterServer, Namespace: w.to},
		},
	}
	automated(app)
	spec, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&app.Spec)
	if err != nil {
		w.Fatal(err)
	}
	metadata := map[string]any{"namespace": w.control, "name": name}
	change(spec, metadata)
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": v1alpha1.GroupVersion.String(), "kind": "Application", "metadata": metadata, "spec": spec}}
	if err := w.Create(w.Context(), o); err != nil {
		w.Fatal(err)
	}
	return types.NamespacedName{Namespace: w.control, Name: name}
}

func TestLinksOfAnApplicationAreShown(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/config.yaml": configMap("config", "red", "link.argocd.argoproj.io/a: https://z.example", "link.argocd.argoproj.io/b: https://docs.example")})
	name := w.app("linked", func(app *v1alpha1.Application) {
		automated(app)
		app.Annotations = map[string]string{"link.argocd.argoproj.io/wiki": "https://wiki.example", "link.argocd.argoproj.io/docs": "https://docs.example"}
	})
	app := w.eventually(name, "the sync", syncedTo(sha))
	if got, want := strings.Join(app.Status.Summary.ExternalURLs, " "), "https://docs.example https://wiki.example https://z.example"; got != want {
		t.Errorf("URLs %q, want %q", got, want)
	}
}

func TestUnservedFieldsAreNamed(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/config.yaml": configMap("config", "red"),
		"k8s/annotated.yaml": configMap("annotated", "red", "argocd.argoproj.io/sync-wav: '1'")})
	for _, test := range []struct {
		name, condition string
		change          func(spec, metadata map[string]any)
		want            []string
		// synced is set where the rest is done all the same.
		synced bool
	}{
		{"misspelt", v1alpha1.ConditionUnsupportedWarning, func(spec, _ map[string]any) {
			spec["syncPolicy"].(map[string]any)["automated"].(map[string]any)["allowempty"] = true
			spec["ignoreDifference"] = []any{}
		}, []string{"spec.ignoreDifference: unknown field; did you mean spec.ignoreDifferences?", "spec.syncPolicy.automated.allowempty: unknown field; did you mean spec.syncPolicy.automated.allowEmpty?"}, true},
		{"annotated", v1alpha1.ConditionUnsupportedWarning, func(_, metadata map[string]any) {
			metadata["annotations"] = map[string]any{"notifications.argoproj.io/subscribe.on-deployed.slack": "x"}
		}, []string{"annotation notifications.argoproj.io/subscribe.on-deployed.slack: notifications are not sent"}, true},
		{"of-objects", v1alpha1.ConditionUnsupportedWarning, func(_, _ map[string]any) {},
			[]string{"ConfigMap annotated: annotation argocd.argoproj.io/sync-wav: unknown annotation; did you mean argocd.argoproj.io/sync-wave?"}, true},
		{"named", v1alpha1.ConditionUnsupportedWarning, func(spec, _ map[string]any) {
			spec["source"].(map[string]any)["ref"] = "values"
			spec["source"].(map[string]any)["directory"] = map[string]any{"disableExtensionFilter": true}
		}, []string{"spec.source.ref: a name for the value files of charts to refer to", "spec.source.directory.disableExtensionFilter: only files that end"}, true},
		{"refused", v1alpha1.ConditionInvalidSpecError, func(spec, _ map[string]any) {
			spec["source"].(map[string]any)["tagPrefix"] = "v"
		}, []string{"spec.source.tagPrefix: targetRevision would be resolved among all tags"}, false},
		{"hydrated", v1alpha1.ConditionInvalidSpecError, func(spec, _ map[string]any) {
			spec["sourceHydrator"] = map[string]any{"syncSource": map[string]any{"path": "x"}}
		}, []string{"spec.sourceHydrator: rendered manifests are not committed to a branch"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := w.raw(test.name, test.change)
			app := w.eventually(name, "condition "+test.condition, func(app *v1alpha1.Application) bool {
				return condition(app, test.condition) != "" && (!test.synced || app.Status.Sync.Revision == sha)
			})
			for _, want := range test.want {
				if got := condition(app, test.condition); !strings.Contains(got, want) {
					t.Errorf("%s: %q, want %q", test.condition, got, want)
				}
			}
			if !test.synced && app.Status.OperationState != nil {
				t.Errorf("an operation %s, want none", app.Status.OperationState.Phase)
			}
		})
	}
}

// What the cluster takes and cannot work is synced, and named until it is mended.
func TestManifestsThatCannotWorkAreNamed(t *testing.T) {
	w := newWorld(t)
	w.start()
	service := func(port string) string {
		return "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80, targetPort: " + port + "}]}\n"
	}
	pods := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 0\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: web, ports: [{name: web, containerPort: 8080}]}]}\n"
	sha := w.push(map[string]string{"k8s/service.yaml": service("http"), "k8s/pods.yaml": pods})
	name := w.app("named", automated)
	app := w.eventually(name, "the sync", syncedTo(sha))
	const want = `k8s/service.yaml:4: Service web: spec.ports[0].targetPort: no container of the selected pods has a port of the name "http"; use one of their ports: 8080 web`
	if got := condition(app, v1alpha1.ConditionManifestWarning); got != want {
		t.Errorf("got the condition %q, want %q", got, want)
	}
	sha = w.push(map[string]string{"k8s/service.yaml": service("web")})
	w.eventually(name, "the next sync without the condition", func(app *v1alpha1.Application) bool {
		return syncedTo(sha)(app) && condition(app, v1alpha1.ConditionManifestWarning) == ""
	})
}
