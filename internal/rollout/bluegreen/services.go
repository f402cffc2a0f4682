package bluegreen

import (
	"time"

	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/internal/rollout"
)

// switchActive points the active Service at the version that shall have the traffic.
func switchActive(s rollout.State, promoted bool) rollout.Work {
	if a, lost := rollout.BackToStable(s); lost {
		return rollout.Join(rollout.ForgetTrafficLeft(s.ReplicaSets), rollout.Do(a))
	}
	if s.ActiveService == nil {
		return rollout.Work{}
	}
	selected := rollout.SelectedHash(s.ActiveService)
	serving := rollout.ReadyPods(s.Pods, selected)
	a := rollout.SwitchService{Role: rollout.RoleActive, Service: s.ActiveService.Name, From: selected}
	switch {
	case s.Abort && s.Stable != nil && s.Active != s.Stable:
		a.To, a.Why = rollout.PodHash(s.Stable.Labels), "aborted; back to stable"
		a.Replicas = max(1, min(s.Replicas, serving))
	case promoted && !s.Serving() && s.Saturated(s.Replicas) && serving <= s.Replicas:
		// An active version with more pods than are wanted is made smaller first.
		a.To, a.Why = s.CurrentHash, "new version is ready"
		a.Replicas, a.MinReadySeconds = s.Replicas, s.Rollout.Spec.MinReadySeconds
		if s.Stable == nil {
			// Nothing is there that the first version could take the traffic from.
			completed := rollout.CompletedEvent(s, true)
			a.Completes = &completed
		}
	default:
		return rollout.Work{}
	}
	return rollout.Do(a)
}

// switchPreview points the preview Service at the desired version; at the stable one when the pods of an aborted
// version go.
func (b Strategy) switchPreview(s rollout.State, now time.Time) rollout.Work {
	if s.PreviewService == nil || s.Desired == nil {
		return rollout.Work{}
	}
	to, why := s.CurrentHash, "preview of the new version"
	if s.Abort && s.Stable != nil && b.abortedGoes(s, now) {
		to, why = rollout.PodHash(s.Stable.Labels), "aborted; back to stable"
	}
	from := rollout.SelectedHash(s.PreviewService)
	if from == to {
		return rollout.Work{}
	}
	return rollout.Do(rollout.SwitchService{
		Role: rollout.RolePreview, Service: s.PreviewService.Name, From: from, To: to, Why: why,
	})
}

// abortedGoes reports whether the pods of the aborted version go now, or have gone.
func (b Strategy) abortedGoes(s rollout.State, now time.Time) bool {
	at, ok := b.abortDeadline(s)
	followed, converged := followedAt(s)
	return rollout.Size(s.Desired) == 0 || (ok && converged && !now.Before(later(at, followed)))
}

// abortDeadline returns from when on the pods of the aborted version may go; false when they stay.
func (b Strategy) abortDeadline(s rollout.State) (time.Time, bool) {
	delay := ptr.Deref(b.spec.AbortScaleDownDelaySeconds, defaultAbortScaleDownDelay)
	if delay == 0 {
		return time.Time{}, false
	}
	return rollout.UpToSecond(s.AbortedAt.Add(seconds(delay))), true
}
