package validate

import (
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/render"
)

const podYAML = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: a, image: a}]}"

// A value of a wrong type is found where it is, with what it is and what it must be.
func TestShapes(t *testing.T) {
	with := func(fields string) string {
		return strings.Replace(podYAML, "[{name: a, image: a}]", "[{name: a, image: a"+fields+"}]", 1) + "}"
	}
	spec := func(fields string) string { return strings.TrimSuffix(podYAML, "}") + fields + "}}" }
	kind := func(kind, fields string) string {
		return "{apiVersion: v1, kind: " + kind + ", metadata: {name: x}, " + fields + "}"
	}
	const c = "Pod p: spec.containers[0]"
	for _, test := range []struct{ rule, manifest, want string }{
		{"nothing wrong", podYAML + "}", ""},
		{"text where a mapping is due", with(", resources: much"), c + ".resources: must be a mapping, and is text; write its fields below it, indented"},
		{"a list where a mapping is due", with(", resources: [a]"), c + ".resources: must be a mapping, and is a list; write its fields below it, indented"},
		{"a truth where a mapping is due", with(", resources: true"), c + ".resources: must be a mapping, and is the value true; write its fields below it, indented"},
		{"a mapping where a list is due", with(", args: {a: b}"), c + ".args: must be a list, and is a mapping; start each element with a dash"},
		{"text where a list is due", with(", args: run"), c + ".args: must be a list, and is text; start each element with a dash"},
		{"a number where text is due", with(", workingDir: 1"), c + ".workingDir: must be text, and is the number 1; put it in quotes"},
		{"a fraction where text is due", with(", workingDir: 1.5"), c + ".workingDir: must be text, and is the number 1.5; put it in quotes"},
		{"a truth where text is due", with(", workingDir: true"), c + ".workingDir: must be text, and is the value true; put it in quotes"},
		{"text in quotes where a truth is due", with(", tty: 'true'"), c + ".tty: must be true or false, and is text; write true or false, without quotes"},
		{"a number where a truth is due", with(", tty: 1"), c + ".tty: must be true or false, and is the number 1; write true or false, without quotes"},
		{"digits in quotes where a number is due", spec(", priority: '10'"), `Pod p: spec.priority: must be a whole number, and is the text "10"; write the number without quotes`},
		{"words where a number is due", spec(", priority: high"), "Pod p: spec.priority: must be a whole number, and is text; write the number without quotes"},
		{"no digits where a number is due", spec(", priority: ''"), "Pod p: spec.priority: must be a whole number, and is text; write the number without quotes"},
		{"as many digits as are shown", spec(", priority: '" + strings.Repeat("1", 20) + "'"), `Pod p: spec.priority: must be a whole number, and is the text "` + strings.Repeat("1", 20) + `"; write the number without quotes`},
		{"more digits than are shown", spec(", priority: '" + strings.Repeat("1", 21) + "'"), "Pod p: spec.priority: must be a whole number, and is text; write the number without quotes"},
		{"a fraction where a whole number is due", spec(", priority: 1.5"), "Pod p: spec.priority: must be a whole number, and is the number 1.5; write a whole number"},
		{"a mapping where a number is due", spec(", priority: {a: 1}"), "Pod p: spec.priority: must be a whole number, and is a mapping; write the number without quotes"},
		{"the largest number of 32 bits", spec(", activeDeadlineSeconds: 2147483647, securityContext: {fsGroup: 1}"), ""},
		{"a number of 64 bits", spec(", activeDeadlineSeconds: 2147483648"), "Pod p: spec.activeDeadlineSeconds: invalid value 2147483648: must be between 1 and 2147483647, inclusive; correct the value"},
		{"a number over 32 bits", with(", ports: [{containerPort: 2147483648}]"), c + ".ports[0].containerPort: must be a number of 32 bits, and is the number 2147483648; write a smaller number"},
		{"a number under 32 bits", with(", ports: [{containerPort: -2147483649}]"), c + ".ports[0].containerPort: must be a number of 32 bits, and is the number -2147483649; write a smaller number"},
		{"the largest of 32 bits", with(", ports: [{containerPort: 2147483647}]"), c + ".ports[0].containerPort: invalid value 2147483647: must be between 1 and 65535, inclusive; correct the value"},
		{"the smallest of 32 bits", with(", ports: [{containerPort: -2147483648}]"), c + ".ports[0].containerPort: invalid value -2147483648: must be between 1 and 65535, inclusive; correct the value"},
		{"an unknown field", with(", imge: b"), c + `.imge: spec.containers[0] has no field "imge"; did you mean image?`},
		{"an unknown field, like no other", with(", zzzzzzzzzz: b"), c + `.zzzzzzzzzz: spec.containers[0] has no field "zzzzzzzzzz"; remove it`},
		{"an unknown field at the top", podYAML + ", specs: {}}", `Pod p: specs: Pod has no field "specs"; did you mean spec?`},
		{"a field that is null", with(", args: null, workingDir: null"), ""},
		{"a quantity in words", with(", resources: {limits: {cpu: lots}}"), c + ".resources.limits[cpu]: must be of type Quantity, and is text: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'; correct the value"},
		{"a quantity as a number", with(", resources: {limits: {cpu: 2}}"), ""},
		{"a port as a mapping", kind("Service", "spec: {ports: [{port: 80, targetPort: {a: b}}]}"), "Service x: spec.ports[0].targetPort: must be of type IntOrString, and is a mapping: json: cannot unmarshal object into Go value of type int32; correct the value"},
		{"text where key and value are due", kind("ConfigMap", "data: text"), "ConfigMap x: data: must be a mapping, and is text; write key: value pairs"},
		{"a number as a value", kind("ConfigMap", "data: {a: 1}"), "ConfigMap x: data[a]: must be text, and is the number 1; put it in quotes"},
		{"a value that is null", kind("ConfigMap", "data: {a: null}"), ""},
		{"a key with a dot", kind("ConfigMap", "data: {a.b: 1}"), "ConfigMap x: data[a.b]: must be text, and is the number 1; put it in quotes"},
		{"bytes in base64", kind("Secret", "data: {a: aGVsbG8=}"), ""},
		{"bytes that are not in base64", kind("Secret", "data: {a: 'hello!'}"), "Secret x: data[a]: invalid base64: illegal base64 data at input byte 5; encode it, or use stringData"},
		{"bytes as a number", kind("Secret", "data: {a: 1}"), "Secret x: data[a]: must be text in base64, and is the number ***; encode it, or use stringData"},
		{"bytes as a mapping", kind("Secret", "data: {a: {b: c}}"), "Secret x: data[a]: must be text in base64, and is a mapping; encode it, or use stringData"},
		{"bytes as a list of bytes", kind("Secret", "data: {a: [0, 255]}"), ""},
		{"more than a byte", kind("Secret", "data: {a: [256]}"), "Secret x: data[a][0]: must be a byte, and is the number ***; write the bytes as text in base64"},
		{"less than a byte", kind("Secret", "data: {a: [-1]}"), "Secret x: data[a][0]: must be a byte, and is the number ***; write the bytes as text in base64"},
		{"metadata that is text", "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, labels: text}}", "ConfigMap x: metadata.labels: must be a mapping, and is text; write key: value pairs"},
		{"elements after a wrong one", strings.Replace(podYAML, "[{name: a, image: a}]", "[text, {name: b, image: b, tty: 1}]", 1) + "}",
			"Pod p: spec.containers[0]: must be a mapping, and is text; write its fields below it, indented\nPod p: spec.containers[1].tty: must be true or false, and is the number 1; write true or false, without quotes"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			got := strings.TrimSuffix(lines(Check([]render.Rendered{object(t, test.manifest)}, nil)), "\n")
			if got != test.want {
				t.Errorf("found\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// Numbers with a fraction, which no built-in kind has, and values that no manifest can have.
func TestScalars(t *testing.T) {
	for _, c := range []struct {
		rule string
		kind reflect.Kind
		v    any
		want string
	}{
		{"a fraction", reflect.Float64, 1.5, ""},
		{"a whole number", reflect.Float32, int64(1), ""},
		{"text", reflect.Float64, "1.5", `ConfigMap a: x: must be a number, and is the text "1.5"; write the number without quotes`},
		{"a list", reflect.Float32, []any{}, "ConfigMap a: x: must be a number, and is a list; write the number without quotes"},
		{"something else", reflect.String, struct{}{}, "ConfigMap a: x: must be text, and is something else; put it in quotes"},
	} {
		s := &subject{rendered: object(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")}
		w := shapeWalk{subject: s}
		got := w.scalar(c.kind, c.v, "x")
		if text := strings.TrimSuffix(lines(s.findings), "\n"); text != c.want {
			t.Errorf("%s: found %q, want %q", c.rule, text, c.want)
		}
		if kept := got != nil; kept != (c.want == "") {
			t.Errorf("%s: kept: %v", c.rule, kept)
		}
	}
	w := shapeWalk{subject: &subject{}}
	if got := w.value(reflect.TypeFor[any](), "v", "x"); got != "v" {
		t.Errorf("a value of any type: %v, want it as it is", got)
	}
}

func TestFieldsOf(t *testing.T) {
	type inlined struct {
		A string `json:"a"`
	}
	type Embedded struct {
		B string `json:"b"`
	}
	type named struct {
		C string
	}
	type all struct {
		inlined `json:",inline"`
		*Embedded
		Named    named `json:"named"`
		Plain    string
		Dropped  string `json:"-"`
		Optional *int   `json:"optional,omitempty"`
		hidden   string
	}
	_ = all{}.hidden
	got := fieldsOf(reflect.TypeFor[all]())
	for name, want := range map[string]reflect.Kind{
		"a": reflect.String, "b": reflect.String, "named": reflect.Struct, "Plain": reflect.String, "optional": reflect.Pointer,
	} {
		if got[name] == nil || got[name].Kind() != want {
			t.Errorf("%s is %v, want a %s", name, got[name], want)
		}
	}
	if len(got) != 5 {
		t.Errorf("%d fields, want 5: %v", len(got), got)
	}
}

// A kind that its scheme does not have, which find leaves out, is a finding and not a panic.
func TestShapeOfUnknownKind(t *testing.T) {
	s := &subject{rendered: render.Rendered{Object: &unstructured.Unstructured{Object: map[string]any{"kind": "Nothing"}}}}
	content, wrong := s.checkShape(builtins()[crdKind.GroupKind()].scheme, gvk("example.com", "v1", "Nothing"))
	if content != nil || wrong != nil || len(s.findings) != 1 || s.findings[0].Field != "kind" {
		t.Errorf("content %v, wrong %v, found %s", content, wrong, lines(s.findings))
	}
}
