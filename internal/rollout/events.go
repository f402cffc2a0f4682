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
	// Once reports whether the event is recorded a single time for a Rollout, however often that is asked for.
	Once bool
}

// announceRollout records that a Rollout is looked after, before anything is done for it.
func announceRollout(ro *v1alpha1.Rollout) Work {
	if ro.Status.ObservedGeneration != "" {
		return Work{}
	}
	return Do(RecordEvent{eventAdded(ro.Name)})
}

// announceRevision records that a version begins, before its ReplicaSet is made or found again.
func announceRevision(s State) Work {
	if s.Beginning == "" {
		return Work{}
	}
	return Do(RecordEvent{eventUpdated(desiredRevision(s))})
}

// announceCompletion records that the desired version has got there, or that the Rollout is on its way again.
func announceCompletion(s State, o Outcome) Work {
	switch {
	case completes(s, o):
		return Do(RecordEvent{CompletedEvent(s, o.Ungated)})
	case isTrue(s.Rollout.Status.Conditions, v1alpha1.RolloutConditionCompleted) && !o.Completes(s):
		return Do(RecordEvent{eventNotCompleted(desiredRevision(s), s.CurrentHash)})
	}
	return Work{}
}

// eventsOf returns the events of a decision that are recorded once its status is written.
func eventsOf(s State, o Outcome) []Event {
	var events []Event
	add := func(when bool, e Event) {
		if when {
			events = append(events, e)
		}
	}
	wasPaused := wasPaused(s.Rollout)
	add(s.AbortCause != "", eventAborted(desiredRevision(s), s.AbortCause))
	// A pause of a Rollout that rests holds nothing.
	paused, rests := isPaused(s.Rollout, o.Pause), o.Completes(s)
	add(!rests && !wasPaused && paused, eventPaused(cmp.Or(o.Pause.Reason(), "manually paused")))
	add(!rests && wasPaused && !paused && !s.Changed && s.AbortCause == "", eventResumed())
	return events
}

// wasPaused reports whether the status says that a pause holds the Rollout. The Paused condition lasts longer than
// that.
func wasPaused(ro *v1alpha1.Rollout) bool {
	switch progressReason(ro) {
	case reasonPaused:
		return true
	case reasonRetry, reasonAvailable, reasonLost:
		return isTrue(ro.Status.Conditions, v1alpha1.RolloutConditionPaused)
	}
	return false
}

// EventsOf returns the events of an action that is done.
func EventsOf(a Action) []Event {
	switch a := a.(type) {
	case CreateReplicaSet:
		return []Event{eventNewReplicaSet(a.ReplicaSet.Name, Revision(a.ReplicaSet))}
	case Scale:
		return []Event{eventScaling(a)}
	case SwitchService:
		if a.Completes != nil {
			return []Event{*a.Completes, eventSwitch(a)}
		}
		return []Event{eventSwitch(a)}
	case RecordEvent:
		return []Event{a.Event}
	}
	return nil
}

func normal(reason, format string, args ...any) Event {
	return Event{Type: corev1.EventTypeNormal, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

func warning(reason, format string, args ...any) Event {
	return Event{Type: corev1.EventTypeWarning, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// once is an event that says the same only of one thing, and so is recorded a single time.
func once(e Event) Event {
	e.Once = true
	return e
}

func eventAdded(name string) Event {
	return once(normal("RolloutAddedToInformer", "Rollout %s is looked after", name))
}

// EventDeleted returns the event of a Rollout that is gone.
func EventDeleted(name string) Event {
	return normal("RolloutDeleted", "Rollout %s is deleted", name)
}

func eventInvalidSpec(message string) Event { return warning("InvalidSpec", "%s", message) }

func eventUpdated(revision int64) Event {
	return once(normal("RolloutUpdated", "Rollout updated to revision %d", revision))
}

func eventNewReplicaSet(name string, revision int64) Event {
	return normal("NewReplicaSetCreated", "Created ReplicaSet %s (revision %d)", name, revision)
}

func eventScaling(a Scale) Event {
	if a.To < a.From {
		return normal("ScalingReplicaSet", "Scaled down ReplicaSet %s (revision %d) from %d to %d", a.Name, a.Revision, a.From, a.To)
	}
	return normal("ScalingReplicaSet", "Scaled up ReplicaSet %s (revision %d) from %d to %d", a.Name, a.Revision, a.From, a.To)
}

func eventSwitch(a SwitchService) Event {
	return normal("SwitchService", "Switched %s Service %s from %q to %q: %s", a.Role, a.Service, a.From, a.To, a.Why)
}

func eventPaused(why string) Event {
	return normal("RolloutPaused", "Rollout is paused (%s)", why)
}

func eventInterrupts(name, at string) Event {
	return once(warning("RestartInterrupts",
		"The restart of %s takes the only pod of ReplicaSet %s away: requests fail until the next one is ready; give spec.replicas 2 or more", at, name))
}

func eventResumed() Event { return normal("RolloutResumed", "Rollout is resumed") }

func eventAborted(revision int64, why string) Event {
	return warning("RolloutAborted", "Rollout aborted update to revision %d: %s", revision, why)
}

// CompletedEvent returns the event of a desired version that has all the traffic, or gets it with the first switch of
// the Rollout.
func CompletedEvent(s State, ungated bool) Event {
	why := "Completed blue-green update"
	switch {
	case s.Stable == nil:
		why = "Initial deploy"
	case s.PromoteFull:
		why = "Full promotion requested"
	case ungated && isRollback(s):
		why = "Rollback past the gates"
	}
	return once(normal("RolloutCompleted", "Rollout completed update to revision %d (%s): %s", desiredRevision(s), s.CurrentHash, why))
}

func eventNotCompleted(revision int64, hash string) Event {
	return once(normal("RolloutNotCompleted", "Rollout went to not completed state, started update to revision %d (%s)", revision, hash))
}
