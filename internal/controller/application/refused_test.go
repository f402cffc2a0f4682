package application_test

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// A source with one fault is refused as a whole, before anything is applied, with file, object, field and remedy; and
// taken once it is mended.
func TestRefusedAsAWhole(t *testing.T) {
	for _, c := range []struct {
		name, manifest string
		says           []string
	}{
		{"an API that is no longer served", "apiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata:\n  name: web\n", []string{"k8s/bad.yaml:1", "Ingress", "networking.k8s.io/v1"}},
		{"a field that nobody knows", strings.Replace(deployment, "replicas: 2", "replica: 2", 1), []string{"k8s/bad.yaml:6", "Deployment", "spec.replica"}},
		{"a value that is not valid", strings.Replace(deployment, "image: web:1", "image: web:1\n        imagePullPolicy: Sometimes", 1), []string{"k8s/bad.yaml:14", "imagePullPolicy", "Sometimes", "Always"}},
		{"a kind that nobody serves", "apiVersion: example.com/v1\nkind: Widget\nmetadata:\n  name: w\n", []string{"k8s/bad.yaml:2", "Widget"}},
		{"a Rollout that contradicts itself", "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata:\n  name: web\nspec:\n  replicas: many\n", []string{"k8s/bad.yaml:6", "replicas"}},
		{"no YAML", "a: [", []string{"k8s/bad.yaml"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/bad.yaml": c.manifest})
			app := w.app("shop", automated)
			got := w.eventually(app, "a refusal", func(a *v1alpha1.Application) bool { return condition(a, v1alpha1.ConditionComparisonError) != "" })
			for _, part := range c.says {
				if message := condition(got, v1alpha1.ConditionComparisonError); !strings.Contains(message, part) {
					t.Errorf("%q does not say %q", message, part)
				}
			}
			if w.data("a") != nil {
				t.Error("a part was applied")
			}
			sha := w.push(map[string]string{"k8s/bad.yaml": ""})
			got = w.eventually(app, "the mended source", syncedTo(sha))
			if condition(got, v1alpha1.ConditionComparisonError) != "" || w.data("a") == nil {
				t.Errorf("%v", got.Status.Conditions)
			}
		})
	}
}

// What only the API server can refuse is refused before anything is applied as well.
func TestRefusedByTheServer(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.push(map[string]string{
		"k8s/a.yaml":   configMap("a", "green"),
		"k8s/svc.yaml": "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  clusterIP: 192.0.2.1\n  ports:\n  - port: 80\n",
	})
	got := w.eventually(w.app("shop", automated), "a refusal", func(a *v1alpha1.Application) bool {
		return a.Status.OperationState != nil && strings.Contains(a.Status.OperationState.Message, "192.0.2.1")
	})
	if message := got.Status.OperationState.Message; !strings.Contains(message, "k8s/svc.yaml") || !strings.Contains(message, "Service") {
		t.Error(message)
	}
	if w.data("a") != nil {
		t.Error("a part was applied")
	}
}

func TestProjectsBound(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
	project := &v1alpha1.AppProject{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "narrow"},
		Spec:       v1alpha1.AppProjectSpec{SourceRepos: []string{"https://git.example/*"}, Destinations: []v1alpha1.ApplicationDestination{{Server: "*", Namespace: "elsewhere"}}},
	}
	if err := w.Create(t.Context(), project); err != nil {
		t.Fatal(err)
	}
	app := w.app("shop", func(a *v1alpha1.Application) { automated(a); a.Spec.Project = "narrow" })
	got := w.eventually(app, "a refusal", func(a *v1alpha1.Application) bool { return condition(a, v1alpha1.ConditionInvalidSpecError) != "" })
	if message := condition(got, v1alpha1.ConditionInvalidSpecError); !strings.Contains(message, "narrow") || !strings.Contains(message, strings.TrimSuffix(w.repo.URL, ".git")) {
		t.Error(message)
	}
	project.Spec.SourceRepos, project.Spec.Destinations[0].Namespace = []string{"*"}, w.to
	if err := w.Update(t.Context(), project); err != nil {
		t.Fatal(err)
	}
	w.eventually(app, "the sync", syncedTo(w.repo.Git("rev-parse", "HEAD")))
	lost := w.app("lost", func(a *v1alpha1.Application) { a.Spec.Project = "nowhere" })
	got = w.eventually(lost, "a refusal", func(a *v1alpha1.Application) bool { return condition(a, v1alpha1.ConditionInvalidSpecError) != "" })
	if !strings.Contains(condition(got, v1alpha1.ConditionInvalidSpecError), "nowhere") {
		t.Error(got.Status.Conditions)
	}
}

// Server defaults, and what others own, are no drift: nothing is written again.
func TestDefaultsAreNoDrift(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/web.yaml": deployment, "k8s/svc.yaml": "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  selector: {app: web}\n  ports:\n  - port: 80\n"})
	app := w.app("shop", automated)
	w.eventually(app, "the sync", func(a *v1alpha1.Application) bool {
		return syncedTo(sha)(a) && a.Status.Health.Status == v1alpha1.HealthHealthy
	})
	service := &corev1.Service{}
	read := func() string {
		if err := w.Get(context.Background(), client.ObjectKey{Namespace: w.to, Name: "web"}, service); err != nil {
			t.Fatal(err)
		}
		return service.ResourceVersion
	}
	before := read()
	service.Labels = map[string]string{"somebody": "else"}
	if err := w.Update(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	labelled := read()
	w.refresh(app)
	got := w.eventually(app, "a fresh look", func(a *v1alpha1.Application) bool { return a.Annotations[v1alpha1.RefreshAnnotation] == "" })
	if got.Status.Sync.Status != v1alpha1.Synced || read() != labelled || labelled == before {
		t.Errorf("%s; %s became %s", got.Status.Sync.Status, labelled, read())
	}
}
