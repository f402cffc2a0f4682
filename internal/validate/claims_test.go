package validate

import (
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/render"
)

// What is wrong with volumes is found where the manifest has it, though the rules count claim templates among them, in
// an order of their own.
func TestVolumesBesideClaimTemplates(t *testing.T) {
	for _, test := range []struct{ rule, templates, volumes, want string }{
		{"nothing wrong", "[{metadata: {name: data}, SPEC}]", "[{name: conf, configMap: {name: c}}]", ""},
		{"a volume without templates", "[]", "[{name: a, emptyDir: {}}, {name: conf, configMap: {}}]", "StatefulSet s: spec.template.spec.volumes[1].configMap.name: the field is missing; add it"},
		{"a volume after templates", "[{metadata: {name: data}, SPEC}, {metadata: {name: logs}, SPEC}]", "[{name: a, emptyDir: {}}, {name: conf, configMap: {}}]",
			"StatefulSet s: spec.template.spec.volumes[1].configMap.name: the field is missing; add it"},
		{"a volume after one that a template replaces", "[{metadata: {name: data}, SPEC}]", "[{name: data, emptyDir: {}}, {name: conf, configMap: {}}]",
			"StatefulSet s: spec.template.spec.volumes[1].configMap.name: the field is missing; add it"},
		{"two volumes after two templates of one name", "[{metadata: {name: data}, SPEC}, {metadata: {name: data}, SPEC}]", "[{name: conf, configMap: {}}, {name: key, secret: {}}]",
			"StatefulSet s: spec.template.spec.volumes[0].configMap.name: the field is missing; add it\nStatefulSet s: spec.template.spec.volumes[1].secret.secretName: the field is missing; add it"},
		{"a template without a name", "[{metadata: {name: data}, SPEC}, {metadata: {labels: {a: b}}, SPEC}]", "[{name: conf, configMap: {name: c}}]",
			"StatefulSet s: spec.volumeClaimTemplates[1].metadata.name: the field is missing; add it"},
		{"a template whose name is none of a volume", "[{metadata: {name: data}, SPEC}, {metadata: {name: Logs}, SPEC}]", "[]",
			"StatefulSet s: spec.volumeClaimTemplates[1].metadata.name: invalid value \"Logs\""},
	} {
		t.Run(test.rule, func(t *testing.T) {
			manifest := strings.ReplaceAll("{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: s}, spec: {serviceName: s, selector: {matchLabels: {a: b}}, volumeClaimTemplates: "+test.templates+
				", template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}], volumes: "+test.volumes+"}}}}",
				"SPEC", "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}")
			for range 20 { // the order of the rules is another each time
				got := strings.TrimSuffix(lines(Check([]render.Rendered{object(t, manifest)}, nil)), "\n")
				if got != test.want && (test.want == "" || !strings.HasPrefix(got, test.want) || strings.Count(got, "\n") != strings.Count(test.want, "\n")) {
					t.Fatalf("found\n%s\nwant\n%s", got, test.want)
				}
			}
		})
	}
}

func TestElementsOfLists(t *testing.T) {
	for path, want := range map[string]struct {
		at    int
		below string
		ok    bool
	}{
		"a.b[0]": {0, "", true}, "a.b[12].c[3]": {12, ".c[3]", true}, "a.b": {}, "a.b[x]": {}, "a.bc[1]": {}, "z.a.b[1]": {},
	} {
		if at, below, ok := elementOf("a.b", path); ok != want.ok || ok && (at != want.at || below != want.below) {
			t.Errorf("%s: %d, %q, %t", path, at, below, ok)
		}
	}
}
