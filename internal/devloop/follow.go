package devloop

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/health"
)

// scene is what is seen of the namespace: its pods and Services, and the workloads of the project.
type scene struct {
	clients kubernetes.Interface
	dynamic dynamic.Interface
	pods    corelisters.PodNamespaceLister
	// services are those of the namespace.
	services corelisters.ServiceNamespaceLister
	podCache cache.SharedIndexInformer

	namespace string
	// scope is what of the namespace is the project's; nil is all of it.
	scope atomic.Pointer[scope]
	// done ends what is watched.
	done      <-chan struct{}
	kinds     apply.Kinds
	factory   informers.SharedInformerFactory
	workloads dynamicinformer.DynamicSharedInformerFactory

	mu       sync.Mutex
	watched  map[schema.GroupVersionResource]cache.GenericLister
	changed  map[chan struct{}]bool
	podHeard []func(pod *corev1.Pod)
	podGone  []func(pod types.UID)
	// guard calls what is called by a client library, whose goroutines nobody else guards.
	guard func(func())
	// isAtRest reports of a health that is not Healthy whether it is as good.
	isAtRest func(v1alpha1.HealthStatusCode) bool
}

func newScene(ctx context.Context, clients kubernetes.Interface, connection dynamic.Interface, kinds apply.Kinds, namespace string, guard func(func())) (*scene, error) {
	s := &scene{guard: guard, clients: clients, dynamic: connection, kinds: kinds, namespace: namespace, done: ctx.Done(), watched: map[schema.GroupVersionResource]cache.GenericLister{}, changed: map[chan struct{}]bool{}}
	s.factory = informers.NewSharedInformerFactoryWithOptions(clients, 0, informers.WithNamespace(namespace), informers.WithTransform(withoutManagedFields))
	s.workloads = dynamicinformer.NewFilteredDynamicSharedInformerFactory(connection, 0, namespace, nil)
	pods, services := s.factory.Core().V1().Pods(), s.factory.Core().V1().Services()
	s.pods, s.services, s.podCache = pods.Lister().Pods(namespace), services.Lister().Services(namespace), pods.Informer()
	for _, informer := range []cache.SharedIndexInformer{s.podCache, services.Informer()} {
		if _, err := informer.AddEventHandler(s.handler()); err != nil {
			return nil, fmt.Errorf("watching namespace %s: %w", namespace, err)
		}
	}
	s.factory.Start(ctx.Done())
	s.factory.WaitForCacheSync(ctx.Done())
	return s, ctx.Err()
}

// handler signals every change to everybody who looks.
func (s *scene) handler() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { s.guard(func() { s.poke(object) }) },
		UpdateFunc: func(_, object any) { s.guard(func() { s.poke(object) }) },
		DeleteFunc: func(object any) {
			if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = last.Obj
			}
			s.guard(func() {
				s.poke(object)
				s.forget(object)
			})
		},
	}
}

// forget calls whoever hears of pods when one is gone.
func (s *scene) forget(object any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pod, ok := object.(*corev1.Pod); ok {
		for _, gone := range s.podGone {
			gone(pod.UID)
		}
	}
}

// containerRuns are the last runs of containers, by their pods: there are as many as there are pods, however often
// they are started.
type containerRuns map[types.UID]map[string]string

// note notes a run of a container, and reports whether it is another one than before.
func (r containerRuns) note(pod types.UID, c corev1.ContainerStatus) bool {
	if r[pod] == nil {
		r[pod] = map[string]string{}
	}
	before := r[pod][c.Name]
	r[pod][c.Name] = c.ContainerID
	return before != c.ContainerID
}

// drop forgets a run, if it is the last one of its container.
func (r containerRuns) drop(pod types.UID, c corev1.ContainerStatus) {
	if r[pod][c.Name] == c.ContainerID {
		delete(r[pod], c.Name)
	}
}

// forget drops the containers of a pod that is gone.
func (r containerRuns) forget(pod types.UID) { delete(r, pod) }

func (s *scene) poke(object any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pod, ok := object.(*corev1.Pod); ok {
		s.hear(pod)
	}
	for to := range s.changed {
		select {
		case to <- struct{}{}:
		default:
		}
	}
}

// onPod has a function called for each change of a pod, and for those that there are, and another one when a pod is
// gone. They must not wait.
func (s *scene) onPod(heard func(*corev1.Pod), gone func(types.UID)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.podHeard, s.podGone = append(s.podHeard, heard), append(s.podGone, gone)
	all, _ := s.pods.List(labels.Everything())
	for _, pod := range all {
		if s.scope.Load().hasPod(pod) {
			heard(pod)
		}
	}
}

// look returns a channel that is signalled at changes, until end is called.
func (s *scene) look() (changes <-chan struct{}, end func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed[c] = true
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.changed, c)
	}
}

// lister returns what reads objects of a kind, and watches them from then on.
func (s *scene) lister(ctx context.Context, kind schema.GroupVersionKind) (cache.GenericLister, error) {
	resource, _, ok := s.kinds.Resource(kind)
	if !ok {
		return nil, fmt.Errorf("watching %s: the cluster does not serve it", kind.Kind)
	}
	s.mu.Lock()
	lister, known := s.watched[resource]
	s.mu.Unlock()
	if known {
		return lister, nil
	}
	informer := s.workloads.ForResource(resource)
	if _, err := informer.Informer().AddEventHandler(s.handler()); err != nil {
		return nil, fmt.Errorf("watching %s: %w", kind.Kind, err)
	}
	s.workloads.Start(s.done)
	cache.WaitForCacheSync(ctx.Done(), informer.Informer().HasSynced)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watched[resource] = informer.Lister()
	return informer.Lister(), nil
}

// workloadKinds are those that run pods.
var workloadKinds = map[schema.GroupKind]bool{
	{Group: "apps", Kind: "Deployment"}: true, {Group: "apps", Kind: "StatefulSet"}: true, {Group: "apps", Kind: "DaemonSet"}: true, {Group: "apps", Kind: "ReplicaSet"}: true,
	{Kind: "Pod"}: true, {Group: "batch", Kind: "Job"}: true, {Group: v1alpha1.GroupVersion.Group, Kind: v1alpha1.RolloutKind}: true,
}

// state is how far a deployment is.
type state struct {
	// Waiting are workloads that are not ready, and Failing why some will not be.
	waiting, failing []string
}

func (s state) ready() bool { return len(s.waiting)+len(s.failing) == 0 }

// stateOf looks at workloads. generations are those that were applied; pods that are not current count for nothing.
func (s *scene) stateOf(ctx context.Context, workloads []*unstructured.Unstructured, generations map[apply.Ref]int64, current func(*corev1.Pod) bool) (state, error) {
	var found state
	pods := s.failingPods(current)
	for _, w := range workloads {
		ref := apply.RefOf(w)
		if ref.Namespace != s.namespace {
			continue
		}
		lister, err := s.lister(ctx, ref.Kind)
		if err != nil {
			return found, err
		}
		name := w.GetKind() + " " + w.GetName()
		seen, err := lister.ByNamespace(ref.Namespace).Get(ref.Name)
		live, ok := seen.(*unstructured.Unstructured)
		if err != nil || !ok || live.GetGeneration() < generations[ref] {
			found.waiting = append(found.waiting, name)
			continue
		}
		verdict := health.Of(live)
		if verdict == nil || verdict.Status == v1alpha1.HealthHealthy || s.isAtRest(verdict.Status) {
			continue
		}
		if verdict.Status == v1alpha1.HealthDegraded {
			if w.GetKind() != "Pod" || !slices.ContainsFunc(pods, func(p failingPod) bool { return p.name == w.GetName() }) {
				found.failing = append(found.failing, withoutIDs(strings.TrimSuffix(name+": "+verdict.Message, ": ")))
			}
			continue
		}
		found.waiting = append(found.waiting, name)
	}
	for _, pod := range pods {
		found.failing = append(found.failing, pod.why)
	}
	return found, nil
}

// failingPod is a pod that will not become ready by itself, and why.
type failingPod struct{ name, why string }

func (s *scene) failingPods(current func(*corev1.Pod) bool) (all []failingPod) {
	for _, pod := range s.newest() {
		if why := whyNot(pod); why != "" && current(pod) {
			all = append(all, failingPod{pod.Name, withoutIDs(why)})
		}
	}
	return all
}

// idOfRun is the identifier of a run of a container, which is another one at each try. One behind a colon is a digest.
var idOfRun = regexp.MustCompile(`(^|[^:0-9a-f])[0-9a-f]{64}($|[^0-9a-f])`)

// withoutIDs leaves out of a text what nobody looks for, and what makes the same failure another one at each try.
func withoutIDs(text string) string { return idOfRun.ReplaceAllString(text, "$1…$2") }

// newest are the pods of the project that are not on their way out.
func (s *scene) newest() []*corev1.Pod {
	scope := s.scope.Load()
	all, _ := s.pods.List(labels.Everything())
	all = slices.DeleteFunc(slices.Clone(all), func(p *corev1.Pod) bool { return p.DeletionTimestamp != nil || !scope.hasPod(p) })
	slices.SortFunc(all, func(a, b *corev1.Pod) int { return b.CreationTimestamp.Compare(a.CreationTimestamp.Time) })
	return all
}

// whyNot returns why a pod will not become ready by itself; "" while it may.
func whyNot(pod *corev1.Pod) string {
	for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		of := fmt.Sprintf("pod %s, container %s: ", pod.Name, c.Name)
		if w := c.State.Waiting; w != nil {
			switch w.Reason {
			case "CrashLoopBackOff":
				return of + ended(c.LastTerminationState.Terminated)
			case "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
				return of + strings.TrimSuffix(w.Reason+": "+w.Message, ": ")
			}
		}
		if t := c.State.Terminated; t != nil && t.ExitCode != 0 && pod.Spec.RestartPolicy != corev1.RestartPolicyNever {
			return of + ended(t)
		}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return fmt.Sprintf("pod %s: no node takes it: %s", pod.Name, c.Message)
		}
	}
	return ""
}

func ended(t *corev1.ContainerStateTerminated) string {
	switch {
	case t == nil:
		return "ends as soon as it has started"
	case t.Signal != 0:
		return fmt.Sprintf("ended by signal %d", t.Signal)
	case t.Reason == "OOMKilled":
		return "ended for want of memory (OOMKilled)"
	}
	return fmt.Sprintf("ended with exit code %d", t.ExitCode)
}

// lastWords bounds what is shown of the log of a container that has ended.
const lastWords = 12

// lastLog returns the end of what a failing container of the newest pods has printed; "" when nothing is known.
func (s *scene) lastLog(ctx context.Context, current func(*corev1.Pod) bool) string {
	for _, pod := range s.newest() {
		if whyNot(pod) == "" || !current(pod) {
			continue
		}
		for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if c.Ready || c.RestartCount == 0 && c.State.Terminated == nil {
				continue
			}
			if text := s.logOf(ctx, pod.Name, c.Name, c.State.Terminated == nil); text != "" {
				return text
			}
		}
	}
	return ""
}

func (s *scene) logOf(ctx context.Context, pod, container string, previous bool) string {
	lines := int64(lastWords)
	stream, err := s.clients.CoreV1().Pods(s.namespace).GetLogs(pod, &corev1.PodLogOptions{Container: container, Previous: previous, TailLines: &lines}).Stream(ctx)
	if err != nil {
		return ""
	}
	defer stream.Close()
	var out bytes.Buffer
	_, _ = io.Copy(&out, io.LimitReader(stream, 16<<10))
	return strings.TrimRight(out.String(), "\n")
}

// withoutManagedFields drops what is large and nobody looks at.
func withoutManagedFields(object any) (any, error) {
	if o, ok := object.(metav1.Object); ok {
		o.SetManagedFields(nil)
	}
	return object, nil
}
