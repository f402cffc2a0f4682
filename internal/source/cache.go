package source

import (
	"container/list"
	"sync"
)

// cache keeps what objects hold, by their names, which say all: it is shared by every repository, and nothing in it is ever out of date.
type cache struct {
	mu    sync.Mutex
	room  int64
	used  int64
	order *list.List
	byKey map[string]*list.Element
}

type cached struct {
	key   string
	value any
	cost  int64
}

func newCache(room int64) *cache {
	return &cache{room: room, order: list.New(), byKey: map[string]*list.Element{}}
}

func (c *cache) get(key string) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[key]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached).value, true
}

// put keeps a value that costs so many bytes, and lets go what was not asked for the longest.
func (c *cache) put(key string, value any, cost int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[key]; ok || cost > c.room/8 {
		return
	}
	c.byKey[key] = c.order.PushFront(&cached{key, value, cost})
	for c.used += cost; c.used > c.room; {
		oldest := c.order.Back()
		dropped := c.order.Remove(oldest).(*cached)
		delete(c.byKey, dropped.key)
		c.used -= dropped.cost
	}
}
