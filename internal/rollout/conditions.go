package rollout

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Reasons of the Progressing condition, besides those of a [Beginning].
const (
	reasonAvailable = "NewReplicaSetAvailable"
	reasonUpdated   = "ReplicaSetUpdated"
	reasonLost      = "ReplicaSetNotAvailable"
	reasonPaused    = "RolloutPaused"
	reasonResumed   = "RolloutResumed"
	reasonAborted   = "RolloutAborted"
	reasonDeadline  = "ProgressDeadlineExceeded"
	reasonRetry     = "RolloutRetry"
	reasonCreate    = "ReplicaSetCreateError"
)

func condition(all []v1alpha1.RolloutCondition, kind v1alpha1.RolloutConditionType) *v1alpha1.RolloutCondition {
	for i := range all {
		if all[i].Type == kind {
			return &all[i]
		}
	}
	return nil
}

func isTrue(all []v1alpha1.RolloutCondition, kind v1alpha1.RolloutConditionType) bool {
	c := condition(all, kind)
	return c != nil && c.Status == corev1.ConditionTrue
}

// aspect is what a condition is to be.
type aspect struct {
	kind            v1alpha1.RolloutConditionType
	status          corev1.ConditionStatus
	reason, message string
	// renewed moves the time of the last update even when nothing else changes.
	renewed bool
}

// withConditions returns the conditions with some of them set; their times move only when they change.
func withConditions(all []v1alpha1.RolloutCondition, now time.Time, set ...aspect) []v1alpha1.RolloutCondition {
	all = slices.Clone(all)
	at := metav1.NewTime(now)
	for _, a := range set {
		c := condition(all, a.kind)
		if c == nil {
			all = append(all, v1alpha1.RolloutCondition{Type: a.kind, Status: a.status, LastTransitionTime: at})
			c = &all[len(all)-1]
		}
		if c.Status != a.status {
			c.LastTransitionTime = at
		}
		if a.renewed || c.Status != a.status || c.Reason != a.reason || c.Message != a.message {
			c.LastUpdateTime = at
		}
		c.Status, c.Reason, c.Message = a.status, a.reason, a.message
	}
	return all
}

func withoutConditions(all []v1alpha1.RolloutCondition, kinds ...v1alpha1.RolloutConditionType) []v1alpha1.RolloutCondition {
	return slices.DeleteFunc(slices.Clone(all), func(c v1alpha1.RolloutCondition) bool { return slices.Contains(kinds, c.Type) })
}

// yesOrNo returns a condition with a message for each of its values.
func yesOrNo(kind v1alpha1.RolloutConditionType, reason string, is bool, yes, no string) aspect {
	if is {
		return aspect{kind: kind, status: corev1.ConditionTrue, reason: reason, message: yes}
	}
	return aspect{kind: kind, status: corev1.ConditionFalse, reason: reason, message: no}
}
