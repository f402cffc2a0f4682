package rollout

import (
	"sort"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// drainFloor is the shortest time that old pods live on after the EndpointSlices have converged: what kube-proxy and other readers of EndpointSlices need to follow them
// (kube-proxy's own minimum sync period is 1 s). It holds even when scaleDownDelaySeconds is 0.
const drainFloor = 2 * time.Second

// resize gives the versions that matter their size.
func (d *deciding) resize() {
	for _, rs := range d.seen.ReplicaSets {
		if rs == d.fresh || !d.needed(rs) {
			continue
		}
		d.scale(rs, d.replicas)
		d.clearDeadline(rs)
	}
	if d.fresh == nil {
		return
	}
	if d.ro.Spec.Paused && !d.needed(d.fresh) {
		return
	}
	if !d.out.Status.Abort || d.needed(d.fresh) {
		d.scale(d.fresh, d.freshSize())
	}
	if d.needed(d.fresh) {
		d.clearDeadline(d.fresh)
	}
}

// needed says that a ReplicaSet takes traffic, or is what traffic would go back to.
func (d *deciding) needed(rs *appsv1.ReplicaSet) bool { return rs == d.stable || rs == d.active }

// freshSize is the size that the wanted version should have now.
func (d *deciding) freshSize() int32 {
	if d.needed(d.fresh) || d.promoted() {
		if d.blueGreen().PreviewReplicaCount != nil && !d.needed(d.fresh) {
			d.out.Status.BlueGreen.ScaleUpPreviewCheckPoint = true
		}
		return d.replicas
	}
	return d.previewSize()
}

func (d *deciding) scale(rs *appsv1.ReplicaSet, to int32) {
	from := size(rs)
	if from == to || rs.DeletionTimestamp != nil {
		return
	}
	d.do(Scale{Name: rs.Name, Hash: PodHash(rs.Labels), From: from, To: to, Revision: Revision(rs)})
}

// drain takes all pods of a version that nothing needs any more.
func (d *deciding) drain(rs *appsv1.ReplicaSet) {
	if size(rs) > 0 && rs.DeletionTimestamp == nil {
		d.do(Scale{Name: rs.Name, Hash: PodHash(rs.Labels), From: size(rs), To: 0, Drain: true, Revision: Revision(rs)})
	}
}

// retire brings versions that nothing needs any more to zero, each when its time has come, and drops those beyond the history limit.
func (d *deciding) retire() {
	if !d.ro.Spec.Paused {
		d.retireAborted()
		d.retireOld()
	}
	d.forget()
}

// retireAborted takes the pods of an aborted version away after their delay.
func (d *deciding) retireAborted() {
	delay := valueOr(d.blueGreen().AbortScaleDownDelaySeconds, defaultAbortScaleDownDelay)
	if !d.out.Status.Abort || d.fresh == nil || d.stable == nil || d.needed(d.fresh) || size(d.fresh) == 0 || delay == 0 {
		return
	}
	d.scaleDownAt(d.fresh, d.out.Status.AbortedAt.Add(time.Duration(delay)*time.Second))
}

// retireOld takes the pods of older versions away: those that gave the traffic over, after the scale-down delay that starts at convergence; those that never had it, at once.
func (d *deciding) retireOld() {
	var waiting []*appsv1.ReplicaSet
	for _, rs := range d.seen.ReplicaSets {
		if rs == d.fresh || d.needed(rs) || size(rs) == 0 {
			continue
		}
		if _, ok := scaleDownDeadline(rs); ok || d.hadTraffic(rs) {
			waiting = append(waiting, rs)
		} else {
			d.drainAfterFloor(rs)
		}
	}
	if !d.converged() {
		return
	}
	sort.Slice(waiting, func(i, j int) bool { return Revision(waiting[i]) > Revision(waiting[j]) })
	limit := d.blueGreen().ScaleDownDelayRevisionLimit
	for i, rs := range waiting {
		if limit != nil && i >= int(*limit) {
			d.scaleDownAt(rs, d.convergedAt().Add(drainFloor))
			continue
		}
		d.scaleDownAt(rs, d.convergedAt().Add(d.scaleDownDelay()))
	}
}

// hadTraffic says that a ReplicaSet has served, or may have: without a record of a switch nothing is known of those that another controller has made.
func (d *deciding) hadTraffic(rs *appsv1.ReplicaSet) bool {
	last := d.out.Status.BlueGreen.Switch
	return last == nil || last.From == PodHash(rs.Labels) || rs.Annotations[StableSinceAnnotation] != ""
}

// drainAfterFloor takes a version away that was never switched to: at once, unless a switch has not settled yet.
func (d *deciding) drainAfterFloor(rs *appsv1.ReplicaSet) {
	if !d.converged() {
		return
	}
	if at := d.convergedAt().Add(drainFloor); d.now.Before(at) {
		d.wake(at)
		return
	}
	d.drain(rs)
}

func (d *deciding) scaleDownDelay() time.Duration {
	delay := time.Duration(valueOr(d.blueGreen().ScaleDownDelaySeconds, defaultScaleDownDelay)) * time.Second
	return max(delay, drainFloor)
}

// scaleDownAt takes a ReplicaSet to zero once its deadline has passed; a deadline that it has already stays, unless the new one is earlier.
func (d *deciding) scaleDownAt(rs *appsv1.ReplicaSet, at time.Time) {
	at = upToSecond(at)
	deadline, ok := scaleDownDeadline(rs)
	if !ok || at.Before(deadline) {
		deadline = at
		d.do(AnnotateReplicaSet{rs.Name, map[string]string{v1alpha1.ScaleDownDeadlineAnnotation: at.UTC().Format(time.RFC3339)}})
	}
	if d.now.Before(deadline) {
		d.wake(deadline)
		return
	}
	d.drain(rs)
}

func (d *deciding) clearDeadline(rs *appsv1.ReplicaSet) {
	if _, ok := rs.Annotations[v1alpha1.ScaleDownDeadlineAnnotation]; ok {
		d.do(AnnotateReplicaSet{rs.Name, map[string]string{v1alpha1.ScaleDownDeadlineAnnotation: ""}})
	}
}

// upToSecond rounds up to the whole seconds that objects can hold, so that a delay is never cut short.
func upToSecond(at time.Time) time.Time {
	if rounded := at.Truncate(time.Second); rounded.Before(at) {
		return rounded.Add(time.Second)
	}
	return at
}

func scaleDownDeadline(rs *appsv1.ReplicaSet) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, rs.Annotations[v1alpha1.ScaleDownDeadlineAnnotation])
	return at, err == nil
}

// forget deletes empty ReplicaSets beyond the history limit, oldest first.
func (d *deciding) forget() {
	var idle []*appsv1.ReplicaSet
	for _, rs := range d.seen.ReplicaSets {
		if rs != d.fresh && !d.needed(rs) && PodHash(rs.Labels) != selectedHash(d.seen.Preview) &&
			size(rs) == 0 && rs.Status.Replicas == 0 && rs.DeletionTimestamp == nil && rs.Status.ObservedGeneration >= rs.Generation {
			idle = append(idle, rs)
		}
	}
	limit := int(valueOr(d.ro.Spec.RevisionHistoryLimit, defaultRevisionHistoryLimit))
	sort.Slice(idle, func(i, j int) bool { return Revision(idle[i]) < Revision(idle[j]) })
	for _, rs := range idle[:max(0, len(idle)-limit)] {
		d.do(DeleteReplicaSet{rs.Name})
	}
}

// keepServing holds the size of the versions that matter while a paused Rollout must not start a new one.
func (d *deciding) keepServing() {
	d.noteCurrent(TemplateHash(d.template, d.ro.Name))
	d.steer()
	d.resize()
}
