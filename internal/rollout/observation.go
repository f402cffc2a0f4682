package rollout

import (
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Observation is all that a decision is made from. Nothing in it is changed by a decision.
type Observation struct {
	Rollout *v1alpha1.Rollout
	// Workload is what spec.workloadRef names; nil without a workloadRef, or when it does not exist.
	Workload *Workload
	// ReplicaSets are those that the Rollout owns.
	ReplicaSets []*appsv1.ReplicaSet
	// Pods are those of the ReplicaSets.
	Pods []*corev1.Pod
	// Active and Preview are the Services that the spec names; nil when they do not exist.
	Active, Preview *corev1.Service
	// ActiveSlices are the EndpointSlices of the active Service. While a switch has not converged they must be read from the API server, not from a cache.
	ActiveSlices []*discoveryv1.EndpointSlice
	// Left are Services that are marked as managed by this Rollout although its spec does not name them.
	Left []*corev1.Service
}

// Workload is an object that lends a Rollout its pod template.
type Workload struct {
	Template   corev1.PodTemplateSpec
	Generation int64
	// Selector of the workload, for a Rollout that has none.
	Selector *metav1.LabelSelector
	// Replicas is the workload's own size; nil for a PodTemplate, which has none.
	Replicas *int32
}

// Defaults of the fields that may be left out.
const (
	defaultReplicas             = 1
	defaultRevisionHistoryLimit = 10
	defaultProgressDeadline     = 600
	defaultScaleDownDelay       = 30
	defaultAbortScaleDownDelay  = 30
)

func valueOr[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// Replicas is the number of pods that a Rollout wants.
func Replicas(ro *v1alpha1.Rollout) int32 { return valueOr(ro.Spec.Replicas, defaultReplicas) }

// PodHash is the hash in the labels of a ReplicaSet or pod, or in the selector of a Service; empty when there is none.
func PodHash(labels map[string]string) string { return labels[v1alpha1.PodHashLabel] }

func selectedHash(service *corev1.Service) string {
	if service == nil {
		return ""
	}
	return PodHash(service.Spec.Selector)
}

func size(rs *appsv1.ReplicaSet) int32 { return valueOr(rs.Spec.Replicas, 1) }

// Revision is the revision number of a ReplicaSet; 0 when it has none.
func Revision(rs *appsv1.ReplicaSet) int64 {
	n, err := strconv.ParseInt(rs.Annotations[v1alpha1.RevisionAnnotation], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func byHash(all []*appsv1.ReplicaSet, hash string) *appsv1.ReplicaSet {
	if hash == "" {
		return nil
	}
	i := slices.IndexFunc(all, func(rs *appsv1.ReplicaSet) bool { return PodHash(rs.Labels) == hash })
	if i < 0 {
		return nil
	}
	return all[i]
}

// podsOf returns the pods with a hash that are not on their way out.
func podsOf(pods []*corev1.Pod, hash string) []*corev1.Pod {
	var of []*corev1.Pod
	for _, pod := range pods {
		if PodHash(pod.Labels) == hash && pod.DeletionTimestamp == nil {
			of = append(of, pod)
		}
	}
	return of
}

// readyCondition is a pod's Ready condition when it is true, else nil.
func readyCondition(pod *corev1.Pod) *corev1.PodCondition {
	for i, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

func readyPods(pods []*corev1.Pod, hash string) int32 {
	var n int32
	for _, pod := range podsOf(pods, hash) {
		if readyCondition(pod) != nil {
			n++
		}
	}
	return n
}

// saturated says that a ReplicaSet's controller has seen its size, and that so many pods are there and available.
func saturated(rs *appsv1.ReplicaSet, want int32) bool {
	return rs != nil && rs.DeletionTimestamp == nil && rs.Status.ObservedGeneration >= rs.Generation &&
		size(rs) == want && rs.Status.Replicas == want && rs.Status.AvailableReplicas == want
}
