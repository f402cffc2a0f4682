package secret_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/secret"
)

func object(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	// As objects are read from the API server: whole numbers are whole.
	data, err := u.MarshalJSON()
	if err == nil {
		err = u.UnmarshalJSON(data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// What is known of the value in each row is looked for in what is left of the text.
func TestAValueNeverStaysInAText(t *testing.T) {
	const plain = "correct-horse, \"battery\"\tstäple"
	encoded := base64.StdEncoding.EncodeToString([]byte(plain))
	quoted, err := json.Marshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("0123456789abcdef", 400)
	for _, c := range []struct{ name, fields, text, want string }{
		{"plain", "stringData: {p: " + string(quoted) + "}", "got " + plain + ".", "got ***."},
		{"of data, decoded", "data: {p: " + encoded + "}", "got " + plain + ".", "got ***."},
		{"of data, as it is written", "data: {p: " + encoded + "}", "got " + encoded + ".", "got ***."},
		{"of stringData, encoded", "stringData: {p: " + string(quoted) + "}", "got " + encoded + ".", "got ***."},
		{"encoded without padding", "stringData: {p: " + string(quoted) + "}", "got " + strings.TrimRight(encoded, "=") + ".", "got ***."},
		{"as JSON", "stringData: {p: " + string(quoted) + "}", "got " + string(quoted) + ".", `got "***".`},
		{"quoted by Go", "stringData: {p: " + string(quoted) + "}", fmt.Sprintf("got %q.", plain), `got "***".`},
		{"in ASCII", "stringData: {p: " + string(quoted) + "}", fmt.Sprintf("got %+q.", plain), `got "***".`},
		{"as hexadecimal digits", "stringData: {p: sesame-open}", fmt.Sprintf("got %x.", "sesame-open"), "got ***."},
		{"as a Go value", "data: {p: " + encoded + "}", fmt.Sprintf("got %#v.", []byte(plain)), "got []byte{***}."},
		{"as a list of bytes", "data: {p: " + encoded + "}", fmt.Sprintf("got %v.", []byte(plain)), "got [***]."},
		{"several times", "stringData: {p: sesame}", "sesame, sesame", "***, ***"},
		{"a number", "stringData: {p: 31337424242}", "expected string, got &value.valueUnstructured{Value:31337424242}", "expected string, got &value.valueUnstructured{Value:***}"},
		{"a fraction", "stringData: {p: 31337.4242}", "got 31337.4242 and 31337.424200 and 3.133742e+04", "got *** and *** and ***"},
		{"a bool, as a word", "stringData: {p: true}", "got true, not untrue", "got ***, not un***"},
		{"a list", "stringData: {p: [sesame, {deep: opensesame}]}", "got sesame and opensesame", "got *** and ***"},
		{"in a misspelt field", "stringdata: {p: sesame}", `unknown field "sesame"`, `unknown field "***"`},
		{"in a field of its own", "password: sesame", `unknown field sesame`, `unknown field ***`},
		{"in a field that has another type", "immutable: sesame\ntype: [opensesame]", "got sesame, opensesame", "got ***, ***"},
		{"a line of several", `stringData: {p: "first line\nsecond line\n"}`, "cannot read: second line", "cannot read: ***"},
		{"cut at its end", "stringData: {p: correct-horse-battery-staple}", "got correct-horse-batt...", "got ***..."},
		{"cut at its beginning", "stringData: {p: correct-horse-battery-staple}", "got ...battery-staple.", "got ...***."},
		{"lines that are short", `stringData: {p: "ab1\n\ncd2\n"}`, "cannot read: cd2, xcd2", "cannot read: ***, xcd2"},
		{"as JSON, with an escape of its own", "stringData: {p: a<b}", `got "a\u003cb".`, `got "***".`},
		{"a short one, as a list of bytes", "stringData: {p: abc}", "got [97 98 99].", "got [97 98 99]."},
		{"a short one within a word", "stringData: {p: abc}", "abc is not xabcx", "*** is not xabcx"},
		{"cut at its end, which is the end", "stringData: {p: correct-horse-battery-staple}", "got correct-", "got ***"},
		{"in a list that ends in nothing", "stringData: {p: [sesame, null]}", "got sesame", "got ***"},
		{"a small fraction", "stringData: {p: 0.00002}", "got 0.00002.", "got ***."},
		{"in an annotation of eight letters", "metadata: {annotations: {a: sesameee, b: sesamee}}", "got sesameee, sesamee", "got ***, sesamee"},
		{"a short one, as a word", "stringData: {p: ab}", "ab is not absent: ab", "*** is not absent: ***"},
		{"an empty one", `stringData: {p: ""}`, "nothing is hidden", "nothing is hidden"},
		{"a blank one", `stringData: {p: " "}`, "nothing is hidden", "nothing is hidden"},
		{"none", "type: Opaque", "type Opaque", "type Opaque"},
		{"nothing at all", "data: null", "as it is", "as it is"},
		{"the name of a key", "stringData: {password: sesame}", "stringData.password: sesame", "stringData.password: ***"},
		{"in an annotation", "metadata: {annotations: {a: sesame-open, b: 'on'}}", "got sesame-open, on", "got ***, on"},
		{"one that exceeds the text", "stringData: {p: " + long + "}", "got " + long, "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := object(t, "apiVersion: v1\nkind: Secret\n"+c.fields)
			if got := secret.Redact(c.text, nil, s); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			other := object(t, "apiVersion: v1\nkind: ConfigMap\n"+c.fields)
			if got := secret.Redact(c.text, other); got != c.text {
				t.Errorf("of a ConfigMap: got %q, want %q", got, c.text)
			}
		})
	}
}

func TestALongTextIsCut(t *testing.T) {
	s := object(t, "{apiVersion: v1, kind: Secret, stringData: {p: sesame}}")
	got := secret.Redact(strings.Repeat("ö", 4000)+"sesame", s)
	if len(got) > 4200 || strings.Contains(got, "sesame") || !strings.HasSuffix(got, "ö…") {
		t.Errorf("got %d bytes that end in %q", len(got), got[len(got)-12:])
	}
}

func TestMask(t *testing.T) {
	length := func(value []byte) string { return fmt.Sprintf("%d bytes", len(value)) }
	for _, c := range []struct {
		name, given, want string
		masker            secret.Masker
	}{
		{"data and stringData look the same", "{kind: Secret, data: {a: c2VzYW1l}, stringData: {b: sesame}}", "{kind: Secret, data: {a: 'hidden, 6 bytes', b: 'hidden, 6 bytes'}}", secret.Masker{Fingerprint: length}},
		{"data that is not encoded", "{kind: Secret, data: {a: '!'}}", "{kind: Secret, data: {a: 'hidden, 1 bytes'}}", secret.Masker{Fingerprint: length}},
		{"stringData that looks encoded", "{kind: Secret, stringData: {a: c2VzYW1l}}", "{kind: Secret, data: {a: 'hidden, 8 bytes'}}", secret.Masker{Fingerprint: length}},
		{"without fingerprints", "{kind: Secret, data: {a: c2VzYW1l}}", "{kind: Secret, data: {a: '***'}}", secret.Masker{}},
		{"no values", "{kind: Secret, data: null, type: Opaque}", "{kind: Secret, data: null, type: Opaque}", secret.Masker{}},
		{"values that are no text", "{kind: Secret, stringData: {a: 31337, b: [1, {c: 2}]}}", "{kind: Secret, data: {a: '***', b: '***'}}", secret.Masker{}},
		{"values where a mapping belongs", "{kind: Secret, data: x, stringData: [y]}", "{kind: Secret, data: {data: '***', stringData: '***'}}", secret.Masker{}},
		{"fields that a Secret does not have", "{kind: Secret, Data: {a: x}, password: y, type: Opaque, immutable: true}", "{kind: Secret, data: {Data: '***', password: '***'}, type: Opaque, immutable: true}", secret.Masker{}},
		{"fields of another type", "{kind: Secret, type: [x], immutable: sesame}", "{kind: Secret, data: {type: '***', immutable: '***'}}", secret.Masker{}},
		{"the last applied configuration", "{kind: Secret, metadata: {name: s, annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}', a: b}}}", "{kind: Secret, metadata: {name: s, annotations: {a: b}}}", secret.Masker{}},
		{"the last applied configuration alone", "{kind: Secret, metadata: {name: s, annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}'}}}", "{kind: Secret, metadata: {name: s}}", secret.Masker{}},
		{"an annotation that repeats a value", "{kind: Secret, metadata: {annotations: {copy: 'p=sesame'}}, stringData: {p: sesame}}", "{kind: Secret, metadata: {annotations: {copy: 'p=***'}}, data: {p: '***'}}", secret.Masker{}},
		{"annotations by name", "{kind: Secret, metadata: {annotations: {a: x, b: x}}}", "{kind: Secret, metadata: {annotations: {a: '***', b: x}}}", secret.Masker{Annotations: []string{"a", "c"}}},
		{"annotations of which one is no text", "{kind: Secret, metadata: {annotations: {a: x, b: sesame, c: 7, d: [sesame], kubectl.kubernetes.io/last-applied-configuration: '{}'}}, stringData: {p: sesame}}",
			"{kind: Secret, metadata: {annotations: {a: '***', b: '***', c: '***', d: '***'}}, data: {p: '***'}}", secret.Masker{Annotations: []string{"a"}}},
		{"annotations that are no mapping", "{kind: Secret, metadata: {annotations: [sesame]}}", "{kind: Secret, metadata: {annotations: '***'}}", secret.Masker{}},
		{"metadata that are no mapping", "{kind: Secret, metadata: [sesame]}", "{kind: Secret, metadata: [sesame]}", secret.Masker{}},
		{"another kind", "{kind: ConfigMap, data: {a: b}}", "{kind: ConfigMap, data: {a: b}}", secret.Masker{Annotations: []string{"a"}}},
		{"a Secret of another group", "{apiVersion: x.example/v1, kind: Secret, data: {a: b}}", "{apiVersion: x.example/v1, kind: Secret, data: {a: b}}", secret.Masker{}},
		{"another spelling", "{apiVersion: core/v1, kind: secret, data: {a: b}}", "{apiVersion: core/v1, kind: secret, data: {a: '***'}}", secret.Masker{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			given, before := object(t, c.given), object(t, c.given)
			got, err := json.Marshal(c.masker.Mask(given).Object)
			if err != nil {
				t.Fatal(err)
			}
			want, err := json.Marshal(object(t, c.want).Object)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("got %s, want %s", got, want)
			}
			if after, _ := json.Marshal(given.Object); !strings.Contains(string(after), string(mustJSON(t, before))) {
				t.Errorf("the object was changed: %s", after)
			}
		})
	}
	if (secret.Masker{}).Mask(nil) != nil {
		t.Error("an object that is not there is shown")
	}
}

func mustJSON(t testing.TB, u *unstructured.Unstructured) []byte {
	t.Helper()
	text, err := json.Marshal(u.Object)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestHolds(t *testing.T) {
	for path, want := range map[string]bool{
		"data.password": true, "stringData": true, `data["a.b"]`: true, "password": true, "type": false, "immutable": false, "immutable[0]": false, "data[0]": true, "metadata.labels.a": false, "kind": false,
	} {
		if got := secret.Holds(path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("sesame-open", "got sesame-open")
	f.Add("\xff\x00", "got \xff")
	f.Fuzz(func(t *testing.T, value, text string) {
		if len(value) < 4 {
			return
		}
		s := &unstructured.Unstructured{Object: map[string]any{"kind": "Secret", "stringData": map[string]any{"p": value}}}
		if got := secret.Redact(text+value, s); strings.TrimSpace(value) != "" && strings.Contains(got, value) && !strings.Contains(secret.Hidden, value) {
			t.Errorf("%q is still in %q", value, got)
		}
	})
}

// A value may be any bytes, as those of keys are.
func TestAValueThatIsNoText(t *testing.T) {
	of := &unstructured.Unstructured{Object: map[string]any{"kind": "Secret", "apiVersion": "v1", "data": map[string]any{"key": "texs"}}}
	for text, hidden := range map[string]bool{"key \xb5\xec\x6c is": true, "\xb5\xec\x6c": true, "a\xb5\xec\x6c": false, "\xb5\xec\x6cb": false, "texs are": true} {
		got := secret.Redact(text, of)
		if kept := got == strings.ToValidUTF8(text, ""); kept == hidden {
			t.Errorf("%q became %q", text, got)
		}
	}
}
