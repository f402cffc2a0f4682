package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// deployment reads the workload of a Rollout.
func (w *world) deployment() *appsv1.Deployment {
	w.Helper()
	d := &appsv1.Deployment{}
	if err := w.client.Get(context.Background(), client.ObjectKey{Namespace: w.namespace, Name: "web"}, d); err != nil {
		w.Fatal(err)
	}
	return d
}

// takesOver makes a Deployment and a Rollout that takes over its pods, and waits until it has.
func (w *world) takesOver() {
	w.Helper()
	w.create(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: appsv1.DeploymentSpec{Selector: app().Spec.Selector, Template: app().Spec.Template}})
	ro := app()
	ro.Spec.Selector, ro.Spec.Template = nil, corev1.PodTemplateSpec{}
	ro.Spec.WorkloadRef = &v1alpha1.WorkloadRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", ScaleDown: v1alpha1.ScaleDownOnSuccess}
	w.create(ro)
	w.eventually("the Deployment has no pods, and a finalizer holds the Rollout", func() error {
		if n, held := *w.deployment().Spec.Replicas, w.holds(); n != 0 || !held {
			return fmt.Errorf("size %d, held %t", n, held)
		}
		return nil
	})
}

func (w *world) holds() bool {
	return slices.Contains(w.rollout().Finalizers, v1alpha1.WorkloadFinalizer)
}

// A Rollout that is deleted scales its Deployment up and goes when that is available; the size that it has given the
// Deployment is no field of whoever applies the Deployment without one.
func TestDeletionOfARolloutWithAWorkload(t *testing.T) {
	w := newWorld(t)
	w.takesOver()
	w.patch(`{"metadata":{"finalizers":["example.com/of-others","%s"]}}`, v1alpha1.WorkloadFinalizer)
	if err := w.client.Delete(context.Background(), w.rollout()); err != nil {
		t.Fatal(err)
	}
	w.eventually("the Rollout is let go", func() error {
		if ro := w.rollout(); w.holds() || len(ro.Finalizers) != 1 {
			return fmt.Errorf("finalizers %v, %s", ro.Finalizers, ro.Status.Message)
		}
		return nil
	})
	if d := w.deployment(); *d.Spec.Replicas != 2 || d.Status.AvailableReplicas != 2 {
		t.Errorf("the Deployment has %d of %d pods", d.Status.AvailableReplicas, *d.Spec.Replicas)
	}
	if got := w.selector("active"); len(got) != 1 {
		t.Errorf("the Service selects %v", got)
	}
	w.patch(`{"metadata":{"finalizers":null}}`)
	w.eventually("the Rollout is gone", func() error {
		err := w.client.Get(context.Background(), client.ObjectKey{Namespace: w.namespace, Name: "app"}, &v1alpha1.Rollout{})
		if err == nil {
			return errors.New("it is there")
		}
		return client.IgnoreNotFound(err)
	})
}

// Whoever sets the size of the Deployment has decided on it: the Rollout waits for nothing any more.
func TestSizeOfAWorkloadByOthers(t *testing.T) {
	w := newWorld(t)
	w.takesOver()
	w.patch(`{"spec":{"workloadRef":{"scaleDown":"never"}}}`)
	w.is(v1alpha1.RolloutHealthy)
	if !w.holds() {
		t.Error("with scaleDown never the Rollout is held no more")
	}
	size := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":1}}`))
	if err := w.client.Patch(context.Background(), w.deployment(), size, client.FieldOwner("somebody")); err != nil {
		t.Fatal(err)
	}
	w.eventually("nothing holds the Rollout", func() error {
		if w.holds() {
			return fmt.Errorf("finalizers %v", w.rollout().Finalizers)
		}
		return nil
	})
}
