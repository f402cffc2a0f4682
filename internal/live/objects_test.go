package live

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/fake"

	"github.com/cyan-cd/cyan/internal/apply"
)

// oneKind serves ConfigMaps.
type oneKind struct{}

func (oneKind) Resource(schema.GroupVersionKind) (schema.GroupVersionResource, bool, bool) {
	return corev1.SchemeGroupVersion.WithResource("configmaps"), true, true
}
func (oneKind) Served(schema.GroupKind) []string { return []string{"v1"} }

func configMap(uid types.UID, version string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	object.SetNamespace("d")
	object.SetName("a")
	object.SetUID(uid)
	object.SetResourceVersion(version)
	return object
}

// The answer to a write counts for who has just written, whatever the watch has brought since; for all other looks the
// object is read where the watch has something newer.
func TestObjectsRead(t *testing.T) {
	const asked = "asked"
	ref := apply.RefOf(configMap("u", "1"))
	key := keyOf(ref)
	type step struct {
		wrote    *unstructured.Unstructured
		deleted  bool
		gone     types.UID
		relisted bool
		// last and is are what the watch has of the object when it is read; want is the version read, "" for none, and
		// whether the API server was asked for it.
		last seen
		is   presence
		at   Moment
		want string
	}
	for _, c := range []struct {
		name   string
		stored string
		steps  []step
	}{
		{"never written", "5", []step{{is: known, last: seen{uid: "u", resourceVersion: "5"}, want: asked + "5"}, {is: known, last: seen{uid: "u", resourceVersion: "5"}, want: "5"}}},
		{"changed since", "6", []step{{is: known, last: seen{uid: "u", resourceVersion: "5"}, want: asked + "6"}, {is: known, last: seen{uid: "u", resourceVersion: "6"}, want: "6"}, {is: known, last: seen{uid: "u", resourceVersion: "7"}, want: asked + "6"}}},
		{"not there", "", []step{{is: absent}}},
		{"created, before the watch brings it", "5", []step{{wrote: configMap("u", "5"), is: absent, want: "5"}, {is: absent, want: "5"}, {is: known, last: seen{uid: "u", resourceVersion: "5"}, want: "5"}, {is: absent}}},
		{"written, and changed by another at once", "7", []step{{wrote: configMap("u", "5"), is: known, at: AfterWrites, last: seen{uid: "u", resourceVersion: "7"}, want: "5"}, {is: known, last: seen{uid: "u", resourceVersion: "7"}, want: asked + "7"}}},
		{"written, and looked at by another", "7", []step{{wrote: configMap("u", "5"), is: known, last: seen{uid: "u", resourceVersion: "7"}, want: asked + "7"}}},
		{"created, looked at before the watch brings it, and changed by another", "7", []step{{wrote: configMap("u", "5"), is: absent, at: AfterWrites, want: "5"}, {is: known, last: seen{uid: "u", resourceVersion: "7"}, want: asked + "7"}}},
		{"written, and looked at twice by who wrote it", "7", []step{{wrote: configMap("u", "5"), is: known, at: AfterWrites, last: seen{uid: "u", resourceVersion: "5"}, want: "5"}, {is: known, at: AfterWrites, last: seen{uid: "u", resourceVersion: "7"}, want: asked + "7"}}},
		{"written, and replaced by another at once", "7", []step{{wrote: configMap("u", "5"), is: known, at: AfterWrites, last: seen{uid: "v", resourceVersion: "7"}, want: asked + "7"}}},
		{"created, and deleted before anybody looked", "", []step{{wrote: configMap("u", "5"), gone: "u", is: absent, want: asked}, {is: absent}}},
		{"created where one of the same name was deleted before", "5", []step{{wrote: configMap("u", "5"), gone: "old", is: absent, want: "5"}}},
		{"created, and perhaps deleted while the watch was broken", "", []step{{wrote: configMap("u", "5"), relisted: true, is: absent, want: asked}, {is: absent}}},
		{"deleted, before the watch brings it", "5", []step{{deleted: true, is: known, last: seen{uid: "u", resourceVersion: "5"}, want: asked + "5"}}},
		{"deleted, and changed by another at once", "6", []step{{deleted: true, is: known, last: seen{uid: "u", resourceVersion: "5"}, want: asked + "6"}, {is: known, last: seen{uid: "u", resourceVersion: "7"}, want: asked + "6"}}},
		{"created, read anew before the watch brings it", "6", []step{{wrote: configMap("u", "5"), relisted: true, is: absent, want: asked + "6"}, {is: known, last: seen{uid: "u", resourceVersion: "7"}, want: asked + "6"}}},
		{"deleted and gone, before the watch brings it", "", []step{{deleted: true, is: known, last: seen{uid: "u", resourceVersion: "5"}, want: asked}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			connection := fake.NewSimpleDynamicClient(runtime.NewScheme())
			if c.stored != "" {
				uid := types.UID("u")
				for _, s := range c.steps {
					if s.last.uid != "" {
						uid = s.last.uid
					}
				}
				connection = fake.NewSimpleDynamicClient(runtime.NewScheme(), configMap(uid, c.stored))
			}
			o := newObjects(apply.NewClient(connection, oneKind{}))
			for i, s := range c.steps {
				if s.wrote != nil || s.deleted {
					o.wrote(key, s.wrote)
				}
				if s.gone != "" {
					o.gone(key, s.gone)
				}
				if s.relisted {
					if doubted := o.doubt(schema.GroupKind{Kind: "ConfigMap"}); !slices.Equal(doubted, []Key{key}) {
						t.Errorf("doubted %v, want what was written", doubted)
					}
				}
				connection.ClearActions()
				found, err := o.read(t.Context(), s.last, s.is, ref, s.at)
				if err != nil {
					t.Fatal(err)
				}
				got := ""
				if len(connection.Actions()) > 0 {
					got = asked
				}
				if found != nil {
					got += found.GetResourceVersion()
				}
				if got != s.want {
					t.Errorf("step %d: got %q, want %q", i, got, s.want)
				}
			}
		})
	}
}

func TestObjectsKnowTheAnswerToAWrite(t *testing.T) {
	key := keyOf(apply.RefOf(configMap("u", "1")))
	for _, c := range []struct {
		name  string
		wrote *unstructured.Unstructured
		seen  seen
		want  bool
	}{
		{"the answer", configMap("u", "5"), seen{uid: "u", resourceVersion: "5"}, true},
		{"a state before it", configMap("u", "5"), seen{uid: "u", resourceVersion: "4"}, false},
		{"a state since", configMap("u", "5"), seen{uid: "u", resourceVersion: "6"}, false},
		{"another object of the name", configMap("u", "5"), seen{uid: "v", resourceVersion: "5"}, false},
		{"a deletion", nil, seen{uid: "u", resourceVersion: "5"}, false},
	} {
		o := newObjects(nil)
		o.wrote(key, c.wrote)
		if got := o.isAnswer(key, c.seen); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	o := newObjects(nil)
	o.keep(key, configMap("u", "5"))
	if o.isAnswer(key, seen{uid: "u", resourceVersion: "5"}) {
		t.Error("what was read is taken for the answer to a write")
	}
}
