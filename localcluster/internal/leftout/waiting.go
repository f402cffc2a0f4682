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
)

const (
	defaultStorageClass = "storageclass.kubernetes.io/is-default-class"
	defaultIngressClass = "ingressclass.kubernetes.io/is-default-class"
	ingressClass        = "kubernetes.io/ingress.class"
)

// notOffered returns which ports of a Service are not offered on this machine; "" for none.
func notOffered(service *corev1.Service) string {
	if service.Spec.Type != corev1.ServiceTypeLoadBalancer || service.Spec.LoadBalancerClass != nil {
		return ""
	}
	var ports []string
	for _, port := range service.Spec.Ports {
		if port.Protocol != corev1.ProtocolTCP && port.Protocol != "" {
			ports = append(ports, strconv.Itoa(int(port.Port))+"/"+string(port.Protocol))
		}
	}
	return strings.Join(ports, ", ")
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
