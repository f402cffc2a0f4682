package install

import (
	"slices"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

func TestLostFields(t *testing.T) {
	for _, test := range []struct {
		name, stored, wanted string
		want                 []string
	}{
		{"the same", `{properties: {a: {type: string}}}`, `{properties: {a: {type: string}}}`, nil},
		{"a field less", `{properties: {a: {type: string}, b: {type: string}}}`, `{properties: {a: {type: string}}}`, []string{"field b"}},
		{"a field more", `{properties: {a: {type: string}}}`, `{properties: {a: {type: string}, b: {type: string}}}`, nil},
		{"a field less where unlisted ones are kept", `{properties: {b: {type: string}}}`, `{x-kubernetes-preserve-unknown-fields: true, properties: {a: {type: string}}}`, nil},
		{"a field less below one that keeps unlisted ones", `{properties: {a: {properties: {b: {type: string}}}}}`,
			`{x-kubernetes-preserve-unknown-fields: true, properties: {a: {properties: {c: {type: string}}}}}`, []string{"field a.b"}},
		{"a field less in a list", `{properties: {l: {items: {properties: {b: {type: string}}}}}}`, `{properties: {l: {items: {properties: {a: {type: string}}}}}}`, []string{"field l[].b"}},
		{"a field less in a mapping", `{properties: {m: {additionalProperties: {properties: {b: {type: string}}}}}}`,
			`{properties: {m: {additionalProperties: {properties: {a: {type: string}}}}}}`, []string{"field m{}.b"}},
		{"unlisted fields", `{properties: {a: {x-kubernetes-preserve-unknown-fields: true}}}`, `{properties: {a: {properties: {b: {type: string}}}}}`, []string{"unlisted fields of a"}},
		{"unlisted fields that are kept as well", `{properties: {a: {x-kubernetes-preserve-unknown-fields: true}}}`,
			`{properties: {a: {x-kubernetes-preserve-unknown-fields: true, properties: {b: {type: string}}}}}`, nil},
		{"a list that is kept as it is", `{properties: {l: {items: {properties: {b: {type: string}}}}}}`, `{properties: {l: {x-kubernetes-preserve-unknown-fields: true}}}`, nil},
		{"fields of metadata, which the API server keeps", `{properties: {metadata: {properties: {name: {type: string}}}}}`, `{properties: {metadata: {type: object}}}`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stored, wanted apiextensionsv1.JSONSchemaProps
			for text, schema := range map[string]*apiextensionsv1.JSONSchemaProps{test.stored: &stored, test.wanted: &wanted} {
				if err := yaml.UnmarshalStrict([]byte(text), schema); err != nil {
					t.Fatal(err)
				}
			}
			if test.stored == test.wanted {
				wanted = *stored.DeepCopy()
			}
			if got := lostFields(&stored, &wanted, ""); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
