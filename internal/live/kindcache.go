package live

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// kindsTTL is how long discovered kinds are believed when one is missing among them.
const kindsTTL = 2 * time.Second

// kindCache is what is known of the kinds that a cluster serves.
type kindCache struct {
	discovery discovery.DiscoveryInterfaceWithContext
	// renewed is called with what was discovered; nil for nobody.
	renewed func(*Kinds)
	// discovering lets one ask at a time.
	discovering sync.Mutex

	mu    sync.Mutex
	kinds *Kinds
	asked time.Time
	// stale: a definition changed since the kinds were asked for.
	stale   bool
	staleAt time.Time
}

// Resource returns the resource that serves a kind, of the kinds that were discovered last.
func (c *kindCache) Resource(kind schema.GroupVersionKind) (resource schema.GroupVersionResource, namespaced, ok bool) {
	return c.known().Resource(kind)
}

// Served returns the versions of a kind, the preferred one first.
func (c *kindCache) Served(kind schema.GroupKind) []string { return c.known().Served(kind) }

// known are the kinds that were discovered last; none when nothing was.
func (c *kindCache) known() *Kinds {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kinds == nil {
		return &Kinds{}
	}
	return c.kinds
}

// get returns what the cluster serves. It asks again when one of the wanted kinds is missing.
func (c *kindCache) get(ctx context.Context, wanted []schema.GroupVersionKind) (*Kinds, error) {
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
		return nil, err
	}
	c.take(k, asked)
	if c.renewed != nil {
		c.renewed(k)
	}
	return k, nil
}

// take keeps what was discovered when it was asked for.
func (c *kindCache) take(k *Kinds, asked time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kinds, c.asked = k, asked
	c.stale = c.stale && c.staleAt.After(asked)
}

// enough returns the known kinds when they have all that is wanted, or were asked for just now.
func (c *kindCache) enough(wanted []schema.GroupVersionKind) *Kinds {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kinds == nil || c.stale || time.Since(c.asked) >= kindsTTL && !c.kinds.have(wanted) {
		return nil
	}
	return c.kinds
}

// Forget has the kinds asked for again, as after a CustomResourceDefinition was applied or a kind was not found.
func (c *kindCache) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stale, c.staleAt = true, time.Now()
}
