package intern_test

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/intern"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return o
}

// web is a Deployment of a template: names and versions differ.
func web(t *testing.T, name string) *unstructured.Unstructured {
	t.Helper()
	return object(t, fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":%q,"managedFields":[
		{"manager":"cyan","operation":"Apply","fieldsV1":{"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:dnsPolicy":{}}}}}}]},
		"spec":{"replicas":3,"paused":false,"ratio":0.5,"nothing":null,"template":{"spec":{"dnsPolicy":"ClusterFirst","args":["serve","--port=8080"],"containers":[{"name":%q}]}}}}`, name, name))
}

// at returns the value of a path in an object.
func at(o *unstructured.Unstructured, path ...any) any {
	var value any = o.Object
	for _, step := range path {
		switch step := step.(type) {
		case string:
			value = value.(map[string]any)[step]
		case int:
			value = value.([]any)[step]
		}
	}
	return value
}

func isSame(a, b any) bool { return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer() }

// What objects have in common is held once from the third of them on: the second shows that it is worth being kept.
func TestEqualPartsAreHeldOnce(t *testing.T) {
	var values intern.Values
	var all []*unstructured.Unstructured
	for i := range 4 {
		o := web(t, fmt.Sprintf("web-%d", i))
		values.Object(o)
		if want := web(t, fmt.Sprintf("web-%d", i)); !reflect.DeepEqual(o, want) {
			t.Fatalf("object %d is another one: %v, want %v", i, o, want)
		}
		all = append(all, o)
	}
	second, fourth := all[1], all[3]
	for _, path := range [][]any{
		{"metadata", "managedFields", 0, "fieldsV1"}, {"metadata", "managedFields", 0}, {"metadata", "managedFields"},
		{"metadata", "managedFields", 0, "fieldsV1", "f:spec", "f:replicas"}, {"spec", "template", "spec", "args"},
	} {
		if !isSame(at(second, path...), at(fourth, path...)) {
			t.Errorf("%v is held twice", path)
		}
	}
	for _, path := range [][]any{{"metadata"}, {"spec"}, {"spec", "template", "spec", "containers"}} {
		if isSame(at(second, path...), at(fourth, path...)) {
			t.Errorf("%v is the same for two objects that differ", path)
		}
	}
	text := func(o *unstructured.Unstructured) *byte {
		return unsafe.StringData(at(o, "spec", "template", "spec", "dnsPolicy").(string))
	}
	if text(second) != text(fourth) {
		t.Error("the text of dnsPolicy is held twice")
	}
	key := func(o *unstructured.Unstructured) *byte {
		for name := range o.Object {
			if name == "spec" {
				return unsafe.StringData(name)
			}
		}
		return nil
	}
	if key(second) != key(fourth) {
		t.Error("the key spec, of maps that differ, is held twice")
	}
}

// Values that look alike are not the same.
func TestPartsThatDifferStayApart(t *testing.T) {
	var values intern.Values
	for _, texts := range [][2]string{
		{`{"a":1}`, `{"a":1.5}`}, {`{"a":1}`, `{"a":"1"}`}, {`{"a":null}`, `{"b":null}`}, {`{"a":false}`, `{"a":null}`}, {`{"a":true}`, `{"a":false}`},
		{`["a","b"]`, `["b","a"]`}, {`{}`, `[]`}, {`{"a":{}}`, `{"a":[]}`}, {`["a"]`, `["a","a"]`}, {`{"a":"b"}`, `{"b":"a"}`}, {`[[],{}]`, `[{},[]]`},
	} {
		for range 3 {
			for _, text := range texts {
				whole := `{"kind":"Config","value":` + text + `}`
				o := object(t, whole)
				values.Object(o)
				if want := object(t, whole); !reflect.DeepEqual(o, want) {
					t.Errorf("got %v, want %v", o, want)
				}
			}
		}
	}
}

// What no JSON has, such as a list of strings that a program made, stays what it is.
func TestValuesOfOtherTypesStay(t *testing.T) {
	var values intern.Values
	var all []*unstructured.Unstructured
	for range 4 {
		o := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"names": []string{"a"}, "count": 1}}}
		values.Object(o)
		all = append(all, o)
	}
	if want := map[string]any{"names": []string{"a"}, "count": 1}; !reflect.DeepEqual(all[3].Object["spec"], want) || isSame(at(all[1], "spec"), at(all[3], "spec")) {
		t.Errorf("got %v, want %v, of its own", all[3].Object["spec"], want)
	}
	values.Object(nil)
}

// What is met once is not kept, and long texts never are: they stay as they are.
func TestWhatIsMetOnceIsNotKept(t *testing.T) {
	var values intern.Values
	long, longest := strings.Repeat("x", 129), strings.Repeat("y", 128)
	of := func() *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"data": map[string]any{"a": long, "b": longest, "c": []any{"d", int64(1), true}}}}
	}
	first := of()
	values.Object(first)
	if texts, parts := values.Kept(); texts != 0 || parts != 0 {
		t.Errorf("%d texts and %d maps and lists are kept of one object, want none", texts, parts)
	}
	values.Object(of())
	if texts, parts := values.Kept(); texts != 6 || parts != 2 { // data, a, b, c, the text of b, and d
		t.Errorf("%d texts and %d maps and lists are kept of two objects, want 6 and 2", texts, parts)
	}
	third := of()
	values.Object(third)
	if !reflect.DeepEqual(third, of()) || !reflect.DeepEqual(first, of()) {
		t.Errorf("got %v, want %v", third, of())
	}
}

// Values are told apart whatever their hashes are, and those that are not JSON's are never the same.
func TestEqual(t *testing.T) {
	one, list := map[string]any{"a": "b"}, []any{"a"}
	for _, c := range []struct {
		a, b any
		want bool
	}{
		{one, one, true}, {one, map[string]any{"a": "b"}, true}, {one, map[string]any{"a": "c"}, false}, {one, map[string]any{"b": "b"}, false}, {one, map[string]any{"a": "b", "c": "d"}, false}, {map[string]any{"a": nil}, map[string]any{"b": nil}, false},
		{one, list, false}, {list, one, false}, {map[string]any{}, map[string]any{}, true}, {map[string]any{}, []any{}, false}, {[]any{}, map[string]any{}, false},
		{list, list, true}, {list, []any{"a"}, true}, {list, []any{"b"}, false}, {list, []any{"a", "a"}, false}, {[]any{}, []any{}, true}, {[]any{one}, []any{map[string]any{"a": "b"}}, true},
		{nil, nil, true}, {nil, "", false}, {int64(1), int64(1), true}, {int64(1), 1.0, false}, {1.5, 1.5, true}, {true, true, true}, {true, false, false}, {"a", "a", true}, {"a", list, false},
		{1, 1, false}, {[]string{"a"}, []string{"a"}, false},
	} {
		if got := intern.Equal(c.a, c.b); got != c.want {
			t.Errorf("%v and %v are the same: %v, want %v", c.a, c.b, got, c.want)
		}
	}
	hashes := map[uint64]any{}
	for _, value := range []any{int64(0), int64(1), int64(2), 0.0, 0.5, 1.5, true, false, nil} {
		hash := intern.HashOf(value)
		if other, is := hashes[hash]; is {
			t.Errorf("%v has the hash of %v", value, other)
		}
		hashes[hash] = value
	}
}

// Maps and lists that are as large as each other and differ in a number, in which field has it, or in a long text, are
// each held once: none is in the way of another.
func TestEachOfManyThatLookAlikeIsHeldOnce(t *testing.T) {
	var values intern.Values
	all := map[string]any{}
	for i := range int64(16) {
		for j := range int64(16) {
			all[fmt.Sprintf("fields %d %d", i, j)] = map[string]any{"a": i, "b": j}
			all[fmt.Sprintf("list %d %d", i, j)] = []any{i, j}
			all[fmt.Sprintf("shares %d %d", i, j)] = []any{float64(i) / 16, float64(j) / 16}
			all[fmt.Sprintf("text %d %d", i, j)] = map[string]any{"a": strings.Repeat("x", 200) + fmt.Sprint(i), "b": strings.Repeat("y", 200) + fmt.Sprint(j)}
		}
	}
	for _, value := range []any{true, false, nil, int64(1), 1.0, "1"} {
		all[fmt.Sprintf("%T %v", value, value)] = map[string]any{"a": value}
	}
	held := func(name string) any {
		o := (&unstructured.Unstructured{Object: map[string]any{"of": all[name]}}).DeepCopy()
		values.Object(o)
		return o.Object["of"]
	}
	kept := map[string]any{}
	for name := range all {
		held(name)
		held(name)
		kept[name] = held(name)
	}
	twice := 0
	for name := range all {
		if !isSame(held(name), kept[name]) {
			twice++
		}
	}
	if twice > 0 {
		t.Errorf("%d of %d are held twice", twice, len(all))
	}
}

// What is kept is never pushed out by another value that has the same hash.
func TestWhatIsKeptStaysBesideAnotherOfItsHash(t *testing.T) {
	var values intern.Values
	held := func(value any) any {
		o := &unstructured.Unstructured{Object: map[string]any{"of": map[string]any{"a": value}}}
		values.Object(o)
		return o.Object["of"]
	}
	held(nil)
	held(nil)
	first := held(nil)
	for range 3 {
		// null and a list of a type that no JSON has are of one hash.
		if other := held([]string{"x"}); !reflect.DeepEqual(other, map[string]any{"a": []string{"x"}}) {
			t.Fatalf("got %v in place of another value", other)
		}
	}
	if !isSame(held(nil), first) {
		t.Error("what was kept is held twice after another value of its hash")
	}
}

// As many texts, and as many maps and lists, are kept as the bound has it; the next one begins anew.
func TestTheBoundIsMet(t *testing.T) {
	const most = 1 << 14
	for what, c := range map[string]struct {
		of   func(name string) map[string]any
		kept func(v *intern.Values) int
	}{
		"texts": {func(name string) map[string]any { return map[string]any{name: nil} }, func(v *intern.Values) int { texts, _ := v.Kept(); return texts }},
		"maps":  {func(name string) map[string]any { return map[string]any{"of": map[string]any{name: true}} }, func(v *intern.Values) int { _, parts := v.Kept(); return parts }},
	} {
		var values intern.Values
		name := 0
		// more returns how many are kept when there is one more of them. Some names are met in the places of what holds
		// them.
		more := func() int {
			for before := c.kept(&values); c.kept(&values) == before; name++ {
				for range 3 {
					values.Object(&unstructured.Unstructured{Object: c.of(fmt.Sprint(name))})
				}
			}
			return c.kept(&values)
		}
		for i := range most {
			if got := more(); got != i+1 {
				t.Fatalf("%d %s are kept of %d", got, what, i+1)
			}
		}
		if got := more(); got != 1 {
			t.Errorf("%d %s are kept after the most, want one", got, what)
		}
	}
}

// However many different objects come, what is kept for others is bounded: what all have in common is held once again
// soon after, and long texts never are.
func TestWhatIsKeptIsBounded(t *testing.T) {
	var values intern.Values
	long := strings.Repeat("x", 129)
	for i := range 40_000 {
		for range 2 {
			name := fmt.Sprint(i)
			values.Object(&unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": name, "labels": map[string]any{name: name}}}})
		}
	}
	if texts, parts := values.Kept(); texts > 1<<14 || parts > 1<<14 || texts == 0 || parts == 0 {
		t.Errorf("%d texts and %d maps are kept, want some, and at most %d", texts, parts, 1<<14)
	}
	var all []*unstructured.Unstructured
	for i := range 3 {
		o := web(t, fmt.Sprint(i))
		o.SetAnnotations(map[string]string{"note": long + ""})
		values.Object(o)
		all = append(all, o)
	}
	if path := []any{"metadata", "managedFields"}; !isSame(at(all[1], path...), at(all[2], path...)) {
		t.Error("what objects have in common is held twice after many others")
	}
}

// Objects may come from everywhere at once.
func TestObjectsAtTheSameTime(t *testing.T) {
	var values intern.Values
	want := web(t, "web")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				o := web(t, "web")
				values.Object(o)
				if !reflect.DeepEqual(o, want) {
					t.Error("an object is another one")
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkObject(b *testing.B) {
	var values intern.Values
	template := &unstructured.Unstructured{}
	if err := template.UnmarshalJSON([]byte(`{"kind":"Deployment","metadata":{"managedFields":[{"fieldsV1":{"f:a":{},"f:b":{"f:c":{}}}}]},"spec":{"replicas":1,"template":{"spec":{"dnsPolicy":"ClusterFirst"}}}}`)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		values.Object(template.DeepCopy())
	}
}
