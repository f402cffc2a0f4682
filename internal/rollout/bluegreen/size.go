package bluegreen

import (
	"cmp"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// scaleUp brings the versions that matter to their size.
func (b Strategy) scaleUp(s rollout.State, promoted bool) rollout.Work {
	var w rollout.Work
	for _, rs := range s.ReplicaSets {
		if rs != s.Desired && s.Needed(rs) {
			w = rollout.Join(w, scale(rs, s.Replicas), rollout.KeepPods(rs))
		}
	}
	switch {
	case s.Desired == nil:
		return w
	case s.Needed(s.Desired):
		return rollout.Join(w, scale(s.Desired, s.Replicas), rollout.KeepPods(s.Desired))
	case s.Rollout.Spec.Paused || s.Abort:
		return w
	case promoted:
		return rollout.Join(w, scale(s.Desired, s.Replicas))
	}
	return rollout.Join(w, scale(s.Desired, b.previewSize(s)))
}

func scale(rs *appsv1.ReplicaSet, to int32) rollout.Work {
	from := rollout.Size(rs)
	if from == to || rs.DeletionTimestamp != nil {
		return rollout.Work{}
	}
	return rollout.Do(rollout.Scale{Name: rs.Name, Hash: rollout.PodHash(rs.Labels), From: from, To: to, Revision: rollout.Revision(rs)})
}

// scaleDown brings versions that nothing needs any more to zero, each when its time has come.
func (b Strategy) scaleDown(s rollout.State, now time.Time) rollout.Work {
	if s.Rollout.Spec.Paused {
		return rollout.Work{}
	}
	return rollout.Join(b.scaleDownAborted(s, now), b.scaleDownOld(s, now))
}

// scaleDownAborted takes the pods of an aborted version away after their delay.
func (b Strategy) scaleDownAborted(s rollout.State, now time.Time) rollout.Work {
	if !s.Abort || s.Desired == nil || s.Stable == nil || s.Needed(s.Desired) || rollout.Size(s.Desired) == 0 {
		return rollout.Work{}
	}
	at, ok := b.abortDeadline(s)
	switch {
	case !ok:
		return rollout.Work{}
	case hadTraffic(s, s.Desired):
		return scaleDownAt(s, s.Desired, at, now)
	}
	// No node sends requests to a version that never had the traffic.
	return rollout.Join(noteDeadline(s.Desired, at, nil), drainAt(s.Desired, at, now))
}

// scaleDownOld takes the pods of older versions away: those that gave the traffic over, after the scale-down delay that
// starts at convergence; those that never had it, at once. Until the switch has settled all of them stay.
func (b Strategy) scaleDownOld(s rollout.State, now time.Time) rollout.Work {
	if !s.Converged {
		return rollout.Work{}
	}
	var delayed []*appsv1.ReplicaSet
	var w rollout.Work
	for _, rs := range s.ReplicaSets {
		if rs == s.Desired || s.Needed(rs) || rollout.Size(rs) == 0 {
			continue
		}
		if _, ok := rollout.ScaleDownDeadline(rs); ok || hadTraffic(s, rs) {
			delayed = append(delayed, rs)
		} else {
			w = rollout.Join(w, drainAt(rs, s.ConvergedAt.Add(scaleDownFloor), now))
		}
	}
	slices.SortStableFunc(delayed, newestFirst)
	limit := b.spec.ScaleDownDelayRevisionLimit
	for i, rs := range delayed {
		if limit != nil && i >= int(*limit) {
			w = rollout.Join(w, drainAt(rs, freeAt(s, rs), now))
			continue
		}
		w = rollout.Join(w, scaleDownAt(s, rs, s.ConvergedAt.Add(s.Settings.ScaleDownDelay), now))
	}
	return w
}

// hadTraffic reports whether a ReplicaSet has served, or may have: without a record of a switch nothing is known of
// those that another controller has made.
func hadTraffic(s rollout.State, rs *appsv1.ReplicaSet) bool {
	return s.Switch == nil || s.Switch.From == rollout.PodHash(rs.Labels) || rollout.WasStable(rs)
}

// freeAt returns when nodes have followed the switch that took the traffic of a ReplicaSet: the last one, when none is
// noted.
func freeAt(s rollout.State, rs *appsv1.ReplicaSet) time.Time {
	left, ok := rollout.TrafficLeft(rs)
	if !ok {
		left = s.ConvergedAt
	}
	return left.Add(scaleDownFloor)
}

// scaleDownAt takes a ReplicaSet to zero once its deadline has passed, but not before nodes have followed the switch
// that took its traffic. A deadline that it has already stays, unless the new one is earlier; a new one lies ahead.
func scaleDownAt(s rollout.State, rs *appsv1.ReplicaSet, at, now time.Time) rollout.Work {
	deadline, ok := rollout.ScaleDownDeadline(rs)
	at = rollout.UpToSecond(later(at, now.Add(scaleDownFloor)))
	if ok && !at.Before(deadline) {
		at = deadline
	}
	var left *time.Time
	if _, noted := rollout.TrafficLeft(rs); !noted && s.Switch != nil && s.Converged {
		left = &s.ConvergedAt
	}
	w := noteDeadline(rs, at, left)
	if !s.Converged {
		return w
	}
	free := freeAt(s, rs)
	if s.Switch == nil {
		free = at
	}
	return rollout.Join(w, drainAt(rs, later(at, free), now))
}

// noteDeadline notes on a ReplicaSet when its pods go, and since when they have no traffic, where it has no such note.
func noteDeadline(rs *appsv1.ReplicaSet, at time.Time, left *time.Time) rollout.Work {
	note := map[string]string{}
	if deadline, ok := rollout.ScaleDownDeadline(rs); !ok || !deadline.Equal(at) {
		note[v1alpha1.ScaleDownDeadlineAnnotation] = at.UTC().Format(time.RFC3339)
	}
	if left != nil {
		note[rollout.TrafficLeftAnnotation] = left.UTC().Format(time.RFC3339)
	}
	if len(note) == 0 {
		return rollout.Work{}
	}
	return rollout.Do(rollout.AnnotateReplicaSet{Name: rs.Name, Set: note})
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// followedAt returns when nodes have followed the last switch; false while it has not converged.
func followedAt(s rollout.State) (time.Time, bool) {
	if s.Switch == nil {
		return time.Time{}, s.Converged
	}
	return s.ConvergedAt.Add(scaleDownFloor), s.Converged
}

// drainAt takes all pods of a version away once a time has come.
func drainAt(rs *appsv1.ReplicaSet, at, now time.Time) rollout.Work {
	switch {
	case now.Before(at):
		return rollout.RequeueAt(at)
	case rollout.Size(rs) == 0 || rs.DeletionTimestamp != nil:
		return rollout.Work{}
	}
	return rollout.Do(rollout.Scale{
		Name: rs.Name, Hash: rollout.PodHash(rs.Labels), From: rollout.Size(rs), Drain: true, Revision: rollout.Revision(rs),
	})
}

func newestFirst(a, b *appsv1.ReplicaSet) int {
	return cmp.Compare(rollout.Revision(b), rollout.Revision(a))
}
