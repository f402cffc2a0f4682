package rollout

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// restart replaces the pods that are older than spec.restartAt, a few at a time, those of the stable version first.
func (d *deciding) restart() {
	at := d.ro.Spec.RestartAt
	status := &d.out.Status
	if at == nil || (status.RestartedAt != nil && !status.RestartedAt.Before(at)) {
		return
	}
	if d.now.Before(at.Time) {
		d.wake(at.Time)
		return
	}
	left := 0
	for _, rs := range d.inRestartOrder() {
		old := d.olderPods(rs)
		left += len(old)
		away := size(rs) - readyPods(d.seen.Pods, PodHash(rs.Labels))
		for _, pod := range old[:min(len(old), int(max(0, d.maxUnavailable()-away)))] {
			d.do(EvictPod{Name: pod.Name, Hash: PodHash(rs.Labels), Keep: max(0, size(rs)-d.maxUnavailable())})
		}
		if len(old) > 0 {
			break
		}
	}
	if left == 0 {
		status.RestartedAt = at.DeepCopy()
	}
}

func (d *deciding) inRestartOrder() []*appsv1.ReplicaSet {
	order := []*appsv1.ReplicaSet{}
	for _, rs := range []*appsv1.ReplicaSet{d.stable, d.active, d.fresh} {
		if rs != nil && !slices.Contains(order, rs) {
			order = append(order, rs)
		}
	}
	for _, rs := range d.seen.ReplicaSets {
		if !slices.Contains(order, rs) && size(rs) > 0 {
			order = append(order, rs)
		}
	}
	return order
}

func (d *deciding) olderPods(rs *appsv1.ReplicaSet) []*corev1.Pod {
	var old []*corev1.Pod
	for _, pod := range podsOf(d.seen.Pods, PodHash(rs.Labels)) {
		if pod.CreationTimestamp.Before(d.ro.Spec.RestartAt) {
			old = append(old, pod)
		}
	}
	return old
}

// Check says why the pod must not go now: too few others are ready.
func (a EvictPod) Check(f LiveState) error {
	left := int32(0)
	for _, pod := range podsOf(f.Pods, a.Hash) {
		if pod.Name != a.Name && readyCondition(pod) != nil {
			left++
		}
	}
	if left < a.Keep {
		return fmt.Errorf("without pod %s %d pods would be ready, %d are needed", a.Name, left, a.Keep)
	}
	return nil
}

// maxUnavailable is how many pods a restart may take away at a time: at least one.
func (d *deciding) maxUnavailable() int32 {
	bound := valueOr(d.blueGreen().MaxUnavailable, intstr.FromString("25%"))
	n, err := intstr.GetScaledValueFromIntOrPercent(&bound, int(d.replicas), false)
	if err != nil {
		n = 1
	}
	return int32(max(1, n))
}

// lend scales the object that lends its template, as spec.workloadRef.scaleDown asks.
func (d *deciding) lend() {
	ref, workload := d.ro.Spec.WorkloadRef, d.seen.Workload
	if ref == nil || workload == nil || workload.Replicas == nil || *workload.Replicas == 0 {
		return
	}
	to := *workload.Replicas
	switch ref.ScaleDown {
	case v1alpha1.ScaleDownOnSuccess:
		if d.tookOver() {
			to = 0
		}
	case v1alpha1.ScaleDownProgressively:
		// While the Service selects no version it serves the workload's own pods as well, so that they may go as the new ones come.
		if d.tookOver() {
			to = 0
		} else if d.fresh != nil && selectedHash(d.seen.Active) == "" {
			to = max(0, d.replicas-d.fresh.Status.AvailableReplicas)
		}
	}
	if to < *workload.Replicas {
		d.do(ScaleWorkload{Ref: *ref, To: to})
	}
}

// tookOver says that the Rollout has had all the traffic for so long that nothing is lost when the workload's own pods go.
func (d *deciding) tookOver() bool {
	if !d.serving() || !d.converged() {
		return false
	}
	if d.out.Status.BlueGreen.Switch == nil {
		return true
	}
	at := d.convergedAt().Add(d.scaleDownDelay())
	if d.now.Before(at) {
		d.wake(at)
		return false
	}
	return true
}
