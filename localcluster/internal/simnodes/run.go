// Package simnodes plays the nodes of a cluster: it registers them, keeps them alive, and moves the pods that are
// scheduled to them through their phases. It runs no container and serves no traffic.
package simnodes

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
)

const workers = 8

type simulator struct {
	client kubernetes.Interface
	nodes  map[string]string // name → address
	taints []corev1.Taint
	beside Beside
	pods   corelisters.PodLister
	queue  workqueue.TypedRateLimitingInterface[types.NamespacedName]
	ips    addresses

	mu    sync.Mutex
	times map[types.UID]times
}

// times are kept here because the API keeps whole seconds only.
type times struct{ start, deleted time.Time }

// Beside is what else is in the cluster.
type Beside int

// Simulated nodes are all that there is, or have a real one beside them: then only what tolerates it comes to them.
const (
	Nothing Beside = iota
	RealNode
)

// Run plays count nodes until ctx ends.
func Run(ctx context.Context, kubeconfig string, count int, beside Beside) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS, config.Burst = -1, 0 // the API server sets the pace
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	s := &simulator{
		client: client, beside: beside, nodes: map[string]string{}, times: map[types.UID]times{},
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[types.NamespacedName]()),
	}
	if beside == RealNode {
		s.taints = []corev1.Taint{{Key: Label, Value: "true", Effect: corev1.TaintEffectNoSchedule}}
	}
	for i := 1; i <= count; i++ {
		s.nodes[fmt.Sprintf("simulated-%d", i)] = nodeAddress(i)
	}
	if err := s.register(ctx); err != nil {
		return err
	}
	go s.keepAlive(ctx)
	return s.run(ctx)
}

func (s *simulator) run(ctx context.Context) error {
	factory := informers.NewSharedInformerFactoryWithOptions(s.client, 0, informers.WithTransform(stripPod))
	informer := factory.Core().V1().Pods()
	s.pods = informer.Lister()
	enqueue := func(obj any) {
		if pod := podOf(obj); pod != nil && s.nodes[pod.Spec.NodeName] != "" {
			s.queue.Add(types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name})
		}
	}
	handle, err := informer.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    enqueue,
		UpdateFunc: func(_, obj any) { enqueue(obj) },
		DeleteFunc: func(obj any) {
			if pod := podOf(obj); pod != nil {
				s.forget(pod)
			}
		},
	})
	if err != nil {
		return fmt.Errorf("watching pods: %w", err)
	}
	if s.beside == Nothing {
		if err := s.followBalancers(ctx, factory); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), handle.HasSynced) {
		return nil
	}
	if err := s.takeOver(); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for s.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	s.queue.ShutDown()
	wg.Wait()
	factory.Shutdown()
	return nil
}

// stripPod drops what is never looked at, to keep thousands of pods small.
func stripPod(obj any) (any, error) {
	if pod, ok := obj.(*corev1.Pod); ok {
		pod.ManagedFields = nil
	}
	return obj, nil
}

func podOf(obj any) *corev1.Pod {
	if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = gone.Obj
	}
	pod, _ := obj.(*corev1.Pod)
	return pod
}

func (s *simulator) next(ctx context.Context) bool {
	key, quit := s.queue.Get()
	if quit {
		return false
	}
	defer s.queue.Done(key)
	if err := s.move(ctx, key); err != nil {
		if ctx.Err() == nil {
			slog.Warn("pod could not be moved", "pod", key.String(), "cause", err.Error())
		}
		s.queue.AddRateLimited(key)
		return true
	}
	s.queue.Forget(key)
	return true
}

// move takes one pod to where it is to be by now.
func (s *simulator) move(ctx context.Context, key types.NamespacedName) error {
	pod, err := s.pods.Pods(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	now := time.Now()
	seen := s.observe(pod, now)
	step := Decide(seen, now)
	if err := s.writeStatus(ctx, pod, step.Status); err != nil {
		return err
	}
	if step.Delete {
		return s.remove(ctx, pod)
	}
	if step.Wake > 0 {
		s.queue.AddAfter(key, step.Wake)
	}
	return nil
}

func (s *simulator) observe(pod *corev1.Pod, now time.Time) Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, known := s.times[pod.UID]
	if !known {
		t.start = now
		if pod.Status.StartTime != nil {
			t.start = pod.Status.StartTime.Time
		}
	}
	if pod.DeletionTimestamp != nil && t.deleted.IsZero() {
		t.deleted = now
	}
	s.times[pod.UID] = t
	seen := Seen{Pod: pod, Start: t.start, DeletedAt: t.deleted, NodeIP: s.nodes[pod.Spec.NodeName]}
	switch {
	case pod.Spec.HostNetwork:
		seen.PodIP = seen.NodeIP
	case pod.Status.PodIP != "":
		seen.PodIP = pod.Status.PodIP
	default:
		seen.PodIP = s.ips.of(pod.UID)
	}
	return seen
}

// takeOver learns the addresses that pods have from before.
func (s *simulator) takeOver() error {
	pods, err := s.pods.List(everything)
	if err != nil {
		return fmt.Errorf("listing pods: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, pod := range pods {
		s.ips.take(pod.UID, pod.Status.PodIP)
	}
	return nil
}

func (s *simulator) forget(pod *corev1.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.times, pod.UID)
	s.ips.free(pod.UID)
}

// writeStatus merges, because conditions of others (readiness gates) are written at any time.
func (s *simulator) writeStatus(ctx context.Context, pod *corev1.Pod, status corev1.PodStatus) error {
	if same(pod.Status, status) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": pod.UID}, "status": status})
	if err != nil {
		return fmt.Errorf("encoding a status: %w", err)
	}
	_, err = s.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	return ignoreGone(err)
}

func same(have, want corev1.PodStatus) bool {
	for _, c := range want.Conditions {
		found := false
		for _, h := range have.Conditions {
			found = found || equality.Semantic.DeepEqual(h, c)
		}
		if !found {
			return false
		}
	}
	have.Conditions, want.Conditions = nil, nil
	return equality.Semantic.DeepEqual(have, want)
}

func (s *simulator) remove(ctx context.Context, pod *corev1.Pod) error {
	options := metav1.NewDeleteOptions(0)
	options.Preconditions = metav1.NewUIDPreconditions(string(pod.UID))
	return ignoreGone(s.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, *options))
}

// ignoreGone drops the errors that say that the pod, or this pod of that name, exists no more.
func ignoreGone(err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}
