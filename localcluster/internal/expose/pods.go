package expose

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// hostPortType is the type of a port of the host that a pod asks for.
const hostPortType = "HostPort"

// followPods offers the ports of the host that pods of the node ask for. A scheduler gives such a port to one pod at a
// time, so that the pod before is gone when the next one is seen here.
func (s *Services) followPods() (informers.SharedInformerFactory, error) {
	factory := informers.NewSharedInformerFactoryWithOptions(s.client, 0,
		informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", s.nodeName).String()
		}),
		informers.WithTransform(keepPorts))
	_, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { s.podChanged(obj) },
		UpdateFunc: func(_, obj any) { s.podChanged(obj) },
		DeleteFunc: func(obj any) {
			if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = gone.Obj
			}
			if pod, ok := obj.(*corev1.Pod); ok {
				s.offer(podOwner(pod), nil)
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("watching pods: %w", err)
	}
	return factory, nil
}

// keepPorts leaves of a pod what is asked of it here.
func keepPorts(obj any) (any, error) {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return obj, nil
	}
	kept := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion},
		Status:     corev1.PodStatus{Phase: pod.Status.Phase},
	}
	for _, container := range pod.Spec.Containers {
		kept.Spec.Containers = append(kept.Spec.Containers, corev1.Container{Ports: container.Ports})
	}
	for _, container := range pod.Spec.InitContainers { // those that go on beside the others
		kept.Spec.InitContainers = append(kept.Spec.InitContainers, corev1.Container{Ports: container.Ports})
	}
	return kept, nil
}

func podOwner(pod *corev1.Pod) owner {
	return owner{"Pod", types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}}
}

func (s *Services) podChanged(obj any) {
	if pod, ok := obj.(*corev1.Pod); ok {
		s.offer(podOwner(pod), wantedByPod(pod, s.nodeAddr))
	}
}

// wantedByPod are the ports of the host that a pod asks for, until it has ended.
func wantedByPod(pod *corev1.Pod, nodeAddress string) map[key]want {
	wants := map[key]want{}
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return wants
	}
	for _, containers := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for _, container := range containers {
			for _, p := range container.Ports {
				protocol, offered := Offered(p.Protocol)
				if p.HostPort == 0 || !offered {
					continue
				}
				host := nodeAddress
				if p.HostIP != "" && p.HostIP != "0.0.0.0" {
					host = p.HostIP
				}
				described := Port{Namespace: pod.Namespace, Pod: pod.Name, Type: hostPortType, Port: p.ContainerPort, Protocol: string(protocol)}
				wants[key{podOwner(pod), hostPortType, protocol, p.HostPort}] = want{described, hostPort(host, p.HostPort), int(p.HostPort)}
			}
		}
	}
	return wants
}
