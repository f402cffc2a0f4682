package rollout

import (
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// Traffic is where the requests go.
type Traffic struct {
	// SelectorLost reports whether the active Service selects something that no switch of this Rollout has put there:
	// no version at all, one that is gone, or one that is neither desired nor stable. A manifest that was applied again
	// does that.
	SelectorLost bool
	// Switch is the last cut-over of the active Service; nil when none is known.
	Switch *v1alpha1.SwitchStatus
	// Converged reports whether all traffic goes to the version that the active Service selects, since ConvergedAt. A
	// Rollout that was taken over from another controller has no record: then it is now.
	Converged   bool
	ConvergedAt time.Time
}

func trafficOf(seen Observation, v Versions, now time.Time) Traffic {
	t := Traffic{SelectorLost: selectorLost(seen.Rollout.Status.BlueGreen.Switch, v), ConvergedAt: now}
	t.Switch = lastSwitch(seen, v, t.SelectorLost, now)
	if t.Switch == nil {
		t.Converged = v.Active != nil && v.Active == v.Stable
		return t
	}
	if t.Switch.ConvergedAt != nil {
		t.Converged = t.Switch.To == SelectedHash(seen.Active)
		t.ConvergedAt = t.Switch.ConvergedAt.Time
	}
	return t
}

func selectorLost(last *v1alpha1.SwitchStatus, v Versions) bool {
	switch {
	case v.Stable == nil:
		return false
	case v.Active == nil:
		return true
	}
	return v.Active != v.Stable && v.Active != v.Desired && (last == nil || last.To != PodHash(v.Active.Labels))
}

// lastSwitch returns the record of the last cut-over: that of the status, or a new one when the active Service selects
// another version by now. It is marked as converged once the EndpointSlices have followed.
func lastSwitch(seen Observation, v Versions, lost bool, now time.Time) *v1alpha1.SwitchStatus {
	before := seen.Rollout.Status.BlueGreen
	last := before.Switch.DeepCopy()
	if lost {
		// Others than the pods of one version may have got traffic: convergence has to be proved anew.
		if last != nil {
			last.ConvergedAt = nil
		}
		return last
	}
	if v.Active == nil {
		return last
	}
	selected := SelectedHash(seen.Active)
	adopted := last == nil && v.StableHash == selected
	if token := seen.Active.Labels[SwitchLabel]; !adopted && (last == nil || last.To != selected || isLater(token, last.Token)) {
		last = &v1alpha1.SwitchStatus{From: trafficBefore(before, selected), To: selected, Token: token, Time: metav1.NewTime(now)}
	}
	if last != nil && last.ConvergedAt == nil && slicesFollow(seen, selected) {
		last.ConvergedAt = ptr.To(metav1.NewTime(UpToSecond(now)))
	}
	return last
}

// isLater reports whether the mark on a Service is of another switch than the one that the status has recorded.
func isLater(token, recorded string) bool { return token != "" && token != recorded }

// trafficBefore returns the version that the traffic has come from; empty when that is not known.
func trafficBefore(before v1alpha1.BlueGreenStatus, selected string) string {
	switch last := before.Switch; {
	case before.ActiveSelector != "" && before.ActiveSelector != selected:
		return before.ActiveSelector
	case last != nil && last.To != selected:
		return last.To
	case last != nil:
		return last.From
	}
	return ""
}

// slicesFollow reports whether the active Service's EndpointSlices list exactly the ready pods with a hash as ready, in
// each address family that there is.
func slicesFollow(seen Observation, hash string) bool {
	ready := map[string]bool{}
	for _, pod := range podsOf(seen.Pods, hash) {
		if readyCondition(pod) != nil {
			ready[pod.Name] = true
		}
	}
	if len(ready) == 0 && Replicas(seen.Rollout) > 0 {
		return false
	}
	byFamily := map[discoveryv1.AddressType][]*discoveryv1.EndpointSlice{}
	for _, slice := range seen.ActiveSlices {
		byFamily[slice.AddressType] = append(byFamily[slice.AddressType], slice)
	}
	for _, of := range byFamily {
		if !maps.Equal(readyEndpoints(of), ready) || !AreCurrent(of, seen.Active.Labels[SwitchLabel]) {
			return false
		}
	}
	return len(byFamily) > 0 || len(ready) == 0
}

// AreCurrent reports whether EndpointSlices follow the Service as the last switch has left it: they have its label.
// Those of other controllers than Kubernetes' own may not take labels over.
func AreCurrent(all []*discoveryv1.EndpointSlice, token string) bool {
	return !slices.ContainsFunc(all, func(slice *discoveryv1.EndpointSlice) bool {
		return slice.Labels[discoveryv1.LabelManagedBy] == endpointController && slice.Labels[SwitchLabel] != token && token != ""
	})
}

// readyEndpoints returns the names of the pods that EndpointSlices list as ready.
func readyEndpoints(slices []*discoveryv1.EndpointSlice) map[string]bool {
	names := map[string]bool{}
	for _, slice := range slices {
		for _, endpoint := range slice.Endpoints {
			if ptr.Deref(endpoint.Conditions.Ready, true) && endpoint.TargetRef != nil {
				names[endpoint.TargetRef.Name] = true
			}
		}
	}
	return names
}

// BackToStable returns the switch of the active Service to the stable version that a lost selector needs; false when it
// is not lost, or there is nothing to go back to.
func BackToStable(s State) (SwitchService, bool) {
	if !s.SelectorLost || s.ActiveService == nil {
		return SwitchService{}, false
	}
	return switchToStable(s.Rollout, s.ActiveService, PodHash(s.Stable.Labels)), true
}

func switchToStable(ro *v1alpha1.Rollout, active *corev1.Service, stable string) SwitchService {
	return SwitchService{
		Role: RoleActive, Service: active.Name, From: SelectedHash(active), To: stable,
		Replicas: 1, MinReadySeconds: ro.Spec.MinReadySeconds,
		Why: "its selector was changed; back to stable",
	}
}

// repairSelector returns the same for a Rollout whose spec is invalid: a Service of its own that selects no version any
// more goes back to the stable one.
func repairSelector(seen Observation) (SwitchService, bool) {
	active := seen.Active
	if active == nil || active.Annotations[v1alpha1.ManagedByRolloutsAnnotation] != seen.Rollout.Name {
		return SwitchService{}, false
	}
	stable := byHash(seen.ReplicaSets, seen.Rollout.Status.StableRS)
	if stable == nil || byHash(seen.ReplicaSets, SelectedHash(active)) != nil {
		return SwitchService{}, false
	}
	return switchToStable(seen.Rollout, active, PodHash(stable.Labels)), true
}
