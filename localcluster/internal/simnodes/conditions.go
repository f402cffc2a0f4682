package simnodes

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

// withConditions adds the conditions that a kubelet keeps. Those of others are left as they are.
func withConditions(seen Seen, status corev1.PodStatus, now time.Time) corev1.PodStatus {
	if terminal(seen.Pod.Status.Phase) {
		return status
	}
	started := status.Phase != corev1.PodPending
	containersReady := len(status.ContainerStatuses) > 0
	for _, c := range status.ContainerStatuses {
		containersReady = containersReady && c.Ready
	}
	why := "ContainersNotReady"
	if terminal(status.Phase) {
		why = "PodCompleted"
	}
	ready, whyNot := containersReady, why
	for _, gate := range seen.Pod.Spec.ReadinessGates {
		if ready && !isTrue(seen.Pod, gate.ConditionType) {
			ready, whyNot = false, "ReadinessGatesNotReady"
		}
	}
	status.Conditions = nil
	add := func(kind corev1.PodConditionType, holds bool, reason string) {
		status.Conditions = append(status.Conditions, condition(seen.Pod, kind, holds, reason, now))
	}
	add(corev1.PodReadyToStartContainers, started, "")
	add(corev1.PodInitialized, true, "")
	add(corev1.PodReady, ready, whyNot)
	add(corev1.ContainersReady, containersReady, why)
	add(corev1.PodScheduled, true, "")
	return status
}

func condition(pod *corev1.Pod, kind corev1.PodConditionType, holds bool, reason string, now time.Time) corev1.PodCondition {
	c := corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, ObservedGeneration: pod.Generation, LastTransitionTime: seconds(now)}
	if !holds {
		c.Status, c.Reason = corev1.ConditionFalse, reason
	}
	for _, old := range pod.Status.Conditions {
		if old.Type == kind && old.Status == c.Status {
			c.LastTransitionTime = old.LastTransitionTime
		}
	}
	return c
}

func isTrue(pod *corev1.Pod, kind corev1.PodConditionType) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == kind {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
