package live

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func object(name, version, instance string) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: "d", Name: name, ResourceVersion: version, Labels: map[string]string{"app": instance}, Annotations: map[string]string{"note": strings.Repeat("x", 500)}}}
}

func named(name string) types.NamespacedName { return types.NamespacedName{Namespace: "d", Name: name} }

// book keeps objects by the label app, those that are wanted, and what is told.
func book(wanted ...string) (*store, *[]string) {
	var told []string
	return newStore(keeper{
		owner:  func(m *metav1.PartialObjectMetadata) string { return m.Labels["app"] },
		wanted: func(name types.NamespacedName) bool { return slices.Contains(wanted, name.Name) },
		changed: func(name types.NamespacedName, isNew bool, instances ...string) {
			told = append(told, fmt.Sprint(name.Name, isNew)+fmt.Sprint(instances))
		},
		answered: func(_ types.NamespacedName, now seen) bool { return now.resourceVersion == "own" },
		gone:     func(name types.NamespacedName, _ types.UID) { told = append(told, name.Name+" gone") },
		relisted: func() {},
	}), &told
}

// What is kept of an object, and what is told of it, in the order in which a watch brings it.
func TestStore(t *testing.T) {
	add := func(name, version, instance string) func(*store) {
		return func(s *store) { _ = s.Add(object(name, version, instance)) }
	}
	list := func(objects ...any) func(*store) { return func(s *store) { _ = s.Replace(objects, "") } }
	gone := func(name, instance string) func(*store) {
		return func(s *store) { _ = s.Delete(object(name, "9", instance)) }
	}
	for _, c := range []struct {
		name  string
		steps []func(*store)
		is    presence
		seen  seen
		of    int
		told  []string
	}{
		{"nothing", nil, absent, seen{}, 0, nil},
		{"nobody's", []func(*store){add("a", "1", "")}, unread, seen{}, 0, nil},
		{"marked", []func(*store){add("a", "1", "shop")}, known, seen{resourceVersion: "1", instance: "shop"}, 1, []string{"afalse[ shop]"}},
		{"marked since", []func(*store){add("a", "1", ""), add("a", "2", "shop")}, known, seen{resourceVersion: "2", instance: "shop"}, 1, []string{"afalse[ shop]"}},
		{"marked no more", []func(*store){add("a", "1", "shop"), add("a", "2", "")}, unread, seen{}, 0, []string{"afalse[ shop]", "afalse[shop ]"}},
		{"marked otherwise", []func(*store){add("a", "1", "blog"), add("a", "2", "shop")}, known, seen{resourceVersion: "2", instance: "shop"}, 1, []string{"afalse[ blog]", "afalse[blog shop]"}},
		{"the same again", []func(*store){add("a", "1", "shop"), add("a", "1", "shop")}, known, seen{resourceVersion: "1", instance: "shop"}, 1, []string{"afalse[ shop]"}},
		{"deleted", []func(*store){add("a", "1", "shop"), gone("a", "shop")}, absent, seen{}, 0, []string{"afalse[ shop]", "a gone", "afalse[shop shop]"}},
		{"nobody's, deleted", []func(*store){add("a", "1", ""), gone("a", "")}, absent, seen{}, 0, nil},
		{"written by the one whom it concerns", []func(*store){add("a", "own", "shop"), add("a", "2", "shop")}, known, seen{resourceVersion: "2", instance: "shop"}, 1, []string{"afalse[shop shop]"}},
		{"taken over by the one whom it concerns", []func(*store){add("a", "1", "blog"), add("a", "own", "shop")}, known, seen{resourceVersion: "own", instance: "shop"}, 1, []string{"afalse[ blog]", "afalse[blog shop]"}},
		{"a first list", []func(*store){list(object("a", "1", "shop"), object("b", "1", ""))}, known, seen{resourceVersion: "1", instance: "shop"}, 1, []string{"atrue[ shop]"}},
		{"a list with nothing new", []func(*store){list(object("a", "1", "shop")), list(object("a", "1", "shop"))}, known, seen{resourceVersion: "1", instance: "shop"}, 1, []string{"atrue[ shop]"}},
		{"a list without it", []func(*store){list(object("a", "1", "shop")), list()}, absent, seen{}, 0, []string{"atrue[ shop]", "afalse[shop ]"}},
		{"a list in which it is changed", []func(*store){list(object("a", "1", "shop")), list(object("a", "2", ""))}, unread, seen{}, 0, []string{"atrue[ shop]", "afalse[shop ]"}},
		{"read, though nobody wants it", []func(*store){add("a", "1", ""), func(s *store) { s.adopt(named("a"), seen{resourceVersion: "1"}) }}, unread, seen{}, 0, nil},
	} {
		s, told := book()
		for _, step := range c.steps {
			step(s)
		}
		got, is := s.get(named("a"))
		if is != c.is || got != c.seen || len(s.of("shop")) != c.of || !slices.Equal(*told, c.told) {
			t.Errorf("%s: got %s %+v, %v of shop, told %q; want %s %+v, %d, %q", c.name, is, got, s.of("shop"), *told, c.is, c.seen, c.of, c.told)
		}
	}
}

// An object that becomes wanted is kept from when it was read, and only for as long as it is wanted.
func TestStoreKeepsWhatIsWanted(t *testing.T) {
	wanted := []string{}
	var told int
	s := newStore(keeper{
		owner:    func(*metav1.PartialObjectMetadata) string { return "" },
		wanted:   func(name types.NamespacedName) bool { return slices.Contains(wanted, name.Name) },
		changed:  func(types.NamespacedName, bool, ...string) { told++ },
		answered: func(types.NamespacedName, seen) bool { return false },
		gone:     func(types.NamespacedName, types.UID) {},
	})
	_ = s.Add(object("a", "1", ""))
	wanted = []string{"a"}
	if _, is := s.get(named("a")); is != unread {
		t.Errorf("before it is read it is %s, want %s", is, unread)
	}
	s.adopt(named("a"), seen{resourceVersion: "1"})
	s.adopt(named("never there"), seen{resourceVersion: "1"})
	if _, is := s.get(named("never there")); is != absent {
		t.Errorf("what is not there is %s once read, want %s", is, absent)
	}
	_ = s.Update(object("a", "2", ""))
	s.adopt(named("a"), seen{resourceVersion: "1"})
	if got, is := s.get(named("a")); is != known || got.resourceVersion != "2" || told != 1 {
		t.Errorf("got %s %+v, told %d times; want it as the watch brought it, told once", is, got, told)
	}
	s.release(named("a"))
	if _, is := s.get(named("a")); is != known {
		t.Errorf("while it is wanted it is %s, want %s", is, known)
	}
	wanted = nil
	s.release(named("a"))
	if _, is := s.get(named("a")); is != unread {
		t.Errorf("when nobody wants it any more it is %s, want %s", is, unread)
	}
}

// Objects that are not managed cost next to nothing, however many and however large they are.
func TestStoreGrowsWithWhatIsManaged(t *testing.T) {
	const others, bound = 20_000, 2 << 20
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	s, _ := book()
	for i := range others {
		_ = s.Add(object(fmt.Sprintf("some-object-with-a-name-%d", i), "1", ""))
	}
	if grown := int64(heap()) - int64(before); grown > bound {
		t.Errorf("%d objects of others keep %d bytes, want %d at most", others, grown, bound)
	}
	if _, is := s.get(named("some-object-with-a-name-7")); is != unread {
		t.Errorf("one of them is %s, want %s", is, unread)
	}
}
