package remote

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// lookEvery is how often an Application that is watched is read.
const lookEvery = time.Second

// Watch reports each change of one Application, which the field metadata.name names.
func (c *Applications) Watch(ctx context.Context, list client.ObjectList, options ...client.ListOption) (watch.Interface, error) {
	if err := c.check(list); err != nil {
		return nil, err
	}
	o := (&client.ListOptions{}).ApplyOptions(options)
	name, named := "", false
	if o.FieldSelector != nil {
		name, named = o.FieldSelector.RequiresExactMatch("metadata.name")
	}
	if !named {
		return nil, c.notServed("a watch of many Applications")
	}
	before := ""
	if o.Raw != nil {
		before = o.Raw.ResourceVersion
	}
	ctx, cancel := context.WithCancel(ctx)
	w := &polling{changes: make(chan watch.Event), stop: cancel}
	go func() {
		defer close(w.changes)
		c.poll(ctx, client.ObjectKey{Namespace: o.Namespace, Name: name}, before, w.changes)
	}()
	return w, nil
}

// poll reads an Application until it is gone, or cannot be read any more.
func (c *Applications) poll(ctx context.Context, key client.ObjectKey, before string, changes chan<- watch.Event) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	last := &v1alpha1.Application{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		seen := &v1alpha1.Application{}
		err := c.Get(ctx, key, seen)
		event := watch.Event{Type: watch.Modified, Object: seen}
		switch {
		case apierrors.IsNotFound(err):
			event = watch.Event{Type: watch.Deleted, Object: last}
		case err != nil:
			// Whoever waits reads it anew, and has the error there.
			return
		case seen.ResourceVersion == before:
			continue
		}
		before, last = seen.ResourceVersion, seen
		select {
		case changes <- event:
		case <-ctx.Done():
			return
		}
		if event.Type == watch.Deleted {
			return
		}
	}
}

// polling is a watch that reads.
type polling struct {
	changes chan watch.Event
	stop    context.CancelFunc
	once    sync.Once
}

// Stop ends it.
func (p *polling) Stop() { p.once.Do(p.stop) }

// ResultChan has the changes.
func (p *polling) ResultChan() <-chan watch.Event { return p.changes }
