package rollout

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Requests are what was asked for the desired version. What was asked for another version does not hold any more.
type Requests struct {
	// Abort reports whether the version is to give the traffic back, since AbortedAt.
	Abort     bool
	AbortedAt *metav1.Time
	// AbortCause is why; empty unless the abort begins with this decision.
	AbortCause string
	// Retried reports whether an abort has been taken back since the last decision.
	Retried bool
	// PromoteFull reports whether the version is to skip every gate.
	PromoteFull bool
}

// Causes of an abort.
const (
	abortAsked    = "asked for"
	abortDeadline = "no progress within progressDeadlineSeconds"
)

func requestsOf(ro *v1alpha1.Rollout, v Versions, t Traffic, availableSince, now time.Time) Requests {
	status := ro.Status
	settled := v.Desired != nil && v.Desired == v.Stable && t.Converged
	if v.Changed || settled {
		// What was asked for was another version, or there is nothing left to abort or to promote.
		return Requests{}
	}
	abortedAt := status.AbortedAt
	// In whole seconds, as it is stored: the delay after it ends at the same time in every decision.
	at := ptr.To(metav1.NewTime(now.Truncate(time.Second)))
	switch {
	case deadlineAborts(ro, v, availableSince, now) && abortedAt == nil:
		return Requests{Abort: true, AbortedAt: at, AbortCause: abortDeadline}
	case status.Abort && abortedAt == nil:
		return Requests{Abort: true, AbortedAt: at, AbortCause: abortAsked}
	case status.Abort:
		return Requests{Abort: true, AbortedAt: abortedAt, PromoteFull: status.PromoteFull}
	}
	return Requests{Retried: abortedAt != nil, PromoteFull: status.PromoteFull}
}

// deadlineAborts reports whether the progress deadline has passed and the spec asks for an abort then.
func deadlineAborts(ro *v1alpha1.Rollout, v Versions, availableSince, now time.Time) bool {
	return ro.Spec.ProgressDeadlineAbort && !ro.Status.Abort && v.Stable != nil && v.Desired != v.Stable &&
		deadlineExceeded(ro, isPaused(ro, Pause{Conditions: ro.Status.PauseConditions}), availableSince, now)
}

func isPaused(ro *v1alpha1.Rollout, pause Pause) bool { return ro.Spec.Paused || pause.Holds() }

// progressDeadline returns when the desired version must have made progress; false while nothing is under way or a
// pause holds it. Its clock began when the condition was written, or when its last pod became available.
func progressDeadline(ro *v1alpha1.Rollout, paused bool, availableSince time.Time) (time.Time, bool) {
	c := condition(ro.Status.Conditions, v1alpha1.RolloutConditionProgressing)
	if c == nil || paused {
		return time.Time{}, false
	}
	switch c.Reason {
	case reasonAvailable, reasonAborted, reasonDeadline, reasonPaused:
		return time.Time{}, false
	}
	seconds := ptr.Deref(ro.Spec.ProgressDeadlineSeconds, defaultProgressDeadline)
	began := c.LastUpdateTime.Time
	if began.Before(availableSince) {
		began = availableSince
	}
	return began.Add(time.Duration(seconds) * time.Second), true
}

func deadlineExceeded(ro *v1alpha1.Rollout, paused bool, availableSince, now time.Time) bool {
	c := condition(ro.Status.Conditions, v1alpha1.RolloutConditionProgressing)
	switch {
	case c != nil && c.Reason == reasonDeadline:
		return true
	case c != nil && availableSince.After(c.LastUpdateTime.Time):
		// Progress that the controller was away for is progress.
		return false
	}
	at, ok := progressDeadline(ro, paused, availableSince)
	return ok && !now.Before(at)
}

func progressReason(ro *v1alpha1.Rollout) string {
	if c := condition(ro.Status.Conditions, v1alpha1.RolloutConditionProgressing); c != nil {
		return c.Reason
	}
	return ""
}
