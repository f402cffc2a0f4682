package patch

import (
	"reflect"
	"testing"

	"sigs.k8s.io/yaml"
)

// Fields named x are those that the typed object does not have.
func TestMerge(t *testing.T) {
	for _, test := range []struct{ name, stored, before, after, want string }{
		{"nothing changed", `{a: 1, x: 1}`, `{a: 1}`, `{a: 1}`, `{a: 1, x: 1}`},
		{"a value changed", `{a: 1, x: 1}`, `{a: 1}`, `{a: 2}`, `{a: 2, x: 1}`},
		{"a field was added", `{x: 1}`, `{}`, `{a: 2}`, `{a: 2, x: 1}`},
		{"a field was removed", `{a: 1, x: 1}`, `{a: 1}`, `{}`, `{x: 1}`},
		{"a field deep down changed", `{m: {n: {a: 1, x: 1}, x: 1}}`, `{m: {n: {a: 1}}}`, `{m: {n: {a: 2}}}`, `{m: {n: {a: 2, x: 1}, x: 1}}`},
		{"a mapping that only stored had is filled", `{m: {x: 1}}`, `{}`, `{m: {a: 1}}`, `{m: {a: 1, x: 1}}`},
		{"a mapping was removed with all that is in it", `{m: {a: 1, x: 1}}`, `{m: {a: 1}}`, `{}`, `{}`},
		{"a mapping that the typed object shows empty and stored lacks is written whole", `{}`, `{m: {need: "", a: 1}}`, `{m: {need: "", a: 2}}`, `{m: {need: "", a: 2}}`},
		{"an unchanged zero value is not written", `{}`, `{m: {need: ""}}`, `{m: {need: ""}}`, `{}`},
		{"an element was appended", `{l: [{name: a, x: 1}]}`, `{l: [{name: a}]}`, `{l: [{name: a}, {name: b}]}`, `{l: [{name: a, x: 1}, {name: b}]}`},
		{"an element was removed", `{l: [{name: a, x: 1}, {name: b, x: 2}]}`, `{l: [{name: a}, {name: b}]}`, `{l: [{name: b}]}`, `{l: [{name: b, x: 2}]}`},
		{"an element changed and keeps its name", `{l: [{name: a, v: 1, x: 1}, {name: b, x: 2}]}`, `{l: [{name: a, v: 1}, {name: b}]}`, `{l: [{name: b}, {name: a, v: 2}]}`, `{l: [{name: b, x: 2}, {name: a, v: 2, x: 1}]}`},
		{"an element took the place of another", `{l: [{name: a, x: 1}]}`, `{l: [{name: a}]}`, `{l: [{name: b}]}`, `{l: [{name: b}]}`},
		{"an id tells elements apart whatever else is the same", `{l: [{id: 1, name: a, x: 1}]}`, `{l: [{id: 1, name: a}]}`, `{l: [{id: 2, name: a}]}`, `{l: [{id: 2, name: a}]}`},
		{"a condition changed its message", `{l: [{type: T, reason: R, x: 1}]}`, `{l: [{type: T, reason: R}]}`, `{l: [{type: T, reason: S}]}`, `{l: [{type: T, reason: S, x: 1}]}`},
		{"objects of two kinds have one name", `{l: [{kind: A, name: n, x: 1}, {kind: B, name: n, x: 2}]}`, `{l: [{kind: A, name: n}, {kind: B, name: n}]}`, `{l: [{kind: B, name: n, s: 1}]}`, `{l: [{kind: B, name: n, s: 1, x: 2}]}`},
		{"an element without a name changed in its place", `{l: [{repoURL: u, v: 1, x: 1}, {repoURL: w, x: 2}]}`, `{l: [{repoURL: u, v: 1}, {repoURL: w}]}`, `{l: [{repoURL: u, v: 2}, {repoURL: w}]}`, `{l: [{repoURL: u, v: 2, x: 1}, {repoURL: w, x: 2}]}`},
		{"a list of words changed", `{l: [a, b]}`, `{l: [a, b]}`, `{l: [b, c]}`, `{l: [b, c]}`},
		{"a list that somebody else changed as well is the last writer's", `{l: [{name: a}, {name: z}]}`, `{l: [{name: a}]}`, `{l: [{name: b}]}`, `{l: [{name: b}]}`},
		{"a list that somebody else changed alone is theirs", `{l: [{name: z}], a: 1}`, `{l: [{name: a}], a: 1}`, `{l: [{name: a}], a: 2}`, `{l: [{name: z}], a: 2}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			stored, untouched := parse(t, test.stored), parse(t, test.stored)
			got := Merge(stored, parse(t, test.before), parse(t, test.after))
			if want := parse(t, test.want); !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			if !reflect.DeepEqual(stored, untouched) {
				t.Errorf("stored was changed to %v", stored)
			}
		})
	}
}

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	object := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	return object
}
