package renderers

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/render"
)

// What kustomize passes over without a word is named, with its place.
func TestLostInKustomizations(t *testing.T) {
	patch := func(target string) []string {
		return []string{"resources: [cm.yaml]", "namePrefix: pre-", "patches:", "- target: " + target, `  patch: '[{"op": "add", "path": "/data", "value": {"a": "b"}}]'`}
	}
	const nothing = "so that the patch changes nothing"
	for _, c := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"nothing", []string{"resources: [cm.yaml]"}, ""},
		{"a key twice", []string{"resources: [none.yaml]", "resources: [cm.yaml]"}, "app/kustomization.yaml:2: resources: duplicate key: the first is in line 1, and is lost"},
		{"a key twice below", []string{"resources: [cm.yaml]", "configMapGenerator:", "- name: c", "  literals: [a=b]", "- name: d", "  literals: [a=b]", "  literals: [c=d]"}, "app/kustomization.yaml:7: configMapGenerator[1].literals: duplicate key: the first is in line 6, and is lost"},
		{"a key three times", []string{"namePrefix: a-", "namePrefix: b-", "namePrefix: c-", "resources: [cm.yaml]"}, "kustomization.yaml:2: namePrefix: duplicate key: the first is in line 1, and is lost|kustomization.yaml:3: namePrefix: duplicate key: the first is in line 2, and is lost"},
		{"a target of another kind", patch("{kind: Deployment}"), "app/kustomization.yaml:4: patches[0].target: no object is a Deployment, " + nothing},
		{"a target of another name", patch("{kind: ConfigMap, name: b}"), `patches[0].target: no object is a ConfigMap called "b", ` + nothing},
		{"a target by its name alone", patch("{name: b}"), `patches[0].target: no object is called "b", ` + nothing},
		{"a target by the name that it had", patch("{kind: ConfigMap, name: a}"), ""},
		{"a target by the name that it gets", patch("{kind: ConfigMap, name: pre-a}"), ""},
		{"a target by a pattern", patch("{kind: Conf.*, name: 'a|b'}"), ""},
		{"a target by labels", patch("{labelSelector: app=web}"), ""},
		{"a target that is generated", []string{"configMapGenerator: [{name: c, literals: [a=b]}]", "patches:", "- target: {kind: ConfigMap, name: c}", `  patch: '[{"op": "add", "path": "/data/c", "value": "d"}]'`}, ""},
		{"a Secret that is generated", []string{"secretGenerator: [{name: c, literals: [a=b]}]", "patches:", "- target: {kind: Secret, name: c}", `  patch: '[{"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}}]'`}, ""},
		{"the second of old patches", []string{"resources: [cm.yaml]", "patchesJson6902:", `- {target: {version: v1, kind: ConfigMap, name: a}, patch: '[{"op": "add", "path": "/data", "value": {"a": "b"}}]'}`, `- {target: {version: v1, kind: ConfigMap, name: b}, patch: '[{"op": "add", "path": "/data", "value": {"a": "b"}}]'}`}, `app/kustomization.yaml:4: patchesJson6902[1].target: no object is a ConfigMap called "b"`},
	} {
		result, err := Render(kustomization(c.lines...), v1alpha1.ApplicationSource{Path: "app"}, render.Options{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for _, w := range result.Warnings {
			if w.Type == render.ManifestWarning {
				got = append(got, w.Message)
				if w.File != "app/kustomization.yaml" || w.Line == 0 || w.Rule == "" || w.Remedy() == "remove it" {
					t.Errorf("%s: %+v says too little", c.name, w)
				}
			}
		}
		want := strings.Split(c.want, "|")
		if c.want == "" {
			want = nil
		}
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || !strings.Contains(got[i], want[i]) {
				t.Errorf("%s: got %q, want %q", c.name, got, want)
				break
			}
		}
	}
	base := with(kustomization("resources: [../base]", `patches: [{target: {kind: ConfigMap, name: inner}, patch: '[{"op": "add", "path": "/data", "value": {"a": "b"}}]'}]`), map[string]*fstest.MapFile{
		"base/kustomization.yaml": {Data: []byte("resources: [list.yaml]\nnameSuffix: -x\nnameSuffix: -y\n")},
		"base/list.yaml":          {Data: []byte("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: inner}}\n")},
	})
	result, err := Render(base, v1alpha1.ApplicationSource{Path: "app"}, render.Options{})
	if err != nil || len(result.Warnings) != 1 || !strings.HasPrefix(result.Warnings[0].Message, "base/kustomization.yaml:3: nameSuffix: duplicate key") {
		t.Errorf("of a base: got %v, %+v, want its key alone", err, result)
	}
}

// What is no YAML is named with the slip that it probably is, and nothing behind a document is lost.
func TestSlips(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"braces of a template", "a: b\nc: {{ .Values.x }}-{{ .y }}\n", "line 2: braces of a template; render it first"},
		{"a template's line", "{{- if .x }}\na: b\n{{- end }}\n", "line 1: braces of a template"},
		{"braces in a comment", "# {{ .x }}\na: b\n c: d\n", "mapping values are not allowed in this context; correct it"},
		{"a tab", "a:\n  # c\n\tb: c\n", "line 3: indent it with blanks, and not with tabs"},
		{"dashes with a blank before them", "a:\n  b: c\n ---\nd: e\n", "line 3: write the dashes that divide documents at the beginning of the line"},
		{"a number that is none", "a:\n  b: [1, .nan]\n", "m.yaml:2: the number .nan has no form in JSON; write a number, or put it in quotes"},
		{"a number without an end", "a: b\n---\na:\n  b: -.inf\n", "m.yaml:4: the number -.inf has no form in JSON"},
		{"four dashes", "----\na: b\n", "line 1: three dashes divide documents"},
		{"no blank", "# c\napiVersion:v1\nkind: x\n", "line 2: write a blank behind the colon"},
		{"no blank before a quote", "- a:\"b\"\n  c: d\n", "line 1: write a blank behind the colon"},
		{"a URL is no slip", "https://a.example/b\nkind: x\n", "correct it"},
		{"a semicolon", "apiVersion; v1\nkind: x\n", "line 1: write a colon for the semicolon"},
		{"a mark before dashes", configMap + "\ufeff---\n" + configMap, "line 4: remove the byte order mark before ---"},
		{"a mark before a key", "---\n\ufeffkind: ConfigMap\napiVersion: v1\n", "without kind; remove the byte order mark before kind"},
		{"in the second document", "a: b\n---\na: b\n c: d\n", "m.yaml:4: invalid YAML"},
		{"two values of JSON", "{\"kind\": \"a\"}\n\n  {\"kind\": \"b\"}\n", "m.yaml:3: another document begins here, and no line with --- divides it from the one before; write --- between them"},
		{"a document behind an end", "kind: a\n...\nkind: b\n", "m.yaml:3: another document begins here"},
		{"a list and more", "[a]\nb: c\n", "another document begins here"},
		{"a text and more", "\"a\"\nb\n", "another document begins here"},
	} {
		_, err := Render(fstest.MapFS{"m.yaml": {Data: []byte(c.text)}}, v1alpha1.ApplicationSource{}, render.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	for name, text := range map[string]string{
		"an end":              configMap + "...\n",
		"an end and comments": configMap + "...\n# c\n\n",
		"braces":              "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n# c\n",
		"braces in a text":    configMap + "data: {a: '{{ x }}', b: \"c:d\"}\n",
		"three dots in it":    configMap + "data:\n  a: |\n    b\n    ...\n    c\n",
		"a mark":              "\ufeff--- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n",
	} {
		if result, err := Render(fstest.MapFS{"m.yaml": {Data: []byte(text)}}, v1alpha1.ApplicationSource{}, render.Options{}); err != nil || len(result.Objects) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for text, want := range map[string]string{
		"apiVersion: v1\nkind: ConfigMap\nmetaData: {name: a}\n": "ConfigMap without metadata.name; write metadata in place of metaData",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {nam: a}\n":  "ConfigMap without metadata.name; add it",
	} {
		if _, err := Render(fstest.MapFS{"m.yaml": {Data: []byte(text)}}, v1alpha1.ApplicationSource{}, render.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
