package service_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/testkit"
	"github.com/cyan-cd/cyan/internal/traffic"
	"github.com/cyan-cd/cyan/internal/traffic/service"
)

// shop is a Rollout whose next version may take the traffic, as an API server and a cache have it, either of which a
// test may change.
type shop struct {
	live, cache client.Client
	router      service.Router
	mu          sync.Mutex
	asked       []string
}

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// newShop returns a shop with so many pods.
func newShop(t *testing.T, pods int) *shop {
	t.Helper()
	s := &shop{}
	builder := func() *fake.ClientBuilder {
		return fake.NewClientBuilder().WithScheme(testkit.Scheme()).WithObjects(version(pods)...)
	}
	note := func(verb string, o any) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, verb+" "+strings.ToLower(reflect.TypeOf(o).Elem().Name()))
	}
	s.live = builder().WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, how ...client.GetOption) error {
			note("get", o)
			return c.Get(ctx, key, o, how...)
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, how ...client.ListOption) error {
			note("list", list)
			return c.List(ctx, list, how...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, how ...client.PatchOption) error {
			note("patch", o)
			return c.Patch(ctx, o, p, how...)
		},
	}).Build()
	s.cache = builder().Build()
	s.router = service.Router{Client: s.live, Live: s.live, Cache: indexed{s.cache}}
	return s
}

// version returns the Services of a Rollout, and its next version with so many ready pods, which the preview lists.
func version(pods int) []client.Object {
	named := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: map[string]string{v1alpha1.PodHashLabel: "new"}}
	}
	selecting := func(name, hash string) *corev1.Service {
		return &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
			Spec: corev1.ServiceSpec{
				Selector: map[string]string{v1alpha1.PodHashLabel: hash},
				Ports:    []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromString("http")}},
			},
		}
	}
	listed := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "preview-1", Labels: map[string]string{discoveryv1.LabelServiceName: "preview"}}}
	objects := []client.Object{
		selecting("active", "old"), selecting("preview", "new"),
		&appsv1.ReplicaSet{ObjectMeta: named("app-new"), Spec: appsv1.ReplicaSetSpec{Replicas: new(int32(pods))}},
	}
	for i := range pods {
		pod := &corev1.Pod{ObjectMeta: named(fmt.Sprintf("app-new-%d", i))}
		pod.Spec.Containers = []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "http"}}}}
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(now)}}
		listed.Endpoints = append(listed.Endpoints, discoveryv1.Endpoint{TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: pod.Name}})
		objects = append(objects, pod)
	}
	return append(objects, listed)
}

var shopRollout = &v1alpha1.Rollout{
	ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "app"},
	Spec: v1alpha1.RolloutSpec{Strategy: v1alpha1.RolloutStrategy{
		BlueGreen: &v1alpha1.BlueGreenStrategy{ActiveService: "active", PreviewService: "preview"},
	}},
}

func toNew(replicas int) rollout.SwitchService {
	return rollout.SwitchService{Role: rollout.RoleActive, Service: "active", From: "old", To: "new", Replicas: int32(replicas)}
}

// change changes an object of one side; one that becomes nil is deleted.
func change[T client.Object](t *testing.T, c client.Client, name string, o T, how func(T) bool) {
	t.Helper()
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: name}, o); err != nil {
		t.Fatal(err)
	}
	var err error
	_, hasStatus := client.Object(o).(*corev1.Pod)
	switch kept := how(o); {
	case !kept:
		err = c.Delete(t.Context(), o)
	case hasStatus:
		err = updateBoth(t, c, o)
	default:
		err = c.Update(t.Context(), o)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// unready changes the status alone.
func unready(pod *corev1.Pod) bool {
	pod.Status.Conditions[0].Status = corev1.ConditionFalse
	return true
}

func gone[T any](T) bool { return false }

// updateBoth updates an object and its status, which are two things to an API server.
func updateBoth(t *testing.T, c client.Client, o client.Object) error {
	status := o.DeepCopyObject().(client.Object)
	if err := c.Update(t.Context(), o); err != nil {
		return err
	}
	status.SetResourceVersion(o.GetResourceVersion())
	return c.Status().Update(t.Context(), status)
}

func unlisted(s *discoveryv1.EndpointSlice) bool {
	s.Endpoints = nil
	return true
}

func unnamed(pod *corev1.Pod) bool {
	pod.Spec.Containers[0].Ports = nil
	return true
}

// What a switch asks of the API server: each object by its name, since a list has to wait there; nothing at all, where
// the cache knows already what speaks against it.
func TestWhatASwitchReads(t *testing.T) {
	byName := []string{"get endpointslice", "get pod", "get replicaset", "get service", "get service"}
	read := func(more ...string) []string { return append(slices.Clone(byName), more...) }
	for _, c := range []struct {
		name   string
		pods   int
		change func(t *testing.T, s *shop)
		asked  []string
		held   string
	}{
		{name: "nothing speaks against it", pods: 1, asked: read("patch service")},
		{name: "three pods", pods: 3, asked: read("get pod", "get pod", "patch service")},
		{
			name: "many pods", pods: 17,
			asked: []string{"get endpointslice", "get replicaset", "get service", "get service", "list podlist", "patch service"},
		},
		{
			name: "the cache does not show the EndpointSlice with the pod yet", pods: 1,
			change: func(t *testing.T, s *shop) { change(t, s.cache, "preview-1", &discoveryv1.EndpointSlice{}, unlisted) },
			held:   "pod app-new-0: not in the EndpointSlices",
		},
		{
			name: "the cache shows a pod that is not ready", pods: 1,
			change: func(t *testing.T, s *shop) { change(t, s.cache, "app-new-0", &corev1.Pod{}, unready) },
			held:   "ReplicaSet app-new: 0 pods are ready",
		},
		{
			name: "the cache shows no ReplicaSet", pods: 1,
			change: func(t *testing.T, s *shop) { change(t, s.cache, "app-new", &appsv1.ReplicaSet{}, gone) },
			held:   "ReplicaSet with hash new: not found",
		},
		{
			name: "a pod is not ready any more", pods: 1,
			change: func(t *testing.T, s *shop) { change(t, s.live, "app-new-0", &corev1.Pod{}, unready) },
			asked:  byName, held: "ReplicaSet app-new: 0 pods are ready",
		},
		{
			name: "a pod is gone", pods: 1,
			change: func(t *testing.T, s *shop) { change(t, s.live, "app-new-0", &corev1.Pod{}, gone) },
			asked:  byName, held: "ReplicaSet app-new: 0 pods are ready",
		},
		{
			name: "the ReplicaSet is gone", pods: 1,
			change: func(t *testing.T, s *shop) { change(t, s.live, "app-new", &appsv1.ReplicaSet{}, gone) },
			asked:  byName, held: "ReplicaSet with hash new: not found",
		},
		{
			name: "the EndpointSlice does not list the pod any more", pods: 1,
			change: func(t *testing.T, s *shop) { change(t, s.live, "preview-1", &discoveryv1.EndpointSlice{}, unlisted) },
			asked:  byName, held: "pod app-new-0: not in the EndpointSlices",
		},
		{
			name: "the Service is gone", pods: 1,
			change: func(t *testing.T, s *shop) { change(t, s.live, "active", &corev1.Service{}, gone) },
			asked:  byName, held: "service active: not found",
		},
		{
			name: "a new pod names no port: what the pods before name is asked for", pods: 1,
			change: func(t *testing.T, s *shop) { change(t, s.live, "app-new-0", &corev1.Pod{}, unnamed) },
			asked:  read("list podlist", "patch service"),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t, c.pods)
			if c.change != nil {
				c.change(t, s)
			}
			s.asked = nil
			_, err := s.router.Switch(t.Context(), shopRollout, toNew(c.pods), now)
			slices.Sort(s.asked)
			slices.Sort(c.asked)
			if !slices.Equal(s.asked, c.asked) {
				t.Errorf("asked for %q, want %q", s.asked, c.asked)
			}
			wantHeld(t, err, c.held)
		})
	}
}

func wantHeld(t *testing.T, err error, why string) {
	t.Helper()
	var held *traffic.HeldError
	if (why == "") != (err == nil) || why != "" && (!errors.As(err, &held) || !strings.HasPrefix(err.Error(), why)) {
		t.Errorf("got error %v, want %q", err, why)
	}
}

// Whether a switch may be made is asked of the cache alone.
func TestWhetherASwitchMayBeMadeIsKnownAlready(t *testing.T) {
	s := newShop(t, 1)
	wantHeld(t, s.router.MaySwitch(t.Context(), shopRollout, toNew(1), now), "")
	wantHeld(t, s.router.MaySwitch(t.Context(), shopRollout, toNew(2), now), "ReplicaSet app-new: has a size of 1")
	change(t, s.cache, "preview-1", &discoveryv1.EndpointSlice{}, unlisted)
	wantHeld(t, s.router.MaySwitch(t.Context(), shopRollout, toNew(1), now), "pod app-new-0: not in the EndpointSlices")
	s.router.Cache = nil
	wantHeld(t, s.router.MaySwitch(t.Context(), shopRollout, toNew(2), now), "")
	if len(s.asked) > 0 {
		t.Errorf("asked the API server for %q, want nothing", s.asked)
	}
}

// What proves that a switch has converged is read from the API server, once the cache shows that there is something to
// prove.
func TestConvergenceIsReadFromTheAPIServer(t *testing.T) {
	for _, c := range []struct {
		name       string
		token, has string
		converged  bool
		live       bool
	}{
		{"the EndpointSlices in the cache are of before", "second", "first", false, false},
		{"the EndpointSlices in the cache have followed", "second", "second", false, true},
		{"it has converged", "second", "second", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t, 1)
			slice := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "active-1", Labels: map[string]string{
				discoveryv1.LabelServiceName: "active", discoveryv1.LabelManagedBy: "endpointslice-controller.k8s.io", rollout.SwitchLabel: c.has,
			}}}
			if err := errors.Join(s.cache.Create(t.Context(), slice.DeepCopy()), s.live.Create(t.Context(), slice.DeepCopy())); err != nil {
				t.Fatal(err)
			}
			change(t, s.cache, "active", &corev1.Service{}, func(o *corev1.Service) bool {
				o.Labels = map[string]string{rollout.SwitchLabel: c.token}
				return true
			})
			ro := shopRollout.DeepCopy()
			ro.Status.BlueGreen.Switch = &v1alpha1.SwitchStatus{To: "old"}
			if c.converged {
				ro.Status.BlueGreen.Switch.ConvergedAt = &metav1.Time{Time: now}
			}
			s.asked = nil
			routes, err := s.router.Observe(t.Context(), ro)
			if err != nil || len(routes.ActiveSlices) != 1 {
				t.Fatalf("got EndpointSlices %v, error %v; want one", routes.ActiveSlices, err)
			}
			if live := slices.Contains(s.asked, "list endpointslicelist"); live != c.live || !live && len(s.asked) > 0 {
				t.Errorf("asked the API server for %q, want that it is asked: %t", s.asked, c.live)
			}
		})
	}
}
