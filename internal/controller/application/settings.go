package application

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/health"
	"github.com/cyan-cd/cyan/internal/plan"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/source"
)

// currentSettings holds the settings of this moment, and what of them is not honoured.
type currentSettings struct{ value atomic.Pointer[readSettings] }

// readSettings are settings as they were read at one moment. They are never changed.
type readSettings struct {
	settings.Settings
	found   []settings.Finding
	health  health.Judge
	signers signers
}

// get returns the settings as they are now; the defaults while none were read.
func (c *currentSettings) get() *readSettings {
	if now := c.value.Load(); now != nil {
		return now
	}
	return &readSettings{Settings: settings.Default()}
}

// take replaces the settings, and names in the log what is not honoured and was not named before.
func (c *currentSettings) take(configMaps map[string]map[string]string, ofSecrets []settings.Finding, log *slog.Logger) *readSettings {
	before := map[settings.Finding]bool{}
	for _, f := range c.get().found {
		before[f] = true
	}
	now := &readSettings{}
	now.Settings, now.found = settings.Parse(configMaps)
	now.health, now.signers = now.Judge(), newSigners(configMaps[settings.GPGKeysName], now.SSHSigners)
	for _, c := range now.Customizations {
		for _, problem := range plan.CheckIgnore([]v1alpha1.IgnoreDifference{{JSONPointers: c.IgnoreDifferences.JSONPointers, JQPathExpressions: c.IgnoreDifferences.JQPathExpressions}}) {
			now.found = append(now.found, settings.Finding{Object: "ConfigMap " + settings.ConfigName, Field: "resource.customizations of " + c.Group + "/" + c.Kind, Verdict: settings.Named, Cause: problem, Remedy: "correct it"})
		}
	}
	now.found = append(append(now.found, unknownTypes(now.Customizations)...), ofSecrets...)
	for _, f := range now.found {
		if !before[f] {
			log.Warn("setting not honoured", "object", f.Object, "key", f.Field, "cause", f.Cause, "remedy", f.Remedy)
		}
	}
	c.value.Store(now)
	return now
}

// unknownTypes finds the types that fields are said to have and that are not known.
func unknownTypes(customizations []settings.Customization) []settings.Finding {
	var all []settings.Finding
	for _, c := range customizations {
		for _, f := range c.KnownTypeFields {
			for _, problem := range plan.CheckKnown([]plan.KnownField{{Path: f.Field, Type: f.Type}}) {
				all = append(all, settings.Finding{Object: "ConfigMap " + settings.ConfigName, Field: "resource.customizations of " + c.Group + "/" + c.Kind, Verdict: settings.Named, Cause: problem, Remedy: "leave it out, or name a type of quantities or durations"})
			}
		}
	}
	return all
}

// informed are what people keep beside their Applications: clusters and repositories in labelled Secrets, whom to
// trust and how to go about it in ConfigMaps.
type informed struct {
	secrets    cache.SharedIndexInformer
	configMaps map[string]cache.SharedIndexInformer
}

// newInformed makes the informers, which start has run.
func newInformed(kube kubernetes.Interface, namespace string) (s informed, start func(context.Context)) {
	only := func(narrow func(*metav1.ListOptions)) informers.SharedInformerFactory {
		return informers.NewSharedInformerFactoryWithOptions(kube, 0, informers.WithNamespace(namespace), informers.WithTweakListOptions(narrow))
	}
	labelled := only(func(o *metav1.ListOptions) { o.LabelSelector = v1alpha1.SecretTypeLabel })
	s = informed{secrets: labelled.Core().V1().Secrets().Informer(), configMaps: map[string]cache.SharedIndexInformer{}}
	factories := []informers.SharedInformerFactory{labelled}
	for _, name := range append([]string{source.KnownHostsName, source.CertificatesName}, settings.ConfigMapNames...) {
		named := only(func(o *metav1.ListOptions) { o.FieldSelector = "metadata.name=" + name })
		s.configMaps[name] = named.Core().V1().ConfigMaps().Informer()
		factories = append(factories, named)
	}
	return s, func(ctx context.Context) {
		for _, factory := range factories {
			factory.Start(ctx.Done())
		}
	}
}

func (s informed) all() []cache.SharedIndexInformer {
	all := []cache.SharedIndexInformer{s.secrets}
	for _, informer := range s.configMaps {
		all = append(all, informer)
	}
	return all
}

// synced waits until everything was read once; false when ctx ends before.
func (s informed) synced(ctx context.Context) bool {
	for _, informer := range s.all() {
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			return false
		}
	}
	return true
}

// data is what the ConfigMap of a name holds.
func (s informed) data(name string) map[string]string {
	for _, o := range s.configMaps[name].GetStore().List() {
		return o.(*corev1.ConfigMap).Data
	}
	return nil
}

// followSettings keeps clusters, credentials and settings as people write them.
func (f *follower) followSettings(ctx context.Context, kube kubernetes.Interface) error {
	s, start := newInformed(kube, f.control)
	changed := make(chan struct{}, 1)
	poke := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	for _, informer := range s.all() {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { poke() }, UpdateFunc: func(any, any) { poke() }, DeleteFunc: func(any) { poke() },
		})
		if err != nil {
			return err
		}
	}
	start(ctx)
	if !s.synced(ctx) {
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

func (f *follower) takeSettings(s informed) {
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
	// Of two for one repository, the later counts: always the same.
	slices.SortFunc(repositories, func(a, b corev1.Secret) int { return strings.Compare(a.Name, b.Name) })
	configMaps := map[string]map[string]string{}
	for name := range s.configMaps {
		configMaps[name] = s.data(name)
	}
	now := f.settings.take(configMaps, unservedSecrets(s.secrets.GetStore().List()), f.log)
	f.poll(now.Reconciliation)
	f.clusters.Track(compare.TrackingOf(now.Settings))
	f.clusters.Update(clusters)
	f.sources.setCredentials(source.NewCredentialStore(repositories, source.Trust{KnownHosts: s.data(source.KnownHostsName), Certificates: s.data(source.CertificatesName)}))
}

// unservedSecrets finds what the Secrets of clusters and repositories ask for and do not get. It concerns those alone
// who use them, so it keeps nobody else from anything.
func unservedSecrets(all []any) []settings.Finding {
	var found []settings.Finding
	for _, o := range all {
		secret := o.(*corev1.Secret)
		for _, f := range settings.InSecret(secret.Name, secret.Labels[v1alpha1.SecretTypeLabel], secret.Data) {
			if f.Verdict != settings.Harmless {
				f.Verdict = settings.Named
				found = append(found, f)
			}
		}
	}
	return found
}

// neverPoll is the time between two looks at a repository when looking by time is switched off.
const neverPoll = 365 * 24 * time.Hour

// poll has repositories looked at as often as the settings say; where they say nothing, as before.
func (f *follower) poll(r settings.Reconciliation) {
	every := r.Every
	if r.Disabled {
		every = neverPoll
	}
	f.sources.refPoller.SetInterval(every, r.Jitter)
}
