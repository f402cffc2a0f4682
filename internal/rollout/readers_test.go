package rollout_test

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// unreadable returns what kubectl's plugin, `kubectl wait` and health checks would read wrongly from a status that the
// controller writes; empty when they agree. They do not know the controller's rules: they look at single fields.
func unreadable(ro *v1alpha1.Rollout, status v1alpha1.RolloutStatus) string {
	is := map[v1alpha1.RolloutConditionType]corev1.ConditionStatus{}
	for _, c := range status.Conditions {
		is[c.Type] = c.Status
	}
	var (
		yes     = func(kind v1alpha1.RolloutConditionType) bool { return is[kind] == corev1.ConditionTrue }
		held    = ro.Spec.Paused || len(status.PauseConditions) > 0
		phase   = status.Phase
		settled = status.StableRS == status.CurrentPodHash && status.BlueGreen.ActiveSelector == status.CurrentPodHash
		d       = status.Duration
	)
	for _, rule := range []struct {
		broken bool
		reads  string
	}{
		{phase == "", "there is no phase"},
		{status.ObservedGeneration != strconv.FormatInt(ro.Generation, 10), "the status of another generation counts as progress"},
		{status.ControllerPause && len(status.PauseConditions) == 0, "controllerPause without pauseConditions is a promotion that the controller has not seen"},
		{status.Abort != (status.AbortedAt != nil), "abort and abortedAt differ"},
		{yes(v1alpha1.RolloutConditionInvalidSpec) && phase != v1alpha1.RolloutDegraded, "an invalid spec is not Degraded"},
		{phase == v1alpha1.RolloutPaused && !held, "Paused, and nothing pauses it"},
		{phase == v1alpha1.RolloutPaused && !yes(v1alpha1.RolloutConditionPaused), "`kubectl wait --for=condition=Paused` waits for what is Paused"},
		{phase == v1alpha1.RolloutHealthy && !yes(v1alpha1.RolloutConditionHealthy), "`kubectl wait --for=condition=Healthy` waits for what is Healthy"},
		{phase == v1alpha1.RolloutHealthy && !yes(v1alpha1.RolloutConditionCompleted), "Healthy and not Completed"},
		{phase == v1alpha1.RolloutHealthy && !settled, "Healthy, and the version is not stable or does not serve"},
		{yes(v1alpha1.RolloutConditionHealthy) && phase != v1alpha1.RolloutHealthy, "the condition Healthy in another phase"},
		{d != nil && d.FinishedAt != nil && (d.CompletionStatus == nil || d.ManualPauseStartedAt != nil), "an attempt that has ended has no end, or waits for a person"},
	} {
		if rule.broken {
			return fmt.Sprintf("%s: %s %q, spec.paused %t, %+v", rule.reads, phase, status.Message, ro.Spec.Paused, status)
		}
	}
	return ""
}
