package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

const (
	// rolloutNodes is the number of simulated nodes, which take 500 pods each.
	rolloutNodes = 4
	// readyGate is the condition without which the pods are not ready.
	readyGate = "bench.cyan.dev/ready"
)

// fleet is a number of Rollouts with what belongs to them, as watches show it.
type fleet struct {
	*world
	all      *seen[*v1alpha1.Rollout]
	pods     *seen[*corev1.Pod]
	services *seen[*corev1.Service]
	slices   *seen[*discoveryv1.EndpointSlice]
}

// manyRollouts has many Rollouts begin new versions, and measures how long each takes from its ready pod to its
// Service.
func manyRollouts(ctx context.Context, w *world) error {
	f := &fleet{world: w}
	if err := f.create(ctx); err != nil {
		return err
	}
	if err := w.start(ctx); err != nil {
		return err
	}
	if _, _, err := f.version(ctx, "v1", atOnce); err != nil {
		return err
	}
	bare, err := median(func() (time.Duration, error) { return f.bareSwitch(ctx) })
	if err != nil {
		return err
	}
	settled, err := w.settle(ctx)
	if err != nil {
		return err
	}
	limit, goal := rounded(bare)+", one patch", []amount{lasting(50 * time.Millisecond), lasting(200 * time.Millisecond)}
	took, listed, err := f.version(ctx, "v2", 1)
	if err != nil {
		return err
	}
	w.sheet.add(figure{what: fmt.Sprintf("last pod ready → Service, one of %d at a time: p50, p99", w.rollouts), measured: spread(took), limit: limit, targets: goal})
	w.sheet.add(figure{what: "of that, until the preview's EndpointSlice lists the pod: p50, p99", measured: spread(listed)})
	used, err := w.settle(ctx)
	if err != nil {
		return err
	}
	d := used.since(settled)
	w.sheet.add(figure{what: "a new version: CPU a Rollout", measured: []amount{lasting(d.cpu / time.Duration(w.rollouts))}})
	w.sheet.add(figure{what: "a new version: API calls a Rollout", measured: []amount{number(d.calls() / float64(w.rollouts))}})
	w.sheet.add(figure{what: "a new version: these by verb", measured: []amount{{text: d.each(w.rollouts)}}})
	if took, listed, err = f.version(ctx, "v3", atOnce); err != nil {
		return err
	}
	w.sheet.add(figure{what: fmt.Sprintf("the same, %d at a time: p50, p99", atOnce), measured: spread(took), limit: limit})
	w.sheet.add(figure{what: "of that, until the preview's EndpointSlice lists the pod: p50, p99", measured: spread(listed)})
	w.sheet.add(figure{what: "memory, now and at most", measured: []amount{memory(used.rss), memory(used.peak)}})
	return w.printHeap(ctx)
}

func rolloutName(i int) string { return fmt.Sprintf("rollout-%03d", i) }

// create makes the Rollouts and their Services, and watches them.
func (f *fleet) create(ctx context.Context) error {
	var err error
	if f.all, err = watch(ctx, f.cluster, &v1alpha1.Rollout{}, target); err != nil {
		return err
	}
	if f.pods, err = watch(ctx, f.cluster, &corev1.Pod{}, target); err != nil {
		return err
	}
	if f.services, err = watch(ctx, f.cluster, &corev1.Service{}, target); err != nil {
		return err
	}
	if f.slices, err = watch(ctx, f.cluster, &discoveryv1.EndpointSlice{}, target); err != nil {
		return err
	}
	return each(ctx, f.rollouts, func(ctx context.Context, i int) error {
		name := rolloutName(i)
		for _, o := range []client.Object{service(name, "active"), service(name, "preview"), rollout(name)} {
			if err := f.cluster.client.Create(ctx, o); err != nil {
				return err
			}
		}
		return nil
	})
}

func service(name, role string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: target, Name: name + "-" + role},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": name}, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}}},
	}
}

func rollout(name string) *v1alpha1.Rollout {
	labels, replicas := map[string]string{"app": name}, int32(1)
	return &v1alpha1.Rollout{
		ObjectMeta: metav1.ObjectMeta{Namespace: target, Name: name},
		Spec: v1alpha1.RolloutSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Strategy: v1alpha1.RolloutStrategy{BlueGreen: &v1alpha1.BlueGreenStrategy{ActiveService: name + "-active", PreviewService: name + "-preview"}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					ReadinessGates: []corev1.PodReadinessGate{{ConditionType: readyGate}},
					Containers:     []corev1.Container{{Name: "app", Image: "app:v1"}},
				},
			},
		},
	}
}

// version sets an image in all Rollouts, waits until all new pods run, and makes these ready, some at the same time. It
// returns how long each Rollout took from there to its Service, and how long until Kubernetes listed the pod, which a
// switch waits for.
func (f *fleet) version(ctx context.Context, tag string, together int) (took, listed []time.Duration, err error) {
	image := "app:" + tag
	running := f.pods.expect(f.rollouts, func(pod *corev1.Pod) bool {
		return pod.Spec.Containers[0].Image == image && conditionOf(pod, corev1.ContainersReady)
	})
	patch := fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":"app","image":%q}]}}}}`, image)
	if err := each(ctx, f.rollouts, func(ctx context.Context, i int) error {
		o := &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: target, Name: rolloutName(i)}}
		return f.cluster.client.Patch(ctx, o, client.RawPatch(types.MergePatchType, []byte(patch)))
	}); err != nil {
		return nil, nil, err
	}
	if _, err := at(ctx, "the pods of "+tag, running); err != nil {
		return nil, nil, err
	}
	var pods []*corev1.Pod
	for _, name := range f.pods.names() {
		if pod := f.pods.get(name); pod != nil && pod.Spec.Containers[0].Image == image {
			pods = append(pods, pod)
		}
	}
	if len(pods) != f.rollouts {
		return nil, nil, fmt.Errorf("%s: %d pods, want %d", tag, len(pods), f.rollouts)
	}
	took, listed = make([]time.Duration, len(pods)), make([]time.Duration, len(pods))
	if err := some(ctx, together, len(pods), func(ctx context.Context, i int) error {
		var err error
		took[i], listed[i], err = f.switchAfter(ctx, pods[i])
		return err
	}); err != nil {
		return nil, nil, err
	}
	_, err = at(ctx, tag+" to be healthy", f.all.expect(f.rollouts, func(ro *v1alpha1.Rollout) bool {
		return ro.Status.Phase == v1alpha1.RolloutHealthy && ro.Status.ObservedGeneration == fmt.Sprint(ro.Generation)
	}))
	return took, listed, err
}

// switchAfter makes a pod ready, and returns how long it takes from there until the Service selects its version, and
// until the EndpointSlice of the preview lists it, all as a watch shows them.
func (f *fleet) switchAfter(ctx context.Context, pod *corev1.Pod) (took, listed time.Duration, err error) {
	app, hash := pod.Labels["app"], pod.Labels[v1alpha1.PodHashLabel]
	name := app + "-active"
	ready := f.pods.expectOne(pod.Name, func(p *corev1.Pod) bool { return conditionOf(p, corev1.PodReady) })
	switched := f.services.expectOne(name, func(s *corev1.Service) bool { return s.Spec.Selector[v1alpha1.PodHashLabel] == hash })
	shown := f.slices.expectOne(f.sliceOf(app+"-preview"), func(s *discoveryv1.EndpointSlice) bool { return lists(s, pod.Name) })
	patch := fmt.Sprintf(`{"status":{"conditions":[{"type":%q,"status":"True"}]}}`, readyGate)
	o := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name}}
	if err := f.cluster.client.Status().Patch(ctx, o, client.RawPatch(types.StrategicMergePatchType, []byte(patch))); err != nil {
		return 0, 0, err
	}
	began, err := at(ctx, "pod "+pod.Name, ready)
	if err != nil {
		return 0, 0, err
	}
	ended, err := at(ctx, "Service "+name, switched)
	if err != nil {
		return 0, 0, err
	}
	known, err := at(ctx, "EndpointSlice of "+app+"-preview", shown)
	return ended.Sub(began), known.Sub(began), err
}

// sliceOf returns the name of the EndpointSlice of a Service.
func (f *fleet) sliceOf(service string) string {
	for _, name := range f.slices.names() {
		if s := f.slices.get(name); s != nil && s.Labels[discoveryv1.LabelServiceName] == service {
			return name
		}
	}
	return ""
}

// lists reports whether an EndpointSlice has a pod among those that are ready.
func lists(s *discoveryv1.EndpointSlice, pod string) bool {
	return slices.ContainsFunc(s.Endpoints, func(e discoveryv1.Endpoint) bool {
		return e.TargetRef != nil && e.TargetRef.Name == pod && e.Conditions.Ready != nil && *e.Conditions.Ready
	})
}

func conditionOf(pod *corev1.Pod, of corev1.PodConditionType) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == of && c.Status == corev1.ConditionTrue })
}

// bareSwitch patches a Service as a bare client does, and returns how long it takes until a watch shows that.
func (f *fleet) bareSwitch(ctx context.Context) (time.Duration, error) {
	const name = "limit-active"
	if err := client.IgnoreAlreadyExists(f.cluster.client.Create(ctx, service("limit", "active"))); err != nil {
		return 0, err
	}
	value := fmt.Sprint(time.Now().UnixNano())
	done := f.services.expectOne(name, func(s *corev1.Service) bool { return s.Spec.Selector[v1alpha1.PodHashLabel] == value })
	began := time.Now()
	patch := fmt.Sprintf(`{"spec":{"selector":{%q:%q}}}`, v1alpha1.PodHashLabel, value)
	o := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: target, Name: name}}
	if err := f.cluster.client.Patch(ctx, o, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		return 0, err
	}
	ended, err := at(ctx, "Service "+name, done)
	return ended.Sub(began), err
}
