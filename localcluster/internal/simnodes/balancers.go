package simnodes

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// followBalancers plays what stands before Services of type LoadBalancer: each gets the address of a node, at which
// nothing answers, as at those of the pods.
func (s *simulator) followBalancers(ctx context.Context, factory informers.SharedInformerFactory) error {
	changed := func(object any) {
		service, ok := object.(*corev1.Service)
		if !ok || !waitsForAddress(service) {
			return
		}
		if err := s.giveAddress(ctx, service); ignoreGone(err) != nil && ctx.Err() == nil {
			slog.Warn("load balancer's address could not be written", "service", service.Namespace+"/"+service.Name, "cause", err.Error())
		}
	}
	_, err := factory.Core().V1().Services().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: changed, UpdateFunc: func(_, object any) { changed(object) },
	})
	if err != nil {
		return fmt.Errorf("watching services: %w", err)
	}
	return nil
}

// waitsForAddress reports whether a Service is a load balancer of nobody else's class that has no address.
func waitsForAddress(service *corev1.Service) bool {
	return service.Spec.Type == corev1.ServiceTypeLoadBalancer && service.Spec.LoadBalancerClass == nil &&
		len(service.Status.LoadBalancer.Ingress) == 0 && service.DeletionTimestamp == nil
}

func (s *simulator) giveAddress(ctx context.Context, service *corev1.Service) error {
	mode := corev1.LoadBalancerIPModeProxy
	status := corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{{IP: nodeAddress(1), IPMode: &mode}}}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"loadBalancer": status}})
	if err != nil {
		return fmt.Errorf("encoding the address: %w", err)
	}
	_, err = s.client.CoreV1().Services(service.Namespace).Patch(ctx, service.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}
