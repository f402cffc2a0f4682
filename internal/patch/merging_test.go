package patch

import (
	"encoding/json"
	"reflect"
	"testing"

	library "github.com/evanphx/json-patch/v5"
)

// TestMerging: the patch makes of what is stored the same as a merge with all of it at hand would, or is not made.
func TestMerging(t *testing.T) {
	for _, c := range []struct{ name, stored, before, after, want string }{
		{"a mapping that was empty may be missing", "{}", "{s: {a: ''}}", "{s: {a: x}}", "{s: {a: x}}"},
		{"a mapping that was empty keeps what is not known", "{s: {own: x}}", "{s: {}}", "{s: {a: 1}}", "{s: {a: 1, own: x}}"},
		{"deep inside a mapping that comes", "{own: x}", "{s: {}}", "{s: {a: {b: {c: 1}}}}", "{own: x, s: {a: {b: {c: 1}}}}"},
		{"a list that was empty may be missing", "{}", "{h: []}", "{h: [1, 2]}", "{h: [1, 2]}"},
		{"a list comes", "{}", "{}", "{h: [1]}", "{h: [1]}"},
		{"a list that holds something changes", "{h: [{id: 1, own: a}]}", "{h: [{id: 1}]}", "{h: [{id: 1}, {id: 2}]}", ""},
		{"a list that holds something is emptied", "{h: [{id: 1}]}", "{h: [{id: 1}]}", "{h: []}", ""},
		{"a list that holds something goes", "{h: [{id: 1}], o: 1}", "{h: [{id: 1}], o: 1}", "{o: 1}", "{o: 1}"},
		{"a list that stays beside a change", "{h: [{id: 1, own: a}]}", "{h: [{id: 1}], a: ''}", "{h: [{id: 1}], a: x}", "{h: [{id: 1, own: a}], a: x}"},
		{"an empty value that goes may be missing", "{b: 1}", "{a: '', b: 1}", "{b: 2}", "{b: 2}"},
		{"a value becomes null", "{a: 1}", "{a: 1}", "{a: null}", ""},
		{"a value inside a mapping becomes null", "{s: {a: 1}}", "{s: {a: 1}}", "{s: {a: null}}", ""},
		{"a mapping becomes a list", "{}", "{a: {}}", "{a: [1]}", "{a: [1]}"},
		{"the metadata changes, too", "{metadata: {own: x}}", "{metadata: {name: ''}}", "{metadata: {name: a}}", "{metadata: {name: a, own: x, resourceVersion: '7'}}"},
		{"nothing changes", "{a: 1, own: x}", "{a: 1}", "{a: 1}", "{a: 1, own: x}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			patch, ok := merging("7", parse(t, c.before), parse(t, c.after))
			if !ok || c.want == "" {
				if ok != (c.want != "") {
					t.Errorf("made %v, want %q", patch, c.want)
				}
				return
			}
			stored := parse(t, c.stored)
			text, err := json.Marshal(stored)
			if err != nil {
				t.Fatal(err)
			}
			data, err := json.Marshal(patch)
			if err != nil {
				t.Fatal(err)
			}
			if text, err = library.MergePatch(text, data); err != nil {
				t.Fatalf("%s: %v", data, err)
			}
			got, want := parse(t, string(text)), parse(t, c.want)
			if _, ok := want["metadata"]; !ok {
				want["metadata"] = map[string]any{"resourceVersion": "7"}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s\ngot  %v\nwant %v", data, got, want)
			}
		})
	}
}
