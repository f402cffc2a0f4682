package application

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/operation"
)

// reasonResourceUpdated is the reason of the events of transitions, as tools know it.
const reasonResourceUpdated = "ResourceUpdated"

func emit(recorder events.EventRecorder, app runtime.Object, all []operation.Event) {
	for _, e := range all {
		recorder.Eventf(app, nil, e.Type, e.Reason, e.Action, "%s", e.Note)
	}
}

// statusUpdates are the transitions of sync and health status.
func statusUpdates(before, after *v1alpha1.ApplicationStatus) []operation.Event {
	var all []operation.Event
	if before.Sync.Status != after.Sync.Status {
		all = append(all, operation.Event{Type: corev1.EventTypeNormal, Reason: reasonResourceUpdated, Action: "Compare", Note: fmt.Sprintf("Updated sync status: %s -> %s", before.Sync.Status, after.Sync.Status)})
	}
	if before.Health.Status != after.Health.Status {
		all = append(all, operation.Event{Type: corev1.EventTypeNormal, Reason: reasonResourceUpdated, Action: "Assess", Note: fmt.Sprintf("Updated health status: %s -> %s", before.Health.Status, after.Health.Status)})
	}
	return all
}
