package ingress

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"
	gateways "sigs.k8s.io/gateway-api/pkg/client/clientset/versioned"
	gatewayinformers "sigs.k8s.io/gateway-api/pkg/client/informers/externalversions"

	"github.com/cyan-cd/cyan/localcluster/internal/routing"
)

// keptKeys are the keys of Secrets that are read: everything else is forgotten as it comes.
var keptKeys = []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey, "auth"}

// observer follows the objects that decide where requests go.
type observer struct {
	changed chan struct{}
	stores  map[string]cache.Store
	synced  []cache.InformerSynced
	start   []func(<-chan struct{})
	stop    []func()
}

func newObserver() *observer {
	return &observer{changed: make(chan struct{}, 1), stores: map[string]cache.Store{}}
}

// trigger notes that something has changed.
func (o *observer) trigger() {
	select {
	case o.changed <- struct{}{}:
	default: // it is known already
	}
}

func (o *observer) follow(name string, informer cache.SharedIndexInformer) error {
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { o.trigger() }, UpdateFunc: func(any, any) { o.trigger() }, DeleteFunc: func(any) { o.trigger() },
	})
	if err != nil {
		return fmt.Errorf("watching %s: %w", name, err)
	}
	o.stores[name] = informer.GetStore()
	o.synced = append(o.synced, informer.HasSynced)
	return nil
}

func (o *observer) followCluster(client kubernetes.Interface) error {
	f := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(trim))
	o.start, o.stop = append(o.start, f.Start), append(o.stop, f.Shutdown)
	for name, informer := range map[string]cache.SharedIndexInformer{
		"services": f.Core().V1().Services().Informer(), "secrets": f.Core().V1().Secrets().Informer(), "namespaces": f.Core().V1().Namespaces().Informer(),
		"endpointslices": f.Discovery().V1().EndpointSlices().Informer(),
		"ingresses":      f.Networking().V1().Ingresses().Informer(), "ingressclasses": f.Networking().V1().IngressClasses().Informer(),
	} {
		if err := o.follow(name, informer); err != nil {
			return err
		}
	}
	return nil
}

func (o *observer) followGateways(cluster kubernetes.Interface, client gateways.Interface) error {
	maps := informers.NewSharedInformerFactoryWithOptions(cluster, 0, informers.WithTransform(trim))
	o.start, o.stop = append(o.start, maps.Start), append(o.stop, maps.Shutdown)
	if err := o.follow("configmaps", maps.Core().V1().ConfigMaps().Informer()); err != nil {
		return err
	}
	f := gatewayinformers.NewSharedInformerFactoryWithOptions(client, 0, gatewayinformers.WithTransform(trim))
	o.start, o.stop = append(o.start, f.Start), append(o.stop, f.Shutdown)
	for name, informer := range map[string]cache.SharedIndexInformer{
		"gatewayclasses": f.Gateway().V1().GatewayClasses().Informer(), "gateways": f.Gateway().V1().Gateways().Informer(),
		"httproutes": f.Gateway().V1().HTTPRoutes().Informer(), "grpcroutes": f.Gateway().V1().GRPCRoutes().Informer(), "tlsroutes": f.Gateway().V1().TLSRoutes().Informer(),
		"listenersets": f.Gateway().V1().ListenerSets().Informer(), "backendtlspolicies": f.Gateway().V1().BackendTLSPolicies().Informer(),
		"referencegrants": f.Gateway().V1beta1().ReferenceGrants().Informer(),
	} {
		if err := o.follow(name, informer); err != nil {
			return err
		}
	}
	return nil
}

// run starts the watches, and returns once everything that is there was seen.
func (o *observer) run(ctx context.Context) error {
	for _, start := range o.start {
		start(ctx.Done())
	}
	if !cache.WaitForCacheSync(ctx.Done(), o.synced...) {
		return fmt.Errorf("watching the cluster: %w", context.Cause(ctx))
	}
	return nil
}

func (o *observer) shutdown() {
	for _, stop := range o.stop {
		stop()
	}
}

// snapshot is the cluster as it is known.
func (o *observer) snapshot() routing.Observed {
	return routing.Observed{
		IngressClasses: listed[*networkingv1.IngressClass](o, "ingressclasses"), Ingresses: listed[*networkingv1.Ingress](o, "ingresses"),
		Services: listed[*corev1.Service](o, "services"), EndpointSlices: listed[*discoveryv1.EndpointSlice](o, "endpointslices"),
		Secrets: listed[*corev1.Secret](o, "secrets"), Namespaces: listed[*corev1.Namespace](o, "namespaces"),
		GatewayClasses: listed[*gatewayv1.GatewayClass](o, "gatewayclasses"), Gateways: listed[*gatewayv1.Gateway](o, "gateways"),
		HTTPRoutes: listed[*gatewayv1.HTTPRoute](o, "httproutes"), GRPCRoutes: listed[*gatewayv1.GRPCRoute](o, "grpcroutes"),
		TLSRoutes: listed[*gatewayv1.TLSRoute](o, "tlsroutes"), ListenerSets: listed[*gatewayv1.ListenerSet](o, "listenersets"),
		BackendPolicies: listed[*gatewayv1.BackendTLSPolicy](o, "backendtlspolicies"), ConfigMaps: listed[*corev1.ConfigMap](o, "configmaps"),
		ReferenceGrants: listed[*gatewayv1beta1.ReferenceGrant](o, "referencegrants"),
	}
}

func listed[T any](o *observer, name string) []T {
	store := o.stores[name]
	if store == nil {
		return nil
	}
	var all []T
	for _, object := range store.List() {
		if one, ok := object.(T); ok {
			all = append(all, one)
		}
	}
	return all
}

// trim leaves out what is not read.
func trim(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
	}
	if secret, ok := object.(*corev1.Secret); ok {
		kept := map[string][]byte{}
		for _, key := range keptKeys {
			if value, has := secret.Data[key]; has {
				kept[key] = value
			}
		}
		secret.Data = kept
	}
	if config, ok := object.(*corev1.ConfigMap); ok {
		kept := map[string]string{}
		if value, has := config.Data[routing.AuthorityKey]; has {
			kept[routing.AuthorityKey] = value
		}
		config.Data, config.BinaryData = kept, nil
	}
	return object, nil
}
