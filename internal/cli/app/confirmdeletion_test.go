package app

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// TestApprovalTime: a confirmation counts although the clock of the person's machine is behind.
func TestApprovalTime(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(d)) }
	for _, c := range []struct {
		name string
		set  func(*v1alpha1.Application)
		want time.Duration
	}{
		{"nothing waits", func(*v1alpha1.Application) {}, 0},
		{"deleted before", func(a *v1alpha1.Application) { d := at(-time.Minute); a.DeletionTimestamp = &d }, 0},
		{"deleted after, by the cluster's clock", func(a *v1alpha1.Application) { d := at(time.Minute); a.DeletionTimestamp = &d }, time.Minute},
		{"a sync that began after", func(a *v1alpha1.Application) {
			a.Operation, a.Status.OperationState = &v1alpha1.Operation{}, &v1alpha1.OperationState{StartedAt: at(time.Hour)}
		}, time.Hour},
		{"a sync that is over", func(a *v1alpha1.Application) {
			a.Status.OperationState = &v1alpha1.OperationState{StartedAt: at(time.Hour)}
		}, 0},
	} {
		app := &v1alpha1.Application{}
		c.set(app)
		if got := approvalTime(app, now); !got.Equal(now.Add(c.want)) {
			t.Errorf("%s: got %s, want %s after", c.name, got, c.want)
		}
	}
}
