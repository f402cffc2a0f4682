package main

import (
	"context"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

// pods are when the ReplicaSets and pods of a namespace were first seen, and when pods were ready: the times of objects
// themselves are in whole seconds.
type pods struct {
	mu    sync.Mutex
	sets  []time.Time
	ready map[string]podTimes
}

type podTimes struct{ seen, ready time.Time }

// watchPods notes times until ctx ends.
func watchPods(ctx context.Context, clients kubernetes.Interface, namespace string) (*pods, error) {
	p := &pods{ready: map[string]podTimes{}}
	sets, err := clients.AppsV1().ReplicaSets(namespace).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	all, err := clients.CoreV1().Pods(namespace).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	go func() {
		for event := range sets.ResultChan() {
			if event.Type == watch.Added {
				p.mu.Lock()
				p.sets = append(p.sets, time.Now())
				p.mu.Unlock()
			}
		}
	}()
	go func() {
		for event := range all.ResultChan() {
			if pod, ok := event.Object.(*corev1.Pod); ok {
				p.note(pod, time.Now())
			}
		}
	}()
	return p, nil
}

func (p *pods) note(pod *corev1.Pod, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	times := p.ready[pod.Name]
	if times.seen.IsZero() {
		times.seen = now
	}
	if times.ready.IsZero() && isReady(pod) {
		times.ready = now
	}
	p.ready[pod.Name] = times
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue })
}

// between returns when the first ReplicaSet appeared after a time, and when the last pod was ready that began after it
// and was ready before another time; zero where there was none.
func (p *pods) between(after, before time.Time) (set, ready time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, at := range p.sets {
		if at.After(after) && at.Before(before) {
			set = at
			break
		}
	}
	for _, pod := range p.ready {
		if pod.seen.After(after) && pod.ready.After(ready) && pod.ready.Before(before) {
			ready = pod.ready
		}
	}
	return set, ready
}
