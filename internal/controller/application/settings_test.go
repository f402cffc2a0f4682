package application_test

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/settings"
)

// set writes ConfigMap argocd-cm.
func (w *world) set(data map[string]string) {
	w.Helper()
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: settings.ConfigName}, Data: data}
	err := w.Create(context.Background(), config)
	if apierrors.IsAlreadyExists(err) {
		err = w.Update(context.Background(), config)
	}
	if err != nil {
		w.Fatal(err)
	}
}

const account = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: account\n"

func TestExcludedKindsAreLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.set(map[string]string{"resource.exclusions": "- apiGroups: ['']\n  kinds: [ServiceAccount]\n  clusters: ['https://*']\n"})
	w.start()
	sha := w.push(map[string]string{"k8s/account.yaml": account, "k8s/config.yaml": configMap("config", "red")})
	name := w.app("excluding", automated)
	app := w.eventually(name, "a sync without what is excluded", syncedTo(sha))
	if got := condition(app, v1alpha1.ConditionExcludedResourceWarning); !strings.Contains(got, "Resource /ServiceAccount account is excluded in the settings; take it out of git, or change resource.exclusions") {
		t.Errorf("condition %q, want one that names what was left out", got)
	}
	exists := func() bool {
		err := w.Get(t.Context(), client.ObjectKey{Namespace: w.to, Name: "account"}, &corev1.ServiceAccount{})
		if client.IgnoreNotFound(err) != nil {
			t.Fatal(err)
		}
		return err == nil
	}
	if exists() {
		t.Error("an excluded object was applied")
	}
	w.set(nil)
	w.until("the object that is not excluded any more", func(context.Context) (bool, error) { return exists(), nil })
	w.eventually(name, "no warning", func(app *v1alpha1.Application) bool {
		return condition(app, v1alpha1.ConditionExcludedResourceWarning) == ""
	})
	// What is excluded later is not pruned, although git drops it.
	w.set(map[string]string{"resource.exclusions": "- kinds: [ServiceAccount]\n"})
	w.eventually(name, "the warning", func(app *v1alpha1.Application) bool {
		return condition(app, v1alpha1.ConditionExcludedResourceWarning) != ""
	})
	sha = w.push(map[string]string{"k8s/account.yaml": "", "k8s/config.yaml": configMap("config", "green")})
	w.eventually(name, "a sync that prunes", syncedTo(sha))
	if !exists() {
		t.Error("an excluded object was pruned")
	}
}

func TestSettingsJudgeObjects(t *testing.T) {
	w := newWorld(t)
	w.set(map[string]string{
		"resource.customizations.ignoreDifferences.ConfigMap": "jsonPointers: [/data/colour]",
		"resource.customizations.health.ServiceAccount":       `return {status = "Suspended", message = "judged " .. obj.metadata.name}`,
	})
	w.start()
	sha := w.push(map[string]string{"k8s/account.yaml": account, "k8s/config.yaml": configMap("config", "red")})
	name := w.app("judged", automated)
	app := w.eventually(name, "a sync that is judged by the script", func(app *v1alpha1.Application) bool {
		return syncedTo(sha)(app) && app.Status.Health.Status == v1alpha1.HealthSuspended
	})
	if want := "judged account"; !strings.Contains(app.Status.Health.Message, want) {
		t.Errorf("health %q, want %q", app.Status.Health.Message, want)
	}
	live := &corev1.ConfigMap{}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: w.to, Name: "config"}, live); err != nil {
		t.Fatal(err)
	}
	live.Data["colour"], live.Data["other"] = "blue", "x"
	if err := w.Update(t.Context(), live); err != nil {
		t.Fatal(err)
	}
	// A change beside the ignored one is seen, so the ignored one was looked at as well.
	sha = w.push(map[string]string{"k8s/account.yaml": strings.Replace(account, "name: account", "name: account\n  labels: {a: b}", 1)})
	w.eventually(name, "the next sync", syncedTo(sha))
	if got := w.data("config")["colour"]; got != "blue" {
		t.Errorf("the ignored field became %q, want it left as it was", got)
	}
	w.set(map[string]string{"resource.customizations.health.ServiceAccount": `while true do end`})
	w.eventually(name, "the health of a script that never ends", func(app *v1alpha1.Application) bool {
		return app.Status.Health.Status == v1alpha1.HealthUnknown && strings.Contains(app.Status.Health.Message, "stopped after")
	})
	w.until("the field that is not ignored any more to be healed", func(context.Context) (bool, error) { return w.data("config")["colour"] == "red", nil })
}

func TestSettingsThatProtectAndCannotBeReadStop(t *testing.T) {
	w := newWorld(t)
	w.set(map[string]string{"resource.exclusions": "kinds: [ServiceAccount]"})
	w.start()
	w.push(map[string]string{"k8s/account.yaml": account})
	name := w.app("stopped", automated)
	app := w.eventually(name, "the refusal", func(app *v1alpha1.Application) bool { return condition(app, v1alpha1.ConditionInvalidSpecError) != "" })
	if got, want := condition(app, v1alpha1.ConditionInvalidSpecError), "ConfigMap argocd-cm: resource.exclusions: invalid YAML"; !strings.Contains(got, want) {
		t.Errorf("condition %q, want %q", got, want)
	}
	w.set(map[string]string{"cluster.inClusterEnabled": "false"})
	w.eventually(name, "the refusal of the cluster", func(app *v1alpha1.Application) bool {
		return strings.Contains(condition(app, v1alpha1.ConditionInvalidSpecError), `cluster "https://kubernetes.default.svc" is disabled by cluster.inClusterEnabled`)
	})
	w.set(nil)
	w.eventually(name, "a sync", func(app *v1alpha1.Application) bool { return app.Status.Sync.Status == v1alpha1.Synced })
}

func TestSkippedCluster(t *testing.T) {
	w := newWorld(t)
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "home", Labels: map[string]string{v1alpha1.SecretTypeLabel: v1alpha1.SecretTypeCluster},
			Annotations: map[string]string{v1alpha1.SkipReconcileAnnotation: "true"}},
		StringData: map[string]string{"name": "in-cluster", "server": v1alpha1.InClusterServer, "config": "{}"},
	}
	if err := w.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	w.start()
	sha := w.push(map[string]string{"k8s/config.yaml": configMap("config", "red")})
	name := w.app("skipped", automated)
	// The Application of an unknown cluster is looked at after the other one, and shows that looks are taken.
	other := w.app("unknown", func(app *v1alpha1.Application) { app.Spec.Destination.Server = "https://unknown.example" })
	w.eventually(other, "the refusal of another cluster", func(app *v1alpha1.Application) bool { return condition(app, v1alpha1.ConditionInvalidSpecError) != "" })
	app := &v1alpha1.Application{}
	if err := w.Get(t.Context(), name, app); err != nil {
		t.Fatal(err)
	}
	if w.data("config") != nil || app.Status.ReconciledAt != nil || len(app.Status.Conditions) > 0 {
		t.Errorf("the Application of a cluster that is left alone has status %+v, want none", app.Status)
	}
	secret.Annotations = nil
	if err := w.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	w.eventually(name, "the sync to the cluster that is not left alone any more", syncedTo(sha))
}
