package cli

import (
	"context"
	"sync/atomic"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
)

// watched is one kind to follow.
type watched struct {
	object client.Object
	// name and labels narrow it down; both may be empty.
	name   string
	labels labels.Selector
}

// following is a view of a namespace that the API server keeps current.
type following struct {
	client.Reader
	// changed gets a value after one or more changes.
	changed chan struct{}
	// lost holds the last trouble with the connection, as a string; "" while all is well.
	lost atomic.Value
}

// follow watches objects of a namespace until ctx ends. It returns when all of them have been read once.
func (e *env) follow(ctx context.Context, namespace string, kinds ...watched) (*following, error) {
	// The library speaks up by itself otherwise, in the middle of the screen.
	ctrllog.SetLogger(logr.Discard())
	config, err := e.kube.config()
	if err != nil {
		return nil, err
	}
	f := &following{changed: make(chan struct{}, 1)}
	f.lost.Store("")
	options := cache.Options{
		Scheme:            scheme(),
		DefaultNamespaces: map[string]cache.Config{namespace: {}},
		ByObject:          map[client.Object]cache.ByObject{},
		DefaultWatchErrorHandler: func(_ context.Context, _ *toolscache.Reflector, err error) {
			f.lost.Store(rootCause(err))
			f.signal()
		},
	}
	for _, kind := range kinds {
		by := cache.ByObject{Label: kind.labels}
		if kind.name != "" {
			by.Field = fields.OneTermEqualSelector("metadata.name", kind.name)
		}
		options.ByObject[kind.object] = by
	}
	c, err := cache.New(config, options)
	if err != nil {
		return nil, e.explain(err, "watching")
	}
	for _, kind := range kinds {
		informer, err := c.GetInformer(ctx, kind.object, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, e.explain(err, "watching")
		}
		heard := func(any) {
			f.lost.Store("")
			f.signal()
		}
		_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{AddFunc: heard, UpdateFunc: func(_, o any) { heard(o) }, DeleteFunc: heard})
		if err != nil {
			return nil, err
		}
	}
	f.Reader = c
	go func() { _ = c.Start(ctx) }()
	if !c.WaitForCacheSync(ctx) {
		return nil, context.Cause(ctx)
	}
	return f, nil
}

func (f *following) signal() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// trouble is what keeps the view from being current; empty when it is.
func (f *following) trouble() string { return f.lost.Load().(string) }

// watchFrom begins a watch at a state that was read.
func watchFrom(resourceVersion string) *metav1.ListOptions {
	return &metav1.ListOptions{ResourceVersion: resourceVersion}
}
