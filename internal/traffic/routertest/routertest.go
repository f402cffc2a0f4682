// Package routertest is what every router has to do, as tests. They run against a real API server.
package routertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/testkit"
	"github.com/cyan-cd/cyan/internal/traffic"
)

// World is a place in which a router is tried: a namespace with the Services active and preview, and whatever the
// router needs besides.
type World struct {
	Router    traffic.Router
	Client    client.Client
	Namespace string
	// Shares returns the shares of the requests that versions get, in percent, as the objects in the API server have
	// it.
	Shares func(t *testing.T) map[string]int32
}

// The versions of the suite: the hashes of their pods.
const (
	v1 = "11111"
	v2 = "22222"
	v3 = "33333"
)

// replicas is how many pods each version has.
const replicas = 2

// timeout bounds what the control plane takes.
const timeout = 60 * time.Second

// Run tries a router. newWorld is called once for each test.
func Run(t *testing.T, newWorld func(t *testing.T) World) {
	for name, test := range map[string]func(*testing.T, world){
		"requests go where they are switched to":                 testSwitch,
		"a switch waits for pods that take requests":             testUnreadyPods,
		"a switch waits for a ReplicaSet":                        testNoReplicaSet,
		"a switch waits when requests are not where it thinks":   testWrongOrigin,
		"a switch waits when the Service is gone":                testNoService,
		"one of several switches at once is made":                testRace,
		"the preview is switched before its pods are ready":      testPreview,
		"requests to a version keep its pods":                    testConverged,
		"a switch converges":                                     testConvergence,
		"what other programs have written stays":                 testOtherFields,
		"a Service that is not named any more is observed":       testLeft,
		"a released Service is as it was":                        testRelease,
		"a Service of another Rollout is not released":           testReleaseOfAnother,
		"every Service of a Rollout that is gone is released":    testReleaseAll,
		"weights are what they are set to, or refused by a name": testWeights,
	} {
		t.Run(name, func(t *testing.T) { test(t, world{newWorld(t)}) })
	}
}

type world struct{ World }

func (w world) rollout() *v1alpha1.Rollout {
	return &v1alpha1.Rollout{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: "app"},
		Spec: v1alpha1.RolloutSpec{Strategy: v1alpha1.RolloutStrategy{
			BlueGreen: &v1alpha1.BlueGreenStrategy{ActiveService: "active", PreviewService: "preview"},
		}},
	}
}

func (w world) key() client.ObjectKey { return client.ObjectKeyFromObject(w.rollout()) }

// Service returns a Service of the suite, for a world to create.
func Service(name string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": "app"},
			Ports:    []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(80)}},
		},
	}
}

// version creates a version, and waits until its pods are available.
func (w world) version(t *testing.T, hash string) {
	t.Helper()
	labels := map[string]string{"app": "app", v1alpha1.PodHashLabel: hash}
	rs := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: "app-" + hash, Labels: labels},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: new(int32(replicas)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}},
			},
		},
	}
	if err := w.Client.Create(t.Context(), rs); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, timeout, "pods of "+hash, func() error {
		if err := w.Client.Get(t.Context(), client.ObjectKeyFromObject(rs), rs); err != nil {
			return err
		}
		if rs.Status.AvailableReplicas != replicas {
			return fmt.Errorf("%d are available", rs.Status.AvailableReplicas)
		}
		return nil
	})
}

// to is the switch of the active Service.
func to(from, hash string) rollout.SwitchService {
	return rollout.SwitchService{Role: rollout.RoleActive, Service: "active", From: from, To: hash, Replicas: replicas}
}

// move makes a switch.
func (w world) move(t *testing.T, a rollout.SwitchService) {
	t.Helper()
	written, err := w.Router.Switch(t.Context(), w.rollout(), a, time.Now())
	if err != nil {
		t.Fatalf("%s: %v", a, err)
	}
	if written == nil || written.GetResourceVersion() == "" {
		t.Fatalf("%s: got %v, want the object as it was written", a, written)
	}
}

// holds asks for a switch that must not be made.
func (w world) holds(t *testing.T, a rollout.SwitchService) {
	t.Helper()
	before := w.Shares(t)
	_, err := w.Router.Switch(t.Context(), w.rollout(), a, time.Now())
	var held *traffic.HeldError
	if !errors.As(err, &held) {
		t.Errorf("%s: got error %v, want that it is held", a, err)
	}
	w.wantShares(t, before)
}

func (w world) wantShares(t *testing.T, want map[string]int32) {
	t.Helper()
	if got := w.Shares(t); !maps.Equal(got, want) {
		t.Errorf("requests go to %v, want %v", got, want)
	}
}

func all(hash string) map[string]int32 { return map[string]int32{hash: 100} }

func testSwitch(t *testing.T, w world) {
	w.version(t, v1)
	w.version(t, v2)
	w.wantShares(t, nil)
	w.move(t, to("", v1))
	w.wantShares(t, all(v1))
	w.move(t, to(v1, v2))
	w.wantShares(t, all(v2))
	routes, err := w.Router.Observe(t.Context(), w.rollout())
	if err != nil {
		t.Fatal(err)
	}
	if routes.Active == nil || routes.Preview == nil || len(routes.Left) != 0 {
		t.Errorf("got active %v, preview %v, left %v; want both Services and none left", routes.Active, routes.Preview, routes.Left)
	}
}

func testUnreadyPods(t *testing.T, w world) {
	w.version(t, v1)
	w.move(t, to("", v1))
	w.version(t, v2)
	more := to(v1, v2)
	more.Replicas = replicas + 1
	w.holds(t, more)
	young := to(v1, v2)
	young.MinReadySeconds = 3600
	w.holds(t, young)
}

func testNoReplicaSet(t *testing.T, w world) {
	w.version(t, v1)
	w.move(t, to("", v1))
	w.holds(t, to(v1, v2))
}

func testWrongOrigin(t *testing.T, w world) {
	w.version(t, v1)
	w.version(t, v2)
	w.holds(t, to(v1, v2))
	w.move(t, to("", v1))
	w.holds(t, to("", v2))
	w.holds(t, to(v3, v2))
}

func testNoService(t *testing.T, w world) {
	w.version(t, v1)
	service := Service("active")
	service.Namespace = w.Namespace
	if err := w.Client.Delete(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	_, err := w.Router.Switch(t.Context(), w.rollout(), to("", v1), time.Now())
	var held *traffic.HeldError
	if !errors.As(err, &held) {
		t.Errorf("got error %v, want that the switch is held", err)
	}
	routes, err := w.Router.Observe(t.Context(), w.rollout())
	if err != nil || routes.Active != nil || routes.Preview == nil {
		t.Errorf("got active %v, preview %v, error %v; want the preview alone", routes.Active, routes.Preview, err)
	}
}

func testRace(t *testing.T, w world) {
	w.version(t, v1)
	w.version(t, v2)
	w.version(t, v3)
	w.move(t, to("", v1))
	targets := []string{v2, v3, v2, v3, v2, v3}
	errs := make([]error, len(targets))
	var together sync.WaitGroup
	for i, hash := range targets {
		together.Go(func() { _, errs[i] = w.Router.Switch(t.Context(), w.rollout(), to(v1, hash), time.Now()) })
	}
	together.Wait()
	var made []string
	for i, err := range errs {
		var held *traffic.HeldError
		switch {
		case err == nil:
			made = append(made, targets[i])
		case !errors.As(err, &held) && !apierrors.IsConflict(err):
			t.Errorf("got error %v, want a conflict or that the switch is held", err)
		}
	}
	if len(made) != 1 {
		t.Fatalf("switches to %v were made, want one", made)
	}
	w.wantShares(t, all(made[0]))
}

func testPreview(t *testing.T, w world) {
	a := rollout.SwitchService{Role: rollout.RolePreview, Service: "preview", To: v2}
	w.move(t, a)
	routes, err := w.Router.Observe(t.Context(), w.rollout())
	if err != nil || rollout.SelectedHash(routes.Preview) != v2 {
		t.Errorf("got preview %v, error %v; want %s", routes.Preview, err, v2)
	}
	w.wantShares(t, nil)
}

// drain is the end of a version's pods.
func drain(hash string) rollout.Scale {
	return rollout.Scale{Name: "app-" + hash, Hash: hash, From: replicas, Drain: true}
}

func testConverged(t *testing.T, w world) {
	w.version(t, v1)
	w.move(t, to("", v1))
	err := w.Router.Converged(t.Context(), w.rollout(), drain(v1))
	var held *traffic.HeldError
	if !errors.As(err, &held) {
		t.Errorf("got error %v while requests go to the version, want that it is held", err)
	}
}

func testConvergence(t *testing.T, w world) {
	w.version(t, v1)
	w.version(t, v2)
	w.move(t, to("", v1))
	w.move(t, rollout.SwitchService{Role: rollout.RolePreview, Service: "preview", To: v2})
	testkit.Eventually(t, timeout, "the preview to have followed", func() error {
		_, err := w.Router.Switch(t.Context(), w.rollout(), to(v1, v2), time.Now())
		return err
	})
	testkit.Eventually(t, timeout, "requests to leave "+v1, func() error {
		return w.Router.Converged(t.Context(), w.rollout(), drain(v1))
	})
	routes, err := w.Router.Observe(t.Context(), w.rollout())
	if err != nil {
		t.Fatal(err)
	}
	ready := 0
	for _, slice := range routes.ActiveSlices {
		for _, endpoint := range slice.Endpoints {
			pod := &corev1.Pod{}
			if err := w.Client.Get(t.Context(), client.ObjectKey{Namespace: w.Namespace, Name: endpoint.TargetRef.Name}, pod); err != nil {
				t.Fatal(err)
			}
			if got := rollout.PodHash(pod.Labels); got != v2 {
				t.Errorf("requests go to pod %s of version %s, want %s", pod.Name, got, v2)
			}
			ready++
		}
	}
	if ready != replicas {
		t.Errorf("requests go to %d pods, want %d", ready, replicas)
	}
}

// write patches a Service as another program does.
func (w world) write(t *testing.T, name, patch string) {
	t.Helper()
	service := Service(name)
	service.Namespace = w.Namespace
	if err := w.Client.Patch(t.Context(), service, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		t.Fatal(err)
	}
}

func (w world) service(t *testing.T, name string) *corev1.Service {
	t.Helper()
	service := &corev1.Service{}
	if err := w.Client.Get(t.Context(), client.ObjectKey{Namespace: w.Namespace, Name: name}, service); err != nil {
		t.Fatal(err)
	}
	return service
}

func testOtherFields(t *testing.T, w world) {
	w.version(t, v1)
	w.write(t, "active", `{"metadata":{"annotations":{"example.com/a":"kept"}},"spec":{"sessionAffinity":"ClientIP"}}`)
	w.move(t, to("", v1))
	got := w.service(t, "active")
	if got.Annotations["example.com/a"] != "kept" || got.Spec.SessionAffinity != "ClientIP" || got.Spec.Selector["app"] != "app" {
		t.Errorf("got annotations %v, affinity %s, selector %v", got.Annotations, got.Spec.SessionAffinity, got.Spec.Selector)
	}
	if owner := got.Annotations[v1alpha1.ManagedByRolloutsAnnotation]; owner != "app" {
		t.Errorf("the Service is marked as managed by %q, want app", owner)
	}
}

func testLeft(t *testing.T, w world) {
	spare := Service("spare")
	spare.Namespace = w.Namespace
	spare.Annotations = map[string]string{v1alpha1.ManagedByRolloutsAnnotation: "app"}
	other := Service("other")
	other.Namespace = w.Namespace
	other.Annotations = map[string]string{v1alpha1.ManagedByRolloutsAnnotation: "another"}
	for _, service := range []*corev1.Service{spare, other} {
		if err := w.Client.Create(t.Context(), service); err != nil {
			t.Fatal(err)
		}
	}
	routes, err := w.Router.Observe(t.Context(), w.rollout())
	if err != nil || len(routes.Left) != 1 || routes.Left[0].Name != "spare" {
		t.Errorf("got left %v, error %v; want spare", routes.Left, err)
	}
}

func testRelease(t *testing.T, w world) {
	before := w.service(t, "active")
	w.version(t, v1)
	w.move(t, to("", v1))
	written, err := w.Router.Release(t.Context(), w.key(), "active")
	if err != nil || written == nil {
		t.Fatalf("got %v, error %v; want the object as it was written", written, err)
	}
	after := w.service(t, "active")
	if !maps.Equal(after.Spec.Selector, before.Spec.Selector) || len(after.Annotations) != len(before.Annotations) {
		t.Errorf("got selector %v, annotations %v; want %v, %v", after.Spec.Selector, after.Annotations, before.Spec.Selector, before.Annotations)
	}
	for _, name := range []string{"active", "preview", "nowhere"} {
		if written, err := w.Router.Release(t.Context(), w.key(), name); err != nil || written != nil {
			t.Errorf("releasing %s, which has nothing to take off: got %v, error %v", name, written, err)
		}
	}
	w.wantShares(t, nil)
}

const ofAnother = `{"metadata":{"annotations":{"argo-rollouts.argoproj.io/managed-by-rollouts":"another"}},"spec":{"selector":{"rollouts-pod-template-hash":"x"}}}`

func testReleaseOfAnother(t *testing.T, w world) {
	w.write(t, "active", ofAnother)
	if written, err := w.Router.Release(t.Context(), w.key(), "active"); err != nil || written != nil {
		t.Errorf("got %v, error %v; want that nothing is written", written, err)
	}
	if got := w.service(t, "active"); rollout.SelectedHash(got) != "x" {
		t.Errorf("the Service selects %v", got.Spec.Selector)
	}
}

func testReleaseAll(t *testing.T, w world) {
	w.version(t, v1)
	w.move(t, to("", v1))
	w.move(t, rollout.SwitchService{Role: rollout.RolePreview, Service: "preview", To: v1})
	other := Service("other")
	other.Namespace = w.Namespace
	if err := w.Client.Create(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	w.write(t, "other", ofAnother)
	if err := w.Router.ReleaseAll(context.WithoutCancel(t.Context()), w.key()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"active": "", "preview": "", "other": "x"} {
		if got := rollout.SelectedHash(w.service(t, name)); got != want {
			t.Errorf("%s selects %q, want %q", name, got, want)
		}
	}
}

func testWeights(t *testing.T, w world) {
	w.version(t, v1)
	w.version(t, v2)
	w.move(t, to("", v1))
	shares := map[string]int32{v1: 80, v2: 20}
	written, err := w.Router.SetWeight(t.Context(), w.rollout(), shares)
	if !w.Router.Capabilities().Weights {
		if !errors.Is(err, traffic.ErrNoWeights) || written != nil {
			t.Errorf("got %v, error %v; want ErrNoWeights", written, err)
		}
		w.wantShares(t, all(v1))
		return
	}
	if err != nil || written == nil {
		t.Fatalf("got %v, error %v; want the object as it was written", written, err)
	}
	w.wantShares(t, shares)
	for _, hash := range []string{v1, v2} {
		var held *traffic.HeldError
		if err := w.Router.Converged(t.Context(), w.rollout(), drain(hash)); !errors.As(err, &held) {
			t.Errorf("got error %v while %d%% of the requests go to %s, want that it is held", err, shares[hash], hash)
		}
	}
}
