package simnodes

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestLoadBalancersThatWaitForAnAddress(t *testing.T) {
	theirs, now := "theirs", metav1.Now()
	for name, c := range map[string]struct {
		change func(*corev1.Service)
		want   bool
	}{
		"one that is new": {func(*corev1.Service) {}, true},
		"one with an address": {func(s *corev1.Service) {
			s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.1"}}
		}, false},
		"one of another's class": {func(s *corev1.Service) { s.Spec.LoadBalancerClass = &theirs }, false},
		"one that goes":          {func(s *corev1.Service) { s.DeletionTimestamp = &now }, false},
		"a port of the node":     {func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeNodePort }, false},
	} {
		service := &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer}}
		if c.change(service); waitsForAddress(service) != c.want {
			t.Errorf("%s: got %t, want %t", name, !c.want, c.want)
		}
	}
}
