package bluegreen

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/gate"
)

// Next implements [rollout.Strategy].
func (b Strategy) Next(s rollout.State, now time.Time) rollout.Outcome {
	promotion := gate.Promoted(b.promotion(s)).Check(s, now)
	promoted := b.gates(s).Check(s, now).Open
	settled := settledVersion(s)
	arrived := settled != nil && s.Serving()
	o := rollout.Outcome{
		Pause:       b.nextPause(s, promotion, now),
		Settled:     settled,
		PromoteFull: s.PromoteFull && !arrived,
		Ungated:     gate.NeedsNone(s, now),
	}
	o.AwaitsPerson = o.Pause.Holds() && opensAt(o.Pause, promotion).IsZero()
	o.Work = rollout.Join(
		rollout.RequeueAt(opensAt(o.Pause, promotion)),
		switchActive(s, promoted),
		b.switchPreview(s, now),
		b.scaleUp(s, promoted),
		b.scaleDown(s, now),
	)
	o.BlueGreen = statusOf(s, b.verified(s, promotion) && !arrived)
	o.Waits = waitsFor(s, o)
	return o
}

// verified reports whether the desired version has passed its gates for good: its pods may go and come again before the
// switch, and the pause has ended.
func (b Strategy) verified(s rollout.State, promotion gate.Verdict) bool {
	lasts := b.spec.PreviewReplicaCount != nil || b.promotion(s).Asked
	return s.Verified || (lasts && promotion.Open && !s.Needed(s.Desired))
}

// settledVersion returns the version that is proved to have all the traffic; nil when none is.
func settledVersion(s rollout.State) *appsv1.ReplicaSet {
	if s.SelectorLost || s.Abort || !s.Converged {
		return nil
	}
	return s.Active
}

// nextPause returns the pause before the cut-over: it begins when the new pods are available, and ends by a person or
// by time.
func (b Strategy) nextPause(s rollout.State, promotion gate.Verdict, now time.Time) rollout.Pause {
	switch {
	case s.Desired == nil:
		return s.Pause
	case s.Abort || s.Serving() || gate.NeedsNone(s, now):
		return rollout.Pause{}
	case promotion.Open || !b.promotion(s).Asked:
		return rollout.Pause{}
	case promotion.Since.IsZero() || s.Pause.Has(v1alpha1.PauseBlueGreen) != nil:
		return s.Pause
	}
	begun := v1alpha1.PauseCondition{Reason: v1alpha1.PauseBlueGreen, StartTime: metav1.NewTime(promotion.Since)}
	return rollout.Pause{Conditions: append(slices.Clone(s.Pause.Conditions), begun), Begun: true}
}

// opensAt returns when the pause ends by itself; zero when it does not.
func opensAt(pause rollout.Pause, promotion gate.Verdict) time.Time {
	if pause.Has(v1alpha1.PauseBlueGreen) == nil {
		return time.Time{}
	}
	return promotion.Until
}

// statusOf returns the strategy's own part of the status.
func statusOf(s rollout.State, verified bool) v1alpha1.BlueGreenStatus {
	status := *s.Rollout.Status.BlueGreen.DeepCopy()
	status.ActiveSelector = rollout.SelectedHash(s.ActiveService)
	status.PreviewSelector = rollout.SelectedHash(s.PreviewService)
	status.Switch = s.Switch
	status.ScaleUpPreviewCheckPoint = verified
	if s.Changed {
		status.PrePromotionAnalysisRunStatus, status.PostPromotionAnalysisRunStatus = nil, nil
	}
	return status
}

// waitsFor returns what the desired version waits for.
func waitsFor(s rollout.State, o rollout.Outcome) string {
	var there, available int32
	if s.Desired != nil {
		there, available = s.Desired.Status.Replicas, s.Desired.Status.AvailableReplicas
	}
	switch {
	case there < s.Replicas:
		return "more replicas need to be updated"
	case s.Desired == nil || available < s.Replicas:
		return "updated replicas are still becoming available"
	case !s.Serving():
		return "active service cutover pending"
	case !o.Completes(s):
		return "waiting for post-promotion verification to complete"
	}
	return ""
}
