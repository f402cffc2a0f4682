package rollout

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// Event is something to tell people about a Rollout.
type Event struct {
	// Type is Normal or Warning.
	Type            string
	Reason, Message string
}

func normal(reason, format string, args ...any) Event {
	return Event{corev1.EventTypeNormal, reason, fmt.Sprintf(format, args...)}
}

func warning(reason, format string, args ...any) Event {
	return Event{corev1.EventTypeWarning, reason, fmt.Sprintf(format, args...)}
}

func eventUpdated(revision int64) Event {
	return normal("RolloutUpdated", "Rollout updated to revision %d", revision)
}

func eventNewReplicaSet(name string, revision int64) Event {
	return normal("NewReplicaSetCreated", "Created ReplicaSet %s (revision %d)", name, revision)
}

// EventOf is the event that tells of an action; not every action has one.
func EventOf(a Action) (Event, bool) {
	switch a := a.(type) {
	case CreateReplicaSet:
		return eventNewReplicaSet(a.ReplicaSet.Name, Revision(a.ReplicaSet)), true
	case Scale:
		return eventScaling(a), true
	case SwitchService:
		return eventSwitch(a), true
	}
	return Event{}, false
}

func eventScaling(a Scale) Event {
	direction := "up"
	if a.To < a.From {
		direction = "down"
	}
	return normal("ScalingReplicaSet", "Scaled %s ReplicaSet %s (revision %d) from %d to %d", direction, a.Name, a.Revision, a.From, a.To)
}

func eventSwitch(a SwitchService) Event {
	return normal("SwitchService", "Switched %s Service %s from %q to %q: %s", a.Role, a.Service, a.From, a.To, a.Why)
}

func eventAdded(name string) Event {
	return normal("RolloutAddedToInformer", "Rollout %s is looked after", name)
}

// EventDeleted tells that a Rollout is gone.
func EventDeleted(name string) Event {
	return normal("RolloutDeleted", "Rollout %s is deleted", name)
}

func eventPaused(why string) Event {
	return normal("RolloutPaused", "Rollout is paused (%s)", why)
}

func eventResumed() Event { return normal("RolloutResumed", "Rollout is resumed") }

func eventAborted(revision int64, why string) Event {
	return warning("RolloutAborted", "Rollout aborted update to revision %d: %s", revision, why)
}

func eventCompleted(revision int64, hash string) Event {
	return normal("RolloutCompleted", "Rollout completed update to revision %d (%s)", revision, hash)
}

func eventNotCompleted(revision int64) Event {
	return normal("RolloutNotCompleted", "Rollout went to not completed state, started update to revision %d", revision)
}
