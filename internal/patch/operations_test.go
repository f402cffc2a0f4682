package patch

import (
	"encoding/json"
	"reflect"
	"testing"

	library "github.com/evanphx/json-patch/v5"

	"github.com/cyan-cd/cyan/internal/jsonpatch"
)

// TestOperations: the patch makes of what is stored the same as a merge with all of it at hand would, or is not made.
func TestOperations(t *testing.T) {
	for _, c := range []struct{ name, stored, before, after, want string }{
		{"a value changes beside one that the type does not know", "{a: 1, own: x}", "{a: 1}", "{a: 2}", "{a: 2, own: x}"},
		{"a value comes", "{own: x}", "{}", "{a: {b: 2}}", "{a: {b: 2}, own: x}"},
		{"a value goes", "{a: 1, own: x}", "{a: 1}", "{}", "{own: x}"},
		{"a key with a slash and a tilde", "{m: {a/b~c: x}}", "{m: {a/b~c: x}}", "{m: {a/b~c: y}}", "{m: {a/b~c: y}}"},
		{"deep inside", "{a: {b: {c: 1, own: x}}}", "{a: {b: {c: 1}}}", "{a: {b: {c: 2, d: 3}}}", "{a: {b: {c: 2, d: 3, own: x}}}"},
		{"a list grows at its end and loses its first", "{h: [{id: 1, own: a}, {id: 2, own: b}]}", "{h: [{id: 1}, {id: 2}]}", "{h: [{id: 2}, {id: 3}]}", "{h: [{id: 2, own: b}, {id: 3}]}"},
		{"an element changes", "{h: [{id: 1, own: a}, {id: 2, own: b}]}", "{h: [{id: 1}, {id: 2}]}", "{h: [{id: 1}, {id: 2, x: 5}]}", "{h: [{id: 1, own: a}, {id: 2, x: 5, own: b}]}"},
		{"an element comes between, one goes", "{h: [{id: 1, own: a}, {id: 3, own: c}]}", "{h: [{id: 1}, {id: 3}]}", "{h: [{id: 2}, {id: 3}]}", "{h: [{id: 2}, {id: 3, own: c}]}"},
		{"all elements go", "{h: [{id: 1}]}", "{h: [{id: 1}]}", "{h: []}", "{h: []}"},
		{"a list of words", "{l: [a, b, c]}", "{l: [a, b, c]}", "{l: [a, c, d]}", "{l: [a, c, d]}"},
		{"elements change places", "{h: [{id: 1}, {id: 2}]}", "{h: [{id: 1}, {id: 2}]}", "{h: [{id: 2}, {id: 1}]}", ""},
		{"a list that was empty may be missing", "{}", "{h: []}", "{h: [1]}", ""},
		{"a mapping that was empty may hold what is not known", "{s: {own: x}}", "{s: {}}", "{s: {a: 1}}", ""},
		{"a mapping of empty values may be missing", "{}", "{s: {a: '', b: {c: false}, d: 0, e: null, f: [], g: 0.0}}", "{s: {a: x}}", ""},
		{"an empty value may be missing", "{b: 1}", "{a: '', b: 1}", "{a: x, b: 1}", ""},
		{"an empty value that goes may be missing", "{b: 1}", "{a: '', b: 1}", "{b: 2}", ""},
		{"a value becomes another type", "{a: {b: 1}}", "{a: {b: 1}}", "{a: [1]}", "{a: [1]}"},
		{"a mapping becomes a list, empty before", "{}", "{a: {}}", "{a: [1]}", ""},
		{"a value becomes null", "{a: 1}", "{a: 1}", "{a: null}", "{a: null}"},
		{"an element that says nothing changes", "{l: [a, '']}", "{l: [a, '']}", "{l: [a, b]}", ""},
		{"nothing changes", "{a: 1, h: [], s: {}, own: x}", "{a: 1, h: [], s: {}}", "{a: 1, h: [], s: {}}", "{a: 1, h: [], s: {}, own: x}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			patch, ok := operations("7", parse(t, c.before), parse(t, c.after))
			if !ok || c.want == "" {
				if ok != (c.want != "") {
					t.Errorf("made %v, want %q", patch, c.want)
				}
				return
			}
			got, err := patched(t, patch, c.stored)
			if err != nil {
				t.Fatalf("%v: %v", patch, err)
			}
			want := parse(t, c.want)
			want["metadata"] = map[string]any{"resourceVersion": "7"}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%v\ngot  %v\nwant %v", patch, got, want)
			}
		})
	}
}

// TestProbableOperations: what is empty is replaced where the object shows it in the same way, and nothing is written
// where it does not.
func TestProbableOperations(t *testing.T) {
	for _, c := range []struct{ name, stored, before, after, want string }{
		{"an empty mapping, beside a list that changes", "{h: [{id: 1, own: a}], s: {}}", "{h: [{id: 1}], s: {}}", "{h: [{id: 1, x: 1}], s: {a: 1}}", "{h: [{id: 1, own: a, x: 1}], s: {a: 1}}"},
		{"an empty mapping that goes", "{s: {}, b: 1}", "{s: {}, b: 1}", "{b: 1}", "{b: 1}"},
		{"an empty list", "{h: []}", "{h: []}", "{h: [1, 2]}", "{h: [1, 2]}"},
		{"an empty value", "{a: ''}", "{a: ''}", "{a: x}", "{a: x}"},
		{"an empty mapping that is missing", "{}", "{s: {}}", "{s: {a: 1}}", ""},
		{"an empty mapping that holds what is not known", "{s: {own: x}}", "{s: {}}", "{s: {a: 1}}", ""},
		{"an empty mapping that holds what is not known, and goes", "{s: {own: x}}", "{s: {}}", "{}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			patch, ok := probableOperations("7", parse(t, c.before), parse(t, c.after))
			if !ok {
				t.Fatal("not made")
			}
			got, err := patched(t, patch, c.stored)
			if c.want == "" {
				if err == nil {
					t.Errorf("%v: got %v, want nothing written", patch, got)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v: %v", patch, err)
			}
			want := parse(t, c.want)
			want["metadata"] = map[string]any{"resourceVersion": "7"}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%v\ngot  %v\nwant %v", patch, got, want)
			}
		})
	}
}

// patched returns what a patch makes of a stored object.
func patched(t *testing.T, patch jsonpatch.Patch, stored string) (map[string]any, error) {
	t.Helper()
	data, err := patch.Data()
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := library.DecodePatch(data)
	if err != nil {
		t.Fatal(err)
	}
	object := parse(t, stored)
	object["metadata"] = map[string]any{"resourceVersion": "5"}
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = decoded.Apply(text); err != nil {
		return nil, err
	}
	return parse(t, string(text)), nil
}
