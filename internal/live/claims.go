package live

import (
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// claims are who wants to hear of which object.
type claims struct {
	mu sync.Mutex
	// instances are those that want to hear of an object, and keys the objects of an instance.
	instances map[Key]map[string]bool
	keys      map[string][]Key
	// kinds are those that an instance looks for objects of.
	kinds map[string]map[schema.GroupKind]bool
}

func newClaims() *claims {
	return &claims{instances: map[Key]map[string]bool{}, keys: map[string][]Key{}, kinds: map[string]map[schema.GroupKind]bool{}}
}

// replace has an instance hear of these objects and no others. It returns those that nobody wants to hear of any more.
func (c *claims) replace(instance string, keys []Key) (unclaimed []Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if before, looked := c.keys[instance]; looked && slices.Equal(before, keys) {
		return nil
	}
	now := make(map[Key]bool, len(keys))
	for _, key := range keys {
		now[key] = true
		if c.instances[key] == nil {
			c.instances[key] = map[string]bool{}
		}
		c.instances[key][instance] = true
	}
	for _, key := range c.keys[instance] {
		if now[key] {
			continue
		}
		delete(c.instances[key], instance)
		if len(c.instances[key]) == 0 {
			delete(c.instances, key)
			unclaimed = append(unclaimed, key)
		}
	}
	c.keys[instance] = keys
	return unclaimed
}

// remove ends an instance's claims. It returns the objects that nobody wants to hear of any more.
func (c *claims) remove(instance string) (unclaimed []Key) {
	unclaimed = c.replace(instance, nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.keys, instance)
	delete(c.kinds, instance)
	return unclaimed
}

// of returns the instances that want to hear of an object.
func (c *claims) of(key Key) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.instances[key]))
}

// all returns every instance that has looked.
func (c *claims) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.keys))
}

// has reports whether anybody wants to hear of an object.
func (c *claims) has(key Key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.instances[key]) > 0
}

// hasLooked reports whether an instance has looked for its objects.
func (c *claims) hasLooked(instance string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.keys[instance]
	return ok
}

// ofKind returns the instances that want to hear of objects of a kind.
func (c *claims) ofKind(kind schema.GroupKind) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for instance, keys := range c.keys {
		if slices.ContainsFunc(keys, func(k Key) bool { return k.Group == kind.Group && k.Kind == kind.Kind }) || c.kinds[instance][kind] {
			all = append(all, instance)
		}
	}
	return all
}

// looks notes the kinds that an instance looks for objects of, found or not.
func (c *claims) looks(instance string, kinds map[schema.GroupKind]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kinds[instance] = kinds
}
