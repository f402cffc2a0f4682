package application

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// The reasons of the events of an Application, as its tools know them.
const (
	reasonOperationStarted   = "OperationStarted"
	reasonOperationCompleted = "OperationCompleted"
	reasonResourceUpdated    = "ResourceUpdated"
)

// notice is an event: one line for `kubectl describe`.
type notice struct{ kind, reason, action, note string }

func emit(recorder events.EventRecorder, app runtime.Object, all []notice) {
	for _, e := range all {
		recorder.Eventf(app, nil, e.kind, e.reason, e.action, "%s", e.note)
	}
}

func operationStarted(by v1alpha1.OperationInitiator, revision string) notice {
	who := "Unknown user"
	switch {
	case by.Automated:
		who = "Automated sync"
	case by.Username != "":
		who = by.Username
	}
	return notice{corev1.EventTypeNormal, reasonOperationStarted, "Sync", fmt.Sprintf("%s initiated sync to '%s'", who, shortRevision(revision))}
}

func operationCompleted(state *v1alpha1.OperationState) notice {
	revision := ""
	if state.SyncResult != nil {
		revision = state.SyncResult.Revision
	}
	if state.Phase == v1alpha1.OperationSucceeded {
		return notice{corev1.EventTypeNormal, reasonOperationCompleted, "Sync", fmt.Sprintf("Sync operation to %s succeeded", shortRevision(revision))}
	}
	return notice{corev1.EventTypeWarning, reasonOperationCompleted, "Sync", fmt.Sprintf("Sync operation to %s failed: %s", shortRevision(revision), state.Message)}
}

// statusUpdates are the transitions of sync and health status.
func statusUpdates(before, after *v1alpha1.ApplicationStatus) []notice {
	var all []notice
	if before.Sync.Status != after.Sync.Status {
		all = append(all, notice{corev1.EventTypeNormal, reasonResourceUpdated, "Compare", fmt.Sprintf("Updated sync status: %s -> %s", before.Sync.Status, after.Sync.Status)})
	}
	if before.Health.Status != after.Health.Status {
		all = append(all, notice{corev1.EventTypeNormal, reasonResourceUpdated, "Assess", fmt.Sprintf("Updated health status: %s -> %s", before.Health.Status, after.Health.Status)})
	}
	return all
}

func shortRevision(revision string) string {
	const short = 7
	return revision[:min(short, len(revision))]
}
