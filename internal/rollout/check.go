package rollout

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// LiveState is what a check looks at: read from the API server itself just before the action. What a cache shows may
// speak against an action, never for one.
type LiveState struct {
	Now time.Time
	// Service is the one that an action switches.
	Service *corev1.Service
	// ReplicaSet is the one that traffic goes to, or that is scaled down.
	ReplicaSet *appsv1.ReplicaSet
	// Pods are those with the hash of the ReplicaSet.
	Pods []*corev1.Pod
	// Serving are the pods that the Service selects before the switch; they are not looked at when the new ones
	// [NamePorts].
	Serving []*corev1.Pod
	// Preview reports whether the Rollout has a preview Service; PreviewSlices are its EndpointSlices, PreviewHash is
	// what it selects.
	Preview       bool
	PreviewHash   string
	PreviewSlices []*discoveryv1.EndpointSlice
	// Services are all of the namespace.
	Services []*corev1.Service
	// Slices are the EndpointSlices of the Rollout's own Services.
	Slices []*discoveryv1.EndpointSlice
}

// Check returns why the switch must not be made now; nil when nothing speaks against it.
func (a SwitchService) Check(live LiveState) error {
	if live.Service == nil {
		return fmt.Errorf("service %s: not found", a.Service)
	}
	if got := SelectedHash(live.Service); got != a.From {
		return fmt.Errorf("service %s: selects %q by now, not %q", a.Service, got, a.From)
	}
	if a.Role != RoleActive {
		return nil
	}
	if err := a.checkReplicaSet(live.ReplicaSet); err != nil {
		return err
	}
	ready := readySince(podsOf(live.Pods, a.To), live.Now.Add(-time.Duration(a.MinReadySeconds)*time.Second))
	if int32(len(ready)) < a.Replicas {
		return fmt.Errorf("ReplicaSet %s: %d pods are ready of the %d that are needed", live.ReplicaSet.Name, len(ready), a.Replicas)
	}
	for _, pod := range ready {
		if port, ok := lostPort(live, pod); ok {
			return fmt.Errorf("service %s: forwards to port %q, which no container of pod %s names, as the pods before do; name it in the template", a.Service, port, pod.Name)
		}
	}
	return a.checkPreview(live, ready)
}

func (a SwitchService) checkReplicaSet(rs *appsv1.ReplicaSet) error {
	switch {
	case rs == nil || rs.DeletionTimestamp != nil:
		return fmt.Errorf("ReplicaSet with hash %s: not found", a.To)
	case rs.Status.ObservedGeneration < rs.Generation:
		return fmt.Errorf("ReplicaSet %s: its controller has not seen its last change yet", rs.Name)
	case Size(rs) < a.Replicas:
		return fmt.Errorf("ReplicaSet %s: has a size of %d, %d are needed", rs.Name, Size(rs), a.Replicas)
	}
	return nil
}

// checkPreview asks that the endpoint controller has seen the new pods: those that the preview Service shows are those
// that the active one will show.
func (a SwitchService) checkPreview(live LiveState, ready []*corev1.Pod) error {
	if !live.Preview || live.PreviewHash != a.To {
		return nil
	}
	listed := readyEndpoints(live.PreviewSlices)
	for _, pod := range ready {
		if !listed[pod.Name] {
			return fmt.Errorf("pod %s: not in the EndpointSlices of the preview Service yet", pod.Name)
		}
	}
	return nil
}

// readySince returns the pods that have been ready since a time.
func readySince(pods []*corev1.Pod, since time.Time) []*corev1.Pod {
	return slices.DeleteFunc(pods, func(pod *corev1.Pod) bool {
		ready := readyCondition(pod)
		return ready == nil || since.Before(ready.LastTransitionTime.Time)
	})
}

// NamePorts reports whether each of some pods names every port that a Service forwards to by a name: then it does not
// matter which the pods before name.
func NamePorts(pods []*corev1.Pod, service *corev1.Service) bool {
	for _, port := range service.Spec.Ports {
		unnamed := func(pod *corev1.Pod) bool { return !namesPort(pod, port.TargetPort.StrVal) }
		if port.TargetPort.Type == intstr.String && slices.ContainsFunc(pods, unnamed) {
			return false
		}
	}
	return true
}

// lostPort returns a target port of the Service that a pod which serves names, and a new pod does not. One that never
// led anywhere takes no requests away.
func lostPort(live LiveState, pod *corev1.Pod) (string, bool) {
	for _, port := range live.Service.Spec.Ports {
		name := port.TargetPort.StrVal
		served := func(serving *corev1.Pod) bool { return serving.DeletionTimestamp == nil && namesPort(serving, name) }
		if port.TargetPort.Type == intstr.String && !namesPort(pod, name) && slices.ContainsFunc(live.Serving, served) {
			return name, true
		}
	}
	return "", false
}

// namesPort reports whether a container of a pod that runs as long as the pod does names a port.
func namesPort(pod *corev1.Pod, name string) bool {
	named := func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == name })
	}
	return slices.ContainsFunc(pod.Spec.Containers, named) ||
		slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool {
			return ptr.Deref(c.RestartPolicy, "") == corev1.ContainerRestartPolicyAlways && named(c)
		})
}

// Check returns why pods must not go now: a Service selects them, or EndpointSlices still list them.
func (a Scale) Check(live LiveState) error {
	if !a.Drain {
		return nil
	}
	for _, service := range live.Services {
		if SelectedHash(service) == a.Hash {
			return fmt.Errorf("ReplicaSet %s: Service %s selects it", a.Name, service.Name)
		}
	}
	listed := readyEndpoints(live.Slices)
	for _, pod := range live.Pods {
		if PodHash(pod.Labels) == a.Hash && listed[pod.Name] {
			return fmt.Errorf("ReplicaSet %s: EndpointSlices still list its pod %s", a.Name, pod.Name)
		}
	}
	return nil
}

// Check returns why the pod must not go now: too few others are ready.
func (a EvictPod) Check(live LiveState) error {
	left := int32(0)
	for _, pod := range podsOf(live.Pods, a.Hash) {
		if pod.Name != a.Name && readyCondition(pod) != nil {
			left++
		}
	}
	if left < a.Keep {
		return fmt.Errorf("pod %s: %d others are ready of the %d that are needed", a.Name, left, a.Keep)
	}
	return nil
}
