package operation

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// The reasons of the events of an operation, as tools know them.
const (
	ReasonStarted   = "OperationStarted"
	ReasonCompleted = "OperationCompleted"
)

// Event is one line for `kubectl describe`.
type Event struct{ Type, Reason, Action, Note string }

// started is the event of an operation that begins.
func started(by v1alpha1.OperationInitiator, revision string) Event {
	who := "Unknown user"
	switch {
	case by.Automated:
		who = "Automated sync"
	case by.Username != "":
		who = by.Username
	}
	return Event{corev1.EventTypeNormal, ReasonStarted, "Sync", fmt.Sprintf("%s initiated sync to '%s'", who, short(revision))}
}

// completed is the event of an operation that has ended.
func completed(state *v1alpha1.OperationState) Event {
	revision := ""
	if state.SyncResult != nil {
		revision = state.SyncResult.Revision
	}
	if state.Phase == v1alpha1.OperationSucceeded {
		return Event{corev1.EventTypeNormal, ReasonCompleted, "Sync", fmt.Sprintf("Sync operation to %s succeeded", short(revision))}
	}
	return Event{corev1.EventTypeWarning, ReasonCompleted, "Sync", fmt.Sprintf("Sync operation to %s failed: %s", short(revision), state.Message)}
}

// short is a commit as people read it.
func short(revision string) string {
	const length = 7
	return revision[:min(length, len(revision))]
}
