package rollout

import (
	"fmt"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// StepView is one step of the wanted version's way to all the traffic.
type StepView struct {
	Name  string    `json:"name"`
	State StepState `json:"state"`
	// Detail says what the step waits for; empty when there is nothing to tell.
	Detail string `json:"detail,omitempty"`
	// EndsIn is the time until the step ends by itself; zero when it is not known.
	EndsIn time.Duration `json:"endsIn,omitempty"`
}

// StepState is how far a step is.
type StepState string

// States of a step.
const (
	StepDone    StepState = "done"
	StepCurrent StepState = "current"
	StepAhead   StepState = "ahead"
)

func generation(n int64) string { return strconv.FormatInt(n, 10) }

// stepping collects steps: those before the first that is not done are done, those after it are ahead.
type stepping struct {
	list    []StepView
	waiting bool
}

func (s *stepping) add(name string, done bool, detail string, endsIn time.Duration) {
	step := StepView{Name: name, State: StepDone}
	switch {
	case s.waiting:
		step.State = StepAhead
	case !done:
		s.waiting = true
		step.State, step.Detail, step.EndsIn = StepCurrent, detail, max(0, endsIn)
	}
	s.list = append(s.list, step)
}

// steps tells the way of the wanted version. There are none for a Rollout that can't be carried out or has been aborted: its message says why.
func steps(ro *v1alpha1.Rollout, own []*appsv1.ReplicaSet, v View, now time.Time) []StepView {
	status, bg := &ro.Status, ro.Spec.Strategy.BlueGreen
	fresh := byHash(own, status.CurrentPodHash)
	if bg == nil || fresh == nil || v.Outdated || status.Abort || condition(status.Conditions, v1alpha1.RolloutConditionInvalidSpec) != nil {
		return nil
	}
	d := &deciding{ro: ro, fresh: fresh, stable: byHash(own, status.StableRS), replicas: Replicas(ro)}
	d.out.Status = *status
	serving := v.selected(RoleActive) == status.CurrentPodHash
	last := status.BlueGreen.Switch
	converged := serving && (status.StableRS == status.CurrentPodHash || (last != nil && last.To == status.CurrentPodHash && last.ConvergedAt != nil))
	grown := fresh.Status.AvailableReplicas >= d.replicas
	shown := serving || fresh.Status.AvailableReplicas >= d.previewSize()
	var s stepping
	s.add("Start new pods", shown, fmt.Sprintf("%d of %d pods of revision %d are available", fresh.Status.AvailableReplicas, size(fresh), Revision(fresh)), 0)
	d.addPause(&s, serving, now)
	s.add("Switch "+bg.ActiveService, serving, switchDetail(grown, bg.ActiveService), 0)
	s.add("Wait until "+bg.ActiveService+" has followed", converged, "its EndpointSlices do not list exactly the new pods yet", 0)
	addRetirement(&s, own, v, now)
	return s.list
}

func switchDetail(grown bool, service string) string {
	if grown {
		return "checking that Service " + service + " will find every new pod"
	}
	return "waiting until all new pods are available"
}

// addPause tells of the pause before the cut-over, where the spec asks for one.
func (d *deciding) addPause(s *stepping, serving bool, now time.Time) {
	pause := blueGreenPause(d.out.Status.PauseConditions)
	switch {
	case d.ro.Spec.Paused && !serving:
		s.add("Pause", false, "paused by hand: resume it with `cyan rollout promote "+d.ro.Name+"`", 0)
	case d.stable == nil || (!d.waitsBeforeSwitch() && pause == nil):
	case pause == nil:
		s.add("Wait for promotion", true, "", 0)
	case d.autoPromotes():
		s.add("Wait for promotion", serving, "promotes itself", d.promotionTime(pause.StartTime.Time).Sub(now))
	default:
		s.add("Wait for promotion", serving, "promote it with `cyan rollout promote "+d.ro.Name+"`", 0)
	}
}

// addRetirement tells of the pods of other versions, which go after their delay.
func addRetirement(s *stepping, own []*appsv1.ReplicaSet, v View, now time.Time) {
	left, endsIn := 0, time.Duration(0)
	for _, rs := range own {
		if PodHash(rs.Labels) == v.selected(RoleActive) || size(rs)+rs.Status.Replicas == 0 {
			continue
		}
		left++
		if at, ok := scaleDownDeadline(rs); ok {
			endsIn = max(endsIn, at.Sub(now))
		}
	}
	s.add("Take old pods away", left == 0, "they stay for an instant way back", endsIn)
}
