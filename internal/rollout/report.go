package rollout

import (
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Reasons of the Progressing condition.
const (
	reasonAvailable = "NewReplicaSetAvailable"
	reasonUpdated   = "ReplicaSetUpdated"
	reasonPaused    = "RolloutPaused"
	reasonResumed   = "RolloutResumed"
	reasonAborted   = "RolloutAborted"
	reasonDeadline  = "ProgressDeadlineExceeded"
	reasonRetry     = "RolloutRetry"
	reasonCreate    = "ReplicaSetCreateError"
)

// report completes the status: what is stable, the counts, the conditions, and the phase.
func (d *deciding) report() {
	status := &d.out.Status
	d.promoteStable()
	d.count()
	status.ObservedGeneration = generation(d.ro.Generation)
	if d.seen.Workload != nil {
		status.WorkloadObservedGeneration = generation(d.seen.Workload.Generation)
		d.out.Annotations[v1alpha1.WorkloadGenerationAnnotation] = generation(d.seen.Workload.Generation)
	}
	d.removeCondition(v1alpha1.RolloutConditionInvalidSpec)
	d.removeCondition(v1alpha1.RolloutConditionReplicaFailure)
	d.judgeProgress()
	d.judgeOthers()
	status.Phase, status.Message = d.phase()
}

// promoteStable makes the version that has all the traffic the one to go back to.
func (d *deciding) promoteStable() {
	status := &d.out.Status
	if d.active == nil || d.lost || status.Abort || !d.converged() {
		return
	}
	hash := PodHash(d.active.Labels)
	if d.active.Annotations[StableSinceAnnotation] == "" {
		d.do(AnnotateReplicaSet{d.active.Name, map[string]string{StableSinceAnnotation: d.convergedAt().UTC().Format(time.RFC3339)}})
	}
	if status.StableRS != hash {
		status.StableRS = hash
		d.stable = d.active
		if d.serving() {
			d.tell(eventCompleted(Revision(d.active), hash))
			d.out.Completed = d.now.Sub(d.active.CreationTimestamp.Time)
		}
		// The version before is on its way out from now on: its deadline is set by the next decision.
		d.wake(d.now)
	}
	if d.serving() {
		status.PromoteFull, status.ControllerPause = false, false
		status.BlueGreen.ScaleUpPreviewCheckPoint = false
	}
}

// complete says that the wanted version has all the traffic and is stable.
func (d *deciding) complete() bool {
	return d.fresh != nil && d.serving() && d.converged() && d.out.Status.StableRS == PodHash(d.fresh.Labels)
}

func (d *deciding) count() {
	status := &d.out.Status
	status.Replicas = 0
	for _, rs := range d.seen.ReplicaSets {
		status.Replicas += rs.Status.Replicas
	}
	status.UpdatedReplicas = 0
	if d.fresh != nil {
		status.UpdatedReplicas = d.fresh.Status.Replicas
	}
	serving := d.active
	if serving == nil {
		serving = d.fresh
	}
	status.ReadyReplicas, status.AvailableReplicas, status.HPAReplicas = 0, 0, 0
	selector := metav1.LabelSelector{}
	if s := Selector(d.seen); s != nil {
		selector = *s.DeepCopy()
	}
	if serving != nil {
		status.ReadyReplicas = serving.Status.ReadyReplicas
		status.AvailableReplicas = serving.Status.AvailableReplicas
		status.HPAReplicas = serving.Status.Replicas
		selector = *serving.Spec.Selector
	}
	status.Selector = metav1.FormatLabelSelector(&selector)
}

// judgeProgress sets the Progressing condition, and with it the clock of the progress deadline.
func (d *deciding) judgeProgress() {
	switch {
	case d.out.Status.Abort:
		d.setCondition(v1alpha1.RolloutConditionProgressing, corev1.ConditionFalse, reasonAborted, "Rollout aborted update to revision "+strconv.FormatInt(d.freshRevision(), 10))
	case d.complete():
		if d.progressReason() != reasonAvailable {
			d.progress(reasonAvailable, "ReplicaSet "+d.fresh.Name+" has successfully progressed")
		}
	case d.ro.Status.AbortedAt != nil && d.out.Status.AbortedAt == nil:
		d.setCondition(v1alpha1.RolloutConditionProgressing, corev1.ConditionUnknown, reasonRetry, "Rollout is retried")
	case d.isPaused():
		d.setCondition(v1alpha1.RolloutConditionProgressing, corev1.ConditionUnknown, reasonPaused, "Rollout is paused")
	case d.progressReason() == reasonPaused:
		d.setCondition(v1alpha1.RolloutConditionProgressing, corev1.ConditionUnknown, reasonResumed, "Rollout is resumed")
	case d.begun:
	case d.moved():
		d.progress(reasonUpdated, "ReplicaSet "+d.freshName()+" is progressing")
	case d.deadlineExceeded():
		d.setCondition(v1alpha1.RolloutConditionProgressing, corev1.ConditionFalse, reasonDeadline, "ReplicaSet "+d.freshName()+" has made no progress within progressDeadlineSeconds")
	default:
		if at, ok := d.deadline(); ok {
			d.wake(at)
		}
	}
}

func (d *deciding) freshName() string {
	if d.fresh == nil {
		return "of the new version"
	}
	return d.fresh.Name
}

func (d *deciding) isPaused() bool { return d.ro.Spec.Paused || len(d.out.Status.PauseConditions) > 0 }

// moved says that something went forward since the last status.
func (d *deciding) moved() bool {
	before, after := d.ro.Status, d.out.Status
	return condition(before.Conditions, v1alpha1.RolloutConditionProgressing) == nil ||
		d.progressReason() == reasonAvailable ||
		before.UpdatedReplicas != after.UpdatedReplicas || before.ReadyReplicas != after.ReadyReplicas || before.AvailableReplicas != after.AvailableReplicas ||
		before.BlueGreen.ActiveSelector != after.BlueGreen.ActiveSelector || before.StableRS != after.StableRS
}

// begin tells that the way of a version has begun.
func (d *deciding) begin(reason, message string) {
	d.begun = true
	d.progress(reason, message)
}

// progress sets the Progressing condition to true, and starts the clock of its deadline anew.
func (d *deciding) progress(reason, message string) {
	d.setCondition(v1alpha1.RolloutConditionProgressing, corev1.ConditionTrue, reason, message)
	condition(d.out.Status.Conditions, v1alpha1.RolloutConditionProgressing).LastUpdateTime = metav1.NewTime(d.now)
}

func (d *deciding) progressReason() string {
	if c := condition(d.out.Status.Conditions, v1alpha1.RolloutConditionProgressing); c != nil {
		return c.Reason
	}
	return ""
}

// deadline is when the wanted version must have made progress. There is none while nothing is under way or a pause holds it.
func (d *deciding) deadline() (time.Time, bool) {
	c := condition(d.out.Status.Conditions, v1alpha1.RolloutConditionProgressing)
	if c == nil || d.isPaused() {
		return time.Time{}, false
	}
	switch c.Reason {
	case reasonAvailable, reasonAborted, reasonDeadline, reasonPaused:
		return time.Time{}, false
	}
	seconds := valueOr(d.ro.Spec.ProgressDeadlineSeconds, defaultProgressDeadline)
	return c.LastUpdateTime.Add(time.Duration(seconds) * time.Second), true
}

func (d *deciding) deadlineExceeded() bool {
	if d.progressReason() == reasonDeadline {
		return true
	}
	at, ok := d.deadline()
	return ok && !d.now.Before(at)
}

// deadlineAborts says that the deadline has passed and the spec asks for an abort then.
func (d *deciding) deadlineAborts() bool {
	return d.ro.Spec.ProgressDeadlineAbort && !d.ro.Status.Abort && d.stable != nil && d.fresh != d.stable && d.deadlineExceeded()
}

func (d *deciding) judgeOthers() {
	status := &d.out.Status
	is := func(b bool) corev1.ConditionStatus {
		if b {
			return corev1.ConditionTrue
		}
		return corev1.ConditionFalse
	}
	available := status.AvailableReplicas >= d.replicas
	d.setCondition(v1alpha1.RolloutConditionAvailable, is(available), "AvailableReason", map[bool]string{true: "Rollout has minimum availability", false: "Rollout does not have minimum availability"}[available])
	paused := d.isPaused()
	d.setCondition(v1alpha1.RolloutConditionPaused, is(paused), "RolloutPaused", map[bool]string{true: "Rollout is paused", false: "Rollout is not paused"}[paused])
	complete := d.complete()
	if before := condition(d.ro.Status.Conditions, v1alpha1.RolloutConditionCompleted); before != nil && before.Status == corev1.ConditionTrue && !complete {
		d.tell(eventNotCompleted(d.freshRevision()))
	}
	d.setCondition(v1alpha1.RolloutConditionCompleted, is(complete), "RolloutCompleted", map[bool]string{true: "Rollout completed", false: "Rollout is not completed"}[complete])
	healthy := complete && available
	d.setCondition(v1alpha1.RolloutConditionHealthy, is(healthy), "RolloutHealthy", map[bool]string{true: "Rollout is healthy", false: "Rollout is not healthy"}[healthy])
}

func (d *deciding) phase() (v1alpha1.RolloutPhase, string) {
	status := &d.out.Status
	progressing := condition(status.Conditions, v1alpha1.RolloutConditionProgressing)
	switch {
	case status.Abort:
		return v1alpha1.RolloutDegraded, "RolloutAborted: " + progressing.Message
	case progressing != nil && progressing.Reason == reasonDeadline:
		return v1alpha1.RolloutDegraded, "ProgressDeadlineExceeded: " + progressing.Message
	case d.ro.Spec.Paused:
		return v1alpha1.RolloutPaused, "manually paused"
	case len(status.PauseConditions) > 0:
		return v1alpha1.RolloutPaused, string(status.PauseConditions[0].Reason)
	case d.ro.Spec.RestartAt != nil && !d.now.Before(d.ro.Spec.RestartAt.Time) && (status.RestartedAt == nil || status.RestartedAt.Before(d.ro.Spec.RestartAt)):
		return v1alpha1.RolloutProgressing, "rollout is restarting"
	case status.UpdatedReplicas < d.replicas:
		return v1alpha1.RolloutProgressing, "more replicas need to be updated"
	case d.fresh == nil || d.fresh.Status.AvailableReplicas < d.replicas:
		return v1alpha1.RolloutProgressing, "updated replicas are still becoming available"
	case !d.serving():
		return v1alpha1.RolloutProgressing, "active service cutover pending"
	case !d.complete():
		return v1alpha1.RolloutProgressing, "waiting for post-promotion verification to complete"
	}
	return v1alpha1.RolloutHealthy, ""
}

// refuse reports a spec that can't be carried out. Nothing else is done: what runs, runs on.
func (d *deciding) refuse(problems []Problem) {
	message := ""
	for i, p := range problems {
		if i > 0 {
			message += "; "
		}
		message += p.String()
	}
	status := &d.out.Status
	before := condition(status.Conditions, v1alpha1.RolloutConditionInvalidSpec)
	if before == nil || before.Message != message {
		d.tell(warning("InvalidSpec", "%s", message))
	}
	d.setCondition(v1alpha1.RolloutConditionInvalidSpec, corev1.ConditionTrue, "InvalidSpec", message)
	d.repair()
	status.ObservedGeneration = generation(d.ro.Generation)
	status.Phase, status.Message = v1alpha1.RolloutDegraded, "InvalidSpec: "+message
}

// repair brings the traffic back to the stable version although the spec can't be carried out.
func (d *deciding) repair() {
	if d.blueGreen() == nil || d.seen.Active == nil || d.seen.Active.Annotations[v1alpha1.ManagedByRolloutsAnnotation] != d.ro.Name {
		return
	}
	d.stable = byHash(d.seen.ReplicaSets, d.ro.Status.StableRS)
	d.active = byHash(d.seen.ReplicaSets, selectedHash(d.seen.Active))
	if d.lost = d.stable != nil && d.active == nil; !d.lost {
		return
	}
	if a, ok := d.activeSwitch(); ok {
		d.do(a)
	}
}

// CreateFailed is the status of a Rollout whose new ReplicaSet the API server refused.
func CreateFailed(status v1alpha1.RolloutStatus, cause error, now time.Time) v1alpha1.RolloutStatus {
	d := &deciding{now: now, out: Decision{Status: *status.DeepCopy()}}
	d.setCondition(v1alpha1.RolloutConditionReplicaFailure, corev1.ConditionTrue, reasonCreate, cause.Error())
	d.setCondition(v1alpha1.RolloutConditionProgressing, corev1.ConditionFalse, reasonCreate, cause.Error())
	d.out.Status.Phase, d.out.Status.Message = v1alpha1.RolloutDegraded, reasonCreate+": "+cause.Error()
	return d.out.Status
}

func condition(all []v1alpha1.RolloutCondition, kind v1alpha1.RolloutConditionType) *v1alpha1.RolloutCondition {
	for i := range all {
		if all[i].Type == kind {
			return &all[i]
		}
	}
	return nil
}

// setCondition sets a condition; its times move only when it changes.
func (d *deciding) setCondition(kind v1alpha1.RolloutConditionType, value corev1.ConditionStatus, reason, message string) {
	now := metav1.NewTime(d.now)
	status := &d.out.Status
	c := condition(status.Conditions, kind)
	if c == nil {
		status.Conditions = append(status.Conditions, v1alpha1.RolloutCondition{Type: kind, Status: value, Reason: reason, Message: message, LastUpdateTime: now, LastTransitionTime: now})
		return
	}
	if c.Status == value && c.Reason == reason && c.Message == message {
		return
	}
	if c.Status != value {
		c.LastTransitionTime = now
	}
	c.Status, c.Reason, c.Message, c.LastUpdateTime = value, reason, message, now
}

func (d *deciding) removeCondition(kind v1alpha1.RolloutConditionType) {
	kept := d.out.Status.Conditions[:0]
	for _, c := range d.out.Status.Conditions {
		if c.Type != kind {
			kept = append(kept, c)
		}
	}
	d.out.Status.Conditions = kept
}
