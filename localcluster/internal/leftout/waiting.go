package leftout

import (
	"slices"
	"strconv"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/localcluster/internal/expose"
)

const (
	defaultStorageClass = "storageclass.kubernetes.io/is-default-class"
	defaultIngressClass = "ingressclass.kubernetes.io/is-default-class"
	ingressClass        = "kubernetes.io/ingress.class"
)

// notOffered returns which ports of a Service are not offered on this machine; "" for none.
func notOffered(service *corev1.Service) string {
	outside := service.Spec.Type == corev1.ServiceTypeNodePort || service.Spec.Type == corev1.ServiceTypeLoadBalancer
	if !outside || service.Spec.LoadBalancerClass != nil {
		return ""
	}
	var ports []string
	for _, port := range service.Spec.Ports {
		if _, offered := expose.Offered(port.Protocol); !offered {
			ports = append(ports, strconv.Itoa(int(port.Port))+"/"+string(port.Protocol))
		}
	}
	return strings.Join(ports, ", ")
}

// hostPortsNotOffered returns which ports of the host that a pod asks for are not offered on this machine; "" for none.
func hostPortsNotOffered(pod *corev1.Pod) string {
	var ports []string
	for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, port := range container.Ports {
			if _, offered := expose.Offered(port.Protocol); port.HostPort != 0 && !offered {
				ports = append(ports, strconv.Itoa(int(port.HostPort))+"/"+string(port.Protocol))
			}
		}
	}
	return strings.Join(ports, ", ")
}

// keepHostPorts leaves of a pod what is asked of it here.
func keepHostPorts(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	kept := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion}}
	for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if len(container.Ports) > 0 {
			kept.Spec.Containers = append(kept.Spec.Containers, corev1.Container{Ports: container.Ports})
		}
	}
	return kept, nil
}

// isDefault reports whether one of some classes is the default by an annotation.
func isDefault[T metav1.Object](classes []T, annotation string) bool {
	return slices.ContainsFunc(classes, func(class T) bool { return class.GetAnnotations()[annotation] == "true" })
}

func isThere[T metav1.Object](classes []T, name string) bool {
	return slices.ContainsFunc(classes, func(class T) bool { return class.GetName() == name })
}

// claimWaits reports whether a claim waits for the StorageClass that is left out, own, and for no other.
func claimWaits(claim *corev1.PersistentVolumeClaim, classes []*storagev1.StorageClass, own string) bool {
	if claim.Status.Phase == corev1.ClaimBound || claim.Spec.VolumeName != "" {
		return false
	}
	if claim.Spec.StorageClassName == nil {
		return !isDefault(classes, defaultStorageClass)
	}
	return *claim.Spec.StorageClassName == own && !isThere(classes, own)
}

// scalerWaits reports whether an autoscaler gets no metrics because nothing serves their API.
func scalerWaits(scaler *autoscalingv2.HorizontalPodAutoscaler) bool {
	return slices.ContainsFunc(scaler.Status.Conditions, func(c autoscalingv2.HorizontalPodAutoscalerCondition) bool {
		return c.Type == autoscalingv2.ScalingActive && c.Status == corev1.ConditionFalse && strings.Contains(c.Message, "could not find the requested resource")
	})
}

// ingressWaits reports whether an Ingress waits for one of the classes that are left out, own, and for no other.
func ingressWaits(ingress *networkingv1.Ingress, classes []*networkingv1.IngressClass, own []string) bool {
	if len(ingress.Status.LoadBalancer.Ingress) > 0 {
		return false
	}
	name := ingress.Annotations[ingressClass]
	if ingress.Spec.IngressClassName != nil {
		name = *ingress.Spec.IngressClassName
	}
	if name == "" {
		return !isDefault(classes, defaultIngressClass)
	}
	return slices.Contains(own, name) && !isThere(classes, name)
}
