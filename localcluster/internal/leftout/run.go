// Package leftout says of objects that ask for what a cluster has not, or was started without, that nobody serves them,
// and what to do: a claim would be pending without a word, an Ingress without an address, a NetworkPolicy without
// effect.
package leftout

import (
	"context"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
)

// Extras are what a cluster was started without.
type Extras struct {
	// StorageClass and IngressClasses are the names of the classes that are not there; empty where they are.
	StorageClass   string
	IngressClasses []string
	// Metrics is set where the metrics API is left out, and Network where pods have a network.
	Metrics, Network bool
	// Remedies are how to have each again.
	StorageRemedy, IngressRemedy, MetricsRemedy string
}

// teller makes an event of each object that waits, once.
type teller struct {
	extras  Extras
	factory informers.SharedInformerFactory
	events  record.EventRecorder
	changed chan struct{}
	told    map[types.UID]bool
}

// Run makes events until ctx ends.
func Run(ctx context.Context, client kubernetes.Interface, extras Extras) error {
	t := &teller{extras: extras, factory: informers.NewSharedInformerFactory(client, 0), changed: make(chan struct{}, 1), told: map[types.UID]bool{}}
	if err := t.follow(); err != nil {
		return err
	}
	broadcaster := record.NewBroadcaster()
	defer broadcaster.Shutdown()
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	t.events = broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "cyan-local"})
	t.factory.Start(ctx.Done())
	defer t.factory.Shutdown()
	t.factory.WaitForCacheSync(ctx.Done())
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.changed:
			t.look()
		}
	}
}

// follow watches what may wait, and the classes that it may wait for.
func (t *teller) follow() error {
	var followed []cache.SharedIndexInformer
	if t.extras.StorageClass != "" {
		followed = append(followed, t.factory.Core().V1().PersistentVolumeClaims().Informer(), t.factory.Storage().V1().StorageClasses().Informer())
	}
	if len(t.extras.IngressClasses) > 0 {
		followed = append(followed, t.factory.Networking().V1().Ingresses().Informer(), t.factory.Networking().V1().IngressClasses().Informer())
	}
	if t.extras.Network {
		pods := t.factory.Core().V1().Pods().Informer()
		if err := pods.SetTransform(keepHostPorts); err != nil {
			return fmt.Errorf("watching what pods ask of the host: %w", err)
		}
		followed = append(followed, t.factory.Networking().V1().NetworkPolicies().Informer(), t.factory.Core().V1().Services().Informer(), pods)
	}
	if t.extras.Metrics {
		followed = append(followed, t.factory.Autoscaling().V2().HorizontalPodAutoscalers().Informer())
	}
	for _, informer := range followed {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { t.trigger() }, UpdateFunc: func(any, any) { t.trigger() }, DeleteFunc: func(any) { t.trigger() },
		})
		if err != nil {
			return fmt.Errorf("watching what waits for extras that are left out: %w", err)
		}
	}
	return nil
}

// trigger notes that something has changed.
func (t *teller) trigger() {
	select {
	case t.changed <- struct{}{}:
	default: // it is known already
	}
}

func (t *teller) look() {
	t.lookAtExtras()
	if !t.extras.Network {
		return
	}
	for _, policy := range listed[*networkingv1.NetworkPolicy](t.factory.Networking().V1().NetworkPolicies().Informer()) {
		t.tell(policy, policy.UID, "NotEnforced", "spec: the local cluster enforces no NetworkPolicy, so that pods are reached, and reach others, as without it; try it on a cluster whose network does")
	}
	for _, service := range listed[*corev1.Service](t.factory.Core().V1().Services().Informer()) {
		if ports := notOffered(service); ports != "" {
			t.tell(service, service.UID, "NotOffered", "spec.ports: "+ports+": not offered on this machine, which gets TCP and UDP alone; pods reach it at the Service")
		}
	}
	for _, pod := range listed[*corev1.Pod](t.factory.Core().V1().Pods().Informer()) {
		if ports := hostPortsNotOffered(pod); ports != "" {
			t.tell(pod, pod.UID, "NotOffered", "spec.containers.ports.hostPort: "+ports+": not offered on this machine, which gets TCP and UDP alone; pods reach it at the address of the pod")
		}
	}
}

func (t *teller) lookAtExtras() {
	if t.extras.StorageClass != "" {
		classes := listed[*storagev1.StorageClass](t.factory.Storage().V1().StorageClasses().Informer())
		for _, claim := range listed[*corev1.PersistentVolumeClaim](t.factory.Core().V1().PersistentVolumeClaims().Informer()) {
			if claimWaits(claim, classes, t.extras.StorageClass) {
				t.tell(claim, claim.UID, "StorageLeftOut", "spec.storageClassName: the cluster was started without storage, so that nobody makes the volume; "+t.extras.StorageRemedy)
			}
		}
	}
	if len(t.extras.IngressClasses) > 0 {
		classes := listed[*networkingv1.IngressClass](t.factory.Networking().V1().IngressClasses().Informer())
		for _, ingress := range listed[*networkingv1.Ingress](t.factory.Networking().V1().Ingresses().Informer()) {
			if ingressWaits(ingress, classes, t.extras.IngressClasses) {
				t.tell(ingress, ingress.UID, "IngressLeftOut", "spec.ingressClassName: the cluster was started without ingress, so that nobody serves this Ingress; "+t.extras.IngressRemedy)
			}
		}
	}
	if t.extras.Metrics {
		for _, scaler := range listed[*autoscalingv2.HorizontalPodAutoscaler](t.factory.Autoscaling().V2().HorizontalPodAutoscalers().Informer()) {
			if scalerWaits(scaler) {
				t.tell(scaler, scaler.UID, "MetricsLeftOut", "spec.metrics: the cluster was started without metrics, so that nothing scales by them; "+t.extras.MetricsRemedy)
			}
		}
	}
}

func (t *teller) tell(object runtime.Object, uid types.UID, reason, message string) {
	if !t.told[uid] {
		t.told[uid] = true
		t.events.Event(object, corev1.EventTypeWarning, reason, message)
	}
}

func listed[T metav1.Object](informer cache.SharedIndexInformer) []T {
	var all []T
	for _, object := range informer.GetStore().List() {
		if one, ok := object.(T); ok {
			all = append(all, one)
		}
	}
	return all
}
