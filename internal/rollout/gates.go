package rollout

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// StableSinceAnnotation is on a ReplicaSet that has been the stable version, with the RFC 3339 time at which it became it. Only such a ReplicaSet is gone back to
// without a gate.
const StableSinceAnnotation = "rollout.cyan.dev/stable-since"

// serving says that the active Service selects the wanted version.
func (d *deciding) serving() bool { return d.fresh != nil && d.active == d.fresh }

// gate moves the pause before the cut-over: it starts when the new pods are available, and ends by a person or by time.
func (d *deciding) gate() {
	status := &d.out.Status
	if status.Abort || d.serving() || d.fastTrack() {
		d.endPause()
		status.ControllerPause = false
		return
	}
	if !d.waitsBeforeSwitch() {
		d.endPause()
		return
	}
	pause := blueGreenPause(status.PauseConditions)
	switch {
	case pause == nil && status.ControllerPause:
		// The pause has been there and was taken away: promoted.
		d.endPause()
	case pause == nil && saturated(d.fresh, d.previewSize()):
		status.PauseConditions = append(status.PauseConditions, v1alpha1.PauseCondition{Reason: v1alpha1.PauseBlueGreen, StartTime: metav1.NewTime(d.now)})
		status.ControllerPause = true
		d.tell(eventPaused(string(v1alpha1.PauseBlueGreen)))
		d.wakeAtPromotion(d.now)
	case pause == nil:
	case d.autoPromotes() && !d.now.Before(d.promotionTime(pause.StartTime.Time)):
		d.endPause()
	default:
		d.wakeAtPromotion(pause.StartTime.Time)
	}
}

// waitsBeforeSwitch says that the spec asks for a pause before the cut-over.
func (d *deciding) waitsBeforeSwitch() bool {
	return !d.autoPromotes() || d.blueGreen().AutoPromotionSeconds > 0
}

func (d *deciding) autoPromotes() bool { return valueOr(d.blueGreen().AutoPromotionEnabled, true) }

func (d *deciding) promotionTime(paused time.Time) time.Time {
	return paused.Add(time.Duration(d.blueGreen().AutoPromotionSeconds) * time.Second)
}

func (d *deciding) wakeAtPromotion(paused time.Time) {
	if d.autoPromotes() {
		d.wake(d.promotionTime(paused))
	}
}

func (d *deciding) endPause() {
	if len(d.out.Status.PauseConditions) > 0 {
		d.out.Status.PauseConditions = nil
		d.tell(eventResumed())
	}
}

func blueGreenPause(conditions []v1alpha1.PauseCondition) *v1alpha1.PauseCondition {
	for i := range conditions {
		if conditions[i].Reason == v1alpha1.PauseBlueGreen {
			return &conditions[i]
		}
	}
	return nil
}

// promoted says that every gate is behind the wanted version, and the cut-over may come as soon as its pods are there.
func (d *deciding) promoted() bool {
	status := &d.out.Status
	switch {
	case status.Abort || d.ro.Spec.Paused:
		return false
	case d.fastTrack():
		return true
	case status.BlueGreen.ScaleUpPreviewCheckPoint:
		return true
	case len(status.PauseConditions) > 0:
		return false
	case d.waitsBeforeSwitch():
		return status.ControllerPause
	}
	return saturated(d.fresh, d.previewSize())
}

// fastTrack says that the wanted version needs no gate.
func (d *deciding) fastTrack() bool {
	switch {
	case d.fresh == nil || d.out.Status.Abort:
		return false
	case d.out.Status.PromoteFull:
		return true
	case d.stable == nil:
		// The first version: there is nothing to protect.
		return true
	case d.fresh == d.stable:
		return true
	}
	return d.standsBy() || d.withinRollbackWindow()
}

// standsBy says that the wanted version was stable before and its pods are still there, inside their scale-down delay.
func (d *deciding) standsBy() bool {
	deadline, ok := scaleDownDeadline(d.fresh)
	return ok && d.now.Before(deadline) && d.fresh.Annotations[StableSinceAnnotation] != "" && size(d.fresh) > 0
}

// withinRollbackWindow says that the wanted version is older than the stable one, by no more revisions than spec.rollbackWindow allows.
func (d *deciding) withinRollbackWindow() bool {
	window := d.ro.Spec.RollbackWindow
	if window == nil || d.fresh.Annotations[StableSinceAnnotation] == "" || !d.fresh.CreationTimestamp.Before(&d.stable.CreationTimestamp) {
		return false
	}
	var between int32
	for _, rs := range d.seen.ReplicaSets {
		if d.fresh.CreationTimestamp.Before(&rs.CreationTimestamp) && rs.CreationTimestamp.Before(&d.stable.CreationTimestamp) {
			between++
		}
	}
	return between < window.Revisions
}

// previewSize is how many pods the wanted version has before it is promoted.
func (d *deciding) previewSize() int32 {
	return min(valueOr(d.blueGreen().PreviewReplicaCount, d.replicas), d.replicas)
}
