package rollout_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// is waits until the status speaks of the spec as it is and has a phase.
func (w *world) is(phase v1alpha1.RolloutPhase) *v1alpha1.Rollout {
	w.Helper()
	var ro *v1alpha1.Rollout
	w.eventually("phase "+string(phase), func() error {
		ro = w.rollout()
		if ro.Status.Phase != phase || ro.Status.ObservedGeneration != fmt.Sprint(ro.Generation) {
			return fmt.Errorf("%s %s, of generation %s", ro.Status.Phase, ro.Status.Message, ro.Status.ObservedGeneration)
		}
		return nil
	})
	return ro
}

func completion(ro *v1alpha1.Rollout) string {
	d := ro.Status.Duration
	switch {
	case d == nil:
		return "none"
	case d.CompletionStatus == nil:
		return "open"
	case d.FinishedAt == nil:
		return string(*d.CompletionStatus) + ", open"
	}
	return string(*d.CompletionStatus)
}

// What tools of the model read of an attempt comes and goes in the object itself.
func TestDurationsInTheObject(t *testing.T) {
	w := newWorld(t)
	ro := app()
	ro.Spec.Strategy.BlueGreen.AutoPromotionEnabled = ptr(false)
	w.create(ro)
	expect := func(ro *v1alpha1.Rollout, want string, paused, total bool) {
		t.Helper()
		d := ro.Status.Duration
		if got := completion(ro); got != want || d.RolloutStartedAt == nil || (d.ManualPauseStartedAt != nil) != paused || (d.TotalManualPauseDurationSeconds != nil) != total {
			t.Errorf("got %s %+v, want %s, paused: %v, total: %v", got, d, want, paused, total)
		}
	}
	expect(w.is(v1alpha1.RolloutHealthy), "promoted", false, false)
	w.image("v2")
	expect(w.is(v1alpha1.RolloutPaused), "open", true, false)
	w.patchStatus(`{"status":{"abort":true}}`)
	expect(w.is(v1alpha1.RolloutDegraded), "aborted", false, true)
	w.patchStatus(`{"status":{"abort":false}}`)
	expect(w.is(v1alpha1.RolloutPaused), "open", true, false)
	w.patchStatus(`{"status":{"promoteFull":true}}`)
	w.serves("v2")
	expect(w.rollout(), "fast-promoted", false, true)
}

// The Rollout goes over to the template of a Deployment that comes late, and back to one of its own.
func TestTemplateOfADeployment(t *testing.T) {
	w := newWorld(t)
	ro := app()
	ro.Spec.Selector, ro.Spec.Template = nil, corev1.PodTemplateSpec{}
	ro.Spec.WorkloadRef = &v1alpha1.WorkloadRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	w.create(ro)
	w.is(v1alpha1.RolloutDegraded)
	if got := w.selector("active"); len(got) != 1 {
		t.Errorf("the Service of a Rollout without a template selects %v", got)
	}
	template := app().Spec.Template
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: appsv1.DeploymentSpec{Replicas: ptr(int32(0)), Selector: app().Spec.Selector, Template: template}}
	w.create(d)
	w.serves("v1")
	if after := w.rollout(); after.Status.WorkloadObservedGeneration != "1" || after.Spec.Selector != nil || len(after.Spec.Template.Spec.Containers) != 0 {
		t.Errorf("generation %q, selector %v, template %v", after.Status.WorkloadObservedGeneration, after.Spec.Selector, after.Spec.Template)
	}
	w.patch(`{"spec":{"workloadRef":{"name":"none"}}}`)
	w.is(v1alpha1.RolloutDegraded)
	w.patch(`{"spec":{"workloadRef":{"name":"web"}}}`)
	w.is(v1alpha1.RolloutHealthy)
	w.patch(`{"spec":{"workloadRef":null,"selector":{"matchLabels":{"app":"app"}},"template":{"metadata":{"labels":{"app":"app"}},"spec":{"containers":[{"name":"app","image":"app:v1"}]}}}}`)
	after := w.is(v1alpha1.RolloutHealthy)
	if _, noted := after.Annotations[v1alpha1.WorkloadGenerationAnnotation]; after.Status.WorkloadObservedGeneration != "" || noted || w.version("active") != "v1" {
		t.Errorf("generation %q, annotations %v, active %q", after.Status.WorkloadObservedGeneration, after.Annotations, w.version("active"))
	}
}

func (w *world) selector(name string) map[string]string {
	w.Helper()
	s := &corev1.Service{}
	if err := w.client.Get(context.Background(), client.ObjectKey{Namespace: w.namespace, Name: name}, s); err != nil {
		w.Fatal(err)
	}
	return s.Spec.Selector
}

// A typed client reads a Rollout, changes a field and writes all of it back.
func TestUpdatesOfTheWholeObject(t *testing.T) {
	w := newWorld(t)
	w.create(app())
	w.serves("v1")
	before := w.rollout()
	w.eventually("the update", func() error {
		ro := w.rollout()
		ro.Spec.Template.Spec.Containers[0].Image = "app:v2"
		ro.Spec.Strategy.BlueGreen.ActiveMetadata = &v1alpha1.PodTemplateMetadata{Labels: map[string]string{"role": "active"}}
		return w.client.Update(context.Background(), ro)
	})
	w.serves("v2")
	if after := w.rollout(); after.Status.StableRS == before.Status.StableRS || after.Status.BlueGreen.Switch == nil {
		t.Errorf("got %+v", after.Status)
	}
	w.eventually("the metadata of the pods that serve", func() error {
		pods := &corev1.PodList{}
		if err := w.client.List(context.Background(), pods, client.InNamespace(w.namespace), client.MatchingLabels(w.selector("active"))); err != nil {
			return err
		}
		for _, pod := range pods.Items {
			if pod.Labels["role"] != "active" {
				return fmt.Errorf("pod %s has labels %v", pod.Name, pod.Labels)
			}
		}
		return nil
	})
}

// A deadline that passes, and an abort that is asked for only then, leave the four conditions that tools count.
func TestConditionsOfAnAbort(t *testing.T) {
	w := newWorld(t)
	ro := app()
	ro.Spec.Strategy.BlueGreen.AbortScaleDownDelaySeconds = ptr(int32(2))
	w.create(ro)
	w.serves("v1")
	w.patch(`{"spec":{"progressDeadlineSeconds":1,"template":{"spec":{"nodeSelector":{"there":"is-none"},"containers":[{"name":"app","image":"app:v2"}]}}}}`)
	if after := w.is(v1alpha1.RolloutDegraded); after.Status.Abort || w.size("v2") != 2 {
		t.Errorf("aborted: %v, v2 has a size of %d", after.Status.Abort, w.size("v2"))
	}
	w.patch(`{"spec":{"progressDeadlineAbort":true}}`)
	w.eventually("the abort", func() error {
		after := w.rollout()
		var kinds []string
		for _, c := range after.Status.Conditions {
			kinds = append(kinds, string(c.Type))
		}
		slices.Sort(kinds)
		if got := strings.Join(kinds, " "); !after.Status.Abort || w.size("v2") != 0 || got != "Available Completed Healthy Progressing" {
			return fmt.Errorf("abort %v, v2 has a size of %d, conditions %s", after.Status.Abort, w.size("v2"), got)
		}
		return nil
	})
}

// A port that the Service names by a name leads nowhere at first, and holds nothing up; once it leads to pods, the next
// version has to name it.
func TestNamedPorts(t *testing.T) {
	w := newWorld(t)
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "active"}}
	if err := w.client.Patch(context.Background(), s, client.RawPatch(types.JSONPatchType, []byte(`[{"op":"replace","path":"/spec/ports/0/targetPort","value":"http"}]`))); err != nil {
		t.Fatal(err)
	}
	w.create(app())
	w.serves("v1")
	w.image("v2")
	w.serves("v2")
	w.patch(`{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app:v3","ports":[{"name":"http","containerPort":80}]}]}}}}`)
	w.serves("v3")
	w.image("v4")
	w.eventually("the reason why v4 waits", func() error {
		if ro := w.rollout(); !strings.Contains(ro.Status.Message, `active service cutover pending: service active: forwards to port "http", which no container of pod app-`) || w.version("active") != "v3" {
			return fmt.Errorf("active %s, %s %s", w.version("active"), ro.Status.Phase, ro.Status.Message)
		}
		return nil
	})
	w.eventually("the event", func() error {
		for _, e := range w.told(w.rollout()) {
			if e.Reason == "SwitchServiceWaiting" {
				return nil
			}
		}
		return fmt.Errorf("no SwitchServiceWaiting")
	})
}

// What is written and not done is named: a warning where the rest is carried out all the same, and a refusal where a
// misspelt field was to hold a version back.
func TestUnservedFields(t *testing.T) {
	w := newWorld(t)
	w.create(app())
	w.serves("v1")
	w.patch(`{"spec":{"unheardOf":1},"metadata":{"annotations":{"notifications.argoproj.io/subscribe.on-rollout-completed.slack":"x"}}}`)
	w.eventually("the warning", func() error {
		ro := w.rollout()
		for _, c := range ro.Status.Conditions {
			if c.Type == v1alpha1.RolloutConditionUnsupported && c.Status == corev1.ConditionTrue && strings.Contains(c.Message, "spec.unheardOf: unknown field") {
				return nil
			}
		}
		return fmt.Errorf("conditions %+v", ro.Status.Conditions)
	})
	w.image("v2")
	w.serves("v2")
	w.patch(`{"spec":{"unheardOf":null,"strategy":{"blueGreen":{"autoPromotionEnable":false}}},"metadata":{"annotations":null}}`)
	if got := w.is(v1alpha1.RolloutDegraded).Status.Message; got != "InvalidSpec: spec.strategy.blueGreen.autoPromotionEnable: unknown field; did you mean spec.strategy.blueGreen.autoPromotionEnabled?" {
		t.Errorf("message %q", got)
	}
	w.image("v3")
	w.patch(`{"spec":{"strategy":{"blueGreen":{"autoPromotionEnable":null,"autoPromotionEnabled":false}}}}`)
	for _, c := range w.is(v1alpha1.RolloutPaused).Status.Conditions {
		if c.Type == v1alpha1.RolloutConditionUnsupported || c.Type == v1alpha1.RolloutConditionInvalidSpec {
			t.Errorf("condition %+v stays", c)
		}
	}
}
