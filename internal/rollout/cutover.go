package rollout

import (
	"fmt"
	"maps"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// observeSwitch records what the Services select, and whether the active Service's EndpointSlices have followed.
func (d *deciding) observeSwitch() {
	status := &d.out.Status.BlueGreen
	before := status.ActiveSelector
	selected := selectedHash(d.seen.Active)
	status.ActiveSelector = selected
	status.PreviewSelector = selectedHash(d.seen.Preview)
	last := status.Switch
	if d.lost {
		// Others than the pods of one version may have got traffic: convergence has to be proved anew.
		if last != nil {
			last.ConvergedAt = nil
		}
		return
	}
	adopted := last == nil && d.out.Status.StableRS == selected
	if d.active != nil && !adopted && (last == nil || last.To != selected) {
		if before == "" && last != nil {
			before = last.To
		}
		last = &v1alpha1.SwitchStatus{From: before, To: selected, Time: metav1.NewTime(d.now)}
		status.Switch = last
	}
	if last != nil && d.active != nil && last.To == selected && last.ConvergedAt == nil && d.slicesFollow(selected) {
		at := metav1.NewTime(upToSecond(d.now))
		last.ConvergedAt = &at
	}
}

// slicesFollow says that the active Service's EndpointSlices list exactly the ready pods with a hash as ready.
func (d *deciding) slicesFollow(hash string) bool {
	want := map[string]bool{}
	for _, pod := range podsOf(d.seen.Pods, hash) {
		if readyCondition(pod) != nil {
			want[pod.Name] = true
		}
	}
	if len(want) == 0 && d.replicas > 0 {
		return false
	}
	byFamily := map[discoveryv1.AddressType][]*discoveryv1.EndpointSlice{}
	for _, slice := range d.seen.ActiveSlices {
		byFamily[slice.AddressType] = append(byFamily[slice.AddressType], slice)
	}
	for _, slices := range byFamily {
		if !maps.Equal(readyEndpoints(slices), want) {
			return false
		}
	}
	return len(byFamily) > 0 || len(want) == 0
}

// readyEndpoints are the names of the pods that EndpointSlices list as ready.
func readyEndpoints(slices []*discoveryv1.EndpointSlice) map[string]bool {
	names := map[string]bool{}
	for _, slice := range slices {
		for _, endpoint := range slice.Endpoints {
			if valueOr(endpoint.Conditions.Ready, true) && endpoint.TargetRef != nil {
				names[endpoint.TargetRef.Name] = true
			}
		}
	}
	return names
}

// converged says that all traffic goes to the version that the active Service selects.
func (d *deciding) converged() bool {
	last := d.out.Status.BlueGreen.Switch
	if last == nil {
		return d.active != nil && d.active == d.stable
	}
	return last.To == selectedHash(d.seen.Active) && last.ConvergedAt != nil
}

// convergedAt is when the last switch converged. A Rollout that was taken over from another controller has no record: then it is now.
func (d *deciding) convergedAt() time.Time {
	if last := d.out.Status.BlueGreen.Switch; last != nil && last.ConvergedAt != nil {
		return last.ConvergedAt.Time
	}
	return d.now
}

// steer points the Services at the versions that they should select.
func (d *deciding) steer() {
	if a, ok := d.activeSwitch(); ok {
		d.do(a)
	}
	if a, ok := d.previewSwitch(); ok {
		d.do(a)
	}
}

func (d *deciding) activeSwitch() (SwitchService, bool) {
	selected := selectedHash(d.seen.Active)
	a := SwitchService{Role: RoleActive, Service: d.seen.Active.Name, From: selected, MinReadySeconds: d.ro.Spec.MinReadySeconds}
	switch {
	case d.lost:
		a.To, a.Replicas, a.Why = PodHash(d.stable.Labels), 1, "its selector was changed; back to stable"
	case d.out.Status.Abort && d.stable != nil && d.active != d.stable:
		a.To, a.Why = PodHash(d.stable.Labels), "aborted; back to stable"
		a.Replicas = max(1, min(d.replicas, readyPods(d.seen.Pods, selected)))
		a.MinReadySeconds = 0
	case d.fresh != nil && !d.serving() && d.promoted() && saturated(d.fresh, d.replicas):
		a.To, a.Why = PodHash(d.fresh.Labels), "new version is ready"
		a.Replicas = max(d.replicas, readyPods(d.seen.Pods, selected))
	default:
		return a, false
	}
	return a, true
}

func (d *deciding) previewSwitch() (SwitchService, bool) {
	if d.seen.Preview == nil || d.fresh == nil {
		return SwitchService{}, false
	}
	to, why := PodHash(d.fresh.Labels), "preview of the new version"
	if d.out.Status.Abort && d.stable != nil && d.abortedDone() {
		to, why = PodHash(d.stable.Labels), "aborted; back to stable"
	}
	from := selectedHash(d.seen.Preview)
	return SwitchService{Role: RolePreview, Service: d.seen.Preview.Name, From: from, To: to, Why: why}, from != to
}

// abortedDone says that the pods of an aborted version go now, or have gone.
func (d *deciding) abortedDone() bool {
	delay := valueOr(d.blueGreen().AbortScaleDownDelaySeconds, defaultAbortScaleDownDelay)
	at := d.out.Status.AbortedAt
	return size(d.fresh) == 0 || (delay > 0 && at != nil && !d.now.Before(upToSecond(at.Add(time.Duration(delay)*time.Second))))
}

// LiveState is what a check looks at: read from the API server itself just before the action, never from a cache.
type LiveState struct {
	Now time.Time
	// Service is the one that an action switches.
	Service *corev1.Service
	// ReplicaSet is the one that traffic goes to, or that is scaled down.
	ReplicaSet *appsv1.ReplicaSet
	// Pods are those with the hash of the ReplicaSet.
	Pods []*corev1.Pod
	// Preview says that the Rollout has a preview Service, PreviewSlices are its EndpointSlices, and PreviewHash is what it selects.
	Preview       bool
	PreviewHash   string
	PreviewSlices []*discoveryv1.EndpointSlice
	// Services are all of the namespace.
	Services []*corev1.Service
	// Slices are the EndpointSlices of the Rollout's own Services.
	Slices []*discoveryv1.EndpointSlice
}

// Check says why the switch must not be made now; nil when nothing speaks against it.
func (a SwitchService) Check(f LiveState) error {
	if f.Service == nil {
		return fmt.Errorf("service %s is gone", a.Service)
	}
	if got := selectedHash(f.Service); got != a.From {
		return fmt.Errorf("service %s selects %q by now, not %q", a.Service, got, a.From)
	}
	if a.Role != RoleActive {
		return nil
	}
	rs := f.ReplicaSet
	switch {
	case rs == nil || rs.DeletionTimestamp != nil:
		return fmt.Errorf("the ReplicaSet with hash %s is gone", a.To)
	case rs.Status.ObservedGeneration < rs.Generation:
		return fmt.Errorf("ReplicaSet %s has not been acted on since its last change", rs.Name)
	case size(rs) < a.Replicas:
		return fmt.Errorf("ReplicaSet %s has a size of %d, %d are needed", rs.Name, size(rs), a.Replicas)
	}
	ready := a.readyLongEnough(f)
	if int32(len(ready)) < a.Replicas {
		return fmt.Errorf("%d of %d pods of ReplicaSet %s are ready", len(ready), a.Replicas, rs.Name)
	}
	for _, pod := range ready {
		if port := unresolvedPort(f.Service, pod); port != "" {
			return fmt.Errorf("service %s forwards to port %q, which no container of pod %s names", a.Service, port, pod.Name)
		}
	}
	return a.checkPreview(f, ready)
}

func (a SwitchService) readyLongEnough(f LiveState) []*corev1.Pod {
	var ready []*corev1.Pod
	for _, pod := range podsOf(f.Pods, a.To) {
		condition := readyCondition(pod)
		if condition != nil && !f.Now.Before(condition.LastTransitionTime.Add(time.Duration(a.MinReadySeconds)*time.Second)) {
			ready = append(ready, pod)
		}
	}
	return ready
}

// checkPreview asks that the endpoint controller has seen the new pods: those that the preview Service shows are those that the active one will show.
func (a SwitchService) checkPreview(f LiveState, ready []*corev1.Pod) error {
	if !f.Preview || f.PreviewHash != a.To {
		return nil
	}
	listed := readyEndpoints(f.PreviewSlices)
	for _, pod := range ready {
		if !listed[pod.Name] {
			return fmt.Errorf("pod %s is not yet in the EndpointSlices of the preview Service", pod.Name)
		}
	}
	return nil
}

// unresolvedPort is the name of a target port that no container of a pod has; empty when all resolve.
func unresolvedPort(service *corev1.Service, pod *corev1.Pod) string {
	for _, port := range service.Spec.Ports {
		if port.TargetPort.Type == intstr.String && !namesPort(pod, port.TargetPort.StrVal) {
			return port.TargetPort.StrVal
		}
	}
	return ""
}

func namesPort(pod *corev1.Pod, name string) bool {
	containers := pod.Spec.Containers
	for _, c := range pod.Spec.InitContainers {
		if valueOr(c.RestartPolicy, "") == corev1.ContainerRestartPolicyAlways {
			containers = append(containers[:len(containers):len(containers)], c)
		}
	}
	for _, c := range containers {
		for _, port := range c.Ports {
			if port.Name == name {
				return true
			}
		}
	}
	return false
}

// Check says why pods must not go now: a Service selects them, or EndpointSlices still list them.
func (a Scale) Check(f LiveState) error {
	if !a.Drain {
		return nil
	}
	for _, service := range f.Services {
		if selectedHash(service) == a.Hash {
			return fmt.Errorf("service %s selects ReplicaSet %s", service.Name, a.Name)
		}
	}
	listed := readyEndpoints(f.Slices)
	for _, pod := range f.Pods {
		if PodHash(pod.Labels) == a.Hash && listed[pod.Name] {
			return fmt.Errorf("EndpointSlices still list pod %s of ReplicaSet %s", pod.Name, a.Name)
		}
	}
	return nil
}

// releaseLeft gives up Services that the spec names no longer.
func (d *deciding) releaseLeft() {
	for _, service := range d.seen.Left {
		d.do(ReleaseService{service.Name})
	}
}

// releaseAll gives up every Service: the Rollout goes.
func (d *deciding) releaseAll() {
	d.releaseLeft()
	for _, service := range []*corev1.Service{d.seen.Active, d.seen.Preview} {
		if service != nil && service.Annotations[v1alpha1.ManagedByRolloutsAnnotation] == d.ro.Name {
			d.do(ReleaseService{service.Name})
		}
	}
}
