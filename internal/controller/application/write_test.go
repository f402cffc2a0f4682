package application

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// TestDiffers: what two Applications have in common changes nothing about whether they differ as JSON.
func TestDiffers(t *testing.T) {
	full := func() *v1alpha1.Application {
		app := &v1alpha1.Application{}
		app.Spec.Source = &v1alpha1.ApplicationSource{RepoURL: "https://x"}
		app.Status.Resources = []v1alpha1.ResourceStatus{{Name: "a"}, {Name: "b", Health: &v1alpha1.HealthStatus{Status: v1alpha1.HealthHealthy}}}
		app.Status.ReconciledAt = &metav1.Time{Time: time.Unix(1, 0)}
		app.Status.History = []v1alpha1.RevisionHistory{{ID: 1}}
		app.Status.OperationState = &v1alpha1.OperationState{Message: "x", SyncResult: &v1alpha1.SyncOperationResult{Revision: "1", Resources: []*v1alpha1.ResourceResult{{Name: "a"}, {Name: "b"}}}}
		return app
	}
	for _, c := range []struct {
		name string
		set  func(*v1alpha1.Application)
		want bool
	}{
		{"nothing", func(*v1alpha1.Application) {}, false},
		{"empty for none", func(a *v1alpha1.Application) { a.Spec.SyncPolicy, a.Annotations = nil, map[string]string{} }, false},
		{"the time of the look", func(a *v1alpha1.Application) { a.Status.ReconciledAt = &metav1.Time{Time: time.Unix(2, 0)} }, true},
		{"the time of the look, within a second", func(a *v1alpha1.Application) { a.Status.ReconciledAt = &metav1.Time{Time: time.Unix(1, 5)} }, false},
		{"no time", func(a *v1alpha1.Application) { a.Status.ReconciledAt = nil }, true},
		{"an annotation", func(a *v1alpha1.Application) { a.Annotations = map[string]string{"a": "b"} }, true},
		{"the spec", func(a *v1alpha1.Application) { a.Spec.Project = "x" }, true},
		{"a resource", func(a *v1alpha1.Application) { a.Status.Resources[1].Health.Message = "x" }, true},
		{"one resource less", func(a *v1alpha1.Application) { a.Status.Resources = a.Status.Resources[:1] }, true},
		{"no resources", func(a *v1alpha1.Application) { a.Status.Resources = nil }, true},
		{"an entry of the history", func(a *v1alpha1.Application) { a.Status.History[0].ID = 2 }, true},
		{"a result", func(a *v1alpha1.Application) { a.Status.OperationState.SyncResult.Resources[1].Message = "x" }, true},
		{"the revision of the result", func(a *v1alpha1.Application) { a.Status.OperationState.SyncResult.Revision = "2" }, true},
		{"the operation's message", func(a *v1alpha1.Application) { a.Status.OperationState.Message = "y" }, true},
		{"no result", func(a *v1alpha1.Application) { a.Status.OperationState.SyncResult = nil }, true},
		{"no operation", func(a *v1alpha1.Application) { a.Status.OperationState = nil }, true},
	} {
		for _, turned := range []bool{false, true} {
			before, after := full(), full()
			if c.set(after); turned {
				before, after = after, before
			}
			wasBefore, wasAfter := before.DeepCopy(), after.DeepCopy()
			got, err := differs(before, after)
			if err != nil || got != c.want {
				t.Errorf("%s, turned round %v: got %v, %v, want %v", c.name, turned, got, err, c.want)
			}
			if whole := fmt.Sprint(asJSON(t, before)) != fmt.Sprint(asJSON(t, after)); whole != got {
				t.Errorf("%s, turned round %v: got %v, and %v of the whole", c.name, turned, got, whole)
			}
			if !reflect.DeepEqual(before, wasBefore) || !reflect.DeepEqual(after, wasAfter) {
				t.Errorf("%s, turned round %v: changed what was given", c.name, turned)
			}
		}
	}
}

func asJSON(t *testing.T, app *v1alpha1.Application) map[string]any {
	t.Helper()
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(app)
	if err != nil {
		t.Fatal(err)
	}
	return fields
}
