package application

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/source"
)

// settings are what people keep beside their Applications: clusters and repositories in labelled Secrets, and whom to
// trust in two ConfigMaps.
type settings struct{ secrets, hosts, certificates cache.SharedIndexInformer }

// followSettings keeps clusters and credentials as the settings say.
func (f *follower) followSettings(ctx context.Context, kube kubernetes.Interface) error {
	only := func(narrow func(*metav1.ListOptions)) informers.SharedInformerFactory {
		return informers.NewSharedInformerFactoryWithOptions(kube, 0, informers.WithNamespace(f.control), informers.WithTweakListOptions(narrow))
	}
	named := func(name string) informers.SharedInformerFactory {
		return only(func(o *metav1.ListOptions) { o.FieldSelector = "metadata.name=" + name })
	}
	labelled := only(func(o *metav1.ListOptions) { o.LabelSelector = v1alpha1.SecretTypeLabel })
	hosts, certificates := named(source.KnownHostsName), named(source.CertificatesName)
	s := settings{labelled.Core().V1().Secrets().Informer(), hosts.Core().V1().ConfigMaps().Informer(), certificates.Core().V1().ConfigMaps().Informer()}
	changed := make(chan struct{}, 1)
	poke := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	for _, informer := range []cache.SharedIndexInformer{s.secrets, s.hosts, s.certificates} {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { poke() }, UpdateFunc: func(any, any) { poke() }, DeleteFunc: func(any) { poke() },
		})
		if err != nil {
			return err
		}
	}
	for _, factory := range []informers.SharedInformerFactory{labelled, hosts, certificates} {
		factory.Start(ctx.Done())
	}
	if !cache.WaitForCacheSync(ctx.Done(), s.secrets.HasSynced, s.hosts.HasSynced, s.certificates.HasSynced) {
		return nil
	}
	f.takeSettings(s)
	close(f.settingsRead)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			f.takeSettings(s)
			f.enqueueAll(ctx)
		}
	}
}

func (f *follower) takeSettings(s settings) {
	var clusters []*corev1.Secret
	var repositories []corev1.Secret
	for _, o := range s.secrets.GetStore().List() {
		secret := o.(*corev1.Secret)
		if secret.Labels[v1alpha1.SecretTypeLabel] == v1alpha1.SecretTypeCluster {
			clusters = append(clusters, secret)
		} else {
			repositories = append(repositories, *secret)
		}
	}
	f.clusters.Update(clusters)
	f.sources.setCredentials(source.NewCredentialStore(repositories, source.Trust{KnownHosts: dataOf(s.hosts), Certificates: dataOf(s.certificates)}))
}

// dataOf is what the one ConfigMap of an informer holds.
func dataOf(informer cache.SharedIndexInformer) map[string]string {
	for _, o := range informer.GetStore().List() {
		return o.(*corev1.ConfigMap).Data
	}
	return nil
}
