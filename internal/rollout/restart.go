package rollout

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// restarting is how far spec.restartAt has got.
type restarting struct {
	Work
	// At is the time of the last restart that is done; nil when none ever was.
	At *metav1.Time
}

// restartPending reports whether a restart is asked for that is not done.
func restartPending(at, done *metav1.Time) bool { return at != nil && (done == nil || done.Before(at)) }

// restartIsDue reports whether it is time for such a restart.
func restartIsDue(at, done *metav1.Time, now time.Time) bool {
	return restartPending(at, done) && !now.Before(at.Time)
}

// restart replaces the pods that are older than spec.restartAt, a few at a time, those of the stable version first.
func restart(s State, now time.Time) restarting {
	at := s.Rollout.Spec.RestartAt
	r := restarting{At: s.Rollout.Status.RestartedAt}
	switch {
	case !restartPending(at, r.At):
		return r
	case !restartIsDue(at, r.At, now):
		r.RequeueAt = at.Time
		return r
	}
	for _, rs := range inRestartOrder(s) {
		if old := olderPods(s.Pods, PodHash(rs.Labels), at); len(old) > 0 {
			r.Actions = slices.Concat(announceInterruption(s, rs, at), evictions(s, rs, old))
			return r
		}
	}
	r.At = at.DeepCopy()
	return r
}

// announceInterruption records that a restart takes away the only pod that serves: with a single pod there is no other.
func announceInterruption(s State, rs *appsv1.ReplicaSet, at *metav1.Time) []Action {
	if rs != s.Active || Size(rs) > 1 {
		return nil
	}
	return []Action{RecordEvent{eventInterrupts(rs.Name, at.UTC().Format(time.RFC3339))}}
}

// evictions takes away as many of a ReplicaSet's pods as may be missing, less those that are missing already.
func evictions(s State, rs *appsv1.ReplicaSet, pods []*corev1.Pod) []Action {
	hash, bound := PodHash(rs.Labels), maxUnavailable(s)
	missing := Size(rs) - ReadyPods(s.Pods, hash)
	var actions []Action
	for _, pod := range pods[:min(len(pods), int(max(0, bound-missing)))] {
		actions = append(actions, EvictPod{Name: pod.Name, Hash: hash, Keep: max(0, Size(rs)-bound)})
	}
	return actions
}

func inRestartOrder(s State) []*appsv1.ReplicaSet {
	order := []*appsv1.ReplicaSet{}
	for _, rs := range []*appsv1.ReplicaSet{s.Stable, s.Active, s.Desired} {
		if rs != nil && !slices.Contains(order, rs) {
			order = append(order, rs)
		}
	}
	for _, rs := range s.ReplicaSets {
		if !slices.Contains(order, rs) && Size(rs) > 0 {
			order = append(order, rs)
		}
	}
	return order
}

func olderPods(pods []*corev1.Pod, hash string, than *metav1.Time) []*corev1.Pod {
	return slices.DeleteFunc(podsOf(pods, hash), func(pod *corev1.Pod) bool { return !pod.CreationTimestamp.Before(than) })
}

// maxUnavailable returns how many pods a restart may take away at a time: at least one.
func maxUnavailable(s State) int32 {
	n, err := intstr.GetScaledValueFromIntOrPercent(&s.Settings.MaxUnavailable, int(s.Replicas), false)
	if err != nil {
		return 1
	}
	return int32(max(1, n))
}
