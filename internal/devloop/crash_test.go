package devloop

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	corelisters "k8s.io/client-go/listers/core/v1"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
)

// crashing is a pod of an image whose container is in a state, after it has ended before, if it has.
func crashing(name, image string, status corev1.ContainerStatus) *corev1.Pod {
	status.Name = "app"
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: labels.Set{"app": "app"}}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: image}}},
		Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{status}},
	}
}

// A pod that crashes at its start is named, as soon as it has ended and for as long as it is not started again, with
// the end of the log of the run that has ended. Pods of another save count for nothing.
func TestAPodThatCrashesAtItsStart(t *testing.T) {
	const before, now = "registry.example/app@sha256:0000", "registry.example/app@sha256:1111"
	backOff := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
	ended := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 2}}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	for rule, c := range map[string]struct {
		pod     *corev1.Pod
		failing string
		// log is set when that of the container is shown, and previous when it is that of the run before.
		log, previous bool
	}{
		"it has ended":              {crashing("a", now, corev1.ContainerStatus{State: ended}), "pod a, container app: ended with exit code 2", true, false},
		"it is not started again":   {crashing("a", now, corev1.ContainerStatus{State: backOff, LastTerminationState: ended, RestartCount: 1}), "pod a, container app: ended with exit code 2", true, true},
		"how it ended is not known": {crashing("a", now, corev1.ContainerStatus{State: backOff, RestartCount: 1}), "pod a, container app: ends as soon as it has started", true, true},
		"it runs again":             {crashing("a", now, corev1.ContainerStatus{State: running, LastTerminationState: ended, RestartCount: 1}), "", false, false},
		"it is of another save":     {crashing("a", before, corev1.ContainerStatus{State: backOff, LastTerminationState: ended, RestartCount: 1}), "", false, false},
	} {
		t.Run(rule, func(t *testing.T) {
			clients, pods := fake.NewClientset(), cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
			if err := pods.Add(c.pod); err != nil {
				t.Fatal(err)
			}
			s := &scene{clients: clients, namespace: "shop", pods: corelisters.NewPodLister(pods).Pods("shop")}
			current := currentPods(map[string]string{"app": now})
			var want []string
			if c.failing != "" {
				want = []string{c.failing}
			}
			if seen, err := s.stateOf(t.Context(), nil, nil, current); err != nil || !slices.Equal(seen.failing, want) {
				t.Errorf("got %q, %v; want %q", seen.failing, err, want)
			}
			if got := s.lastLog(t.Context(), current); (got != "") != c.log {
				t.Errorf("log: got %q, want one %t", got, c.log)
			}
			for _, action := range clients.Actions() {
				options := action.(clienttesting.GenericAction).GetValue().(*corev1.PodLogOptions)
				if options.Container != "app" || options.Previous != c.previous || options.TailLines == nil {
					t.Errorf("log: asked for %+v, want the end of that of the run before: %t", options, c.previous)
				}
			}
		})
	}
}

// A container that cannot be made has another identifier at each try, which makes it no other failure; a digest is one.
func TestWithoutIDs(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for given, want := range map[string]string{
		`failed to generate container "` + id + `" spec`: `failed to generate container "…" spec`,
		id + " and " + id: "… and …",
		"pulling registry.example/app@sha256:" + id:         "pulling registry.example/app@sha256:" + id,
		"a name of more letters " + id + "0":                "a name of more letters " + id + "0",
		"a commit 0123456789abcdef0123456789abcdef01234567": "a commit 0123456789abcdef0123456789abcdef01234567",
	} {
		if got := withoutIDs(given); got != want {
			t.Errorf("%s: got %s, want %s", given, got, want)
		}
	}
}

// servedPods are pods alone.
type servedPods struct{ served }

func (servedPods) Resource(schema.GroupVersionKind) (schema.GroupVersionResource, bool, bool) {
	return schema.GroupVersionResource{Version: "v1", Resource: "pods"}, true, true
}

// A pod that the manifests have themselves is named once where it fails, as its container is.
func TestAPodOfTheManifestsThatFails(t *testing.T) {
	const now = "registry.example/app@sha256:1111"
	pod := crashing("a", now, corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CreateContainerError", Message: "no command"}}})
	pod.APIVersion, pod.Kind = "v1", "Pod"
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(pod)
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{Object: content}
	for rule, c := range map[string]struct {
		pods []*corev1.Pod
		want []string
	}{
		"it is known as a pod":            {[]*corev1.Pod{pod}, []string{"pod a, container app: CreateContainerError: no command"}},
		"it is not yet known as a pod":    {nil, []string{"Pod a: container app: CreateContainerError: no command"}},
		"another pod is known, that runs": {[]*corev1.Pod{crashing("b", now, corev1.ContainerStatus{})}, []string{"Pod a: container app: CreateContainerError: no command"}},
	} {
		t.Run(rule, func(t *testing.T) {
			pods := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
			for _, p := range c.pods {
				if err := pods.Add(p); err != nil {
					t.Fatal(err)
				}
			}
			objects := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
			if err := objects.Add(object); err != nil {
				t.Fatal(err)
			}
			resource, _, _ := servedPods{}.Resource(object.GroupVersionKind())
			s := &scene{
				namespace: "shop", isAtRest: asOwn{}.isAtRest, pods: corelisters.NewPodLister(pods).Pods("shop"), kinds: servedPods{},
				watched: map[schema.GroupVersionResource]cache.GenericLister{resource: cache.NewGenericLister(objects, resource.GroupResource())},
			}
			seen, err := s.stateOf(t.Context(), []*unstructured.Unstructured{object}, nil, currentPods(map[string]string{"app": now}))
			if err != nil || !slices.Equal(seen.failing, c.want) {
				t.Errorf("got %q, %v; want %q", seen.failing, err, c.want)
			}
		})
	}
}
