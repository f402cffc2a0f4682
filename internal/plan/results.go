package plan

import (
	"strings"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Planned is the result of a hook that is about to be created: it is stored before the hook is, so that no crash and
// no other writer has it run twice.
func Planned(t Task) v1alpha1.ResourceResult {
	r := result(t)
	r.Status, r.Message = v1alpha1.ResultSynced, t.Key.name()+" is about to be created"
	return r
}

// isPlanned reports whether a result is of a hook that is about to be created.
func isPlanned(r v1alpha1.ResourceResult) bool { return r.HookType != "" && r.HookPhase == "" }

// Begun is the result of a task whose write was done; change is what the write did, as kubectl puts it.
func Begun(t Task, change string) v1alpha1.ResourceResult {
	r := result(t)
	r.Status, r.Message, r.HookPhase = v1alpha1.ResultSynced, t.Key.name()+" "+change, v1alpha1.OperationRunning
	if t.Verb == Delete {
		r.Status, r.Message = v1alpha1.ResultPruned, "pruned"
	}
	return r
}

// Failed is the result of a task whose write was refused.
func Failed(t Task, message string) v1alpha1.ResourceResult {
	r := result(t)
	r.Status, r.Message, r.HookPhase = v1alpha1.ResultSyncFailed, message, v1alpha1.OperationFailed
	return r
}

func result(t Task) v1alpha1.ResourceResult {
	r := v1alpha1.ResourceResult{
		Group: t.Key.Group, Version: t.GVK().Version, Kind: t.Key.Kind, Namespace: t.Key.Namespace, Name: t.Key.Name, SyncPhase: t.Phase,
	}
	if t.Verb == Hook {
		r.HookType = t.Phase
	}
	if t.Verb != Delete {
		r.Images = ImagesOf(t.Object)
	}
	return r
}

// IDOf is the task that a result belongs to.
func IDOf(r v1alpha1.ResourceResult) ID {
	return ID{Key{r.Group, r.Kind, r.Namespace, r.Name}, r.SyncPhase}
}

// name is the object as kubectl names what it has written: deployment.apps/web.
func (k Key) name() string {
	kind := strings.ToLower(k.Kind)
	if k.Group != "" {
		kind += "." + k.Group
	}
	return kind + "/" + k.Name
}

// Path is the object as tools read it in the message of an operation: apps/Deployment/web.
func (k Key) Path() string { return k.Group + "/" + k.Kind + "/" + k.Name }
