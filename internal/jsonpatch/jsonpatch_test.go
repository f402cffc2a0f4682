package jsonpatch_test

import (
	"encoding/json"
	"fmt"
	"testing"

	library "github.com/evanphx/json-patch/v5"

	"github.com/cyan-cd/cyan/internal/jsonpatch"
)

// keys are hard for a pointer.
var keys = []string{"plain", "a/b", "a~b", "~1", "~0", "~01", "/", "~", "a/~b/~", "example.com/rollout~hash", "ü", "-", "0", `"quoted"`, "a b"}

func TestPointer(t *testing.T) {
	for _, c := range []struct {
		keys []string
		want string
	}{
		{nil, ""},
		{[]string{"spec", "selector"}, "/spec/selector"},
		{[]string{"metadata", "annotations", "a.b/c"}, "/metadata/annotations/a.b~1c"},
		{[]string{"a~b"}, "/a~0b"},
		{[]string{"~1"}, "/~01"},
		{[]string{"a/~b"}, "/a~1~0b"},
		{[]string{"", "x"}, "//x"},
	} {
		if got := jsonpatch.Pointer(c.keys...); got != c.want {
			t.Errorf("%q: pointer %q, want %q", c.keys, got, c.want)
		}
	}
}

// What is written under a key is found under it, and nothing else is touched, by another implementation of the
// standard.
func TestEveryKeyIsReached(t *testing.T) {
	for _, key := range keys {
		object := func(value any) []byte {
			all := map[string]any{}
			for _, k := range keys {
				all[k] = "old"
			}
			if value == nil {
				delete(all, key)
			} else {
				all[key] = value
			}
			return encoded(t, map[string]any{"metadata": map[string]any{"resourceVersion": "7", "annotations": all}})
		}
		for name, c := range map[string]struct {
			patch        jsonpatch.Patch
			before, want []byte
		}{
			"add":     {jsonpatch.AsRead("7").Add("new", "metadata", "annotations", key), object(nil), object("new")},
			"replace": {jsonpatch.AsRead("7").Test("old", "metadata", "annotations", key).Replace("new", "metadata", "annotations", key), object("old"), object("new")},
			"remove":  {jsonpatch.AsRead("7").Remove("metadata", "annotations", key), object("old"), object(nil)},
		} {
			got, err := apply(t, c.patch, c.before)
			if err != nil || !library.Equal(got, c.want) {
				t.Errorf("%s %q: %s (%v), want %s", name, key, got, err, c.want)
			}
		}
	}
}

func TestWhatWasChangedSinceIsNotPatched(t *testing.T) {
	before := []byte(`{"metadata": {"resourceVersion": "8"}, "a": {"b": "c"}}`)
	for name, p := range map[string]jsonpatch.Patch{
		"another version": jsonpatch.AsRead("7").Add("x", "a", "b"),
		"another value":   jsonpatch.AsRead("8").Test("d", "a", "b").Add("x", "a", "b"),
		"a missing key":   jsonpatch.AsRead("8").Remove("a", "c"),
	} {
		if got, err := apply(t, p, before); err == nil {
			t.Errorf("%s: %s, want an error", name, got)
		}
	}
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		patch jsonpatch.Patch
		want  string
	}{
		{jsonpatch.Patch{}.Add(nil, "a"), `[{"op":"add","path":"/a","value":null}]`},
		{jsonpatch.Patch{}.Add("", "a"), `[{"op":"add","path":"/a","value":""}]`},
		{jsonpatch.Patch{}.Test("", "a"), `[{"op":"test","path":"/a","value":""}]`},
		{jsonpatch.Patch{}.Replace(false, "a"), `[{"op":"replace","path":"/a","value":false}]`},
		{jsonpatch.Patch{}.Remove("a"), `[{"op":"remove","path":"/a"}]`},
	} {
		if got, err := c.patch.Data(); err != nil || string(got) != c.want {
			t.Errorf("%s (%v), want %s", got, err, c.want)
		}
	}
	// A patch that two grow from is shared by neither.
	base := jsonpatch.AsRead("1")
	one, two := base.Remove("a"), base.Remove("b")
	if fmt.Sprint(one) == fmt.Sprint(two) || len(base) != 1 {
		t.Errorf("%v and %v grow from %v", one, two, base)
	}
}

func apply(t *testing.T, p jsonpatch.Patch, to []byte) ([]byte, error) {
	t.Helper()
	data, err := p.Data()
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := library.DecodePatch(data)
	if err != nil {
		t.Fatal(err)
	}
	return decoded.Apply(to)
}

func encoded(t *testing.T, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
