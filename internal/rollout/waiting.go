package rollout

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

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

// IsBrief reports whether an action has waited for so short a time that its decision is not reported meanwhile:
// requests wait for a switch, which comes as soon as nothing speaks against it any more, and not behind a write of
// what is counted and shown. A status in which anything else changes is written.
func IsBrief(before v1alpha1.RolloutStatus, d Decision, a Action, lasted time.Duration) bool {
	s, ok := a.(SwitchService)
	return ok && s.Role == RoleActive && lasted < waitingIsShown && equality.Semantic.DeepEqual(remembered(before), remembered(d.Status))
}

// remembered returns of a status what later decisions are made from.
func remembered(s v1alpha1.RolloutStatus) v1alpha1.RolloutStatus {
	s.Phase, s.Message, s.Conditions = "", "", nil
	s.Replicas, s.UpdatedReplicas, s.ReadyReplicas, s.AvailableReplicas, s.HPAReplicas = 0, 0, 0, 0, 0
	return s
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
