package action

import (
	"fmt"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Refresh modes of an Application.
const (
	RefreshNormal = "normal"
	// RefreshHard reads git and renders anew even where nothing seems to have changed.
	RefreshHard = "hard"
)

// Refresh asks the controller to look at an Application again, in one of the refresh modes. It takes the annotation
// away once it has.
func Refresh(mode string) Request {
	return annotate("refreshed", v1alpha1.RefreshAnnotation, mode)
}

func annotate(outcome, annotation, value string) Request {
	annotations := map[string]any{annotation: value}
	return Request{
		Patches: []Patch{merge("", map[string]any{"metadata": map[string]any{"annotations": annotations}})},
		Outcome: outcome,
	}
}

// Start begins an operation: the state of the last one goes with the same write. Annotations are set along with it.
// It is refused while another operation is asked for or running, and when the Application is being deleted.
func Start(app *v1alpha1.Application, operation *v1alpha1.Operation, annotations map[string]string) (Request, error) {
	switch {
	case app.DeletionTimestamp != nil:
		return Request{}, &problem.Error{Kind: problem.Refused, Object: object(app), Cause: "being deleted"}
	case app.Operation != nil:
		return Request{}, &problem.Error{
			Kind: problem.Refused, Object: object(app), Cause: "another operation is in progress", Remedy: "wait until it has ended, or terminate it",
		}
	}
	body := map[string]any{"operation": operation, "status": map[string]any{"operationState": nil}}
	if len(annotations) > 0 {
		body["metadata"] = map[string]any{"annotations": annotations}
	}
	return Request{
		Patches: []Patch{merge("", unchanged(app.ResourceVersion, body))},
		Outcome: "operation started",
	}, nil
}

// Terminate ends the operation of an Application. One that has not begun is taken back.
func Terminate(app *v1alpha1.Application) (Request, error) {
	if app.Operation == nil {
		return Request{}, &problem.Error{Kind: problem.Refused, Object: object(app), Cause: "no operation is in progress"}
	}
	body := map[string]any{"operation": nil}
	if app.Status.OperationState != nil {
		body = map[string]any{"status": map[string]any{"operationState": map[string]any{"phase": v1alpha1.OperationTerminating}}}
	}
	return Request{
		Patches: []Patch{merge("", unchanged(app.ResourceVersion, body))},
		Outcome: "operation terminating",
	}, nil
}

// RollBack returns the operation that syncs an Application to an entry of its history, without hooks.
func RollBack(app *v1alpha1.Application, to v1alpha1.RevisionHistory, by v1alpha1.OperationInitiator) *v1alpha1.Operation {
	return &v1alpha1.Operation{InitiatedBy: by, Sync: &v1alpha1.SyncOperation{
		Revision: to.Revision, Revisions: to.Revisions, Source: to.Source, Sources: to.Sources,
		SyncStrategy: &v1alpha1.SyncStrategy{Apply: &v1alpha1.SyncStrategyApply{}},
		SyncOptions:  app.Spec.GetSyncOptions(),
	}}
}

// RollBackLeaves returns the commit that a roll-back leaves and automated sync would bring back, and that is therefore
// to be pinned; empty when there is none.
func RollBackLeaves(app *v1alpha1.Application, to v1alpha1.RevisionHistory) string {
	if !app.Spec.IsAutomated() || app.Status.Sync.Revision == to.Revision {
		return ""
	}
	return app.Status.Sync.Revision
}

func object(app *v1alpha1.Application) string { return fmt.Sprintf("Application %q", app.Name) }
