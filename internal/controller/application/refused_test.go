package application_test

import (
	"context"
	"maps"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/testkit"
)

// once has automation try a commit once.
func once(app *v1alpha1.Application) {
	automated(app)
	app.Spec.SyncPolicy.Retry = &v1alpha1.RetryStrategy{}
}

// failedOn checks that git was compared, and that an operation has failed on a commit before anything was written.
func failedOn(t *testing.T, app *v1alpha1.Application, sha string, says ...string) {
	t.Helper()
	if app.Status.Sync.Status != v1alpha1.OutOfSync || app.Status.Sync.Revision != sha {
		t.Errorf("%s at %q, want OutOfSync at %s", app.Status.Sync.Status, app.Status.Sync.Revision, sha)
	}
	state := app.Status.OperationState
	if state == nil || state.Phase != v1alpha1.OperationFailed || state.SyncResult.Revision != sha {
		t.Fatalf("operation: got %+v, want Failed on %s", state, sha)
	}
	for _, r := range state.SyncResult.Resources {
		if r.Status != v1alpha1.ResultSyncFailed {
			t.Errorf("%s %s: got result %s %q, want only refusals", r.Kind, r.Name, r.Status, r.Message)
		}
	}
	for _, part := range append(says, "nothing was applied") {
		if !strings.Contains(state.Message, part) {
			t.Errorf("%q does not say %q", state.Message, part)
		}
	}
	if told := condition(app, v1alpha1.ConditionSyncError); app.Spec.IsAutomated() && !strings.HasPrefix(told, "Failed last sync attempt to "+sha+": ") {
		t.Errorf("SyncError: got %q, want the failed attempt", told)
	}
}

// A source with one fault is refused as a whole, before anything is applied, with file, object, field and remedy; and
// taken once it is mended.
func TestRefusedAsAWhole(t *testing.T) {
	for _, c := range []struct {
		name, manifest string
		says           []string
		// unread is set where nothing can be compared.
		unread bool
	}{
		{"an API that is no longer served", "apiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata:\n  name: web\n", []string{"k8s/bad.yaml:1", "Ingress", "networking.k8s.io/v1"}, false},
		{"a field that nobody knows", strings.Replace(deployment, "replicas: 2", "replica: 2", 1), []string{"k8s/bad.yaml:6", "Deployment", "spec.replica"}, false},
		{"a value that is not valid", strings.Replace(deployment, "image: web:1", "image: web:1\n        imagePullPolicy: Sometimes", 1), []string{"k8s/bad.yaml:14", "imagePullPolicy", "Sometimes", "Always"}, false},
		{"a kind that nobody serves", "apiVersion: example.com/v1\nkind: Widget\nmetadata:\n  name: w\n", []string{"k8s/bad.yaml:2", "Widget"}, false},
		{"a Rollout that contradicts itself", "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata:\n  name: web\nspec:\n  replicas: many\n", []string{"k8s/bad.yaml:6", "replicas"}, false},
		{"no YAML", "a: [", []string{"k8s/bad.yaml"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			before := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/bad.yaml": c.manifest})
			app := w.app("shop", once)
			got := w.eventually(app, "a refusal", func(a *v1alpha1.Application) bool {
				return condition(a, v1alpha1.ConditionComparisonError) != "" && (c.unread || condition(a, v1alpha1.ConditionSyncError) != "")
			})
			for _, part := range c.says {
				if message := condition(got, v1alpha1.ConditionComparisonError); !strings.Contains(message, part) {
					t.Errorf("%q does not say %q", message, part)
				}
			}
			if !c.unread {
				failedOn(t, got, before, c.says...)
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

// What only the API server can refuse is refused before anything is applied as well, wherever it comes in the order.
func TestRefusedByTheServer(t *testing.T) {
	const service = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  clusterIP: 192.0.2.1\n  ports:\n  - port: 80\n"
	for _, c := range []struct {
		name   string
		others map[string]string
	}{
		{"after others", map[string]string{"k8s/a.yaml": configMap("a", "green")}},
		{"alone", nil},
		{"first, before others", map[string]string{"k8s/web.yaml": deployment, "k8s/a.yaml": strings.Replace(configMap("a", "green"), "name: a", "name: a\n  annotations: {argocd.argoproj.io/sync-wave: '1'}", 1)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			files := map[string]string{"k8s/svc.yaml": service}
			maps.Copy(files, c.others)
			sha := w.push(files)
			got := w.eventually(w.app("shop", once), "a refusal", func(a *v1alpha1.Application) bool {
				return a.Operation == nil && a.Status.OperationState != nil && condition(a, v1alpha1.ConditionSyncError) != ""
			})
			failedOn(t, got, sha, "192.0.2.1", "k8s/svc.yaml", "Service")
			web := &appsv1.Deployment{}
			if err := w.Get(t.Context(), client.ObjectKey{Namespace: w.to, Name: "web"}, web); !apierrors.IsNotFound(err) || w.data("a") != nil {
				t.Errorf("a part was applied: %v, %v", err, w.data("a"))
			}
		})
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

// One object that the project forbids keeps the others from being applied, not from being compared; whoever begins the
// sync. It is neither made, nor changed nor pruned where it is there and carries the Application's mark.
func TestForbiddenObject(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy func(*v1alpha1.Application)
	}{{"automation", once}, {"a person", nil}} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			project := &v1alpha1.AppProject{
				ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "narrow"},
				Spec: v1alpha1.AppProjectSpec{
					SourceRepos: []string{"*"}, Destinations: []v1alpha1.ApplicationDestination{{Server: "*", Namespace: w.to}},
					NamespaceResourceBlacklist: []v1alpha1.GroupKindPattern{{Kind: "Secret"}},
				},
			}
			if err := w.Create(t.Context(), project); err != nil {
				t.Fatal(err)
			}
			there := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: "key", Annotations: map[string]string{v1alpha1.TrackingIDAnnotation: "shop:/Secret:" + w.to + "/key"}}}
			if err := w.Create(t.Context(), there); err != nil {
				t.Fatal(err)
			}
			sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/key.yaml": "apiVersion: v1\nkind: Secret\nmetadata:\n  name: key\nstringData: {k: v}\n"})
			app := w.app("shop", func(a *v1alpha1.Application) {
				a.Spec.Project = "narrow"
				if c.policy != nil {
					c.policy(a)
				}
			})
			w.eventually(app, "a comparison", func(a *v1alpha1.Application) bool { return a.Status.Sync.Status == v1alpha1.OutOfSync })
			if c.policy == nil {
				w.operate(app, &v1alpha1.SyncOperation{Prune: true})
			}
			got := w.eventually(app, "the failure", func(a *v1alpha1.Application) bool {
				return a.Operation == nil && a.Status.OperationState != nil && a.Status.OperationState.FinishedAt != nil && (c.policy == nil || condition(a, v1alpha1.ConditionSyncError) != "")
			})
			failedOn(t, got, sha, "Secret", "not permitted in project narrow")
			if told := condition(got, v1alpha1.ConditionInvalidSpecError); !strings.Contains(told, "not permitted in project narrow") {
				t.Errorf("InvalidSpecError: got %q, want the kind that is not permitted", told)
			}
			after := &corev1.Secret{}
			if err := w.Get(t.Context(), client.ObjectKeyFromObject(there), after); err != nil || after.ResourceVersion != there.ResourceVersion {
				t.Errorf("the forbidden object was touched: %v, %v", err, after)
			}
			if w.data("a") != nil {
				t.Error("a part was applied")
			}
			project.Spec.NamespaceResourceBlacklist = nil
			if err := w.Update(t.Context(), project); err != nil {
				t.Fatal(err)
			}
			if c.policy == nil {
				w.eventually(app, "the project", func(a *v1alpha1.Application) bool { return condition(a, v1alpha1.ConditionInvalidSpecError) == "" })
				w.operate(app, &v1alpha1.SyncOperation{})
			}
			w.eventually(app, "the sync", syncedTo(sha))
		})
	}
}

// A part of the objects can be synced by hand while another one is refused.
func TestPartBesideRefused(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "k8s/bad.yaml": strings.Replace(deployment, "replicas: 2", "replica: 2", 1)})
	app := w.app("shop", nil)
	w.eventually(app, "a comparison", func(a *v1alpha1.Application) bool { return a.Status.Sync.Status == v1alpha1.OutOfSync })
	w.operate(app, &v1alpha1.SyncOperation{Resources: []v1alpha1.SyncOperationResource{{Kind: "ConfigMap", Name: "a"}}})
	got := w.eventually(app, "its end", func(a *v1alpha1.Application) bool {
		return a.Operation == nil && a.Status.OperationState != nil && a.Status.OperationState.FinishedAt != nil
	})
	if state := got.Status.OperationState; state.Phase != v1alpha1.OperationSucceeded || w.data("a") == nil || got.Status.Sync.Status != v1alpha1.OutOfSync {
		t.Errorf("%s %q, %s; want Succeeded, and OutOfSync for the rest", state.Phase, state.Message, got.Status.Sync.Status)
	}
}

// A directory without manifests has no objects; a path that is not there is an error.
func TestNothingInASource(t *testing.T) {
	w := newWorld(t)
	w.start()
	sha := w.push(map[string]string{"k8s/readme.txt": "to come", "bare/a.yaml": "# to come\n"})
	for name, path := range map[string]string{"plain": "k8s", "comments": "bare"} {
		app := w.app(name, func(a *v1alpha1.Application) { automated(a); a.Spec.Source.Path = path })
		got := w.eventually(app, path+" to be in sync", func(a *v1alpha1.Application) bool { return a.Status.Sync.Status == v1alpha1.Synced })
		if len(got.Status.Resources) > 0 || len(got.Status.Conditions) > 0 || got.Status.Sync.Revision != sha || got.Status.Health.Status != v1alpha1.HealthHealthy {
			t.Errorf("%s: got %+v, want nothing, Healthy", path, got.Status)
		}
	}
	lost := w.app("lost", func(a *v1alpha1.Application) { automated(a); a.Spec.Source.Path = "nowhere" })
	got := w.eventually(lost, "a word about the path", func(a *v1alpha1.Application) bool { return condition(a, v1alpha1.ConditionComparisonError) != "" })
	if got.Status.Sync.Status != v1alpha1.SyncUnknown || !strings.Contains(condition(got, v1alpha1.ConditionComparisonError), "nowhere") {
		t.Errorf("%s %v, want Unknown", got.Status.Sync.Status, got.Status.Conditions)
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
	testkit.Edit(t, w.Client, service, func(service *corev1.Service) { service.Labels = map[string]string{"somebody": "else"} })
	labelled := read()
	w.refresh(app)
	got := w.eventually(app, "a fresh look", func(a *v1alpha1.Application) bool { return a.Annotations[v1alpha1.RefreshAnnotation] == "" })
	if got.Status.Sync.Status != v1alpha1.Synced || read() != labelled || labelled == before {
		t.Errorf("%s; %s became %s", got.Status.Sync.Status, labelled, read())
	}
}
