package view

import (
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/plan"
)

func fieldsOf(t *testing.T, text string) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := yaml.Unmarshal([]byte(text), &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

func TestDifferences(t *testing.T) {
	for _, c := range []struct {
		rule, from, to string
		want           []Change
	}{
		{"what is alike has none", "a: {b: 1}", "a: {b: 1}", []Change{}},
		{"a value that differs", "a: {b: 1, c: x}", "a: {b: 2, c: x}", []Change{{"a.b", "1", "2"}}},
		{"a field that is new", "a: {}", "a: {b: text}", []Change{{"a.b", "", "text"}}},
		{"a field that goes", "a: {b: {c: 1}}", "a: {}", []Change{{"a.b", "c: 1", ""}}},
		{"fields are in the order of their paths", "{b: 1, a: 1}", "{b: 2, a: 2}", []Change{{"a", "1", "2"}, {"b", "1", "2"}}},
		{"a key with points is in brackets", "labels: {app.io/name: x}", "labels: {app.io/name: z}", []Change{{"labels[app.io/name]", "x", "z"}}},
		{"elements are compared by their names", "c: [{name: a, v: 1}, {name: b, v: 1}]", "c: [{name: b, v: 2}, {name: a, v: 1}]", []Change{{"c[b].v", "1", "2"}, {"c", "- a\n- b", "- b\n- a"}}},
		{"elements that change places", "c: [{name: a}, {name: b}, {name: gone}]", "c: [{name: fresh}, {name: b}, {name: a}]", []Change{{"c[gone]", "name: gone", ""}, {"c[fresh]", "", "name: fresh"}, {"c", "- a\n- b", "- b\n- a"}}},
		{"elements that keep their order among others", "c: [{name: a}, {name: gone}, {name: b}]", "c: [{name: a}, {name: fresh}, {name: b}]", []Change{{"c[gone]", "name: gone", ""}, {"c[fresh]", "", "name: fresh"}}},
		{"an element that is new", "c: [{name: a}]", "c: [{name: a}, {name: b, v: 1}]", []Change{{"c[b]", "", "name: b\nv: 1"}}},
		{"an element that goes", "c: [{name: a}, {name: b}]", "c: [{name: a}]", []Change{{"c[b]", "name: b", ""}}},
		{"names that are not unique are no names", "c: [{name: a, v: 1}, {name: a, v: 2}]", "c: [{name: a, v: 1}, {name: a, v: 3}]", []Change{{"c[1].v", "2", "3"}}},
		{"other elements are compared by their places", "c: [1, 2]", "c: [1, 3]", []Change{{"c[1]", "2", "3"}}},
		{"a list of another length is another value", "c: [1, 2]", "c: [1]", []Change{{"c", "- 1\n- 2", "- 1"}}},
		{"names on one side alone are no names", "c: [{name: a}, {name: b}]", "c: [1, 2]", []Change{{"c[0]", "name: a", "1"}, {"c[1]", "name: b", "2"}}},
		{"nor with another length", "c: [{name: a}]", "c: [1, 2]", []Change{{"c", "- name: a", "- 1\n- 2"}}},
		{"nor the other way round", "c: [1, 2]", "c: [{name: a}]", []Change{{"c", "- 1\n- 2", "- name: a"}}},
		{"another type is another value", "c: [1]", "c: {a: 1}", []Change{{"c", "- 1", "a: 1"}}},
		{"a map in place of text is another value", "c: x", "c: {a: 1}", []Change{{"c", "x", "a: 1"}}},
		{"text in place of a list is another value", "c: [1]", "c: x", []Change{{"c", "- 1", "x"}}},
		{"a list in place of text is another value", "c: x", "c: [1]", []Change{{"c", "x", "- 1"}}},
		{"elements with names in place of text are another value", "c: x", "c: [{name: a}]", []Change{{"c", "x", "- name: a"}}},
		{"and the other way round", "c: [{name: a}]", "c: x", []Change{{"c", "- name: a", "x"}}},
		{"a key without letters is in brackets", "a: {'': x}", "a: {'': z}", []Change{{"a[]", "x", "z"}}},
		{"a key with brackets is in brackets", "a: {'b[0]': x}", "a: {'b[0]': z}", []Change{{"a[b[0]]", "x", "z"}}},
		{"text that is empty is a value", "a: {}", "a: {b: ''}", []Change{{"a.b", "", `""`}}},
		{"null is nothing", "a: {b: null}", "a: {}", []Change{}},
		{"a number is no text", "a: 1", "a: '1'", []Change{{"a", "1", `"1"`}}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got, more := Differences(fieldsOf(t, c.from), fieldsOf(t, c.to)); !reflect.DeepEqual(got, c.want) || more != 0 {
				t.Errorf("got %q and %d more, want %q", got, more, c.want)
			}
		})
	}
}

func TestDifferencesOfWhatIsNotThere(t *testing.T) {
	object := fieldsOf(t, "kind: A")
	for _, c := range []struct {
		from, to map[string]any
		want     []Change
	}{{nil, nil, []Change{}}, {nil, object, []Change{{"", "", "kind: A"}}}, {object, nil, []Change{{"", "kind: A", ""}}}} {
		if got, _ := Differences(c.from, c.to); !reflect.DeepEqual(got, c.want) {
			t.Errorf("from %v to %v: got %q, want %q", c.from, c.to, got, c.want)
		}
	}
}

func TestDifferencesAreBounded(t *testing.T) {
	from, to := map[string]any{}, map[string]any{}
	for i := range mostChanges + 7 {
		from[strings.Repeat("k", i+1)], to[strings.Repeat("k", i+1)] = "a", "b"
	}
	got, more := Differences(from, to)
	if len(got) != mostChanges || more != 7 {
		t.Errorf("got %d changes and %d more, want %d and 7", len(got), more, mostChanges)
	}
	got, _ = Differences(map[string]any{"a": "x"}, map[string]any{"a": strings.Repeat("x", 10*longestText)})
	if len(got) != 1 || len(got[0].To) > longestText+20 {
		t.Errorf("a long value is shown with %d bytes", len(got[0].To))
	}
	if exact := strings.Repeat("x", longestText); valueOf(exact, longestText) != exact || valueOf(exact+"x", longestText) != exact+"\n# … shortened" {
		t.Error("the longest text is shown as a whole, and one that is longer in part")
	}
	// Of what lies deep, or below long names, the way is not longer than a text.
	deep := func(leaf string) map[string]any {
		var value any = leaf
		for range 20_000 {
			value = map[string]any{"k": value}
		}
		return map[string]any{"k": value, strings.Repeat("n", 1<<20): map[string]any{"a": leaf}}
	}
	got, _ = Differences(deep("a"), deep("b"))
	if len(got) != 2 {
		t.Fatalf("got %d changes, want 2", len(got))
	}
	for _, c := range got {
		if len(c.Path) > longestText+len("…") || len(c.From) > longestText+20 || c.From == c.To && len(c.From) < longestText {
			t.Errorf("got a change with a path of %d bytes: %.50q", len(c.Path), c.From)
		}
	}
}

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	return &unstructured.Unstructured{Object: fieldsOf(t, text)}
}

func unmasked(o *unstructured.Unstructured) *unstructured.Unstructured { return o }

// comparedOf is an Application of four objects: one as git has it, one that differs, one that is new, and one that
// goes.
func comparedOf(t *testing.T) Compared {
	t.Helper()
	key := func(name string) plan.Key {
		return plan.Key{Group: "example.com", Kind: "ConfigMap", Namespace: "shop", Name: name}
	}
	written := func(name, value string) *unstructured.Unstructured {
		return object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: "+name+", uid: u, resourceVersion: '7', annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}', deployment.kubernetes.io/revision: '3'}}, data: {a: "+value+"}, status: {x: 1}}")
	}
	return Compared{
		Revision: "abc", Complete: true, Problems: []string{"git is slow"},
		Plan: plan.Plan{Resources: []plan.Resource{
			{Key: key("same"), Status: v1alpha1.Synced, Live: written("same", "x")},
			{Key: key("drifted"), Status: v1alpha1.OutOfSync, Live: written("drifted", "live")},
			{Key: key("fresh"), Status: v1alpha1.OutOfSync},
			{Key: key("going"), Status: v1alpha1.OutOfSync, RequiresPruning: true, Live: written("going", "x")},
		}},
		Desired: map[plan.Key]*unstructured.Unstructured{key("same"): written("same", "x"), key("drifted"): written("drifted", "git"), key("fresh"): written("fresh", "git")},
		After:   map[plan.Key]*unstructured.Unstructured{key("drifted"): written("drifted", "after"), key("going"): written("going", "wrong")},
		Refused: map[plan.Key]string{key("fresh"): "the API server says no"},
	}
}

func TestChangesOf(t *testing.T) {
	everything := func(plan.Key) bool { return true }
	got := ChangesOf(comparedOf(t), unmasked, everything, true)
	if len(got.Items) != 3 || got.Revision != "abc" || got.Items[0].Name != "drifted" || got.Items[1].Name != "fresh" || got.Items[2].Name != "going" {
		t.Fatalf("of all, those that differ are shown: got %+v", got)
	}
	if o := got.Items[0]; o.Group != "example.com" || o.Kind != "ConfigMap" || o.Namespace != "shop" {
		t.Errorf("got %s/%s in %s", o.Group, o.Kind, o.Namespace)
	}
	if !reflect.DeepEqual(got.Problems, []string{"git is slow"}) {
		t.Errorf("problems: got %q", got.Problems)
	}
	if o := got.Items[0]; !reflect.DeepEqual(o.Changes, []Change{{"data.a", "live", "after"}}) || !strings.Contains(o.Desired, "a: git") || !strings.Contains(o.Live, "a: live") || !strings.Contains(o.After, "a: after") {
		t.Errorf("one that differs: got %+v", o)
	}
	if o := got.Items[1]; o.Live != "" || o.After != o.Desired || len(o.Changes) != 1 || o.Changes[0].Path != "" || o.Problem != "the API server says no" {
		t.Errorf("one that is new: got %+v", o)
	}
	if o := got.Items[2]; o.After != "" || o.Desired != "" || len(o.Changes) != 1 || o.Changes[0].To != "" {
		t.Errorf("one that goes: got %+v", o)
	}
	for _, noise := range []string{"uid", "resourceVersion", "status", "last-applied", "annotations", "revision"} {
		if strings.Contains(got.Items[0].Live, noise) {
			t.Errorf("%s is shown: %s", noise, got.Items[0].Live)
		}
	}
	one := ChangesOf(comparedOf(t), unmasked, func(k plan.Key) bool { return k.Name == "same" }, false)
	if len(one.Items) != 1 || one.Items[0].Name != "same" || len(one.Items[0].Changes) != 0 || !strings.Contains(one.Items[0].After, "a: x") {
		t.Errorf("one that was asked for is shown as it is: got %+v", one.Items)
	}
}

func TestChangesAreMaskedAndBounded(t *testing.T) {
	mask := func(o *unstructured.Unstructured) *unstructured.Unstructured {
		o = o.DeepCopy()
		o.Object["data"] = map[string]any{"a": "hidden"}
		return o
	}
	for _, o := range ChangesOf(comparedOf(t), mask, func(plan.Key) bool { return true }, true).Items {
		for _, text := range []string{o.Live, o.Desired, o.After} {
			if strings.Contains(text, "git") || strings.Contains(text, "a: live") || strings.Contains(text, "after") {
				t.Errorf("%s is shown: %s", o.Name, text)
			}
		}
	}
	many := comparedOf(t)
	for len(many.Plan.Resources) < mostChanged+5 {
		many.Plan.Resources = append(many.Plan.Resources, many.Plan.Resources[1])
	}
	if got := ChangesOf(many, unmasked, func(plan.Key) bool { return true }, true); len(got.Items) != mostChanged || got.Hidden != 4 {
		t.Errorf("got %d objects and %d hidden", len(got.Items), got.Hidden)
	}
	long := object(t, "{kind: A, data: {a: "+strings.Repeat("ü", longestObject)+"}}")
	if text := textOf(plain(unmasked, long)); len(text) > longestObject+20 || !strings.Contains(text, "# … shortened") {
		t.Errorf("a long object is shown with %d bytes", len(text))
	}
}

// What the API server does not say, as when it refuses: what git has is over what is live, and the rest stays.
func TestChangesWithoutAPrediction(t *testing.T) {
	const live = "{spec: {a: 1, byDefault: 2, list: [1], c: [{name: x, image: a, byDefault: 3}, {name: injected}]}}"
	for _, c := range []struct {
		rule, git string
		want      []Change
	}{
		{"as it is", "{spec: {a: 1}}", []Change{}},
		{"a value", "{spec: {a: 5}}", []Change{{"spec.a", "1", "5"}}},
		{"a new field", "{spec: {z: {b: 1}}}", []Change{{"spec.z", "", "b: 1"}}},
		{"a list", "{spec: {list: [1, 2]}}", []Change{{"spec.list", "- 1", "- 1\n- 2"}}},
		{"an element that has a name", "{spec: {c: [{name: x, image: b}]}}", []Change{{"spec.c[x].image", "a", "b"}}},
		{"an element that is new", "{spec: {c: [{name: x}, {name: z}]}}", []Change{{"spec.c[z]", "", "name: z"}}},
		{"elements without names", "{spec: {c: [1]}}", []Change{{"spec.c", "- byDefault: 3\n  image: a\n  name: x\n- name: injected", "- 1"}}},
		{"names in place of a list", "{spec: {list: [{name: x}]}}", []Change{{"spec.list[0]", "1", "name: x"}}},
		{"text in place of a map", "{spec: x}", []Change{{"spec", "a: 1\nbyDefault: 2\nc:\n- byDefault: 3\n  image: a\n  name: x\n- name: injected\nlist:\n- 1", "x"}}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			key := plan.Key{Kind: "A", Name: "a"}
			is := object(t, live)
			compared := Compared{Plan: plan.Plan{Resources: []plan.Resource{{Key: key, Status: v1alpha1.OutOfSync, Live: is}}}, Desired: map[plan.Key]*unstructured.Unstructured{key: object(t, c.git)}, Refused: map[plan.Key]string{key: "no"}}
			if got := ChangesOf(compared, unmasked, func(plan.Key) bool { return true }, true).Items[0]; !reflect.DeepEqual(got.Changes, c.want) || got.Problem != "no" {
				t.Errorf("got %q, want %q", got.Changes, c.want)
			}
			if !reflect.DeepEqual(is, object(t, live)) {
				t.Errorf("the live object is changed: %v", is)
			}
		})
	}
	gone := Compared{Plan: plan.Plan{Resources: []plan.Resource{{Key: plan.Key{Name: "a"}, Status: v1alpha1.OutOfSync, Live: object(t, live)}}}}
	if got := ChangesOf(gone, unmasked, func(plan.Key) bool { return true }, true).Items[0]; got.After != "" || len(got.Changes) != 1 {
		t.Errorf("what git does not have: got %+v", got)
	}
}

// A value of many levels is on one line: as YAML it would be large by its indentation alone.
func TestDeepValuesAreOnOneLine(t *testing.T) {
	nested := func(levels int, list bool) any {
		var value any = "x"
		for range levels {
			if value = any(map[string]any{"k": value}); list {
				value = []any{value.(map[string]any)["k"]}
			}
		}
		return value
	}
	for _, list := range []bool{false, true} {
		if got := valueOf(nested(mostLevels, list), longestObject); strings.HasPrefix(got, "{") || strings.HasPrefix(got, "[") {
			t.Errorf("%d levels: got %.50q", mostLevels, got)
		}
		if got := valueOf(nested(mostLevels+1, list), longestObject); strings.Contains(got, "\n") || !strings.HasPrefix(got, "{") && !strings.HasPrefix(got, "[") {
			t.Errorf("%d levels: got %.50q", mostLevels+1, got)
		}
		if got := valueOf(nested(20_000, list), longestObject); len(got) > 20_000*6+3 {
			t.Errorf("20000 levels: got %d bytes", len(got))
		}
	}
	if got := valueOf(map[string]any{"a": func() {}}, longestObject); !strings.HasPrefix(got, "map[a:") {
		t.Errorf("got %q of what is no JSON", got)
	}
}

// Annotations that are no annotations are shown as they are written.
func TestAnnotationsThatArePlain(t *testing.T) {
	for _, c := range []struct{ is, want string }{
		{"{metadata: {annotations: {}, name: a}}", "metadata:\n  name: a"},
		{"{metadata: {annotations: {a: 1}}}", "metadata:\n  annotations:\n    a: 1"},
		{"{metadata: {annotations: x}}", "metadata:\n  annotations: x"},
		{"{metadata: {annotations: {a: b, kubectl.kubernetes.io/last-applied-configuration: x}}}", "metadata:\n  annotations:\n    a: b"},
	} {
		if got := textOf(plain(unmasked, object(t, c.is))); got != c.want {
			t.Errorf("%s: got %q, want %q", c.is, got, c.want)
		}
	}
}

// The differences of two objects are none exactly where they are alike, and are told the same way again.
func FuzzDifferences(f *testing.F) {
	f.Add("a: {b: 1}", "a: {b: 2}")
	f.Add("c: [{name: a, v: 1}, {name: b}]", "c: [{name: b}, {name: a}]")
	f.Add("c: [1, 2]", "c: [1]")
	f.Add("a: null", "{}")
	f.Fuzz(func(t *testing.T, from, to string) {
		var a, b map[string]any
		if yaml.Unmarshal([]byte(from), &a) != nil || yaml.Unmarshal([]byte(to), &b) != nil || a == nil || b == nil {
			return
		}
		got, more := Differences(a, b)
		if again, _ := Differences(a, b); !reflect.DeepEqual(got, again) {
			t.Errorf("got %q, and then %q", got, again)
		}
		if reflect.DeepEqual(a, b) && len(got) > 0 || !reflect.DeepEqual(withoutNulls(a), withoutNulls(b)) && len(got) == 0 {
			t.Errorf("%s and %s: got %q", from, to, got)
		}
		if len(got) > mostChanges || len(got) < mostChanges && more > 0 {
			t.Errorf("got %d changes and %d more", len(got), more)
		}
		if over := overlaid(a, b); !reflect.DeepEqual(overlaid(over, b), over) {
			t.Errorf("%s over %s: another time, it is something else", to, from)
		}
	})
}

// withoutNulls returns a value in which no field is null: as Differences have it, such a field is not there.
func withoutNulls(value any) any {
	switch v := value.(type) {
	case map[string]any:
		clean := map[string]any{}
		for key, field := range v {
			if field != nil {
				clean[key] = withoutNulls(field)
			}
		}
		return clean
	case []any:
		clean := make([]any, 0, len(v))
		for _, element := range v {
			clean = append(clean, withoutNulls(element))
		}
		return clean
	}
	return value
}
