package rollout

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// durationOf returns how long the attempt at the desired version has taken; that of the attempt before while none is
// under way.
func durationOf(s State, o Outcome, now time.Time) *v1alpha1.RolloutDuration {
	before := s.Rollout.Status.Duration
	attempt := before.DeepCopy()
	switch {
	case beginsAttempt(s, o):
		attempt = &v1alpha1.RolloutDuration{RolloutStartedAt: ptr.To(metav1.NewTime(now))}
	case attempt == nil || attempt.FinishedAt != nil:
		return attempt
	}
	attempt.CompletionStatus = knownCompletion(s, o, attempt.CompletionStatus)
	switch {
	case s.Abort:
		finish(attempt, v1alpha1.CompletionAborted, now)
	case o.Completes(s):
		finish(attempt, ptr.Deref(attempt.CompletionStatus, v1alpha1.CompletionPromoted), now)
	case s.Rollout.Spec.Paused || o.AwaitsPerson:
		beginManualPause(attempt, now)
	default:
		endManualPause(attempt, now)
	}
	return attempt
}

// beginsAttempt reports whether an attempt begins with this decision. A return to an older version goes on with the
// attempt that it ends; one that finds its version stable already is no attempt.
func beginsAttempt(s State, o Outcome) bool {
	before := s.Rollout.Status.Duration
	switch {
	case s.Retried:
		return true
	case s.Abort || s.CurrentHash == s.StableHash:
		return false
	case before == nil:
		return !o.Completes(s)
	}
	return s.Changed && (before.FinishedAt != nil || !isRollback(s))
}

// isRollback reports whether the desired version is the stable one or older than it.
func isRollback(s State) bool {
	if s.Desired == nil || s.Stable == nil || s.Beginning == Creation {
		return false
	}
	return s.Desired == s.Stable || s.Desired.CreationTimestamp.Before(&s.Stable.CreationTimestamp)
}

// knownCompletion returns how an attempt will end when nothing aborts it; nil as long as that is not known.
func knownCompletion(s State, o Outcome, before *v1alpha1.CompletionStatus) *v1alpha1.CompletionStatus {
	wasFast := ptr.Deref(before, "") == v1alpha1.CompletionFastRollbacked
	switch {
	case isRollback(s) && (o.Ungated || wasFast):
		return ptr.To(v1alpha1.CompletionFastRollbacked)
	case isRollback(s):
		return ptr.To(v1alpha1.CompletionRollbacked)
	case s.PromoteFull:
		return ptr.To(v1alpha1.CompletionFastPromoted)
	}
	return before
}

func finish(attempt *v1alpha1.RolloutDuration, how v1alpha1.CompletionStatus, now time.Time) {
	endManualPause(attempt, now)
	attempt.FinishedAt, attempt.CompletionStatus = ptr.To(metav1.NewTime(now)), ptr.To(how)
}

func beginManualPause(attempt *v1alpha1.RolloutDuration, now time.Time) {
	if attempt.ManualPauseStartedAt == nil {
		attempt.ManualPauseStartedAt = ptr.To(metav1.NewTime(now))
	}
}

func endManualPause(attempt *v1alpha1.RolloutDuration, now time.Time) {
	since := attempt.ManualPauseStartedAt
	if since == nil {
		return
	}
	total := ptr.Deref(attempt.TotalManualPauseDurationSeconds, 0) + int64(max(0, now.Sub(since.Time)).Seconds())
	attempt.ManualPauseStartedAt, attempt.TotalManualPauseDurationSeconds = nil, &total
}
