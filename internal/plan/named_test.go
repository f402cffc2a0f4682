package plan

import "testing"

func TestAreNamed(t *testing.T) {
	a, b := map[string]any{"name": "a"}, map[string]any{"name": "b"}
	for _, c := range []struct {
		rule string
		list []any
		want bool
	}{
		{"no elements", nil, true},
		{"each has its own", []any{a, b}, true},
		{"one twice", []any{a, b, a}, false},
		{"one without", []any{a, map[string]any{}}, false},
		{"an empty name", []any{map[string]any{"name": ""}}, false},
		{"a name that is no text", []any{map[string]any{"name": 1}}, false},
		{"no mappings", []any{"a"}, false},
	} {
		if got := AreNamed(c.list); got != c.want {
			t.Errorf("%s: got %v, want %v", c.rule, got, c.want)
		}
	}
}
