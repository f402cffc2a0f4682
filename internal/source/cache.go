package source

import (
	"sync"

	"k8s.io/utils/lru"
)

// objectCache holds what objects hold, by their names, which identify their contents: it is shared by every repository,
// and nothing in it is ever out of date. What it holds is bounded by bytes.
type objectCache struct {
	mu      sync.Mutex
	limit   int64
	used    int64
	entries *lru.Cache
}

type cachedObject struct {
	value any
	cost  int64
}

func newObjectCache(limit int64) *objectCache {
	c := &objectCache{limit: limit}
	const unlimited = 0 // by number
	c.entries = lru.NewWithEvictionFunc(unlimited, func(_ lru.Key, value any) { c.used -= value.(cachedObject).cost })
	return c
}

func (c *objectCache) get(key string) (any, bool) {
	found, ok := c.entries.Get(key)
	if !ok {
		return nil, false
	}
	return found.(cachedObject).value, true
}

// put keeps a value that costs so many bytes, and drops what was not asked for the longest.
func (c *objectCache) put(key string, value any, cost int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries.Get(key); ok || cost > c.limit/8 {
		return
	}
	c.entries.Add(key, cachedObject{value, cost})
	for c.used += cost; c.used > c.limit; {
		c.entries.RemoveOldest()
	}
}
