package live

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// seen is what is kept of an object: which one it is, in which state, and whose.
type seen struct {
	uid             types.UID
	resourceVersion string
	// instance is whose marks the object carries; "" for nobody's.
	instance string
}

// presence is whether an object is in the cluster, as far as the watch has brought it.
type presence string

// The values of presence.
const (
	absent presence = "absent"
	// unread is an object of which nothing is known but that it is there.
	unread presence = "unread"
	known  presence = "known"
)

// keeper decides what is kept of the objects of a kind, and hears of what changes in it.
type keeper struct {
	// owner returns whose marks an object carries; "" for nobody's.
	owner func(*metav1.PartialObjectMetadata) string
	// wanted reports whether an object is to be kept whoever it is marked as.
	wanted func(types.NamespacedName) bool
	// changed is told of every change of an object that is kept, with the instances that it is and was marked as; not
	// while the store is locked. isNew is set for what the first list brought.
	changed func(name types.NamespacedName, isNew bool, instances ...string)
	// answered reports whether a state of an object is the answer to a write of the only one whom it concerns.
	answered func(name types.NamespacedName, now seen) bool
	// gone is told of every object that was kept and is deleted, before changed is.
	gone func(name types.NamespacedName, uid types.UID)
	// events counts what a watch has brought; nil for nobody who asks.
	events *atomic.Int64
	// relisted is told when all objects were listed, before changed is: what happened before then was not seen one by one.
	relisted func()
}

// store has the objects of a kind: those that are marked or wanted by what is needed of them, and of all others no more
// than that they are there, in eight bytes each. It grows with what is managed, and hardly with what else there is.
type store struct {
	keeper

	mu         sync.Mutex
	listed     bool
	kept       map[types.NamespacedName]seen
	others     map[uint64]struct{}
	byInstance map[string]map[types.NamespacedName]bool
}

var (
	_ cache.ReflectorStore    = &store{}
	_ cache.TransformingStore = transforming{}
	// seed makes the hashes of names ones that cannot be foreseen.
	seed = maphash.MakeSeed()
)

func newStore(k keeper) *store {
	return &store{keeper: k, kept: map[types.NamespacedName]seen{}, others: map[uint64]struct{}{}, byInstance: map[string]map[types.NamespacedName]bool{}}
}

func hashOf(name types.NamespacedName) uint64 { return maphash.Comparable(seed, name) }

// slimmed marks metadata of which only what [seen] has is left, with the instance as the only label.
const slimmed = "slimmed"

// slim drops of an object what is not kept.
func (s *store) slim(o any) (any, error) {
	m, ok := o.(*metav1.PartialObjectMetadata)
	if !ok || m.APIVersion == slimmed {
		return o, nil
	}
	kept := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: slimmed}, ObjectMeta: metav1.ObjectMeta{
		Name: m.Name, Namespace: m.Namespace, UID: m.UID, ResourceVersion: m.ResourceVersion,
	}}
	if instance := s.owner(m); instance != "" {
		kept.Labels = map[string]string{slimmed: instance}
	}
	return kept, nil
}

// read returns the name of an object that the API server sent, and what is kept of it.
func (s *store) read(o any) (types.NamespacedName, seen, bool) {
	if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = gone.Obj
	}
	slimmedDown, err := s.slim(o)
	m, ok := slimmedDown.(*metav1.PartialObjectMetadata)
	if err != nil || !ok {
		return types.NamespacedName{}, seen{}, false
	}
	return types.NamespacedName{Namespace: m.Namespace, Name: m.Name}, seen{m.UID, m.ResourceVersion, m.Labels[slimmed]}, true
}

// Add takes an object up.
func (s *store) Add(o any) error { return s.Update(o) }

// Update takes an object up as it is now.
func (s *store) Update(o any) error {
	s.count()
	name, now, ok := s.read(o)
	if !ok {
		return nil
	}
	s.mu.Lock()
	before, was := s.kept[name]
	is := s.put(name, now)
	s.mu.Unlock()
	taken := before.instance != "" && before.instance != now.instance
	if (was || is) && before.resourceVersion != now.resourceVersion && (taken || !s.answered(name, now)) {
		s.changed(name, false, before.instance, now.instance)
	}
	return nil
}

// Delete drops an object.
func (s *store) Delete(o any) error {
	s.count()
	name, last, ok := s.read(o)
	if !ok {
		return nil
	}
	s.mu.Lock()
	before, was := s.kept[name]
	s.drop(name)
	s.mu.Unlock()
	if was {
		s.gone(name, before.uid)
		s.changed(name, false, before.instance, last.instance)
	}
	return nil
}

// Replace takes all objects of the kind as they are now.
func (s *store) Replace(objects []any, _ string) error {
	type change struct {
		name          types.NamespacedName
		before, after string
	}
	s.mu.Lock()
	first := !s.listed
	s.listed = true
	before := s.kept
	s.kept, s.others, s.byInstance = map[types.NamespacedName]seen{}, map[uint64]struct{}{}, map[string]map[types.NamespacedName]bool{}
	var changes []change
	for _, o := range objects {
		name, now, ok := s.read(o)
		if !ok {
			continue
		}
		was, had := before[name]
		delete(before, name)
		if is := s.put(name, now); (is || had) && was.resourceVersion != now.resourceVersion {
			changes = append(changes, change{name, was.instance, now.instance})
		}
	}
	for name, was := range before {
		changes = append(changes, change{name, was.instance, ""})
	}
	s.mu.Unlock()
	s.relisted()
	for _, c := range changes {
		s.changed(c.name, first, c.before, c.after)
	}
	return nil
}

// Resync does nothing: what has not changed concerns nobody.
func (s *store) Resync() error { return nil }

// put takes an object up, and reports whether it is kept. The caller holds s.mu.
func (s *store) put(name types.NamespacedName, now seen) bool {
	s.drop(name)
	if now.instance == "" && !s.wanted(name) {
		s.others[hashOf(name)] = struct{}{}
		return false
	}
	s.kept[name] = now
	if now.instance != "" {
		if s.byInstance[now.instance] == nil {
			s.byInstance[now.instance] = map[types.NamespacedName]bool{}
		}
		s.byInstance[now.instance][name] = true
	}
	return true
}

// drop forgets an object. The caller holds s.mu.
func (s *store) drop(name types.NamespacedName) {
	delete(s.others, hashOf(name))
	was, ok := s.kept[name]
	if !ok {
		return
	}
	delete(s.kept, name)
	if delete(s.byInstance[was.instance], name); len(s.byInstance[was.instance]) == 0 {
		delete(s.byInstance, was.instance)
	}
}

// get returns what is kept of an object, and whether it is there.
func (s *store) get(name types.NamespacedName) (seen, presence) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found, ok := s.kept[name]; ok {
		return found, known
	}
	if _, ok := s.others[hashOf(name)]; ok {
		return seen{}, unread
	}
	return seen{}, absent
}

// adopt keeps an object that has become wanted and was read, unless the watch has brought it since.
func (s *store) adopt(name types.NamespacedName, now seen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.others[hashOf(name)]; ok && s.wanted(name) {
		s.put(name, now)
	}
}

// release keeps no more of an object than of others, if nobody wants it any more and it carries no mark.
func (s *store) release(name types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found, ok := s.kept[name]; ok {
		s.put(name, found)
	}
}

// of returns the objects that are marked as an instance's.
func (s *store) of(instance string) []types.NamespacedName {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]types.NamespacedName, 0, len(s.byInstance[instance]))
	for name := range s.byInstance[instance] {
		all = append(all, name)
	}
	return all
}

// isListed reports whether the first list is there.
func (s *store) isListed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listed
}

// transforming is a store whose objects a reflector makes small while it still collects them.
type transforming struct{ *store }

// Transformer returns what makes objects small.
func (t transforming) Transformer() cache.TransformFunc { return t.slim }
