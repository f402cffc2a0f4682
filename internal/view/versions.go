package view

import (
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// version is what a Rollout has of a deployment.
type version struct {
	seen RolloutSeen
	rs   *appsv1.ReplicaSet
	// began is when the deployment began it, and next when another was made after it; nil for none.
	began, next *metav1.Time
	// cut is its switch; nil for one that the Rollout does not keep, or that was not of this deployment.
	cut *v1alpha1.SwitchStatus
	// wanted is set for what the Rollout is to become, or is.
	wanted bool
}

// span is the time in which a deployment was the last: from when it began until the next did, or still.
type span struct{ from, until *metav1.Time }

func (s span) holds(t metav1.Time) bool {
	return !t.IsZero() && !t.Time.Before(s.from.Truncate(time.Second)) && (s.until == nil || t.Before(s.until))
}

// versionsOf returns the versions that a deployment has begun: those made, or taken up again, while it was the last.
// What Rollouts keep of them is all that is known.
func versionsOf(seen DeliverySeen, of deploymentSeen) []version {
	if of.began == nil {
		return nil
	}
	var versions []version
	while := span{of.began, nextBegan(seen.Application, of)}
	for _, r := range seen.Rollouts {
		for _, rs := range r.ReplicaSets {
			if v, ok := versionOf(r, rs).begunIn(while, of.last); ok {
				versions = append(versions, v)
			}
		}
	}
	return versions
}

// versionOf returns a version with its switch, if it is the last that the Rollout has made.
func versionOf(r RolloutSeen, rs *appsv1.ReplicaSet) version {
	hash := rollout.PodHash(rs.Labels)
	v := version{seen: r, rs: rs, began: &rs.CreationTimestamp, next: madeAfter(r, rs), wanted: hash == r.Rollout.Status.CurrentPodHash}
	if cut := r.Rollout.Status.BlueGreen.Switch; cut != nil && cut.To == hash {
		v.cut = cut
	}
	return v
}

// begunIn returns the version as a deployment has begun it, if it has: made it, or taken it up again after others were
// made. What was taken up again is another deployment's than what was made.
func (v version) begunIn(while span, last bool) (version, bool) {
	again := v.cut != nil && v.next != nil && !v.cut.Time.Before(v.next)
	switch {
	case while.holds(v.rs.CreationTimestamp):
		if again {
			v.cut = nil
		}
		v.wanted = v.wanted && v.next == nil
		return v, true
	case again && while.holds(v.cut.Time):
		v.began, v.next = while.from, nil
		return v, true
	case !again && last && v.isTakenUp(*while.from):
		v.began, v.next, v.cut = while.from, nil, nil
		return v, true
	}
	return version{}, false
}

// isTakenUp reports whether a version that others were made after is on its way to the traffic again, since a time that
// lies after they were made.
func (v version) isTakenUp(since metav1.Time) bool {
	if !v.wanted || v.next == nil || hasSwitched(v.seen.Rollout) {
		return false
	}
	return !slices.ContainsFunc(v.seen.ReplicaSets, func(rs *appsv1.ReplicaSet) bool { return since.Before(&rs.CreationTimestamp) })
}

// madeAfter returns when the next version was made after one; nil for none.
func madeAfter(seen RolloutSeen, rs *appsv1.ReplicaSet) *metav1.Time {
	var next *metav1.Time
	for _, other := range seen.ReplicaSets {
		if made := &other.CreationTimestamp; rs.CreationTimestamp.Before(made) && (next == nil || made.Before(next)) {
			next = made
		}
	}
	return next
}

// isOvertaken reports whether another version was wanted before this one had any traffic. The Rollout keeps the last
// switch: nothing was switched since then, and what it took the traffic from had it before.
func (v version) isOvertaken() bool {
	ro := v.seen.Rollout
	last, hash := ro.Status.BlueGreen.Switch, rollout.PodHash(v.rs.Labels)
	if v.wanted || last == nil || last.To == hash || last.From == hash {
		return false
	}
	is := func(of string, than func(this, other int64) bool) bool {
		return slices.ContainsFunc(v.seen.ReplicaSets, func(rs *appsv1.ReplicaSet) bool {
			return rollout.PodHash(rs.Labels) == of && than(rollout.Revision(v.rs), rollout.Revision(rs))
		})
	}
	isBefore, isAfter := func(this, other int64) bool { return this < other }, func(this, other int64) bool { return this > other }
	return is(ro.Status.CurrentPodHash, isBefore) && (last.Time.Before(v.began) || is(last.From, isAfter))
}

// stagesOfRollouts are the way of new pods to the traffic; skipped where the deployment has begun no version. Of
// several Rollouts, they are those of the one that is furthest from done. Overtaken is set where another deployment has
// taken its place before it had any traffic.
func stagesOfRollouts(seen DeliverySeen, of deploymentSeen) (stages []Stage, overtaken bool) {
	stages = []Stage{{Name: stagePreview, State: stateSkipped}, {Name: stageSwitch, State: stateSkipped}, {Name: stageDrain, State: stateSkipped}}
	if of.phase == v1alpha1.OperationFailed || of.phase == v1alpha1.OperationError {
		return stages, false
	}
	versions := versionsOf(seen, of)
	if len(versions) == 0 {
		if of.isOn && len(seen.Rollouts) > 0 {
			for i := range stages {
				stages[i].State = stateWaiting
			}
		}
		return stages, false
	}
	if slices.ContainsFunc(versions, func(v version) bool { return v.wanted }) {
		versions = slices.DeleteFunc(versions, func(v version) bool { return !v.wanted })
	}
	furthest := slices.MinFunc(versions, func(a, b version) int { return a.rank() - b.rank() })
	return furthest.stages(), furthest.isOvertaken()
}

// rank orders versions by how much somebody needs to see them.
func (v version) rank() int {
	return slices.Index([]string{DeliveryFailed, DeliveryWaiting, DeliveryRunning, DeliveryDone}, stateOf(v.stages()))
}

// saying returns a stage with a sentence about an object.
func (s Stage) saying(code, object string) Stage {
	sentence := say(code, "object", object)
	s.Message, s.Said = sentence.Text, sentence.Said
	return s
}

// stages returns what is known of a version's way. Of one before the last, its switch is not kept by the Rollout.
func (v version) stages() []Stage {
	ro, hash := v.seen.Rollout, rollout.PodHash(v.rs.Labels)
	preview := Stage{Name: stagePreview, State: stateRunning, StartedAt: stamp(v.began)}
	cut, drain := Stage{Name: stageSwitch, State: stateWaiting}, Stage{Name: stageDrain, State: stateWaiting}
	switch {
	case v.cut != nil:
		preview.State, preview.FinishedAt = stateDone, stamp(&v.cut.Time)
		cut.State, cut.StartedAt, cut.FinishedAt = stateRunning, stamp(&v.cut.Time), stamp(v.cut.ConvergedAt)
		if v.cut.ConvergedAt != nil {
			cut.State = stateDone
			drain = v.drain()
		}
	case v.isOvertaken():
		preview.State, preview.FinishedAt = stateSkipped, stamp(v.next)
		cut.State, drain.State = stateSkipped, stateSkipped
	case !v.wanted:
		preview.State, cut.State, drain.State = stateUnknown, stateUnknown, stateUnknown
	case ro.Status.Abort:
		preview.State, preview.FinishedAt = stateFailed, stamp(ro.Status.AbortedAt)
		preview = preview.saying("stage.aborted", title(ro))
		cut.State, drain.State = stateSkipped, stateSkipped
	case ro.Status.BlueGreen.ActiveSelector == hash:
		// The first version takes the traffic without a switch.
		preview.State, cut.State, drain.State = stateDone, stateDone, stateSkipped
	case ro.Status.Phase == v1alpha1.RolloutDegraded:
		preview.State, preview.Message = stateFailed, shortened(title(ro)+": "+ro.Status.Message)
	case ro.Spec.Paused || len(ro.Status.PauseConditions) > 0:
		preview.State = stateWaiting
		preview = preview.saying("stage.waits", title(ro))
	}
	return []Stage{preview, cut, drain}
}

// drain returns the end of the pods of the version that the traffic was taken from, whatever has begun since; skipped
// where there was none, and done where that one is wanted again. When they were sent away
// is known as long as the event of it is kept.
func (v version) drain() Stage {
	from := v.cut.From
	if from == "" {
		return Stage{Name: stageDrain, State: stateSkipped}
	}
	s := Stage{Name: stageDrain, State: stateDone, StartedAt: stamp(v.cut.ConvergedAt)}
	for _, rs := range v.seen.ReplicaSets {
		switch {
		case rollout.PodHash(rs.Labels) != from || from == v.seen.Rollout.Status.CurrentPodHash:
		case rollout.Size(rs) > 0 || rs.Status.Replicas > 0:
			s.State = stateRunning
		default:
			s.FinishedAt = v.emptied(rs.Name)
		}
	}
	return s
}

// emptied returns when a ReplicaSet was scaled to none after the switch, by the events of its Rollout; empty where
// there is none of it.
func (v version) emptied(replicaSet string) string {
	for _, e := range eventsOf(v.seen) {
		if e.Time >= stamp(v.cut.ConvergedAt) && strings.HasPrefix(e.Message, "Scaled down ReplicaSet "+replicaSet+" ") && strings.HasSuffix(e.Message, " to 0") {
			return e.Time
		}
	}
	return ""
}
