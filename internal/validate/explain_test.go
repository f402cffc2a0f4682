package validate

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/sops"
)

// Each type of error that an API server has, as a problem and a remedy.
func TestExplain(t *testing.T) {
	at := field.NewPath("spec", "x")
	type view = struct{ problem, remedy string }
	for _, c := range []struct {
		rule   string
		err    *field.Error
		shown  view
		secret view // in a Secret; the same when empty
	}{
		{"required", field.Required(at, ""), view{"the field is missing", "add it"}, view{}},
		{"required, with a reason", field.Required(at, "for pods"), view{"the field is missing: for pods", "add it"}, view{}},
		{"required, with a value", &field.Error{Type: field.ErrorTypeRequired, BadValue: "v"}, view{"the field is missing", "add it"}, view{}},
		{"not supported", field.NotSupported(at, "v", []string{"a", "b"}), view{`unsupported value "v"`, `use one of "a", "b"`}, view{"unsupported value", `use one of "a", "b"`}},
		{"duplicate", field.Duplicate(at, "v"), view{`duplicate value "v"`, "remove one of them"}, view{"duplicate value", "remove one of them"}},
		{"forbidden", &field.Error{Type: field.ErrorTypeForbidden, BadValue: "v", Detail: "not with y"}, view{"the field is forbidden: not with y", "remove it"}, view{}},
		{"too long", field.TooLong(at, "v", 3), view{"too long: may not be more than 3 bytes", "shorten it"}, view{}},
		{"too many", field.TooMany(at, 4, 3), view{"too long: must have at most 3 items", "shorten it"}, view{}},
		{"internal", &field.Error{Type: field.ErrorTypeInternal, BadValue: "v", Detail: "broken"}, view{"the rules for this kind cannot be applied: broken", "correct the object"}, view{}},
		{"invalid", field.Invalid(at, "v", "not like this"), view{`invalid value "v": not like this`, "correct the value"}, view{"not like this", "correct it"}},
		{"invalid number", field.Invalid(at, 7, "too high"), view{"invalid value 7: too high", "correct the value"}, view{"too high", "correct it"}},
		{"invalid pointer", field.Invalid(at, ptr.To(int32(7)), "too high"), view{"invalid value 7: too high", "correct the value"}, view{"too high", "correct it"}},
		{"invalid pointer to nothing", field.Invalid(at, (*int32)(nil), "too low"), view{"too low", "correct it"}, view{}},
		{"invalid truth", field.Invalid(at, true, "not now"), view{"invalid value true: not now", "correct the value"}, view{"not now", "correct it"}},
		{"invalid mapping", field.Invalid(at, map[string]any{"a": "b"}, "not like this"), view{"not like this", "correct it"}, view{}},
		{"invalid, without a reason", field.Invalid(at, map[string]any{}, ""), view{"invalid value", "correct the value"}, view{}},
		{"invalid, at the longest that is shown", field.Invalid(at, strings.Repeat("é", 120), ""), view{`invalid value "` + strings.Repeat("é", 120) + `"`, "correct the value"}, view{"invalid value", "correct the value"}},
		{"invalid, longer than what is shown", field.Invalid(at, strings.Repeat("é", 121), ""), view{`invalid value "` + strings.Repeat("é", 120) + `"…`, "correct the value"}, view{"invalid value", "correct the value"}},
		{"text for a whole number", field.TypeInvalid(at, "v", `spec.x in body must be of type integer: "string"`), view{"must be of type integer, and is of type string", "write it without quotes"}, view{}},
		{"text for a number", field.TypeInvalid(at, "v", `spec.x in body must be of type number: "string"`), view{"must be of type number, and is of type string", "write it without quotes"}, view{}},
		{"text for a truth", field.TypeInvalid(at, "v", `spec.x in body must be of type boolean: "string"`), view{"must be of type boolean, and is of type string", "write it without quotes"}, view{}},
		{"text for a list", field.TypeInvalid(at, "v", `spec.x in body must be of type array: "string"`), view{"must be of type array, and is of type string", "correct the value"}, view{}},
		{"a number for text", field.TypeInvalid(at, 1, `spec.x in body must be of type string: "integer"`), view{"must be of type string, and is of type integer", "put it in quotes"}, view{}},
		{"a number for a truth", field.TypeInvalid(at, 1, `spec.x in body must be of type boolean: "integer"`), view{"must be of type boolean, and is of type integer", "correct the value"}, view{}},
		{"text in another format than a schema asks for", field.TypeInvalid(at, "today", `spec.x in body must be of type date-time: "today"`), view{`must be of type date-time, and is "today"`, "correct the value"}, view{"must be of type date-time", "correct the value"}},
		{"a number as text of another format", field.TypeInvalid(at, "12 s", `spec.x in body must be of type duration: "12 s"`), view{`must be of type duration, and is "12 s"`, "correct the value"}, view{"must be of type duration", "correct the value"}},
		{"the field is not named again", field.Invalid(at, "V", `spec.x in body should match '^[a-z]+$'`), view{`invalid value "V": should match '^[a-z]+$'`, "correct the value"}, view{`should match '^[a-z]+$'`, "correct it"}},
		{"too few items, by their number", field.Invalid(at, 1, "spec.x in body should have at least 2 items"), view{"too short: should have at least 2 items", "add what is missing"}, view{}},
		{"too few fields, by their number", field.Invalid(at, 1, "spec.x in body should have at least 2 properties"), view{"too short: should have at least 2 properties", "add what is missing"}, view{}},
		{"a wrong type in other words", field.TypeInvalid(at, 1, "no good"), view{"wrong type: no good", "correct the value"}, view{}},
		{"a wrong type among other errors", field.Invalid(at, "v", `spec.x in body must be of type integer: "string"`), view{"must be of type integer, and is of type string", "write it without quotes"}, view{}},
	} {
		for secret, want := range map[bool]view{false: c.shown, true: c.secret} {
			if want == (view{}) {
				want = c.shown
			}
			if problem, remedy := explain(c.err, secret); problem != want.problem || remedy != want.remedy {
				t.Errorf("%s (secret: %v): %q; %q, want %q; %q", c.rule, secret, problem, remedy, want.problem, want.remedy)
			}
		}
	}
}

// What the rules refuse that is not about what people wrote is left out.
func TestAddAll(t *testing.T) {
	const manifest = "{apiVersion: v1, kind: Pod, metadata: {name: p}"
	for _, c := range []struct {
		rule, manifest string
		err            *field.Error
		want           string
	}{
		{"a field", manifest + "}", field.Required(field.NewPath("spec"), ""), "Pod p: spec: the field is missing; add it\n"},
		{"the whole object", manifest + "}", field.Forbidden(nil, "not here"), "Pod p: the field is forbidden: not here; remove it\n"},
		{"a status that the API server fills in", manifest + "}", field.Required(field.NewPath("status", "x"), ""), ""},
		{"a status that was written", manifest + ", status: {x: 1}}", field.Required(field.NewPath("status", "x"), ""), "Pod p: status.x: the field is missing; add it\n"},
		{"a field that is only called like it", manifest + "}", field.Required(field.NewPath("statusX"), ""), "Pod p: statusX: the field is missing; add it\n"},
		{"the end of a list that was cut", manifest + "}", field.Invalid(field.NewPath("spec"), nil, "some validation rules were not checked because"), ""},
		{"a value that others were not checked for", manifest + "}", field.Invalid(field.NewPath("spec"), "v", "some validation rules were not checked because"), "Pod p: spec: invalid value \"v\": some validation rules were not checked because; correct the value\n"},
		{"a field that only the message of a schema names", manifest + ", spec: {x: [1]}}", field.Invalid(nil, "", `"spec.x[0]" must validate one and only one schema (oneOf). Found none valid`), "Pod p: spec.x[0]: must validate one and only one schema (oneOf). Found none valid; correct it\n"},
		{"a field that a schema forbids", manifest + "}", field.Invalid(nil, "", `"spec" must not validate the schema (not)`), "Pod p: spec: must not validate the schema (not); correct it\n"},
		{"a message that only begins like it", manifest + "}", field.Invalid(nil, "", `"spec" is bad`), "Pod p: invalid value \"\": \"spec\" is bad; correct the value\n"},
		{"another invalid value", manifest + "}", field.Invalid(field.NewPath("spec"), nil, "bad"), "Pod p: spec: bad; correct it\n"},
	} {
		s := &subject{rendered: object(t, c.manifest)}
		s.addAll(field.ErrorList{c.err}, false)
		if got := lines(s.findings); got != c.want {
			t.Errorf("%s: found\n%swant\n%s", c.rule, got, c.want)
		}
	}
}

// Errors about values of a wrong type, which were taken away before, are not repeated.
func TestWithout(t *testing.T) {
	wrong := []string{"spec.a", "spec.list[0].b"}
	for _, c := range []struct {
		rule string
		err  *field.Error
		kept bool
	}{
		{"the field itself", field.Invalid(field.NewPath("spec", "a"), "v", ""), false},
		{"below it", field.Invalid(field.NewPath("spec", "a", "x"), "v", ""), false},
		{"in it", field.Invalid(field.NewPath("spec", "a").Index(0), "v", ""), false},
		{"a field that begins alike", field.Invalid(field.NewPath("spec", "ab"), "v", ""), true},
		{"above it, missing", field.Required(field.NewPath("spec"), ""), false},
		{"above it, invalid", field.Invalid(field.NewPath("spec"), "v", ""), true},
		{"beside it, missing", field.Required(field.NewPath("spec", "c"), ""), true},
		{"an element of a list above it, missing", field.Required(field.NewPath("spec", "list").Index(0), ""), false},
		{"another element, missing", field.Required(field.NewPath("spec", "list").Index(1), ""), true},
	} {
		if got := len(without(field.ErrorList{c.err}, wrong)) == 1; got != c.kept {
			t.Errorf("%s: kept: %v, want %v", c.rule, got, c.kept)
		}
	}
}

func TestAddDecoding(t *testing.T) {
	for _, c := range []struct {
		rule string
		err  error
		want string
	}{
		{"strict", fmt.Errorf("decoding Pod: %w", runtime.NewStrictDecodingError([]error{errors.New(`unknown field "spec.x"`), errors.New(`duplicate field ".spec.y"`)})),
			"Pod p: spec.x: unknown field \"spec.x\"; correct or remove the field\nPod p: spec.y: duplicate field \".spec.y\"; correct or remove the field\n"},
		{"strict, without a field", runtime.NewStrictDecodingError([]error{errors.New("odd")}), "Pod p: odd; correct or remove the field\n"},
		{"another", fmt.Errorf("decoding Pod: %w", fmt.Errorf("reading: %w", errors.New("no such type"))), "Pod p: no such type; correct the field\n"},
	} {
		s := &subject{rendered: object(t, "{apiVersion: v1, kind: Pod, metadata: {name: p}}")}
		s.addDecoding(c.err)
		if got := lines(s.findings); got != c.want {
			t.Errorf("%s: found\n%swant\n%s", c.rule, got, c.want)
		}
	}
}

// A panic of the rules is a finding, and the other objects are checked.
func TestRecover(t *testing.T) {
	s := &subject{rendered: object(t, "{apiVersion: v1, kind: Pod, metadata: {name: p}}")}
	func() {
		defer s.recover()
		panic("out of range")
	}()
	want := "Pod p: the rules for this kind break down on it: out of range; look for a field of an unexpected type\n"
	if got := lines(s.findings); got != want {
		t.Errorf("found %swant %s", got, want)
	}
	s = &subject{}
	func() { defer s.recover() }()
	if len(s.findings) != 0 {
		t.Errorf("without a panic, found %s", lines(s.findings))
	}
}

func TestObjectName(t *testing.T) {
	for manifest, want := range map[string]string{
		"{kind: Pod, metadata: {name: p}}":                  "Pod p",
		"{kind: Pod, metadata: {name: p, namespace: shop}}": "Pod shop/p",
		"{kind: Job, metadata: {generateName: nightly-}}":   "Job nightly-…",
	} {
		r := object(t, strings.Replace(manifest, "{", "{apiVersion: v1, ", 1))
		if got := ObjectName(r.Object); got != want {
			t.Errorf("%s: %q, want %q", manifest, got, want)
		}
	}
}

func TestPaths(t *testing.T) {
	for _, c := range []struct{ path, key, want string }{
		{"", "spec", "spec"}, {"spec", "a", "spec.a"}, {"spec", "a.b", "spec[a.b]"}, {"spec", "a/b", "spec[a/b]"}, {"", "a b", "[a b]"},
		{"spec", "a[0]", "spec[a[0]]"}, {"spec[0]", "a", "spec[0].a"},
	} {
		if got := joinPath(c.path, c.key); got != c.want {
			t.Errorf("joinPath(%q, %q) is %q, want %q", c.path, c.key, got, c.want)
		}
	}
	for path, want := range map[string][]string{
		"": nil, "a": {"a"}, "a.b": {"a", "b"}, "a[0].b": {"a", "[0]", "b"}, "a[c.d].e": {"a", "c.d", "e"}, "[0]": {"[0]"}, "a[": {"a", "["},
		"a[]": {"a", ""}, "a[b": {"a", "[b"}, ".a": {"a"}, "a[12][b]": {"a", "[12]", "b"},
	} {
		if got := splitPath(path); fmt.Sprint(got) != fmt.Sprint(want) || len(got) != len(want) {
			t.Errorf("splitPath(%q) is %q, want %q", path, got, want)
		}
	}
	for _, c := range []struct{ path, step, want string }{{"a", "[0]", "a[0]"}, {"a", "b", "a.b"}, {"", "b", "b"}, {"a", "b.c", "a[b.c]"}} {
		if got := joinStep(c.path, c.step); got != c.want {
			t.Errorf("joinStep(%q, %q) is %q, want %q", c.path, c.step, got, c.want)
		}
	}
	for _, c := range []struct {
		path, other string
		want        bool
	}{
		{"a", "a", true}, {"a.b", "a", true}, {"a[0]", "a", true}, {"ab", "a", false}, {"a", "a.b", false}, {"a", "", false}, {"", "", false}, {".a", "", false}, {"b.a", "a", false},
	} {
		if got := within(c.path, c.other); got != c.want {
			t.Errorf("within(%q, %q) is %v, want %v", c.path, c.other, got, c.want)
		}
	}
}

// located is a ConfigMap with the file that it stands in.
func located(t *testing.T, text string) render.Rendered {
	t.Helper()
	r := object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")
	docs, err := render.NewTree(fstest.MapFS{}, render.NewBudget(render.Limits{}, render.Control{}), sops.Keys{}).Documents("a.yaml", []byte(text))
	if err != nil || len(docs) != 1 {
		t.Fatalf("%d documents, %v", len(docs), err)
	}
	r.Source, r.Origin = docs[0].Node, render.Origin{File: "a.yaml", Line: 1}
	return r
}

// Keys that a file has twice are found wherever they stand, each once.
func TestRepeatedKeys(t *testing.T) {
	for _, c := range []struct{ rule, text, want string }{
		{"none", "kind: ConfigMap\nmetadata: {name: a}\n", ""},
		{"at the top", "kind: ConfigMap\nmetadata: {name: a}\nkind: ConfigMap\n", "a.yaml:3: ConfigMap a: kind: duplicate key: the first is in line 1; remove one of them\n"},
		{"below", "kind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: a\n  x: b\n", "a.yaml:5: ConfigMap a: data.x: duplicate key: the first is in line 4; remove one of them\n"},
		{"thrice", "kind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: a\n  x: b\n  x: c\n",
			"a.yaml:5: ConfigMap a: data.x: duplicate key: the first is in line 4; remove one of them\na.yaml:6: ConfigMap a: data.x: duplicate key: the first is in line 5; remove one of them\n"},
		{"in a list", "kind: ConfigMap\nmetadata: {name: a}\nitems:\n- y: 1\n- x: a\n  x: b\n", "a.yaml:6: ConfigMap a: items[1].x: duplicate key: the first is in line 5; remove one of them\n"},
		{"by an alias, once", "kind: ConfigMap\nmetadata: {name: a}\none: &o\n  x: a\n  x: b\ntwo: *o\nthree: *o\n", "a.yaml:5: ConfigMap a: one.x: duplicate key: the first is in line 4; remove one of them\n"},
		{"the same key in two places", "kind: ConfigMap\nmetadata: {name: a}\none: {x: a}\ntwo: {x: b}\n", ""},
		{"merged twice", "kind: ConfigMap\nmetadata: {name: a}\none: &o {x: a}\ntwo: &t {y: b}\ndata:\n  <<: *o\n  <<: *t\n", ""},
	} {
		r := located(t, c.text)
		s := &subject{rendered: r}
		s.checkRepeatedKeys(r.Source, "", map[*yaml.Node]bool{})
		if got := lines(s.findings); got != c.want {
			t.Errorf("%s: found\n%swant\n%s", c.rule, got, c.want)
		}
	}
}
