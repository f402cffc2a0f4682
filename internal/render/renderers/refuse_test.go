package renderers

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

// guard makes every attempt to fetch or execute something visible, and returns a check that there was none.
func guard(t testing.TB) func(testing.TB) {
	t.Helper()
	bin := t.TempDir()
	mark := filepath.Join(bin, "executed")
	for _, program := range []string{"git", "helm", "helmV3", "sh", "docker", "kustomize"} {
		script := fmt.Sprintf("#!/bin/sh\necho %s > %s\nexit 1\n", program, mark)
		if err := os.WriteFile(filepath.Join(bin, program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	transport := &recordingTransport{}
	before := http.DefaultTransport
	http.DefaultTransport = transport
	t.Cleanup(func() { http.DefaultTransport = before })
	return func(t testing.TB) {
		t.Helper()
		if data, err := os.ReadFile(mark); err == nil {
			t.Fatalf("%s was executed", strings.TrimSpace(string(data)))
		}
		if len(transport.urls) > 0 {
			t.Fatalf("%v was fetched", transport.urls)
		}
	}
}

type recordingTransport struct{ urls []string }

func (r *recordingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	r.urls = append(r.urls, req.URL.String())
	return nil, errors.New("this test has no network")
}

func kustomization(lines ...string) fstest.MapFS {
	return fstest.MapFS{
		"app/kustomization.yaml": {Data: []byte(strings.Join(lines, "\n") + "\n")},
		"app/cm.yaml":            {Data: []byte(configMap)},
		"outside.yaml":           {Data: []byte(configMap)},
	}
}

func link(target string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
}

func with(tree fstest.MapFS, files map[string]*fstest.MapFile) fstest.MapFS {
	for name, f := range files {
		tree[name] = f
	}
	return tree
}

func TestRefused(t *testing.T) {
	noMore := guard(t)
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'i'; c++ {
		p := string(c - 1)
		bomb += fmt.Sprintf("%c: &%c [*%s,*%s,*%s,*%s,*%s,*%s,*%s,*%s,*%s,*%s]\n", c, c, p, p, p, p, p, p, p, p, p, p)
	}
	tests := []struct {
		name string
		tree fstest.MapFS
		src  v1alpha1.ApplicationSource
		want string // in the error
	}{
		// What is elsewhere.
		{name: "https file", tree: kustomization("resources: ['https://example.com/a.yaml']"), want: `app/kustomization.yaml: resources[0] "https://example.com/a.yaml" is fetched from elsewhere`},
		{name: "github base", tree: kustomization("resources: ['github.com/org/repo//base?ref=v1']"), want: "is fetched from elsewhere"},
		{name: "github base that is also a directory", tree: with(kustomization("resources: ['github.com/org/repo']"), map[string]*fstest.MapFile{
			"app/github.com/org/repo/kustomization.yaml": {Data: []byte("resources: [x.yaml]\n")}, "app/github.com/org/repo/x.yaml": {Data: []byte(configMap)}}), want: "is fetched from elsewhere"},
		{name: "git over ssh", tree: kustomization("resources: ['git@github.com:org/repo.git']"), want: "is fetched from elsewhere"},
		{name: "scheme in capitals", tree: kustomization("resources: ['HTTPS://example.com/org/repo']"), want: "is fetched from elsewhere"},
		{name: "ssh scheme", tree: kustomization("resources: ['ssh://git@example.com/org/repo.git']"), want: "is fetched from elsewhere"},
		{name: "file scheme", tree: kustomization("resources: ['file:///etc']"), want: "is fetched from elsewhere"},
		{name: "forced git", tree: kustomization("resources: ['git::https://example.com/org/repo']"), want: "is fetched from elsewhere"},
		{name: "user and host as a directory", tree: kustomization("resources: ['me@host/a/b']"), want: "is fetched from elsewhere"},
		{name: "old bases", tree: kustomization("bases: ['https://example.com/org/repo']"), want: "is fetched from elsewhere"},
		{name: "component", tree: kustomization("components: ['https://example.com/org/repo']"), want: "components[0]"},
		{name: "patch", tree: kustomization("resources: [cm.yaml]", "patches: [{path: 'https://example.com/p.yaml'}]"), want: "patches[0]"},
		{name: "strategic patch", tree: kustomization("resources: [cm.yaml]", "patchesStrategicMerge: ['https://example.com/p.yaml']"), want: "patchesStrategicMerge[0]"},
		{name: "json patch", tree: kustomization("resources: [cm.yaml]", "patchesJson6902: [{path: 'http://example.com/p.yaml', target: {version: v1, kind: ConfigMap, name: a}}]"), want: "patchesJson6902[0]"},
		{name: "crds", tree: kustomization("resources: [cm.yaml]", "crds: ['http://example.com/c.json']"), want: "crds"},
		{name: "configurations", tree: kustomization("resources: [cm.yaml]", "configurations: ['http://example.com/c.yaml']"), want: "configurations"},
		{name: "openapi", tree: kustomization("resources: [cm.yaml]", "openapi: {path: 'http://example.com/c.json'}"), want: "openapi.path"},
		{name: "replacements", tree: kustomization("resources: [cm.yaml]", "replacements: [{path: 'http://example.com/r.yaml'}]"), want: "replacements[0].path"},
		{name: "config map file", tree: kustomization("configMapGenerator: [{name: c, files: ['k=http://example.com/f']}]"), want: "configMapGenerator[0].files"},
		{name: "config map envs", tree: kustomization("configMapGenerator: [{name: c, envs: ['http://example.com/f']}]"), want: "configMapGenerator[0].envs"},
		{name: "secret env", tree: kustomization("secretGenerator: [{name: c, env: 'http://example.com/f'}]"), want: "secretGenerator[0].envs"},
		{name: "in a base", tree: with(kustomization("resources: [../base]"), map[string]*fstest.MapFile{"base/kustomization.yaml": {Data: []byte("resources: ['https://example.com/a.yaml']\n")}}),
			want: `base/kustomization.yaml: resources[0]`},
		{name: "component of the Application", tree: kustomization("resources: [cm.yaml]"), src: v1alpha1.ApplicationSource{Kustomize: &v1alpha1.KustomizeSource{Components: []string{"https://example.com/c"}, IgnoreMissingComponents: true}}, want: "components[0]"},
		{name: "patch of the Application", tree: kustomization("resources: [cm.yaml]"), src: v1alpha1.ApplicationSource{Kustomize: &v1alpha1.KustomizeSource{Patches: []v1alpha1.KustomizePatch{{Path: "http://example.com/p"}}}}, want: "patches[0]"},
		{name: "inline transformer", tree: kustomization("resources: [cm.yaml]", "transformers:", "- |", "  apiVersion: builtin", "  kind: PatchTransformer", "  metadata: {name: p}", "  path: http://example.com/p.yaml"), want: "transformers[0] PatchTransformer"},
		{name: "inline transformer, other letters", tree: kustomization("resources: [cm.yaml]", "transformers:", "- |", "  apiVersion: builtin", "  kind: PatchTransformer", "  metadata: {name: p}", "  PATH: http://example.com/p.yaml"), want: "transformers[0] PatchTransformer"},
		{name: "transformer from a patched directory", tree: with(kustomization("resources: [cm.yaml]", "transformers: [../t]"), map[string]*fstest.MapFile{
			"t/kustomization.yaml": {Data: []byte("resources: [p.yaml]\npatches: [{target: {kind: PatchTransformer}, patch: '[{\"op\": \"replace\", \"path\": \"/path\", \"value\": \"http://example.com/x\"}]'}]\n")},
			"t/p.yaml":             {Data: []byte("apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\npath: nothing.yaml\n")}}), want: "transformers[0] PatchTransformer"},
		{name: "URL in front of an inline transformer", tree: kustomization("resources: [cm.yaml]", "transformers: ['https://github.com/a/b: c']"), want: "is fetched from elsewhere"},
		{name: "URL with a new line", tree: kustomization("resources: [cm.yaml]", `transformers: ["https://github.com/a/b\nc: d"]`), want: "is fetched from elsewhere"},

		// What is outside.
		{name: "absolute", tree: kustomization("resources: [/etc/passwd]"), want: `"/etc/passwd" is absolute`},
		{name: "absolute file of a config map", tree: kustomization("configMapGenerator: [{name: c, files: [/etc/passwd]}]"), want: `"/etc/passwd" is absolute`},
		{name: "above the root", tree: kustomization("resources: [../../etc]"), want: `"../../etc" leaves the repository`},
		{name: "above the root and back", tree: kustomization("resources: [../../repository/base]"), want: "leaves the repository"},
		{name: "file of another directory", tree: kustomization("resources: [../outside.yaml]"), want: "kustomize reads single files only there"},
		{name: "config map of another directory", tree: kustomization("configMapGenerator: [{name: c, files: [../outside.yaml]}]"), want: "kustomize reads single files only there"},
		{name: "link to an absolute path", tree: with(kustomization("resources: [l.yaml]"), map[string]*fstest.MapFile{"app/l.yaml": link("/etc/passwd")}), want: `app/l.yaml: symbolic link to the absolute path "/etc/passwd"`},
		{name: "link out of the repository", tree: with(kustomization("resources: [l.yaml]"), map[string]*fstest.MapFile{"app/l.yaml": link("../../secret")}), want: "app/l.yaml: symbolic link that leaves the repository"},
		{name: "link out of the repository by another link", tree: with(kustomization("resources: [d/x.yaml]"), map[string]*fstest.MapFile{"app/d": link("../e/.."), "e/f": {Data: []byte("x")}, "x.yaml": link("./../s")}), want: "leaves the repository"},
		{name: "link in a loop", tree: with(kustomization("resources: [l.yaml]"), map[string]*fstest.MapFile{"app/l.yaml": link("m.yaml"), "app/m.yaml": link("l.yaml")}), want: "symbolic link in a loop"},
		{name: "kustomization is a link outside", tree: fstest.MapFS{"app/kustomization.yaml": link("/etc/passwd")}, want: "absolute path"},
		{name: "path of the source outside", tree: kustomization("resources: [cm.yaml]"), src: v1alpha1.ApplicationSource{Path: "../app"}, want: `source.path "../app" leaves the repository`},
		{name: "path of the source absolute", tree: kustomization("resources: [cm.yaml]"), src: v1alpha1.ApplicationSource{Path: "/app"}, want: "is absolute"},
		{name: "plain link outside", tree: fstest.MapFS{"app/a.yaml": link("/etc/passwd")}, want: "absolute path"},
		{name: "plain link in a circle", tree: fstest.MapFS{"app/a.yaml": {Data: []byte(configMap)}, "app/sub/up": link("..")}, src: v1alpha1.ApplicationSource{Directory: &v1alpha1.DirectorySource{Recurse: true}}, want: "app/sub/up: symbolic link to a directory that it is in"},

		// What would be executed, and what is not served.
		{name: "exec function", tree: kustomization("resources: [cm.yaml]", "transformers:", "- |", "  apiVersion: example.com/v1", "  kind: Thing", "  metadata:", "    name: t", "    annotations: {config.kubernetes.io/function: 'exec: {path: ./run.sh}'}"), want: "asks for the plugin example.com/v1 Thing, and nothing from a repository is executed"},
		{name: "generator plugin in a file", tree: with(kustomization("generators: [g.yaml]"), map[string]*fstest.MapFile{"app/g.yaml": {Data: []byte("apiVersion: example.com/v1\nkind: Gen\nmetadata: {name: g}\n")}}), want: "asks for the plugin"},
		{name: "validator", tree: with(kustomization("resources: [cm.yaml]", "validators: [g.yaml]"), map[string]*fstest.MapFile{"app/g.yaml": {Data: []byte("apiVersion: example.com/v1\nkind: Gen\nmetadata: {name: g}\n")}}), want: "validators[0] asks for the plugin"},
		{name: "helm charts", tree: kustomization("helmCharts: [{name: redis, repo: 'https://charts.example.com'}]"), want: "helmCharts asks for Helm"},
		{name: "helm inflator", tree: kustomization("helmChartInflationGenerator: [{chartName: redis}]"), want: "helmCharts asks for Helm"},
		{name: "helm generator", tree: kustomization("generators:", "- |", "  apiVersion: builtin", "  kind: HelmChartInflationGenerator", "  metadata: {name: h}", "  name: redis"), want: "asks for Helm"},
		{name: "chart", tree: fstest.MapFS{"app/Chart.yaml": {Data: []byte("name: x\n")}}, want: "app/Chart.yaml: Helm charts are not served"},
		{name: "chart source", tree: kustomization("resources: [cm.yaml]"), src: v1alpha1.ApplicationSource{Chart: "redis"}, want: `source.chart "redis"`},
		{name: "helm source", tree: kustomization("resources: [cm.yaml]"), src: v1alpha1.ApplicationSource{Helm: &runtime.RawExtension{Raw: []byte("{}")}}, want: "source.helm"},
		{name: "plugin source", tree: kustomization("resources: [cm.yaml]"), src: v1alpha1.ApplicationSource{Plugin: &runtime.RawExtension{Raw: []byte("{}")}}, want: "source.plugin"},
		{name: "jsonnet", tree: fstest.MapFS{"app/a.jsonnet": {Data: []byte("{}")}}, want: "app/a.jsonnet: Jsonnet is not served"},
		{name: "other kustomize", tree: kustomization("resources: [cm.yaml]"), src: v1alpha1.ApplicationSource{Kustomize: &v1alpha1.KustomizeSource{Version: "v3"}}, want: "source.kustomize.version"},

		// What costs too much, or does not end.
		{name: "alias bomb", tree: with(kustomization("resources: [bomb.yaml]"), map[string]*fstest.MapFile{"app/bomb.yaml": {Data: []byte(configMap + bomb)}}), want: "YAML values to read, with aliases expanded, are more than the limit of 1000000"},
		{name: "alias bomb in a plain file", tree: fstest.MapFS{"app/bomb.yaml": {Data: []byte(configMap + bomb)}}, want: "YAML values to read, with aliases expanded, are more than the limit of 1000000"},
		{name: "alias bomb as kustomization", tree: kustomization("resources: [cm.yaml]", bomb), want: "YAML values to read, with aliases expanded, are more than the limit of 1000000"},
		{name: "alias bomb in a patch", tree: kustomization("resources: [cm.yaml]", "patches:", "- patch: |", "    "+strings.ReplaceAll(configMap+bomb, "\n", "\n    ")), want: "YAML values to read, with aliases expanded, are more than the limit of 1000000"},
		{name: "alias bomb as a patch file", tree: with(kustomization("resources: [cm.yaml]", "patches: [{path: p}]"), map[string]*fstest.MapFile{"app/p": {Data: []byte(configMap + bomb)}}), want: "YAML values to read, with aliases expanded, are more than the limit of 1000000"},
		{name: "anchor in itself", tree: with(kustomization("resources: [loop.yaml]"), map[string]*fstest.MapFile{"app/loop.yaml": {Data: []byte(configMap + "data: &d {a: *d}\n")}}), want: "YAML anchor &d contains itself"},
		{name: "circle of bases", tree: with(kustomization("resources: [../b]"), map[string]*fstest.MapFile{"b/kustomization.yaml": {Data: []byte("resources: [../app]\n")}}), want: "b/kustomization.yaml: resources[0] \"../app\" goes round in a circle"},
		{name: "base of itself", tree: kustomization("resources: [.]"), want: "goes round in a circle"},
		{name: "root as base", tree: with(kustomization("resources: [..]"), map[string]*fstest.MapFile{"kustomization.yaml": {Data: []byte("resources: [outside.yaml]\n")}}), want: "goes round in a circle"},
		{name: "fan out", tree: fanOut(30), src: v1alpha1.ApplicationSource{Path: "d0"}, want: "2045 kustomizations, those reached by several ways counted each time, are more than the limit of 2000"},
		{name: "big file", tree: with(kustomization("configMapGenerator: [{name: c, files: [big]}]"), map[string]*fstest.MapFile{"app/big": {Data: make([]byte, 9<<20)}}), want: "app/big: 9437184 bytes are more than the limit of 8388608"},
		{name: "deep nesting", tree: with(kustomization("resources: [deep.yaml]"), map[string]*fstest.MapFile{"app/deep.yaml": {Data: []byte(configMap + "data: " + strings.Repeat("[", 100000))}}), want: "app/deep.yaml"},
		{name: "circle in crds", tree: with(kustomization("crds: [c.json]", "resources: [cm.yaml]"), map[string]*fstest.MapFile{"app/c.json": file(`{"v1.Thing": {"Schema": {"properties": {"spec": {"$ref": "v1.Thing"}, "kind": {}, "apiVersion": {}, "metadata": {}}}}}`)}),
			want: "app/c.json: the references of the type v1.Thing go round in a circle"},
		{name: "circle in a schema", tree: with(kustomization("openapi: {path: s.json}", "resources: [cm.yaml]"), map[string]*fstest.MapFile{"app/s.json": file(`{"definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"$ref": "#/definitions/a"}, "T": {"properties": {"x": {"items": {"$ref": "#/definitions/a"}}}}}}`)}),
			want: `app/s.json:1: the reference "#/definitions/b" goes round in a circle`},
		{name: "copies of copies", tree: kustomization("resources: [cm.yaml]", "patches: [{target: {kind: ConfigMap}, patch: '[{\"op\":\"add\",\"path\":\"/data\",\"value\":{\"a\":\"b\"}}"+strings.Repeat(`,{"op":"copy","from":"/data","path":"/data/x"},{"op":"copy","from":"/data","path":"/data/y"}`, 30)+"]'}]"), want: "app: kustomize refuses it"},

		// What is wrong.
		{name: "path missing", tree: kustomization("resources: [cm.yaml]"), src: v1alpha1.ApplicationSource{Path: "ap"}, want: `source.path ap: app path does not exist in this revision; did you mean app?`},
		{name: "path is a file", tree: kustomization("resources: [cm.yaml]"), src: v1alpha1.ApplicationSource{Path: "app/cm.yaml"}, want: "is a file; give its directory, app"},
		{name: "resource missing", tree: kustomization("resources: [cn.yaml]"), want: `app/kustomization.yaml: resources[0] app/cn.yaml: no such file or directory in this revision`},
		{name: "no kustomization in base", tree: with(kustomization("resources: [../b]"), map[string]*fstest.MapFile{"b/x.yaml": {Data: []byte(configMap)}}), want: "b: no kustomization.yaml"},
		{name: "two kustomizations", tree: with(kustomization("resources: [cm.yaml]"), map[string]*fstest.MapFile{"app/kustomization.yml": {Data: []byte("resources: [cm.yaml]\n")}}), want: "app: 2 kustomizations in one directory"},
		{name: "unknown field", tree: kustomization("resources: [cm.yaml]", "namePrefx: a-"), want: `app/kustomization.yaml:2: invalid kustomization: unknown field "namePrefx"; did you mean namePrefix?`},
		{name: "unknown field of an entry", tree: kustomization("resources: [cm.yaml]", "images:", "- name: a", "  newTagg: b"), want: `app/kustomization.yaml:4: invalid kustomization: unknown field "images[0].newTagg"; did you mean newTag?`},
		{name: "unknown field like no other", tree: kustomization("resources: [cm.yaml]", "helmfiles: []"), want: `app/kustomization.yaml:2: invalid kustomization: unknown field "helmfiles"; correct the field`},
		{name: "an annotation that is an old truth value", tree: kustomization("resources: [cm.yaml]", "commonAnnotations: {n: x}"), want: `app/kustomization.yaml:2: invalid kustomization: the key n of commonAnnotations is a truth value, and a text is expected; write it in quotes`},
		{name: "a label that is a number", tree: kustomization("resources: [cm.yaml]", "labels:", "- pairs: {a: b}", "- pairs:", "    1: b"), want: `app/kustomization.yaml:5: invalid kustomization: the key 1 of labels[1].pairs is a number, and a text is expected; write it in quotes`},
		{name: "an annotation that is nothing", tree: kustomization("resources: [cm.yaml]", "commonAnnotations: {~: x}"), want: `the key ~ of commonAnnotations is a null, and a text is expected`},
		{name: "a number as an annotation", tree: kustomization("resources: [cm.yaml]", "commonAnnotations:", "  a: b", "  c: 1"), want: `app/kustomization.yaml:4: invalid kustomization: commonAnnotations.c is a number, and a text is expected; write it in quotes`},
		{name: "an old truth value as an annotation", tree: kustomization("resources: [cm.yaml]", "commonAnnotations: {a: yes}"), want: `commonAnnotations.a is a truth value, and a text is expected; write it in quotes`},
		{name: "a truth value as a label", tree: kustomization("resources: [cm.yaml]", "labels: [{pairs: {a: true}}]"), want: `app/kustomization.yaml:2: invalid kustomization: labels[0].pairs.a is a truth value, and a text is expected; write it in quotes`},
		{name: "a mapping as an annotation", tree: kustomization("resources: [cm.yaml]", "commonAnnotations: {a: {b: c}}"), want: `commonAnnotations.a is a mapping, and a text is expected; write it in quotes`},
		{name: "a list as annotations", tree: kustomization("resources: [cm.yaml]", "commonAnnotations: [a]"), want: `commonAnnotations is a list, and a mapping is expected; write it as key: value`},
		{name: "a text as a list", tree: kustomization("resources: cm.yaml"), want: `app/kustomization.yaml:1: invalid kustomization: resources is a text, and a list is expected; write each entry behind a dash`},
		{name: "a number as a tag", tree: kustomization("resources: [cm.yaml]", "images: [{name: a, newTag: 1.10}]"), want: `images[0].newTag is a number, and a text is expected; write it in quotes`},
		{name: "a path as a patch", tree: kustomization("resources: [cm.yaml]", "patches: [web.yaml]"), want: `patches[0] is a text, and a mapping is expected; write it as path: web.yaml`},
		{name: "an image by its name", tree: kustomization("resources: [cm.yaml]", "images: [web]"), want: `images[0] is a text, and a mapping is expected; write it as name: web`},
		{name: "a patch as text", tree: kustomization("resources: [cm.yaml]", `patches: ["[{op: remove, path: /data}]"]`), want: `patches[0] is a text, and a mapping is expected; write it as key: value`},
		{name: "a text as a count", tree: kustomization("resources: [cm.yaml]", "replicas: [{name: a, count: two}]"), want: `replicas[0].count is a text, and a number is expected`},
		{name: "a text as a switch", tree: kustomization("resources: [cm.yaml]", `generatorOptions: {disableNameSuffixHash: "true"}`), want: `generatorOptions.disableNameSuffixHash is a text, and a truth value is expected; write true or false without quotes`},
		{name: "a kustomization that is a list", tree: kustomization("- cm.yaml"), want: `app/kustomization.yaml:1: invalid kustomization: the document is a list, and a mapping is expected`},
		{name: "a file of a percent sign", tree: fstest.MapFS{"app/x.yaml": {Data: []byte("%")}}, want: "app/x.yaml:1: invalid YAML"},
		{name: "a directive without a document", tree: fstest.MapFS{"app/x.yaml": {Data: []byte("%YAML 1.2\n")}}, want: "app/x.yaml:1: invalid YAML"},
		{name: "a directive that is none", tree: fstest.MapFS{"app/x.yaml": {Data: []byte("%\n---\n" + configMap)}}, want: "app/x.yaml:1: invalid YAML"},
		{name: "a percent sign behind an object", tree: fstest.MapFS{"app/x.yaml": {Data: []byte(configMap + "---\n%\n")}}, want: "app/x.yaml:5: invalid YAML"},
		{name: "a template's mark in front of an object", tree: fstest.MapFS{"app/x.yaml": {Data: []byte("%% if a\n---\n" + configMap)}}, want: "app/x.yaml:1: invalid YAML"},
		{name: "a percent sign as a resource", tree: with(kustomization("resources: [x.yaml]"), map[string]*fstest.MapFile{"app/x.yaml": {Data: []byte("%\n")}}), want: "app/x.yaml:1: invalid YAML"},
		{name: "not YAML", tree: with(kustomization("resources: [x.yaml]"), map[string]*fstest.MapFile{"app/x.yaml": {Data: []byte("a: b\n  c: d\n")}}), want: "app/x.yaml:2: invalid YAML"},
		{name: "template", tree: with(kustomization("resources: [x.yaml]"), map[string]*fstest.MapFile{"app/x.yaml": {Data: []byte("kind: {{ .Kind }}\n")}}), want: "app/x.yaml:1: object without kind"},
		{name: "object without kind", tree: with(kustomization("resources: [x.yaml]"), map[string]*fstest.MapFile{"app/x.yaml": {Data: []byte("metadata: {name: x}\n")}}), want: "app/x.yaml:1: object without kind"},
		{name: "object with a generated name", tree: with(kustomization("resources: [x.yaml]"), map[string]*fstest.MapFile{"app/x.yaml": {Data: []byte("apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: x-}\n")}}), want: "app/x.yaml:1: object without metadata.name"},
		{name: "object without a name", tree: fstest.MapFS{"app/x.yaml": {Data: []byte("apiVersion: v1\nkind: ConfigMap\n")}}, want: "app/x.yaml:1: ConfigMap without metadata.name"},
		{name: "kustomize without kustomization", tree: fstest.MapFS{"app/x.yaml": {Data: []byte(configMap)}}, src: v1alpha1.ApplicationSource{Kustomize: &v1alpha1.KustomizeSource{}}, want: "source.kustomize is given"},
		{name: "kustomize and directory", tree: kustomization("resources: [cm.yaml]"), src: v1alpha1.ApplicationSource{Kustomize: &v1alpha1.KustomizeSource{}, Directory: &v1alpha1.DirectorySource{Recurse: true}}, want: "both kustomize and directory"},
		{name: "same object twice", tree: kustomization("resources: [cm.yaml]", "configMapGenerator: [{name: a, literals: [x=y], options: {disableNameSuffixHash: true}}]"), want: "app: kustomize refuses it"},
		{name: "image without a name", tree: kustomization("resources: [cm.yaml]"), src: v1alpha1.ApplicationSource{Kustomize: &v1alpha1.KustomizeSource{Images: []string{"=x:y"}}}, want: "source.kustomize.images"},
		{name: "label there already", tree: kustomization("resources: [cm.yaml]", "commonLabels: {a: b}"), src: v1alpha1.ApplicationSource{Kustomize: &v1alpha1.KustomizeSource{CommonLabels: map[string]string{"a": "c"}}}, want: "forceCommonLabels"},
		{name: "annotation there already", tree: kustomization("resources: [cm.yaml]", "commonAnnotations: {a: b}"), src: v1alpha1.ApplicationSource{Kustomize: &v1alpha1.KustomizeSource{CommonAnnotations: map[string]string{"a": "c"}}}, want: "forceCommonAnnotations"},
		{name: "glob", tree: fstest.MapFS{"app/x.yaml": {Data: []byte(configMap)}}, src: v1alpha1.ApplicationSource{Directory: &v1alpha1.DirectorySource{Include: "{a"}}, want: "source.directory.include"},
		{name: "kustomization in a plain directory", tree: kustomization("apiVersion: kustomize.config.k8s.io/v1beta1", "kind: Kustomization"), src: v1alpha1.ApplicationSource{Directory: &v1alpha1.DirectorySource{Recurse: true}}, want: "kustomization in a source that is read as a directory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.src.Path == "" {
				test.src.Path = "app"
			}
			result, err := Render(test.tree, test.src, render.Options{})
			noMore(t)
			if err == nil {
				t.Fatalf("it rendered to %d objects", len(result.Objects))
			}
			var refused *problem.Error
			if !errors.As(err, &refused) {
				t.Fatalf("%v is not a *problem.Error", err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is\n%v\nwithout\n%s", err, test.want)
			}
			if refused.Remedy == "" {
				t.Errorf("%v has no remedy", err)
			}
			if strings.Contains(err.Error(), "/repository/app") {
				t.Errorf("%v shows where the tree is mounted", err)
			}
		})
	}
}

// fanOut is a chain of directories that each build on the next one by two ways, so that the last is built 2^n times.
func fanOut(n int) fstest.MapFS {
	tree := fstest.MapFS{}
	for i := range n {
		tree[fmt.Sprintf("d%d/kustomization.yaml", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "resources: [../a%d, ../b%d]\n", i, i)}
		for _, way := range []string{"a", "b"} {
			tree[fmt.Sprintf("%s%d/kustomization.yaml", way, i)] = &fstest.MapFile{Data: fmt.Appendf(nil, "resources: [../d%d]\nnamePrefix: %s\n", i+1, way)}
		}
	}
	tree[fmt.Sprintf("d%d/kustomization.yaml", n)] = &fstest.MapFile{Data: []byte("resources: [cm.yaml]\n")}
	tree[fmt.Sprintf("d%d/cm.yaml", n)] = &fstest.MapFile{Data: []byte(configMap)}
	return tree
}
