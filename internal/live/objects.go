package live

import (
	"context"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/cyan-cd/cyan/internal/apply"
)

// objects are those of a cluster that were read in full.
type objects struct {
	client *apply.Client

	mu   sync.Mutex
	full map[Key]*whole
	// written are objects that were written here and may not have come back by the watch; true for those of which the
	// answer to that is what is known in full.
	written map[Key]bool
}

// whole is an object in full, and what is asked of it at every look.
type whole struct {
	object  *unstructured.Unstructured
	kind    schema.GroupVersionKind
	uid     types.UID
	version string
}

func wholeOf(object *unstructured.Unstructured) *whole {
	return &whole{object, object.GroupVersionKind(), object.GetUID(), object.GetResourceVersion()}
}

func newObjects(client *apply.Client) *objects {
	return &objects{client: client, full: map[Key]*whole{}, written: map[Key]bool{}}
}

// read returns an object in full, from memory if the watch, which has seen it so, has nothing newer. Right after a
// write its answer counts as it is, whatever the watch has brought since.
func (o *objects) read(ctx context.Context, last seen, is presence, ref apply.Ref, at Moment) (*unstructured.Unstructured, error) {
	key := keyOf(ref)
	if have, ok := o.remembered(ref, last, is, at); ok {
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
	}
	if found == nil || is != absent {
		o.settle(key)
	}
	if found != nil {
		o.keep(key, found)
	}
	return found, nil
}

// remembered returns an object as it is known to be, nil for one that is not there. It reports false where that is not
// known.
func (o *objects) remembered(ref apply.Ref, last seen, is presence, at Moment) (object *unstructured.Unstructured, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := keyOf(ref)
	have := o.full[key]
	answer, written := o.written[key]
	usable := have != nil && have.kind == ref.Kind
	switch {
	case is == absent && !written:
		delete(o.full, key)
		return nil, true
	case is == absent && usable:
		return have.object, true
	case is == known && usable && have.uid == last.uid && (answer && at == AfterWrites || notOlder(have.version, last.resourceVersion)):
		delete(o.written, key)
		return have.object, true
	}
	return nil, false
}

func notOlder(a, b string) bool {
	if a == b {
		return true
	}
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order >= 0
}

// isAnswer reports whether a state of an object is the one that a write here was answered with.
func (o *objects) isAnswer(key Key, now seen) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	have := o.full[key]
	_, written := o.written[key]
	return written && have != nil && have.uid == now.uid && have.version == now.resourceVersion
}

// keep notes an object that was read, which is no answer to a write.
func (o *objects) keep(key Key, found *unstructured.Unstructured) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.full[key] = wholeOf(found)
	if _, written := o.written[key]; written {
		o.written[key] = false
	}
}

// drop forgets objects.
func (o *objects) drop(keys ...Key) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, key := range keys {
		delete(o.full, key)
	}
}

// gone notes that the watch has brought the deletion of one object, which no answer to a write brings back.
func (o *objects) gone(key Key, uid types.UID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if have := o.full[key]; have != nil && have.uid == uid {
		delete(o.full, key)
	}
}

// doubt has the objects of a kind that were written read again, and returns them: the watch has a gap, in which they
// may have gone.
func (o *objects) doubt(kind schema.GroupKind) []Key {
	o.mu.Lock()
	defer o.mu.Unlock()
	var doubted []Key
	for key := range o.written {
		if key.Group == kind.Group && key.Kind == kind.Kind {
			delete(o.full, key)
			doubted = append(doubted, key)
		}
	}
	return doubted
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
		o.full[key] = wholeOf(after)
	} else {
		delete(o.full, key)
	}
}
