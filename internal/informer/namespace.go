package informer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"

	"github.com/cyan-cd/cyan/internal/health"
	"github.com/cyan-cd/cyan/internal/view"
)

// Kinds are those that are watched in a namespace: what runs, what owns that, and what sends requests to it.
var Kinds = []schema.GroupVersionKind{
	{Version: "v1", Kind: "Pod"}, {Version: "v1", Kind: "Service"}, {Version: "v1", Kind: "PersistentVolumeClaim"},
	{Group: "apps", Version: "v1", Kind: "Deployment"}, {Group: "apps", Version: "v1", Kind: "ReplicaSet"}, {Group: "apps", Version: "v1", Kind: "StatefulSet"},
	{Group: "apps", Version: "v1", Kind: "DaemonSet"}, {Group: "apps", Version: "v1", Kind: "ControllerRevision"},
	{Group: "batch", Version: "v1", Kind: "Job"}, {Group: "batch", Version: "v1", Kind: "CronJob"},
	{Group: "discovery.k8s.io", Version: "v1", Kind: "EndpointSlice"}, {Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
	{Group: "argoproj.io", Version: "v1alpha1", Kind: "Rollout"},
}

// namespace is one that is watched.
type namespace struct {
	kinds []*kind
	// judge judges the health of objects.
	judge health.Judge
	end   context.CancelFunc

	mu      sync.Mutex
	readers map[*Look]struct{}
	// objects are those that were observed, for all who look; nil once something has changed.
	objects []view.Observed
	// timer ends the watches when nobody has looked for a while.
	timer *time.Timer
}

// kind is one whose objects are watched in a namespace.
type kind struct {
	// informer is set before the kind was tried, and nil for one that the cluster does not serve.
	informer cache.SharedIndexInformer
	// tried is closed once the kind was listed, or could not be.
	tried chan struct{}
	once  sync.Once
	// failed is why it could not be; nil when it could, and until it was tried.
	failed atomic.Pointer[error]
}

// settle notes that the kind was tried.
func (k *kind) settle(err error) {
	if err != nil {
		k.failed.Store(&err)
	}
	k.once.Do(func() { close(k.tried) })
}

// record is what is kept of an object.
type record struct {
	metav1.ObjectMeta
	view.Observed
}

// small keeps of an object what is shown of it.
func (n *namespace) small(object any) (any, error) {
	o, ok := object.(*unstructured.Unstructured)
	if !ok {
		return object, nil
	}
	return &record{
		ObjectMeta: metav1.ObjectMeta{Namespace: o.GetNamespace(), Name: o.GetName(), UID: o.GetUID(), ResourceVersion: o.GetResourceVersion()},
		Observed:   view.Observe(o, n.judge),
	}, nil
}

// watchNamespace begins to watch a namespace of a cluster, until it is ended. It waits for nothing.
func watchNamespace(life context.Context, c *Cluster, name string, judge health.Judge) *namespace {
	ctx, end := context.WithCancel(life)
	n := &namespace{end: end, judge: judge, readers: map[*Look]struct{}{}}
	for _, of := range Kinds {
		k := &kind{tried: make(chan struct{})}
		n.kinds = append(n.kinds, k)
		go n.watch(ctx, k, c, of, name)
	}
	return n
}

// watch watches a kind in a namespace, if the cluster serves it.
func (n *namespace) watch(ctx context.Context, k *kind, c *Cluster, of schema.GroupVersionKind, name string) {
	mapping, err := c.RESTMapper().RESTMapping(of.GroupKind(), of.Version)
	var resource schema.GroupVersionResource
	switch {
	case meta.IsNoMatchError(err):
		k.settle(nil)
		return
	case err != nil:
		// Whether it is served is not known; asking for its objects will show that.
		resource, _ = meta.UnsafeGuessKindToResource(of)
	default:
		resource = mapping.Resource
	}
	k.informer = n.informerOf(k, c.Dynamic, c.Dynamic.Resource(resource).Namespace(name))
	go func() {
		if cache.WaitForCacheSync(ctx.Done(), k.informer.HasSynced) {
			k.settle(nil)
		}
	}()
	k.informer.RunWithContext(ctx)
}

func (n *namespace) informerOf(k *kind, connection dynamic.Interface, resource dynamic.ResourceInterface) cache.SharedIndexInformer {
	informer := cache.NewSharedIndexInformerWithOptions(cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return resource.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			w, err := resource.Watch(ctx, o)
			if utilnet.IsConnectionRefused(err) {
				// It is tried again and again without a word; who waits has to know why.
				k.settle(err)
			}
			return w, err
		},
	}, connection), &unstructured.Unstructured{}, cache.SharedIndexInformerOptions{})
	// None of these can fail before the informer runs.
	_ = informer.SetTransform(n.small)
	_ = informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) { k.settle(err) })
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { n.notify() }, UpdateFunc: func(any, any) { n.notify() }, DeleteFunc: func(any) { n.notify() },
	})
	return informer
}

// notify has all who look know that something has changed.
func (n *namespace) notify() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.objects = nil
	for look := range n.readers {
		look.notify()
	}
}

// wait waits until each kind was listed, or could not be. It returns an error when none could: that nothing is there is
// known of what was listed alone.
func (n *namespace) wait(ctx context.Context) error {
	var failed error
	listed := len(n.kinds) == 0
	for _, k := range n.kinds {
		select {
		case <-k.tried:
		case <-ctx.Done():
			return ctx.Err()
		}
		if why := k.failed.Load(); why != nil && k.informer != nil && !k.informer.HasSynced() {
			failed = *why
			continue
		}
		listed = true
	}
	if listed {
		return nil
	}
	return failed
}

// observed returns what is observed in the namespace. It is shared by all who look, and is not to be changed.
func (n *namespace) observed() []view.Observed {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.objects != nil {
		return n.objects
	}
	for _, k := range n.kinds {
		if k.informer == nil {
			continue
		}
		for _, object := range k.informer.GetStore().List() {
			if r, ok := object.(*record); ok {
				n.objects = append(n.objects, r.Observed)
			}
		}
	}
	return n.objects
}
