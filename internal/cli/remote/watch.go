package remote

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// lookEvery is how often an Application that is watched is read where the server does not tell when it changes.
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
	query := c.about(key.Namespace, key.Name)
	query.Set("name", key.Name)
	query.Set("fields", "result.type,result.application.metadata.name")
	changed := c.follow(ctx, "/api/v1/stream/applications", query)
	last := &v1alpha1.Application{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
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

// follow returns a channel that has a value when a stream was opened, and whenever it has brought something since it
// was last received from. Where there is no stream, it has one every second.
func (s Server) follow(ctx context.Context, path string, query url.Values) <-chan struct{} {
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	go func() {
		for ctx.Err() == nil {
			// Why it ended is found by who reads next.
			_ = s.lines(ctx, path, query, notify)
			notify()
			select {
			case <-ctx.Done():
			case <-time.After(lookEvery):
			}
		}
	}()
	return changed
}

// lines reads a stream until it ends: each line is told of, and that it has begun.
func (s Server) lines(ctx context.Context, path string, query url.Values, each func()) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	client.Timeout = 0
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL(path)+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return err
	}
	if err := s.setHeaders(request); err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return &Answer{Status: response.StatusCode}
	}
	each()
	for stream := bufio.NewReader(response.Body); ; {
		if _, err := stream.ReadSlice('\n'); err == nil {
			each()
		} else if !errors.Is(err, bufio.ErrBufferFull) {
			return err
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
