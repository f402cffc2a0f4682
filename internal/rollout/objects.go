package rollout

import (
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Defaults of the fields that may be left out, whatever the strategy.
const (
	defaultReplicas             = 1
	defaultRevisionHistoryLimit = 10
	defaultProgressDeadline     = 600
)

// StableSinceAnnotation is on a ReplicaSet that has been the stable version, with the RFC 3339 time at which it became
// it. Only such a ReplicaSet is gone back to without a gate.
const StableSinceAnnotation = "rollout.cyan.dev/stable-since"

// TrafficLeftAnnotation is on a ReplicaSet that gave the traffic over, with the RFC 3339 time at which the
// EndpointSlices had followed.
const TrafficLeftAnnotation = "rollout.cyan.dev/traffic-left"

// SwitchLabel is on an active Service: it tells the last switch of its selector from those before. The endpoint
// controller puts the labels of a Service on its EndpointSlices, so that those show which state of the Service they
// follow.
const SwitchLabel = "rollout.cyan.dev/switch"

// SwitchToken returns the value of [SwitchLabel] for a switch at a time.
func SwitchToken(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }

// endpointController is the value of the managed-by label of EndpointSlices that follow the labels of their Service.
const endpointController = "endpointslice-controller.k8s.io"

// Replicas returns the number of pods that a Rollout wants.
func Replicas(ro *v1alpha1.Rollout) int32 { return ptr.Deref(ro.Spec.Replicas, defaultReplicas) }

// RevisionHistoryLimit returns how many old ReplicaSets a Rollout keeps.
func RevisionHistoryLimit(spec *v1alpha1.RolloutSpec) int32 {
	return ptr.Deref(spec.RevisionHistoryLimit, defaultRevisionHistoryLimit)
}

// Observed reports whether the status of a Rollout speaks of its spec as it is now.
func Observed(ro *v1alpha1.Rollout) bool {
	return ro.Status.ObservedGeneration == strconv.FormatInt(ro.Generation, 10)
}

// PodHash returns the hash in the labels of a ReplicaSet or pod, or in the selector of a Service; empty when there is
// none.
func PodHash(labels map[string]string) string { return labels[v1alpha1.PodHashLabel] }

// SelectedHash returns the hash that a Service selects; empty when it selects no version, or is nil.
func SelectedHash(service *corev1.Service) string {
	if service == nil {
		return ""
	}
	return PodHash(service.Spec.Selector)
}

// Size returns how many pods a ReplicaSet is told to have.
func Size(rs *appsv1.ReplicaSet) int32 { return ptr.Deref(rs.Spec.Replicas, 1) }

// Revision returns the revision number of a ReplicaSet; 0 when it has none.
func Revision(rs *appsv1.ReplicaSet) int64 {
	n, err := strconv.ParseInt(rs.Annotations[v1alpha1.RevisionAnnotation], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// WasStable reports whether a ReplicaSet has been the stable version.
func WasStable(rs *appsv1.ReplicaSet) bool { return rs.Annotations[StableSinceAnnotation] != "" }

// ScaleDownDeadline returns when the pods of a ReplicaSet go; false when that is not set.
func ScaleDownDeadline(rs *appsv1.ReplicaSet) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, rs.Annotations[v1alpha1.ScaleDownDeadlineAnnotation])
	return at, err == nil
}

// TrafficLeft returns from when on no request was sent to the pods of a ReplicaSet any more; false when that is not
// known.
func TrafficLeft(rs *appsv1.ReplicaSet) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, rs.Annotations[TrafficLeftAnnotation])
	return at, err == nil
}

// UpToSecond rounds up to the whole seconds that objects can hold, so that a delay is never cut short.
func UpToSecond(at time.Time) time.Time {
	if rounded := at.Truncate(time.Second); rounded.Before(at) {
		return rounded.Add(time.Second)
	}
	return at
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

func newestRevision(all []*appsv1.ReplicaSet) int64 {
	var newest int64
	for _, rs := range all {
		newest = max(newest, Revision(rs))
	}
	return newest
}

// podsOf returns the pods with a hash that are not being deleted.
func podsOf(pods []*corev1.Pod, hash string) []*corev1.Pod {
	var of []*corev1.Pod
	for _, pod := range pods {
		if PodHash(pod.Labels) == hash && pod.DeletionTimestamp == nil {
			of = append(of, pod)
		}
	}
	return of
}

// readyCondition returns a pod's Ready condition when it is true, else nil.
func readyCondition(pod *corev1.Pod) *corev1.PodCondition {
	for i, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// ReadyPods returns how many pods with a hash are ready and not being deleted.
func ReadyPods(pods []*corev1.Pod, hash string) int32 {
	var n int32
	for _, pod := range podsOf(pods, hash) {
		if readyCondition(pod) != nil {
			n++
		}
	}
	return n
}

// isSettled reports whether the ReplicaSet controller has seen a ReplicaSet's size.
func isSettled(rs *appsv1.ReplicaSet) bool {
	return rs != nil && rs.DeletionTimestamp == nil && rs.Status.ObservedGeneration >= rs.Generation
}

// Available reports whether the ReplicaSet controller has seen the size of the desired version, and at least so many of
// its pods are available. The pods themselves say that before the status of the ReplicaSet counts them.
func (s State) Available(want int32) bool {
	return isSettled(s.Desired) && Size(s.Desired) >= want && max(s.Desired.Status.AvailableReplicas, s.AvailablePods) >= want
}

// Saturated reports whether the ReplicaSet controller has seen the size of the desired version, and so many of its pods
// are there and available.
func (s State) Saturated(want int32) bool {
	counted := s.Desired != nil && s.Desired.Status.Replicas == want && s.Desired.Status.AvailableReplicas == want
	return isSettled(s.Desired) && Size(s.Desired) == want &&
		(counted || s.AvailablePods == want && int32(len(podsOf(s.Pods, s.CurrentHash))) == want)
}
