package demo

import (
	"fmt"
	"slices"
	"time"

	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// Milestone is a step of a change that has been reached.
type Milestone struct {
	// Step is 1 to 8.
	Step int
	At   time.Time
	Text string
}

// Switchover follows one change of version by what a Rollout looks like. It decides what has been reached, and when; it
// observes nothing by itself.
type Switchover struct {
	// from is the revision that had the traffic, to the one that gets it; 0 until it is there.
	from, to int64
	// hold is how long the manifest lets a ready version wait.
	hold time.Duration

	// When the new version was seen, was ready to be looked at, was asked for in full size, was ready in full, and got
	// the traffic; when the old one began to go, and was gone.
	seen, shown, scaled, ready, switched, leaving, gone time.Time
}

// NewSwitchover returns a Switchover that starts at what a Rollout looks like before the change.
func NewSwitchover(before rollout.View, hold time.Duration) *Switchover {
	s := &Switchover{hold: hold}
	if active := service(before, rollout.RoleActive); active != nil {
		s.from = active.Revision
	}
	return s
}

// Done reports whether the old version is gone.
func (s *Switchover) Done() bool { return !s.gone.IsZero() }

// Switched returns when the new version got the traffic; zero if it has not.
func (s *Switchover) Switched() time.Time { return s.switched }

// Observe takes what the Rollout looks like at a time, and returns the steps that are reached for the first time.
func (s *Switchover) Observe(v rollout.View, at time.Time) []Milestone {
	newest := newestReplicaSet(v)
	if newest == nil || v.Revisions[0].Number <= s.from {
		return nil
	}
	s.to = v.Revisions[0].Number
	var milestones []Milestone
	reach := func(when *time.Time, reached bool) bool {
		if !when.IsZero() || !reached {
			return false
		}
		*when = at
		return true
	}
	if reach(&s.seen, newest.Size > 0) {
		milestones = append(milestones, Milestone{5, at, fmt.Sprintf("synced: revision %d comes up beside revision %d%s", s.to, s.from, previewed(v))})
	}
	full := v.Replicas.Desired
	reach(&s.shown, newest.Size > 0 && newest.Available >= newest.Size)
	reach(&s.scaled, newest.Size >= full)
	reach(&s.ready, newest.Size >= full && newest.Available >= full)
	if active := service(v, rollout.RoleActive); active != nil && reach(&s.switched, active.Revision == s.to) {
		reach(&s.ready, true)
		milestones = append(milestones, Milestone{6, at, fmt.Sprintf("%s: %s switches to revision %d", readyPods(newest.Available), active.Name, s.to)})
	}
	if s.switched.IsZero() {
		return milestones
	}
	going, left := oldPods(v, s.to)
	if reach(&s.leaving, going > 0 || left == 0) {
		milestones = append(milestones, Milestone{7, at, fmt.Sprintf("revision %d goes", s.from)})
	}
	if reach(&s.gone, left == 0) {
		milestones = append(milestones, Milestone{8, at, fmt.Sprintf("only revision %d is left, with %s", s.to, readyPods(newest.Available))})
	}
	return milestones
}

func previewed(v rollout.View) string {
	if preview := service(v, rollout.RolePreview); preview != nil {
		return ", behind " + preview.Name
	}
	return ""
}

func readyPods(n int32) string {
	if n == 1 {
		return "1 ready pod"
	}
	return fmt.Sprintf("%d ready pods", n)
}

func service(v rollout.View, role rollout.Role) *rollout.ServiceView {
	i := slices.IndexFunc(v.Services, func(s rollout.ServiceView) bool { return s.Role == role })
	if i < 0 {
		return nil
	}
	return &v.Services[i]
}

func newestReplicaSet(v rollout.View) *rollout.ReplicaSetView {
	if len(v.Revisions) == 0 || len(v.Revisions[0].ReplicaSets) == 0 {
		return nil
	}
	return &v.Revisions[0].ReplicaSets[0]
}

// oldPods counts the pods of other revisions: those that are going, and all.
func oldPods(v rollout.View, but int64) (going, left int) {
	for _, revision := range v.Revisions {
		if revision.Number == but {
			continue
		}
		for _, rs := range revision.ReplicaSets {
			for _, pod := range rs.Pods {
				left++
				if pod.Status == "Terminating" {
					going++
				}
			}
		}
	}
	return going, left
}

// Stages are those of the cluster, the first of which began when the commit landed.
func (s *Switchover) Stages(landed time.Time) []delivery.Stage {
	if s.seen.IsZero() || s.switched.IsZero() {
		return nil
	}
	// The wait that the manifest asks for begins once there is something to look at, and ends with the full size or
	// with the switch.
	holdEnds := s.switched
	if s.scaled.After(s.shown) {
		holdEnds = s.scaled
	}
	hold := min(s.hold, holdEnds.Sub(s.shown))
	starting := s.shown.Sub(s.seen)
	if s.ready.After(holdEnds) {
		starting += s.ready.Sub(holdEnds)
	}
	switching := max(0, s.switched.Sub(s.seen)-starting-hold)
	stages := []delivery.Stage{
		{Step: delivery.Sync, Started: landed, Took: s.seen.Sub(landed)},
		{Step: delivery.Start, Started: s.seen, Took: starting},
		{Step: delivery.Hold, Started: s.seen.Add(starting), Took: hold},
		{Step: delivery.Switch, Started: s.switched.Add(-switching), Took: switching},
	}
	if s.Done() {
		stages = append(stages, delivery.Stage{Step: delivery.Retire, Started: s.switched, Took: s.gone.Sub(s.switched)})
	}
	return stages
}
