package application_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Objects that an installation has marked by label are found, whatever their kind, and pruned when git does not have
// them: where labels are the method, and where they were before.
func TestObjectsMarkedByLabelAreTheApplications(t *testing.T) {
	for method, c := range map[string]struct {
		// manager put the labels on; stays is whether what a stranger labelled alike is nobody's.
		manager       string
		stays         bool
		marked, label bool
	}{
		"label":            {manager: "somebody", label: true},
		"annotation":       {manager: "argocd-controller", stays: true, marked: true},
		"annotation+label": {manager: "argocd-controller", stays: true, marked: true, label: true},
	} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			labels := map[string]string{v1alpha1.InstanceLabel: "shop"}
			old := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: "old", Labels: labels}}
			robot := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: "robot", Labels: labels}}
			chart := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.to, Name: "chart", Labels: labels}}
			for o, manager := range map[client.Object]string{old: c.manager, robot: c.manager, chart: "helm"} {
				if err := w.Create(t.Context(), o, client.FieldOwner(manager)); err != nil {
					t.Fatal(err)
				}
			}
			w.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.control, Name: "argocd-cm"}, Data: map[string]string{"application.resourceTrackingMethod": method}})
			sha := w.push(map[string]string{"k8s/a.yaml": configMap("a", "green")})
			w.start()
			app := w.app("shop", automated)
			for _, o := range []client.Object{old, robot} {
				w.until(o.GetName()+" to be pruned", func(ctx context.Context) (bool, error) {
					err := w.Get(ctx, client.ObjectKeyFromObject(o), o)
					return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
				})
			}
			w.eventually(app, "the sync", syncedTo(sha))
			if got := w.data("chart") != nil; got != c.stays {
				t.Errorf("what a chart labelled alike is there: %v, want %v", got, c.stays)
			}
			a := &corev1.ConfigMap{}
			if err := w.Get(t.Context(), client.ObjectKey{Namespace: w.to, Name: "a"}, a); err != nil {
				t.Fatal(err)
			}
			if got := a.Labels[v1alpha1.InstanceLabel] == "shop"; got != c.label {
				t.Errorf("labels are %v, want the instance: %v", a.Labels, c.label)
			}
			if got := a.Annotations[v1alpha1.TrackingIDAnnotation] != ""; got != c.marked {
				t.Errorf("annotations are %v, want a mark: %v", a.Annotations, c.marked)
			}
		})
	}
}
