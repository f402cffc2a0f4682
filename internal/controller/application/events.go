package application

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/controller/recorder"
	"github.com/cyan-cd/cyan/internal/operation"
)

// reasonResourceUpdated is the reason of the events of transitions, as tools know it.
const reasonResourceUpdated = "ResourceUpdated"

// happenings are what is to be told of the looks at one Application that follow each other at once. Of its status, only
// the way from the first to the last is told: what was in between, nobody could have seen.
type happenings struct {
	app   *v1alpha1.Application
	last  v1alpha1.ApplicationStatus
	other []operation.Event
}

// wrote notes what was written after a look, and what happened in it.
func (h *happenings) wrote(before, after *v1alpha1.Application, happened []operation.Event) {
	if h.app == nil {
		h.app = before
	}
	h.last = after.Status
	h.other = append(h.other, happened...)
}

// emit records the events.
func (h *happenings) emit(to *recorder.Recorder) {
	if h.app == nil {
		return
	}
	for _, e := range h.other {
		to.Record(h.app, recorder.Event{Type: e.Type, Reason: e.Reason, Action: e.Action, Message: e.Note})
	}
	if changes := statusUpdates(&h.app.Status, &h.last); len(changes) > 0 {
		to.Record(h.app, recorder.Event{Type: corev1.EventTypeNormal, Reason: reasonResourceUpdated, Action: "Compare", Changes: changes})
	}
}

// statusUpdates are the transitions of sync and health status, in the words that tools know.
func statusUpdates(before, after *v1alpha1.ApplicationStatus) []recorder.Change {
	var all []recorder.Change
	if before.Sync.Status != after.Sync.Status {
		all = append(all, recorder.Change{What: "sync status", From: string(before.Sync.Status), To: string(after.Sync.Status)})
	}
	if before.Health.Status != after.Health.Status {
		all = append(all, recorder.Change{What: "health status", From: string(before.Health.Status), To: string(after.Health.Status)})
	}
	return all
}
