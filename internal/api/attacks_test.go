package api

import (
	"net/http"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/auth"
)

// The status of an Application is written by whoever may write the Application: a Rollout of others that it names is
// not shown with it, however it is asked for.
func TestAStatusShowsNoRolloutOfOthers(t *testing.T) {
	w := newWorld(t)
	var sets appsv1.ReplicaSetList
	if err := w.List(t.Context(), &sets, client.InNamespace("bank")); err != nil {
		t.Fatal(err)
	}
	for i := range sets.Items {
		sets.Items[i].Spec.Template.Spec.Containers[0].Image = "registry.example/vault:" + sets.Items[i].Labels[v1alpha1.PodHashLabel]
		if err := w.Update(t.Context(), &sets.Items[i]); err != nil {
			t.Fatal(err)
		}
	}
	app := w.app("shop-web")
	app.Status.Resources = append(app.Status.Resources, v1alpha1.ResourceStatus{Group: "argoproj.io", Version: "v1alpha1", Kind: "Rollout", Namespace: "bank", Name: "web"})
	app.Status.Summary.Images = []string{"registry.example/web:2"}
	if err := w.Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"/api/v1/view/applications", "/api/v1/view/applications/argocd/shop-web", "/api/v1/view/deliveries", "/api/v1/view/overview", "/api/v1/view/rollouts",
	} {
		answer := w.get("shopper", path, nil)
		text := answer.Body.String()
		if answer.Code != http.StatusOK || strings.Contains(text, "vault") || strings.Contains(text, "Rollout bank/web") {
			t.Errorf("%s: %d %s", path, answer.Code, text)
		}
		for _, shown := range strings.Split(text, "{") {
			if strings.Contains(shown, `"namespace":"bank"`) && strings.Contains(shown, "Paused") {
				t.Errorf("%s: the phase of a Rollout of others is shown: %s", path, shown)
			}
		}
	}
}

// Which Application a Rollout belongs to is read from the label that settings name, where it has no annotation.
func TestRolloutsThatAreTrackedByALabelOfSettings(t *testing.T) {
	w := newWorld(t)
	ro := w.rollout("shop")
	ro.Annotations, ro.Labels = nil, map[string]string{"example.com/app": "shop-web", v1alpha1.InstanceLabel: "chart"}
	w.write(ro)
	phase := func() string {
		var rows struct {
			Items []struct{ Rollouts []struct{ Phase string } }
		}
		w.get("shopper", "/api/v1/view/applications", &rows)
		return rows.Items[0].Rollouts[0].Phase
	}
	if got := phase(); got != "" {
		t.Errorf("by another label: got %s", got)
	}
	written := &corev1.ConfigMap{}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: control, Name: auth.ConfigName}, written); err != nil {
		t.Fatal(err)
	}
	written.Data["application.instanceLabelKey"] = "example.com/app"
	if err := w.Update(t.Context(), written); err != nil {
		t.Fatal(err)
	}
	if got := phase(); got != "Paused" {
		t.Errorf("by the label of settings: got %q", got)
	}
	if answer := w.get("shopper", "/api/v1/view/rollouts/shop/web", nil); answer.Code != http.StatusOK {
		t.Errorf("the Rollout: %d %s", answer.Code, answer.Body)
	}
}
