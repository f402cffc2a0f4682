package view

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

// mapOf returns a ConfigMap with a value, as it is in the cluster or in git.
func mapOf(value string, live bool) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"kind": "ConfigMap", "metadata": map[string]any{"name": "a"}, "data": map[string]any{"k": value}}}
	if live {
		o.Object["status"] = "kept"
		o.SetResourceVersion("7")
		_ = unstructured.SetNestedSlice(o.Object, []any{map[string]any{"manager": "x"}}, "metadata", "managedFields")
	}
	return o
}

// hide stands in for what hides the values of Secrets.
func hide(o *unstructured.Unstructured) *unstructured.Unstructured {
	shown := o.DeepCopy()
	if value, _, _ := unstructured.NestedString(shown.Object, "data", "k"); value == "secret" {
		_ = unstructured.SetNestedField(shown.Object, "+++", "data", "k")
	}
	return shown
}

const plainMap = `{"data":{"k":"%s"},"kind":"ConfigMap","metadata":{"name":"a"}}`

func TestManagedOf(t *testing.T) {
	key := plan.Key{Kind: "ConfigMap", Name: "a"}
	text := func(value string) string { return fmt.Sprintf(plainMap, value) }
	for _, c := range []struct {
		rule                 string
		resource             plan.Resource
		desired, after       *unstructured.Unstructured
		target, live         string
		normalized, predicts string
		modified             bool
	}{
		{"what is alike predicts what is there", plan.Resource{Status: v1alpha1.Synced, Live: mapOf("1", true)}, mapOf("1", false), mapOf("ignored", true), text("1"), "status", text("1"), text("1"), false},
		{"what differs predicts what a sync leaves", plan.Resource{Status: v1alpha1.OutOfSync, Live: mapOf("1", true)}, mapOf("2", false), mapOf("3", true), text("2"), "status", text("1"), text("3"), true},
		{"without a prediction, what git has", plan.Resource{Status: v1alpha1.OutOfSync, Live: mapOf("1", true)}, mapOf("2", false), nil, text("2"), "status", text("1"), text("2"), true},
		{"what is not there yet", plan.Resource{Status: v1alpha1.OutOfSync}, mapOf("2", false), nil, text("2"), "null", "null", text("2"), true},
		{"what would be pruned", plan.Resource{Status: v1alpha1.OutOfSync, Live: mapOf("1", true), RequiresPruning: true}, mapOf("old", false), mapOf("old", true), "null", "status", text("1"), "null", true},
		{"values are hidden everywhere", plan.Resource{Status: v1alpha1.OutOfSync, Live: mapOf("secret", true)}, mapOf("secret", false), mapOf("secret", true), text("+++"), "+++", text("+++"), text("+++"), true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			c.resource.Key = key
			of := Compared{Plan: plan.Plan{Resources: []plan.Resource{c.resource}}, Desired: map[plan.Key]*unstructured.Unstructured{key: c.desired}, After: map[plan.Key]*unstructured.Unstructured{}}
			if c.after != nil {
				of.After[key] = c.after
			}
			items, whole := ManagedOf(of, hide, func(plan.Resource) bool { return true }, 1<<20)
			if !whole || len(items) != 1 {
				t.Fatalf("got %d items, whole: %v", len(items), whole)
			}
			got := items[0]
			if got.TargetState != c.target || got.NormalizedLiveState != c.normalized || got.PredictedLiveState != c.predicts || got.Modified != c.modified {
				t.Errorf("got %+v, want target %s, normalized %s, predicted %s, modified %v", got, c.target, c.normalized, c.predicts, c.modified)
			}
			if !strings.Contains(got.LiveState, c.live) || strings.Contains(got.LiveState, "managedFields") || strings.Contains(got.LiveState, "secret") {
				t.Errorf("live is %s", got.LiveState)
			}
			if want := map[bool]string{true: "7"}[c.resource.Live != nil]; got.ResourceVersion != want {
				t.Errorf("version %q, want %q", got.ResourceVersion, want)
			}
		})
	}
}

// Only what is wanted is shown, and no more than a bound; that something is missing is told.
func TestHowMuchIsManaged(t *testing.T) {
	of := Compared{}
	for i, name := range []string{"a", "b"} {
		of.Plan.Resources = append(of.Plan.Resources, plan.Resource{Key: plan.Key{Kind: "ConfigMap", Name: name}, Live: mapOf("1", true), Hook: i == 1})
	}
	names := func(items []ManagedResource) (all []string) {
		for _, m := range items {
			all = append(all, fmt.Sprint(m.Name, m.Hook))
		}
		return all
	}
	all := func(plan.Resource) bool { return true }
	items, whole := ManagedOf(of, hide, all, 1<<20)
	if got := names(items); !whole || !slices.Equal(got, []string{"afalse", "btrue"}) {
		t.Errorf("got %v, whole: %v", got, whole)
	}
	size := 0
	for _, text := range []string{items[0].TargetState, items[0].LiveState, items[0].NormalizedLiveState, items[0].PredictedLiveState} {
		size += len(text)
	}
	for most, want := range map[int][]string{size - 1: nil, size: {"afalse"}, 2*size - 1: {"afalse"}, 2 * size: {"afalse", "btrue"}} {
		items, whole := ManagedOf(of, hide, all, most)
		if got := names(items); !slices.Equal(got, want) || whole != (len(want) == 2) {
			t.Errorf("of %d bytes, %d: got %v, whole: %v", 2*size, most, got, whole)
		}
	}
	items, whole = ManagedOf(of, hide, func(r plan.Resource) bool { return r.Key.Name == "b" }, size)
	if got := names(items); !whole || !slices.Equal(got, []string{"btrue"}) {
		t.Errorf("of what is wanted: got %v, whole: %v", got, whole)
	}
}

// The manifests are those of git, each once and in the order of a sync, hooks among them; what is deleted is not.
func TestManifestsOf(t *testing.T) {
	key := func(name string) plan.Key { return plan.Key{Kind: "ConfigMap", Name: name} }
	of := Compared{
		Desired: map[plan.Key]*unstructured.Unstructured{key("b"): mapOf("b", false), key("a"): mapOf("secret", false)},
		Plan: plan.Plan{Tasks: []plan.Task{
			{Key: key("hook"), Verb: plan.Hook, Object: mapOf("hook", false)}, {Key: key("b"), Verb: plan.Apply}, {Key: key("a"), Verb: plan.Apply}, {Key: key("a"), Verb: plan.Hook, Object: mapOf("twice", false)},
			{Key: key("gone"), Verb: plan.Delete, Object: mapOf("gone", false), Live: mapOf("gone", true)},
		}},
	}
	var want []string
	for _, value := range []string{"hook", "b", "+++"} {
		want = append(want, fmt.Sprintf(plainMap, value))
	}
	got, all := ManifestsOf(of, hide, 1<<20)
	if !all || !slices.Equal(got, want) {
		t.Errorf("got %q, all: %v, want %q", got, all, want)
	}
	if got, all := ManifestsOf(of, hide, len(want[0])); all || !slices.Equal(got, want[:1]) {
		t.Errorf("bounded: got %q, all: %v", got, all)
	}
}

// An object is named whole, and where there is none the lists are empty and not missing.
func TestWhatManagedObjectsAreCalled(t *testing.T) {
	all := func(plan.Resource) bool { return true }
	for _, key := range []plan.Key{{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}, {Kind: "Namespace", Name: "shop"}, {Group: "batch", Kind: "Job", Namespace: "shop", Name: "migrate"}} {
		hook := key.Kind == "Job"
		items, _ := ManagedOf(Compared{Plan: plan.Plan{Resources: []plan.Resource{{Key: key, Hook: hook}}}}, hide, all, 1<<20)
		if len(items) != 1 || (plan.Key{Group: items[0].Group, Kind: items[0].Kind, Namespace: items[0].Namespace, Name: items[0].Name}) != key || items[0].Hook != hook {
			t.Errorf("%v: got %+v", key, items)
		}
	}
	items, whole := ManagedOf(Compared{}, hide, all, 0)
	manifests, whether := ManifestsOf(Compared{}, hide, 0)
	if items == nil || manifests == nil || len(items)+len(manifests) > 0 || !whole || !whether {
		t.Errorf("of nothing: %v, %v, %v, %v", items, manifests, whole, whether)
	}
}
