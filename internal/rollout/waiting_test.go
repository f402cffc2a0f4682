package rollout_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// A switch of traffic that waits for a moment is not reported, unless something else changes with it than what is
// counted and shown.
func TestWhichWaitIsNotReported(t *testing.T) {
	active, preview := rollout.SwitchService{Role: rollout.RoleActive}, rollout.SwitchService{Role: rollout.RolePreview}
	same := func(*v1alpha1.RolloutStatus) {}
	for _, c := range []struct {
		name   string
		action rollout.Action
		lasted time.Duration
		change func(*v1alpha1.RolloutStatus)
		brief  bool
	}{
		{"since now", active, 0, same, true},
		{"almost a second", active, 999 * time.Millisecond, same, true},
		{"a second", active, time.Second, same, false},
		{"a preview", preview, 0, same, false},
		{"a scale-down", rollout.Scale{}, 0, same, false},
		{"an eviction", rollout.EvictPod{}, 0, same, false},
		{"the phase changes", active, 0, func(s *v1alpha1.RolloutStatus) { s.Phase = v1alpha1.RolloutProgressing }, true},
		{"the message changes", active, 0, func(s *v1alpha1.RolloutStatus) { s.Message = "m" }, true},
		{"a condition changes", active, 0, func(s *v1alpha1.RolloutStatus) { s.Conditions = []v1alpha1.RolloutCondition{{}} }, true},
		{"pods are counted", active, 0, func(s *v1alpha1.RolloutStatus) {
			s.Replicas, s.UpdatedReplicas, s.ReadyReplicas, s.AvailableReplicas, s.HPAReplicas = 1, 2, 3, 4, 5
		}, true},
		{"a pause ends", active, 0, func(s *v1alpha1.RolloutStatus) { s.PauseConditions = nil }, false},
		{"what the controller has paused", active, 0, func(s *v1alpha1.RolloutStatus) { s.ControllerPause = false }, false},
		{"an abort", active, 0, func(s *v1alpha1.RolloutStatus) { s.Abort = true }, false},
		{"since when", active, 0, func(s *v1alpha1.RolloutStatus) { s.AbortedAt = &metav1.Time{} }, false},
		{"a promotion", active, 0, func(s *v1alpha1.RolloutStatus) { s.PromoteFull = true }, false},
		{"the version has passed its gates", active, 0, func(s *v1alpha1.RolloutStatus) { s.BlueGreen.ScaleUpPreviewCheckPoint = true }, false},
		{"a switch before", active, 0, func(s *v1alpha1.RolloutStatus) { s.BlueGreen.Switch = &v1alpha1.SwitchStatus{} }, false},
		{"the stable version", active, 0, func(s *v1alpha1.RolloutStatus) { s.StableRS = "v1" }, false},
		{"the desired version", active, 0, func(s *v1alpha1.RolloutStatus) { s.CurrentPodHash = "v2" }, false},
		{"the generation", active, 0, func(s *v1alpha1.RolloutStatus) { s.ObservedGeneration = "2" }, false},
		{"the attempt", active, 0, func(s *v1alpha1.RolloutStatus) { s.Duration = &v1alpha1.RolloutDuration{} }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := v1alpha1.RolloutStatus{ControllerPause: true, PauseConditions: []v1alpha1.PauseCondition{{Reason: v1alpha1.PauseBlueGreen}}}
			d := rollout.Decision{Status: *before.DeepCopy()}
			c.change(&d.Status)
			if got := rollout.IsBrief(before, d, c.action, c.lasted); got != c.brief {
				t.Errorf("got %t, want %t", got, c.brief)
			}
		})
	}
}
