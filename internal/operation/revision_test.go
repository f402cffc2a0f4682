package operation_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/operation"
)

// TestOnlyRevision: what an Application must be like for a commit that changes nothing of it to be noted only.
func TestOnlyRevision(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*v1alpha1.Application)
		want bool
	}{
		{"synced", func(*v1alpha1.Application) {}, true},
		{"synced and automated", func(a *v1alpha1.Application) {
			a.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.AutomatedSync{}}
		}, true},
		{"out of sync, and nobody syncs it", func(a *v1alpha1.Application) { a.Status.Sync.Status = v1alpha1.OutOfSync }, true},
		{"out of sync and automated: the commit may be synced", func(a *v1alpha1.Application) {
			a.Status.Sync.Status = v1alpha1.OutOfSync
			a.Spec.SyncPolicy = &v1alpha1.SyncPolicy{Automated: &v1alpha1.AutomatedSync{}}
		}, false},
		{"not compared", func(a *v1alpha1.Application) { a.Status.Sync.Status = v1alpha1.SyncUnknown }, false},
		{"never looked at", func(a *v1alpha1.Application) { a.Status.Sync.Status = "" }, false},
		{"being deleted", func(a *v1alpha1.Application) { a.DeletionTimestamp = &metav1.Time{Time: noon} }, false},
		{"in an operation", func(a *v1alpha1.Application) { a.Operation = &v1alpha1.Operation{} }, false},
		{"with a condition", func(a *v1alpha1.Application) {
			a.Status.Conditions = []v1alpha1.ApplicationCondition{{Type: v1alpha1.ConditionSyncError}}
		}, false},
		{"with more objects than are listed", func(a *v1alpha1.Application) {
			a.Status.Conditions = []v1alpha1.ApplicationCondition{{Type: v1alpha1.ConditionOmittedResourceWarning}}
		}, true},
		{"with more objects than are listed, and an error", func(a *v1alpha1.Application) {
			a.Status.Conditions = []v1alpha1.ApplicationCondition{{Type: v1alpha1.ConditionOmittedResourceWarning}, {Type: v1alpha1.ConditionSyncError}}
		}, false},
		{"to be refreshed", func(a *v1alpha1.Application) { a.Annotations = map[string]string{v1alpha1.RefreshAnnotation: "normal"} }, false},
		{"to be skipped", func(a *v1alpha1.Application) {
			a.Annotations = map[string]string{v1alpha1.SkipReconcileAnnotation: "true"}
		}, false},
		{"not to be skipped", func(a *v1alpha1.Application) {
			a.Annotations = map[string]string{v1alpha1.SkipReconcileAnnotation: "false"}
		}, true},
	} {
		app := &v1alpha1.Application{}
		app.Status.Sync.Status = v1alpha1.Synced
		c.set(app)
		if got := operation.OnlyRevision(app); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
