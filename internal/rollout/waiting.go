package rollout

import (
	"slices"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

const (
	// waitingIsShown is how long an action waits before the status says for what: mostly, a moment later nothing speaks
	// against it any more.
	waitingIsShown = time.Second
	// waitingIsTold is how long an action waits before an event says for what.
	waitingIsTold = 10 * time.Second
)

// Waiting returns a decision that says for what one of its actions has waited so long.
func Waiting(d Decision, a Action, why error, lasted time.Duration) Decision {
	if lasted >= waitingIsShown && d.Status.Phase != v1alpha1.RolloutHealthy && d.Status.Phase != v1alpha1.RolloutPaused {
		d.Status.Message += ": " + why.Error()
	}
	if lasted >= waitingIsTold {
		d.Events = append(slices.Clone(d.Events), once(warning(waitingReason(a), "%s: %s", a, why)))
	}
	return d
}

func waitingReason(a Action) string {
	switch a.(type) {
	case SwitchService:
		return "SwitchServiceWaiting"
	case Scale:
		return "ScalingReplicaSetWaiting"
	case EvictPod:
		return "RestartWaiting"
	}
	return "Waiting"
}
