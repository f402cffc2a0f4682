package live

import (
	"context"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/cyan-cd/cyan/internal/apply"
)

// objects are those of a cluster that were read in full.
type objects struct {
	client *apply.Client

	mu   sync.Mutex
	full map[Key]*unstructured.Unstructured
	// written are objects that were written here and may not have come back by the watch.
	written map[Key]bool
}

func newObjects(client *apply.Client) *objects {
	return &objects{client: client, full: map[Key]*unstructured.Unstructured{}, written: map[Key]bool{}}
}

// read returns an object in full, from memory if the watch, which has seen it so, has nothing newer.
func (o *objects) read(ctx context.Context, last seen, is presence, ref apply.Ref) (*unstructured.Unstructured, error) {
	key := keyOf(ref)
	o.mu.Lock()
	have, written := o.full[key], o.written[key]
	o.mu.Unlock()
	switch {
	case is == absent && !written:
		o.drop(key)
		return nil, nil
	case is == known && have != nil && have.GroupVersionKind() == ref.Kind && have.GetUID() == last.uid && notOlder(have.GetResourceVersion(), last.resourceVersion):
		if written && have.GetResourceVersion() == last.resourceVersion {
			o.settle(key)
		}
		return have, nil
	}
	found, err := o.client.Get(ctx, ref.Kind, ref.Namespace, ref.Name)
	if apierrors.IsNotFound(err) {
		found, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	if found == nil {
		o.drop(key)
		if is == absent {
			o.settle(key)
		}
		return nil, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.full[key] = found
	return found, nil
}

func notOlder(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order >= 0 || a == b
}

// drop forgets objects.
func (o *objects) drop(keys ...Key) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, key := range keys {
		delete(o.full, key)
	}
}

// settle notes that the watch has brought what was written.
func (o *objects) settle(key Key) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.written, key)
}

// wrote notes an object that was just written; after is nil for a deletion.
func (o *objects) wrote(key Key, after *unstructured.Unstructured) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.written[key] = true
	if after != nil {
		o.full[key] = after
	} else {
		delete(o.full, key)
	}
}
