package bluegreen

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/gate"
)

// Steps implements [rollout.Strategy].
func (b Strategy) Steps(s rollout.State, o rollout.Outcome) []rollout.Step {
	desired, service := s.Desired, b.spec.ActiveService
	available := desired.Status.AvailableReplicas
	steps := []rollout.Step{{
		Name: "Start new pods", Done: s.Serving() || available >= b.previewSize(s),
		Detail: fmt.Sprintf("%d of %d pods of revision %d are available", available, rollout.Size(desired), rollout.Revision(desired)),
	}}
	steps = append(steps, pauseSteps(s, o, b.promotion(s))...)
	return append(steps,
		rollout.Step{Name: "Switch " + service, Done: s.Serving(), Detail: switchDetail(available >= s.Replicas, service)},
		rollout.Step{
			Name: "Wait until " + service + " has followed", Done: s.Serving() && s.Converged,
			Detail: "its EndpointSlices do not list exactly the new pods yet",
		},
		removalStep(s))
}

func switchDetail(grown bool, service string) string {
	if grown {
		return "checking that Service " + service + " will find every new pod"
	}
	return "waiting until all new pods are available"
}

// pauseSteps are the pause before the cut-over, where the spec asks for one.
func pauseSteps(s rollout.State, o rollout.Outcome, promotion gate.Promotion) []rollout.Step {
	const name = "Wait for promotion"
	pause := o.Pause.Has(v1alpha1.PauseBlueGreen)
	switch {
	case s.Rollout.Spec.Paused && !s.Serving():
		return []rollout.Step{{Name: "Pause", Detail: "paused by hand: resume it", Request: "promote"}}
	case s.Stable == nil || (!promotion.Asked && pause == nil):
		return nil
	case pause == nil:
		return []rollout.Step{{Name: name, Done: true}}
	case promotion.Automatic:
		return []rollout.Step{{Name: name, Detail: "promotes itself", Until: pause.StartTime.Add(promotion.After)}}
	}
	return []rollout.Step{{Name: name, Detail: "promote it", Request: "promote"}}
}

// removalStep is the end of the pods of other versions, which go after their delay.
func removalStep(s rollout.State) rollout.Step {
	step := rollout.Step{Name: "Take old pods away", Done: true, Detail: "they stay for an instant way back"}
	for _, rs := range s.ReplicaSets {
		if rs == s.Active || hasNoPods(rs) {
			continue
		}
		step.Done = false
		if at, ok := rollout.ScaleDownDeadline(rs); ok && at.After(step.Until) {
			step.Until = at
		}
	}
	return step
}

func hasNoPods(rs *appsv1.ReplicaSet) bool {
	return ptr.Deref(rs.Spec.Replicas, 1)+rs.Status.Replicas == 0
}
