package kit

import (
	"context"
	"sync/atomic"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
)

// Watched is one kind to follow.
type Watched struct {
	Object client.Object
	// Name and Labels narrow it down; both may be empty.
	Name   string
	Labels labels.Selector
}

// Following is a view of a namespace that the API server keeps current.
type Following struct {
	client.Reader
	// Changed gets a value after one or more changes.
	Changed chan struct{}
	// lost holds why the connection is away, as a string; "" while all is well.
	lost atomic.Value
}

// Follow watches objects of a namespace until ctx ends. It returns when all of them have been read once.
func (e *Env) Follow(ctx context.Context, namespace string, kinds ...Watched) (*Following, error) {
	// The library logs by itself otherwise, in the middle of the screen.
	ctrllog.SetLogger(logr.Discard())
	config, err := e.Config()
	if err != nil {
		return nil, err
	}
	f := &Following{Changed: make(chan struct{}, 1)}
	f.lost.Store("")
	c, err := cache.New(config, f.options(namespace, kinds))
	if err != nil {
		return nil, e.Explain(err, "watching")
	}
	for _, kind := range kinds {
		informer, err := c.GetInformer(ctx, kind.Object, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, e.Explain(err, "watching")
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

func (f *Following) options(namespace string, kinds []Watched) cache.Options {
	options := cache.Options{
		Scheme:            Scheme(),
		DefaultNamespaces: map[string]cache.Config{namespace: {}},
		ByObject:          map[client.Object]cache.ByObject{},
		DefaultWatchErrorHandler: func(_ context.Context, _ *toolscache.Reflector, err error) {
			f.lost.Store(RootCause(err))
			f.signal()
		},
	}
	for _, kind := range kinds {
		by := cache.ByObject{Label: kind.Labels}
		if kind.Name != "" {
			by.Field = fields.OneTermEqualSelector("metadata.name", kind.Name)
		}
		options.ByObject[kind.Object] = by
	}
	return options
}

func (f *Following) signal() {
	select {
	case f.Changed <- struct{}{}:
	default:
	}
}

// Lost returns what keeps the view from being current; empty when it is.
func (f *Following) Lost() string { return f.lost.Load().(string) }
