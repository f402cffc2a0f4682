package application_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// A project that asks is warned of the objects in the destination's namespace that no Application has, at a refresh:
// not of those that it ignores, that another Application has, or that Kubernetes makes.
func TestOrphanedResourcesAreWarnedOf(t *testing.T) {
	w := newWorld(t)
	w.start()
	orphaned := func(spec string) {
		t.Helper()
		patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"orphanedResources":`+spec+`}}`))
		mine := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: v1alpha1.DefaultProject}}
		if err := w.Patch(t.Context(), mine, patch); err != nil {
			t.Fatal(err)
		}
	}
	orphaned(`{"warn":true}`)
	sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green"), "other/b.yaml": configMap("b", "green")})
	shop := w.app("shop", automated)
	blog := w.app("blog", func(a *v1alpha1.Application) { automated(a); a.Spec.Source.Path = "other" })
	refreshed := func(what, warning string) {
		t.Helper()
		patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"`+v1alpha1.RefreshAnnotation+`":"normal"}}}`))
		if err := w.Patch(t.Context(), &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: shop.Namespace, Name: shop.Name}}, patch); err != nil {
			t.Fatal(err)
		}
		w.eventually(shop, what, func(a *v1alpha1.Application) bool {
			told := condition(a, v1alpha1.ConditionOrphanedResourceWarning)
			return a.Annotations[v1alpha1.RefreshAnnotation] == "" && strings.HasPrefix(told, warning) && (told == "") == (warning == "")
		})
	}
	w.eventually(shop, "the sync", syncedTo(sha))
	w.eventually(blog, "the sync of another", syncedTo(sha))
	refreshed("no warning of what the Applications have", "")
	lost := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: "lost"}}
	if err := w.Create(t.Context(), lost); err != nil {
		t.Fatal(err)
	}
	refreshed("the warning", "Application has 1 orphaned resources: ConfigMap "+w.to+"/lost; ")
	counted := func(want string) {
		t.Helper()
		if got := w.gauge("argocd_app_orphaned_resources_count", shop.Name); got != want {
			t.Errorf("the metric has %q, want %q", got, want)
		}
	}
	counted("1")
	orphaned(`{"ignore":[{"group":"x","kind":"ConfigMap"}]}`)
	refreshed("the warning although another group is ignored", "Application has 1 orphaned resources: ConfigMap "+w.to+"/lost; ")
	orphaned(`{"ignore":[{"kind":"ConfigMap","name":"lo*"}]}`)
	refreshed("no warning of what is ignored", "")
	counted("0")
	orphaned(`{"warn":false,"ignore":null}`)
	refreshed("no warning where none is wanted", "")
	counted("")
}

// gauge returns the value of an Application's metric; "" when there is none.
func (w *world) gauge(name, app string) string {
	w.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		w.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, label := range m.GetLabel() {
				if f.GetName() == name && label.GetName() == "name" && label.GetValue() == app {
					return fmt.Sprint(m.GetGauge().GetValue())
				}
			}
		}
	}
	return ""
}
