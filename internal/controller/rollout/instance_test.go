package rollout_test

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// The instance id decides on every way on which a controller comes to a Rollout: by a Service, EndpointSlices, a
// ReplicaSet, a pod, a workload, or a Rollout whose label was changed.
func TestRolloutsOfOtherInstances(t *testing.T) {
	w := newWorld(t)
	w.create(app())
	w.serves("v1")
	w.stop()
	w.instance = "another"
	w.start()
	before := w.rollout()
	touch := func(o client.Object, patch string) {
		t.Helper()
		o.SetNamespace(w.namespace)
		if err := w.client.Patch(context.Background(), o, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
			t.Fatal(err)
		}
	}
	const note = `{"metadata":{"annotations":{"x":"y"}}}`
	w.image("v2")
	touch(&corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "active"}}, note)
	for _, rs := range w.sets() {
		touch(&rs, note)
	}
	pods := &corev1.PodList{}
	if err := w.client.List(context.Background(), pods, client.InNamespace(w.namespace)); err != nil || len(pods.Items) == 0 {
		t.Fatalf("%d pods, %v", len(pods.Items), err)
	}
	for i := range pods.Items {
		touch(&pods.Items[i], note)
	}
	// A Service of another controller is stripped of its hash: only that one may repair it.
	touch(&corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "active"}}, `{"spec":{"selector":{"rollouts-pod-template-hash":null}}}`)

	// When its own Rollout serves, the controller has long heard of the rest.
	for _, name := range []string{"own-active", "own-preview"} {
		s := service(name)
		s.Spec.Selector = map[string]string{"app": "own"}
		w.create(s)
	}
	own := app()
	own.Name, own.Labels = "own", map[string]string{v1alpha1.RolloutInstanceIDLabel: "another"}
	own.Spec.Selector.MatchLabels, own.Spec.Template.Labels = map[string]string{"app": "own"}, map[string]string{"app": "own"}
	own.Spec.Strategy.BlueGreen.ActiveService, own.Spec.Strategy.BlueGreen.PreviewService = "own-active", "own-preview"
	w.create(own)
	healthy := func(name string) func() error {
		return func() error {
			ro := &v1alpha1.Rollout{}
			if err := w.client.Get(context.Background(), client.ObjectKey{Namespace: w.namespace, Name: name}, ro); err != nil {
				return err
			}
			if ro.Status.Phase != v1alpha1.RolloutHealthy || ro.Status.ObservedGeneration != fmt.Sprint(ro.Generation) {
				return fmt.Errorf("%s: %s %s", name, ro.Status.Phase, ro.Status.Message)
			}
			return nil
		}
	}
	w.eventually("its own Rollout to serve", healthy("own"))
	after := w.rollout()
	if after.Status.ObservedGeneration != before.Status.ObservedGeneration || w.size("v2") >= 0 || w.version("active") != "" {
		t.Errorf("the other controller's Rollout was taken over: generation %s was observed, v2 has a size of %d, active is %q",
			after.Status.ObservedGeneration, w.size("v2"), w.version("active"))
	}

	if series := w.series("app"); len(series) != 0 {
		t.Errorf("metrics of the other controller's Rollout: %v", series)
	}

	w.patch(`{"metadata":{"labels":{%q:"another"}}}`, v1alpha1.RolloutInstanceIDLabel)
	w.serves("v2")
}
