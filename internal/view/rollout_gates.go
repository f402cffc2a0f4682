package view

import (
	"strconv"
	"time"

	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// States of a gate.
const (
	gateOpen    = "open"
	gateWaiting = "waiting"
	gateFailed  = "failed"
)

// defaultDeadline is how long a version may make no progress where the spec does not say.
const defaultDeadline = 600

// gatesOf returns what stands between the newest version and the traffic, in order: nothing for a Rollout at rest.
func gatesOf(ro *v1alpha1.Rollout, d rollout.View, now time.Time) []Gate {
	gates := []Gate{}
	add := func(g *Gate) {
		if g != nil {
			gates = append(gates, *g)
		}
	}
	add(abortGate(ro))
	if isUnderWay(ro) && !ro.Status.Abort {
		add(readyGate(ro, d))
		add(deadlineGate(ro))
		add(pauseGate(ro))
		add(promotionGate(ro, d))
		add(analysisGate(ro))
	}
	add(scaleDownGate(ro, d, now))
	add(restartGate(ro, now))
	return gates
}

// isUnderWay reports whether another version than the stable one is wanted, and none has been aborted for it.
func isUnderWay(ro *v1alpha1.Rollout) bool {
	return ro.Status.CurrentPodHash != "" && ro.Status.CurrentPodHash != ro.Status.StableRS
}

// hasSwitched reports whether the wanted version takes the traffic.
func hasSwitched(ro *v1alpha1.Rollout) bool {
	return ro.Status.CurrentPodHash != "" && ro.Status.BlueGreen.ActiveSelector == ro.Status.CurrentPodHash
}

func abortGate(ro *v1alpha1.Rollout) *Gate {
	if !ro.Status.Abort {
		return nil
	}
	return gate("abort", gateFailed, "gate.abort")
}

// newestOf returns the ReplicaSet of the wanted version; nil when there is none yet.
func newestOf(ro *v1alpha1.Rollout, d rollout.View) (*rollout.ReplicaSetView, int64) {
	for i := range d.Revisions {
		for j := range d.Revisions[i].ReplicaSets {
			if rs := &d.Revisions[i].ReplicaSets[j]; rs.Hash == ro.Status.CurrentPodHash {
				return rs, d.Revisions[i].Number
			}
		}
	}
	return nil, 0
}

func readyGate(ro *v1alpha1.Rollout, d rollout.View) *Gate {
	rs, revision := newestOf(ro, d)
	if rs == nil {
		return gate("ready", gateWaiting, "gate.ready.making")
	}
	g := gate("ready", gateOpen, "gate.ready", "available", number(rs.Available), "size", number(rs.Size), "revision", number(revision))
	if rs.Size == 0 || rs.Available < rs.Size {
		g.State = gateWaiting
	}
	return g
}

// deadlineGate returns the time until which there has to be progress. It does not run while the Rollout is paused.
func deadlineGate(ro *v1alpha1.Rollout) *Gate {
	for _, c := range ro.Status.Conditions {
		switch {
		case c.Type != v1alpha1.RolloutConditionProgressing:
		case c.Reason == "ProgressDeadlineExceeded":
			return gate("deadline", gateFailed, "gate.deadline.passed", "seconds", number(deadline(ro)))
		case c.Status == "True" && !hasSwitched(ro) && !ro.Spec.Paused && len(ro.Status.PauseConditions) == 0 && !c.LastUpdateTime.IsZero():
			g := gate("deadline", gateOpen, "gate.deadline", "seconds", number(deadline(ro)))
			g.Until = stampOf(c.LastUpdateTime.Add(time.Duration(deadline(ro)) * time.Second))
			return g
		}
	}
	return nil
}

func deadline(ro *v1alpha1.Rollout) int32 {
	return ptr.Deref(ro.Spec.ProgressDeadlineSeconds, defaultDeadline)
}

func pauseGate(ro *v1alpha1.Rollout) *Gate {
	if !ro.Spec.Paused {
		return nil
	}
	return gate("pause", gateWaiting, "gate.pause")
}

// promotionGate returns the wait for a promotion; nil where the spec asks for none.
func promotionGate(ro *v1alpha1.Rollout, d rollout.View) *Gate {
	spec := ro.Spec.Strategy.BlueGreen
	if spec == nil || ro.Status.StableRS == "" {
		return nil
	}
	byHand := !ptr.Deref(spec.AutoPromotionEnabled, true)
	after := ro.Spec.Strategy.PromotesAfter()
	switch {
	case !byHand && after == 0:
		return nil
	case hasSwitched(ro):
		return gate("promotion", gateOpen, "gate.promotion.done")
	case len(ro.Status.PauseConditions) == 0 && isGone(d, "Wait for promotion"):
		return gate("promotion", gateOpen, "gate.promotion.switching", "service", spec.ActiveService)
	case after > 0:
		g := gate("promotion", gateWaiting, "gate.promotion.after", "seconds", number(int(after.Seconds())))
		if len(ro.Status.PauseConditions) > 0 {
			g.Until = stampOf(ro.Status.PauseConditions[0].StartTime.Add(after))
		}
		return g
	case len(ro.Status.PauseConditions) > 0:
		return gate("promotion", gateWaiting, "gate.promotion.waits")
	}
	return gate("promotion", gateWaiting, "gate.promotion.later")
}

// isGone reports whether a step is done.
func isGone(d rollout.View, name string) bool {
	for _, s := range d.Steps {
		if s.Name == name {
			return s.State == rollout.StepDone
		}
	}
	return false
}

func analysisGate(ro *v1alpha1.Rollout) *Gate {
	for _, run := range []*v1alpha1.AnalysisRunReference{ro.Status.BlueGreen.PostPromotionAnalysisRunStatus, ro.Status.BlueGreen.PrePromotionAnalysisRunStatus} {
		if run == nil {
			continue
		}
		g := gate("analysis", gateWaiting, "gate.analysis", "name", run.Name, "status", run.Status)
		switch run.Status {
		case "Successful":
			g.State = gateOpen
		case "Failed", "Error":
			g.State = gateFailed
		}
		return g
	}
	return nil
}

// scaleDownGate returns the time that old pods have left.
func scaleDownGate(ro *v1alpha1.Rollout, d rollout.View, now time.Time) *Gate {
	var last *rollout.ReplicaSetView
	var of int64
	for i := range d.Revisions {
		for j := range d.Revisions[i].ReplicaSets {
			rs := &d.Revisions[i].ReplicaSets[j]
			if rs.ScaleDownAt != nil && rs.Hash != ro.Status.BlueGreen.ActiveSelector && (last == nil || rs.ScaleDownAt.After(*last.ScaleDownAt)) {
				last, of = rs, d.Revisions[i].Number
			}
		}
	}
	if last == nil {
		return nil
	}
	if !last.ScaleDownAt.After(now) {
		return gate("scale-down", gateWaiting, "gate.scaleDown.passed", "revision", number(of))
	}
	g := gate("scale-down", gateWaiting, "gate.scaleDown", "revision", number(of))
	g.Until = stampOf(*last.ScaleDownAt)
	return g
}

func restartGate(ro *v1alpha1.Rollout, now time.Time) *Gate {
	asked := ro.Spec.RestartAt
	switch {
	case asked == nil, ro.Status.RestartedAt != nil && !ro.Status.RestartedAt.Before(asked):
		return nil
	case asked.After(now):
		g := gate("restart", gateWaiting, "gate.restart.later")
		g.Until = stamp(asked)
		return g
	}
	return gate("restart", gateWaiting, "gate.restart")
}

// number returns a number as it stands in a sentence.
func number[N int | int32 | int64](n N) string { return strconv.FormatInt(int64(n), 10) }
