package application

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/live"
)

// TestLookAgainAfter: what stands is looked at seldom, everything else soon.
func TestLookAgainAfter(t *testing.T) {
	stands := func(*observation, *v1alpha1.Application) {}
	for _, c := range []struct {
		name   string
		change func(*observation, *v1alpha1.Application)
		seldom bool
	}{
		{"everything stands", stands, true},
		{"nothing is asked for that differs", func(_ *observation, a *v1alpha1.Application) { a.Status.Sync.Status = v1alpha1.OutOfSync }, true},
		{"not synced, and automation is to", func(_ *observation, a *v1alpha1.Application) {
			a.Status.Sync.Status, a.Spec.SyncPolicy = v1alpha1.OutOfSync, &v1alpha1.SyncPolicy{Automated: &v1alpha1.AutomatedSync{}}
		}, false},
		{"not healthy", func(_ *observation, a *v1alpha1.Application) { a.Status.Health.Status = v1alpha1.HealthDegraded }, false},
		{"a condition", func(_ *observation, a *v1alpha1.Application) {
			a.Status.Conditions = []v1alpha1.ApplicationCondition{{Type: v1alpha1.ConditionComparisonError}}
		}, false},
		{"a kind that can't be read", func(o *observation, _ *v1alpha1.Application) {
			o.comparison.Live = live.Snapshot{Broken: map[schema.GroupKind]error{{Kind: "Secret"}: live.ErrUnreachable}}
		}, false},
		{"objects that nobody has are looked for", func(o *observation, _ *v1alpha1.Application) {
			o.project.Spec.OrphanedResources = &runtime.RawExtension{}
		}, false},
	} {
		o := &observation{project: &v1alpha1.AppProject{}}
		app := &v1alpha1.Application{Status: v1alpha1.ApplicationStatus{
			Sync: v1alpha1.SyncStatus{Status: v1alpha1.Synced}, Health: v1alpha1.AppHealthStatus{Status: v1alpha1.HealthHealthy},
		}}
		c.change(o, app)
		about := lookRequeueAfter
		if c.seldom {
			about = restRequeueAfter
		}
		for range 100 {
			if got := lookAgainAfter(o, app); got < about*2/3 || got > about*4/3 {
				t.Fatalf("%s: got %s, want %s, give or take a third", c.name, got, about)
			}
		}
	}
}
