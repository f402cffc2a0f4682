package leftout

import (
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func ptr[T any](of T) *T { return &of }

func TestClaimsThatWait(t *testing.T) {
	class := func(name string, annotations map[string]string) *storagev1.StorageClass {
		return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations}}
	}
	theirs := []*storagev1.StorageClass{class("theirs", map[string]string{defaultStorageClass: "true"})}
	for name, c := range map[string]struct {
		class   *string
		volume  string
		phase   corev1.PersistentVolumeClaimPhase
		classes []*storagev1.StorageClass
		want    bool
	}{
		"no class at all":            {want: true},
		"a default of somebody else": {classes: theirs},
		"another class, no default":  {classes: []*storagev1.StorageClass{class("theirs", nil)}, want: true},
		"the class by its name":      {class: ptr("standard"), classes: theirs, want: true},
		"one of its name":            {class: ptr("standard"), classes: []*storagev1.StorageClass{class("standard", nil)}},
		"another's name":             {class: ptr("theirs")}, // it is an event of Kubernetes itself
		"volumes made by hand":       {class: ptr("")},
		"a volume by its name":       {volume: "pv"},
		"bound":                      {phase: corev1.ClaimBound},
	} {
		claim := &corev1.PersistentVolumeClaim{
			Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: c.class, VolumeName: c.volume}, Status: corev1.PersistentVolumeClaimStatus{Phase: c.phase},
		}
		if got := claimWaits(claim, c.classes, "standard"); got != c.want {
			t.Errorf("%s: got %t, want %t", name, got, c.want)
		}
	}
}

func TestIngressesThatWait(t *testing.T) {
	class := func(name string, annotations map[string]string) *networkingv1.IngressClass {
		return &networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations}}
	}
	theirs := []*networkingv1.IngressClass{class("theirs", map[string]string{defaultIngressClass: "true"})}
	for name, c := range map[string]struct {
		class      *string
		annotation string
		served     bool
		classes    []*networkingv1.IngressClass
		want       bool
	}{
		"no class at all":            {want: true},
		"a default of somebody else": {classes: theirs},
		"the default by its name":    {class: ptr("cyan"), classes: theirs, want: true},
		"nginx":                      {class: ptr("nginx"), want: true},
		"nginx, as it was named":     {annotation: "nginx", want: true},
		"an nginx of one's own":      {class: ptr("nginx"), classes: []*networkingv1.IngressClass{class("nginx", nil)}},
		"another's name":             {class: ptr("theirs")},
		"served":                     {served: true},
	} {
		ingress := &networkingv1.Ingress{Spec: networkingv1.IngressSpec{IngressClassName: c.class}}
		if c.annotation != "" {
			ingress.Annotations = map[string]string{ingressClass: c.annotation}
		}
		if c.served {
			ingress.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{IP: "10.0.0.1"}}
		}
		if got := ingressWaits(ingress, c.classes, []string{"cyan", "nginx"}); got != c.want {
			t.Errorf("%s: got %t, want %t", name, got, c.want)
		}
	}
}

func TestPortsThatAreNotOffered(t *testing.T) {
	ports := []corev1.ServicePort{{Port: 53, Protocol: corev1.ProtocolUDP}, {Port: 53, Protocol: corev1.ProtocolTCP}, {Port: 80}, {Port: 9, Protocol: corev1.ProtocolSCTP}}
	for name, c := range map[string]struct {
		kind  corev1.ServiceType
		class *string
		want  string
	}{
		"a load balancer":          {corev1.ServiceTypeLoadBalancer, nil, "9/SCTP"},
		"one of another's class":   {corev1.ServiceTypeLoadBalancer, ptr("theirs"), ""},
		"a port of the node":       {corev1.ServiceTypeNodePort, nil, "9/SCTP"},
		"within the cluster alone": {corev1.ServiceTypeClusterIP, nil, ""},
	} {
		service := &corev1.Service{Spec: corev1.ServiceSpec{Type: c.kind, LoadBalancerClass: c.class, Ports: ports}}
		if got := notOffered(service); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestPortsOfTheHostThatAreNotOffered(t *testing.T) {
	sctp, udp, tcp := corev1.ContainerPort{ContainerPort: 53, HostPort: 5353, Protocol: corev1.ProtocolSCTP}, corev1.ContainerPort{ContainerPort: 53, HostPort: 5353, Protocol: corev1.ProtocolUDP}, corev1.ContainerPort{ContainerPort: 53, HostPort: 5353, Protocol: corev1.ProtocolTCP}
	for name, c := range map[string]struct {
		init, main []corev1.ContainerPort
		want       string
	}{
		"messages":                         {main: []corev1.ContainerPort{sctp, udp, tcp}, want: "5353/SCTP"},
		"of a container beside the others": {init: []corev1.ContainerPort{sctp}, want: "5353/SCTP"},
		"connections":                      {main: []corev1.ContainerPort{tcp, {ContainerPort: 1, HostPort: 1}}},
		"of the pod alone":                 {main: []corev1.ContainerPort{{ContainerPort: 53, Protocol: corev1.ProtocolSCTP}}},
	} {
		pod := &corev1.Pod{Spec: corev1.PodSpec{InitContainers: []corev1.Container{{Ports: c.init}}, Containers: []corev1.Container{{Ports: c.main}}}}
		kept, err := keepHostPorts(pod)
		if err != nil {
			t.Fatal(err)
		}
		if got := hostPortsNotOffered(kept.(*corev1.Pod)); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestAutoscalersThatWait(t *testing.T) {
	const missing = "unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)"
	for name, c := range map[string]struct {
		condition autoscalingv2.HorizontalPodAutoscalerCondition
		want      bool
	}{
		"no API":         {autoscalingv2.HorizontalPodAutoscalerCondition{Type: autoscalingv2.ScalingActive, Status: corev1.ConditionFalse, Message: missing}, true},
		"no metrics yet": {autoscalingv2.HorizontalPodAutoscalerCondition{Type: autoscalingv2.ScalingActive, Status: corev1.ConditionFalse, Message: "no metrics returned"}, false},
		"active":         {autoscalingv2.HorizontalPodAutoscalerCondition{Type: autoscalingv2.ScalingActive, Status: corev1.ConditionTrue, Message: missing}, false},
		"another":        {autoscalingv2.HorizontalPodAutoscalerCondition{Type: autoscalingv2.AbleToScale, Status: corev1.ConditionFalse, Message: missing}, false},
	} {
		scaler := &autoscalingv2.HorizontalPodAutoscaler{Status: autoscalingv2.HorizontalPodAutoscalerStatus{Conditions: []autoscalingv2.HorizontalPodAutoscalerCondition{c.condition}}}
		if got := scalerWaits(scaler); got != c.want {
			t.Errorf("%s: got %t, want %t", name, got, c.want)
		}
	}
}
