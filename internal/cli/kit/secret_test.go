package kit_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// TestMasked: nothing of a Secret's values is in what is shown of it, however it is written.
func TestMasked(t *testing.T) {
	for _, c := range []struct{ name, object, want string }{
		{"data", `{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: SECRET}}`, `{"apiVersion":"v1","data":{"a":"hidden"},"kind":"Secret","metadata":{"name":"s"}}`},
		{"stringData, which is no data that may be applied", `{apiVersion: v1, kind: Secret, stringData: {a: SECRET}}`, `{"apiVersion":"v1","data":{"a":"hidden"},"kind":"Secret"}`},
		{"both", `{apiVersion: v1, kind: Secret, data: {a: SECRET}, stringData: {b: SECRET}}`, `{"apiVersion":"v1","data":{"a":"hidden","b":"hidden"},"kind":"Secret"}`},
		{"a number", `{apiVersion: v1, kind: Secret, stringData: {a: 31337}}`, `{"apiVersion":"v1","data":{"a":"hidden"},"kind":"Secret"}`},
		{"a mapping", `{apiVersion: v1, kind: Secret, data: {a: {b: SECRET}}}`, `{"apiVersion":"v1","data":{"a":"hidden"},"kind":"Secret"}`},
		{"a list where a mapping belongs", `{apiVersion: v1, kind: Secret, data: [SECRET]}`, `{"apiVersion":"v1","data":{"data":"hidden"},"kind":"Secret"}`},
		{"a text where a mapping belongs", `{apiVersion: v1, kind: Secret, stringData: SECRET}`, `{"apiVersion":"v1","data":{"stringData":"hidden"},"kind":"Secret"}`},
		{"what was applied last", `{apiVersion: v1, kind: Secret, metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: SECRET}}}`, `{"apiVersion":"v1","kind":"Secret","metadata":{}}`},
		{"another kind", `{apiVersion: v1, kind: ConfigMap, data: {a: b}}`, `{"apiVersion":"v1","data":{"a":"b"},"kind":"ConfigMap"}`},
		{"a Secret of another group", `{apiVersion: x.example/v1, kind: Secret, data: {a: b}}`, `{"apiVersion":"x.example/v1","data":{"a":"b"},"kind":"Secret"}`},
	} {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(c.object), &o.Object); err != nil {
			t.Fatal(err)
		}
		before := o.DeepCopy()
		data, err := json.Marshal(kit.Masked(o).Object)
		got := regexp.MustCompile(`hidden, fingerprint [0-9a-f]{8}`).ReplaceAllString(string(data), "hidden")
		if err != nil || got != c.want {
			t.Errorf("%s: got %s, %v; want %s", c.name, got, err, c.want)
		}
		if before, _ := json.Marshal(before); string(before) != func() string { now, _ := json.Marshal(o); return string(now) }() {
			t.Errorf("%s: the object itself was changed", c.name)
		}
	}
}

// TestObjectsOfSecretsAreMasked: whatever prints an object prints no value of a Secret.
func TestObjectsOfSecretsAreMasked(t *testing.T) {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Data: map[string][]byte{"a": []byte("s3cret")}}
	for _, as := range []string{kit.JSON, kit.YAML} {
		var out bytes.Buffer
		s := kit.Streams{In: strings.NewReader(""), Out: &out, Err: &out}
		if err := s.Object(secret, as); err != nil || !strings.Contains(out.String(), "hidden, fingerprint") || strings.Contains(out.String(), "czNjcmV0") {
			t.Errorf("%s: %v\n%s", as, err, out.String())
		}
	}
}
