package rollout

import (
	"fmt"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// scaleDownWorkload scales the object that spec.workloadRef names, as its scaleDown asks.
func scaleDownWorkload(s State, now time.Time) Work {
	ref, workload := s.Rollout.Spec.WorkloadRef, s.Workload
	if ref == nil || workload == nil || workload.Replicas == nil || *workload.Replicas == 0 {
		return Work{}
	}
	to := *workload.Replicas
	at, took := tookOverAt(s)
	switch ref.ScaleDown {
	case v1alpha1.ScaleDownOnSuccess, v1alpha1.ScaleDownProgressively:
		if took && now.Before(at) {
			return RequeueAt(at)
		}
		if took {
			to = 0
		}
	}
	if ref.ScaleDown == v1alpha1.ScaleDownProgressively && !took && s.Desired != nil && SelectedHash(s.ActiveService) == "" {
		// While the Service selects no version it serves the workload's own pods as well, so that they may go as the
		// new ones come.
		to = max(0, s.Replicas-s.Desired.Status.AvailableReplicas)
	}
	if to >= *workload.Replicas {
		return Work{}
	}
	return Do(ScaleWorkload{Ref: *ref, To: to})
}

// tookOverAt returns from when on nothing is lost when the workload's own pods go: the Rollout has had all the traffic
// for its scale-down delay. False while it has not got it.
func tookOverAt(s State) (time.Time, bool) {
	if !s.Serving() || !s.Converged {
		return time.Time{}, false
	}
	if s.Switch == nil {
		// No pod of the workload has had traffic since the Rollout was taken over.
		return time.Time{}, true
	}
	return s.ConvergedAt.Add(s.Settings.ScaleDownDelay), true
}

// withoutPods is what to know of a workload to which somebody else has given no pods: the deletion of the Rollout does
// not wait for any, as that size is theirs. Empty where that is not so.
func withoutPods(s State) string {
	ref, w := s.Rollout.Spec.WorkloadRef, s.Workload
	if ref == nil || w == nil || w.Replicas == nil || *w.Replicas > 0 || w.isHeld() || s.Replicas == 0 {
		return ""
	}
	return fmt.Sprintf("%s %s: scaled to 0, and not by this Rollout: no pod serves once the Rollout is deleted; scale it up before", ref.Kind, ref.Name)
}
