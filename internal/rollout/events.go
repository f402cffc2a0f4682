package rollout

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Event is a message about a Rollout for people.
type Event struct {
	// Type is Normal or Warning.
	Type            string
	Reason, Message string
}

// eventsOf returns the events of a decision besides those of its actions.
func eventsOf(s State, o Outcome) []Event {
	var events []Event
	add := func(when bool, e Event) {
		if when {
			events = append(events, e)
		}
	}
	before := s.Rollout.Status
	wasCompleted := isTrue(before.Conditions, v1alpha1.RolloutConditionCompleted)
	wasPaused := isTrue(before.Conditions, v1alpha1.RolloutConditionPaused)
	add(before.ObservedGeneration == "", eventAdded(s.Rollout.Name))
	add(s.AbortCause != "", eventAborted(desiredRevision(s), s.AbortCause))
	add(s.Beginning != "", eventUpdated(desiredRevision(s)))
	// A pause of a Rollout that rests holds nothing.
	paused, rests := isPaused(s.Rollout, o.Pause), o.Completes(s)
	add(!rests && !wasPaused && paused, eventPaused(cmp.Or(o.Pause.Reason(), "manually paused")))
	add(!rests && wasPaused && !paused && !s.Changed && s.AbortCause == "", eventResumed())
	add(completes(s, o), eventCompleted(desiredRevision(s), s.CurrentHash))
	add(wasCompleted && !rests, eventNotCompleted(desiredRevision(s)))
	return events
}

// EventOf returns the event of an action that is done; false when it has none.
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

func normal(reason, format string, args ...any) Event {
	return Event{corev1.EventTypeNormal, reason, fmt.Sprintf(format, args...)}
}

func warning(reason, format string, args ...any) Event {
	return Event{corev1.EventTypeWarning, reason, fmt.Sprintf(format, args...)}
}

func eventAdded(name string) Event {
	return normal("RolloutAddedToInformer", "Rollout %s is looked after", name)
}

// EventDeleted returns the event of a Rollout that is gone.
func EventDeleted(name string) Event {
	return normal("RolloutDeleted", "Rollout %s is deleted", name)
}

func eventInvalidSpec(message string) Event { return warning("InvalidSpec", "%s", message) }

func eventUpdated(revision int64) Event {
	return normal("RolloutUpdated", "Rollout updated to revision %d", revision)
}

func eventNewReplicaSet(name string, revision int64) Event {
	return normal("NewReplicaSetCreated", "Created ReplicaSet %s (revision %d)", name, revision)
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
