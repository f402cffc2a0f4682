package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/plan"
)

const (
	// requestTimeout bounds a request where the cluster's own configuration does not.
	requestTimeout = 30 * time.Second
	// kindsTTL is how long discovered kinds are believed when one is missing among them.
	kindsTTL = 2 * time.Second
	// probeFirst and probeMost bound the time between two tries to reach a cluster that went away.
	probeFirst = 250 * time.Millisecond
	probeMost  = 15 * time.Second
)

// Key names a live object.
type Key = plan.Key

// Cluster is one destination. It is safe for concurrent use.
type Cluster struct {
	Server, Name string
	// Client changes objects of the cluster.
	Client *apply.Client

	spec      cluster.Cluster
	log       *slog.Logger
	notify    func(instance string)
	life      context.Context //nolint:containedctx // the watches live as long as the cluster is registered
	end       context.CancelFunc
	dynamic   dynamic.Interface
	metadata  metadata.Interface
	discovery discovery.DiscoveryInterfaceWithContext

	discovering sync.Mutex

	mu      sync.Mutex
	kinds   *Kinds
	kindsAt time.Time
	// stale: a definition changed since the kinds were asked for.
	stale   bool
	staleAt time.Time
	watches map[schema.GroupKind]*watched
	// claims are the instances that want to hear of an object, and claimed the objects of an instance.
	claims  map[Key]map[string]bool
	claimed map[string][]Key
	full    map[Key]*unstructured.Unstructured
	// written are objects that were written here and may not have come back by the watch.
	written     map[Key]bool
	definitions map[string]definition
	away        error
}

// connect makes a Cluster; nothing is asked of it yet.
func connect(ctx context.Context, spec cluster.Cluster, log *slog.Logger, notify func(instance string)) (*Cluster, error) {
	config := rest.CopyConfig(spec.Config)
	// The server's own fairness bounds us; a limit here would only add to the time from push to traffic.
	config.QPS = -1
	if config.Timeout == 0 {
		config.Timeout = requestTimeout
	}
	streaming := rest.CopyConfig(config)
	streaming.Timeout = 0
	c := &Cluster{
		Server: spec.Server, Name: spec.Name, spec: spec, log: log, notify: notify,
		watches: map[schema.GroupKind]*watched{}, claims: map[Key]map[string]bool{}, claimed: map[string][]Key{},
		full: map[Key]*unstructured.Unstructured{}, written: map[Key]bool{}, definitions: map[string]definition{},
	}
	var err error
	if c.dynamic, err = dynamic.NewForConfig(streaming); err != nil {
		return nil, fmt.Errorf("connecting to cluster %s: %w", spec.Name, err)
	}
	if c.metadata, err = metadata.NewForConfig(streaming); err != nil {
		return nil, fmt.Errorf("connecting to cluster %s: %w", spec.Name, err)
	}
	asking, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to cluster %s: %w", spec.Name, err)
	}
	c.discovery = asking
	c.Client = apply.NewClient(c.dynamic, c)
	c.life, c.end = context.WithCancel(ctx)
	return c, nil
}

// Resource gives the resource that serves a kind, of the kinds that were discovered last.
func (c *Cluster) Resource(kind schema.GroupVersionKind) (resource schema.GroupVersionResource, namespaced, ok bool) {
	if k := c.known(); k != nil {
		return k.Resource(kind)
	}
	return schema.GroupVersionResource{}, false, false
}

// Served lists the versions of a kind.
func (c *Cluster) Served(kind schema.GroupKind) []string {
	if k := c.known(); k != nil {
		return k.Served(kind)
	}
	return nil
}

func (c *Cluster) known() *Kinds {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kinds
}

// Kinds gives what the cluster serves. It asks again when one of the wanted kinds is missing.
func (c *Cluster) Kinds(ctx context.Context, wanted []schema.GroupVersionKind) (*Kinds, error) {
	if k := c.enough(wanted); k != nil {
		return k, nil
	}
	c.discovering.Lock()
	defer c.discovering.Unlock()
	if k := c.enough(wanted); k != nil {
		return k, nil
	}
	asked := time.Now()
	k, err := discover(ctx, c.discovery, c.known())
	if err != nil {
		c.lost(err)
		return nil, c.unreachable(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kinds, c.kindsAt = k, asked
	c.stale = c.stale && c.staleAt.After(asked)
	return k, nil
}

// enough gives the known kinds when they have all that is wanted, or were asked for just now.
func (c *Cluster) enough(wanted []schema.GroupVersionKind) *Kinds {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kinds == nil || c.stale {
		return nil
	}
	if time.Since(c.kindsAt) < kindsTTL {
		return c.kinds
	}
	if !c.kinds.have(wanted) {
		return nil
	}
	return c.kinds
}

// Forget has the kinds asked for again, as after a CustomResourceDefinition was applied.
func (c *Cluster) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stale, c.staleAt = true, time.Now()
}

// heard notes how a list or watch went.
func (c *Cluster) heard(ctx context.Context, w *watched, err error) {
	if ctx.Err() != nil {
		return
	}
	if err != nil && apply.IsUnreachable(err) {
		c.lost(err)
		return
	}
	c.mu.Lock()
	differs := (w.err == nil) != (err == nil)
	w.err = err
	c.mu.Unlock()
	if differs {
		c.log.Info("kind of a cluster", "cluster", c.Name, "kind", w.kind.String(), "err", err)
		c.notifyAll()
	}
}

// lost begins to look for a cluster that went away, once. When it is back everything is watched anew, since watches that failed for long wait for long.
func (c *Cluster) lost(err error) {
	if !apply.IsUnreachable(err) {
		return
	}
	c.mu.Lock()
	first := c.away == nil
	c.away = err
	c.mu.Unlock()
	if first {
		c.log.Warn("cluster went away", "cluster", c.Name, "err", err)
		go c.awaitReturn()
		c.notifyAll()
	}
}

func (c *Cluster) awaitReturn() {
	for wait := probeFirst; ; wait = min(2*wait, probeMost) {
		timer := time.NewTimer(wait)
		select {
		case <-c.life.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		_, err := c.discovery.ServerVersionWithContext(c.life)
		if err == nil || !apply.IsUnreachable(err) {
			break
		}
		c.mu.Lock()
		c.away = err
		c.mu.Unlock()
	}
	c.mu.Lock()
	c.away = nil
	for kind, w := range c.watches {
		w.stop()
		delete(c.watches, kind)
	}
	c.mu.Unlock()
	c.log.Info("cluster is back", "cluster", c.Name)
	c.notifyAll()
}

// Away says why the cluster can't be reached, or nil.
func (c *Cluster) Away() error {
	c.mu.Lock()
	err := c.away
	c.mu.Unlock()
	return c.unreachable(err)
}

// Unreachable is a cluster that doesn't answer.
type Unreachable struct {
	Cluster, Server string
	cause           error
}

// Error is one line.
func (e *Unreachable) Error() string {
	return fmt.Sprintf("cluster %s (%s) cannot be reached: %v; it is tried again by itself", e.Cluster, e.Server, e.cause)
}

// Unwrap gives the cause.
func (e *Unreachable) Unwrap() error { return e.cause }

func (c *Cluster) unreachable(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if apply.IsUnreachable(err) {
		return &Unreachable{c.Name, c.Server, err}
	}
	return fmt.Errorf("cluster %s: %w", c.Name, err)
}

func (c *Cluster) notifyAll() {
	c.mu.Lock()
	instances := make([]string, 0, len(c.claimed))
	for instance := range c.claimed {
		instances = append(instances, instance)
	}
	c.mu.Unlock()
	for _, instance := range instances {
		c.notify(instance)
	}
}
