package gate

import (
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// NotAborted is closed for a version that was aborted, by a person or by the progress deadline.
func NotAborted() Gate {
	return Gate{"abort", func(s rollout.State, _ time.Time) Verdict {
		if s.Abort {
			return closed("RolloutAborted")
		}
		return open()
	}}
}

// NotPaused is closed while a person has paused the Rollout.
func NotPaused() Gate {
	return Gate{"pause", func(s rollout.State, _ time.Time) Verdict {
		if s.Rollout.Spec.Paused {
			return closed("RolloutPaused")
		}
		return open()
	}}
}

const notAvailable = "pods are not available yet"

// Promotion is how a version gets past the pause before its promotion.
type Promotion struct {
	// Size is how many pods must be available before the pause begins.
	Size int32
	// Asked reports whether there is a pause at all. Automatic: it ends After some time; else a person ends it.
	Asked, Automatic bool
	After            time.Duration
}

// Promoted is closed until the version has been promoted. The pause begins when its pods are available, and ends by a
// person or by time. A version that needs no gate passes.
func Promoted(p Promotion) Gate {
	return Gate{"promotion", func(s rollout.State, now time.Time) Verdict {
		available := s.Available(p.Size)
		pause := s.Pause.Has(v1alpha1.PauseBlueGreen)
		switch {
		case s.Verified || NeedsNone(s, now):
			return open()
		case !p.Asked && available:
			return open()
		case !p.Asked:
			return closed(notAvailable)
		case pause != nil && p.Automatic && !now.Before(pause.StartTime.Add(p.After)):
			return open()
		case pause != nil:
			return p.pausedSince(pause.StartTime.Time)
		case s.Pause.Begun:
			// The pause has been there and was taken away: a person has promoted.
			return open()
		case available:
			return p.pausedSince(now)
		}
		return closed(notAvailable)
	}}
}

func (p Promotion) pausedSince(since time.Time) Verdict {
	v := Verdict{Reason: string(v1alpha1.PauseBlueGreen), Since: since}
	if p.Automatic {
		v.Until = since.Add(p.After)
	}
	return v
}

// NeedsNone reports whether the desired version takes the traffic without a gate: because a person asked for it,
// because there is nothing to protect, or because it was trusted before, and not long ago.
func NeedsNone(s rollout.State, now time.Time) bool {
	switch {
	case s.Desired == nil || s.Abort:
		return false
	case s.PromoteFull, s.Stable == nil, s.Desired == s.Stable:
		return true
	}
	return standsBy(s, now) || withinRollbackWindow(s)
}

// standsBy reports whether the desired version was stable before and its pods are still there, inside their scale-down
// delay.
func standsBy(s rollout.State, now time.Time) bool {
	deadline, ok := rollout.ScaleDownDeadline(s.Desired)
	return s.Settings.StandsBy && ok && now.Before(deadline) && rollout.WasStable(s.Desired) && rollout.Size(s.Desired) > 0
}

// withinRollbackWindow reports whether the desired version was stable before and is older than the stable one, by no
// more revisions than spec.rollbackWindow allows.
func withinRollbackWindow(s rollout.State) bool {
	window := s.Rollout.Spec.RollbackWindow
	older := s.Desired.CreationTimestamp.Before(&s.Stable.CreationTimestamp)
	if window == nil || !rollout.WasStable(s.Desired) || !older {
		return false
	}
	var between int32
	for _, rs := range s.ReplicaSets {
		if s.Desired.CreationTimestamp.Before(&rs.CreationTimestamp) && rs.CreationTimestamp.Before(&s.Stable.CreationTimestamp) {
			between++
		}
	}
	return between < window.Revisions
}
