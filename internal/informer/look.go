package informer

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/health"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/view"
)

const (
	// keepFor is how long a namespace is watched after the last one has looked.
	keepFor = 3 * time.Minute
	// mostNamespaces bounds the namespaces that are watched at a time, and mostOfOne those of one Application.
	mostNamespaces = 256
	mostOfOne      = 32
	// listTimeout bounds how long a first look takes.
	listTimeout = 15 * time.Second
)

// Informers watch the namespaces that are looked at.
type Informers struct {
	// KeepFor is how long a namespace is watched after the last one has looked: three minutes when zero.
	KeepFor time.Duration
	// Judge returns how the health of objects is judged by now, and a name that changes when that does; nil for the
	// usual way.
	Judge func(context.Context) (health.Judge, string, error)

	clusters *Clusters
	life     context.Context //nolint:containedctx // watches live longer than the call that begins them
	mu       sync.Mutex
	watched  map[place]*namespace
}

// place is a namespace of a cluster, as the cluster is registered, and how its objects are judged: of what is watched,
// no more is kept than what is shown of it.
type place struct{ server, version, namespace, judged string }

// New returns what watches namespaces of clusters, until life ends.
func New(life context.Context, clusters *Clusters) *Informers {
	return &Informers{clusters: clusters, life: life, watched: map[place]*namespace{}, KeepFor: keepFor}
}

// Look is one who looks at the objects of an Application.
type Look struct {
	// Changed has a value when something has changed since it was last received from.
	Changed <-chan struct{}

	of      *Informers
	changed chan struct{}
	places  []place
	spaces  []*namespace
	once    sync.Once
}

// Look has the namespaces watched in which an Application has objects, as far as they are permitted, until the Look is
// closed.
func (i *Informers) Look(ctx context.Context, app *v1alpha1.Application, permitted func(namespace string) bool) (*Look, error) {
	c, err := i.clusters.For(ctx, app.Spec.Destination)
	if err != nil {
		return nil, err
	}
	judge, judged, err := i.judge(ctx)
	if err != nil {
		return nil, err
	}
	l := &Look{of: i, changed: make(chan struct{}, 1)}
	l.Changed = l.changed
	for _, name := range namespacesOf(app) {
		if !c.Uses(name) || !permitted(name) {
			continue
		}
		at := place{c.Server, c.version, name, judged}
		n, err := i.join(l, at, c, judge)
		if err != nil {
			l.Close()
			return nil, err
		}
		l.places, l.spaces = append(l.places, at), append(l.spaces, n)
	}
	return l, nil
}

// namespacesOf returns the namespaces in which an Application has objects, its destination's first.
func namespacesOf(app *v1alpha1.Application) []string {
	var all []string
	if app.Spec.Destination.Namespace != "" {
		all = append(all, app.Spec.Destination.Namespace)
	}
	for _, r := range app.Status.Resources {
		if r.Namespace != "" && !slices.Contains(all, r.Namespace) && len(all) < mostOfOne {
			all = append(all, r.Namespace)
		}
	}
	return all
}

func (i *Informers) judge(ctx context.Context) (health.Judge, string, error) {
	if i.Judge == nil {
		return nil, "", nil
	}
	return i.Judge(ctx)
}

func (i *Informers) join(l *Look, at place, c *Cluster, judge health.Judge) (*namespace, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	n, ok := i.watched[at]
	if !ok {
		if len(i.watched) >= mostNamespaces && !i.endIdle() {
			return nil, &problem.Error{Kind: problem.Unreachable, Object: "namespace " + at.namespace, Cause: "too many others are looked at", Remedy: "try again in a while"}
		}
		n = watchNamespace(i.life, c, at.namespace, judge)
		i.watched[at] = n
	}
	n.mu.Lock()
	n.readers[l] = struct{}{}
	n.mu.Unlock()
	return n, nil
}

// endIdle ends the watches of a namespace that nobody looks at, and reports whether there was one. The caller holds
// i.mu.
func (i *Informers) endIdle() bool {
	for at, n := range i.watched {
		if n.idle() {
			n.end()
			delete(i.watched, at)
			return true
		}
	}
	return false
}

func (n *namespace) idle() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.readers) == 0
}

// Watched returns how many namespaces are watched.
func (i *Informers) Watched() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.watched)
}

func (l *Look) notify() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// Objects returns what is observed in the namespaces, which is not to be changed. It waits until they were listed.
func (l *Look) Objects(ctx context.Context) ([]view.Observed, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	var all []view.Observed
	for _, n := range l.spaces {
		if err := n.wait(ctx); err != nil {
			return nil, &problem.Error{Kind: problem.Unreachable, Object: "cluster of the Application", Cause: "its objects cannot be listed: " + err.Error(), Remedy: "check that its API server runs, and what cyan may read there", Err: err}
		}
		if of := n.observed(); len(l.spaces) == 1 {
			all = of
		} else {
			all = append(all, of...)
		}
	}
	return all, nil
}

// Close ends the Look. The namespaces are watched for a while longer.
func (l *Look) Close() {
	l.once.Do(func() {
		for at, n := range l.spaces {
			n.mu.Lock()
			delete(n.readers, l)
			n.mu.Unlock()
			l.of.leave(l.places[at], n)
		}
	})
}

// leave has the watches of a namespace end once nobody has looked for a while.
func (i *Informers) leave(at place, n *namespace) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.readers) > 0 {
		return
	}
	if n.timer != nil {
		n.timer.Stop()
	}
	n.timer = time.AfterFunc(i.KeepFor, func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.watched[at] == n && n.idle() {
			n.end()
			delete(i.watched, at)
		}
	})
}
