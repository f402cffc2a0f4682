package skaffold

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cyan-cd/cyan/internal/problem"
)

// Every row of the tables has what the page and the findings need.
func TestRowsAreWhole(t *testing.T) {
	for name, s := range map[string]schema{"skaffold": skaffoldSchema, "cyan": cyanSchema} {
		for _, typ := range s {
			seen := map[string]bool{}
			for _, row := range typ.Rows {
				at := name + ": " + typ.Name + "." + row.Field
				if seen[row.Field] {
					t.Errorf("%s: there twice", at)
				}
				seen[row.Field] = true
				inner, _ := element(row.Shape)
				if !slices.Contains([]string{"string", "int", "bool", "port", "strings", "strings1", "map", "any"}, inner) && s.find(inner) == nil {
					t.Errorf("%s: shape %q unknown", at, row.Shape)
				}
				if row.Verdict != Honoured && row.Words == "" {
					t.Errorf("%s: not honoured, and no words why", at)
				}
				if (row.Verdict == Named || row.Verdict == Refused) != (row.Remedy != "") && row.span.until == len(versions)-1 {
					t.Errorf("%s: %s with remedy %q", at, row.Verdict, row.Remedy)
				}
				if row.Merged && s.find(row.Shape) == nil {
					t.Errorf("%s: merged, and no mapping", at)
				}
			}
		}
	}
}

// TestEveryFieldIsJudged writes each field of each version alone, and expects what its row has.
func TestEveryFieldIsJudged(t *testing.T) {
	for _, version := range versions {
		for _, typ := range skaffoldSchema {
			for _, row := range typ.Rows {
				if row.Field == "*" || strings.HasPrefix(row.Shape, "[") {
					continue
				}
				r := &report{}
				value := &node{shape: scalar, text: "1", tag: "!!int"}
				if skaffoldSchema.find(row.Shape) != nil {
					value = &node{shape: mapping}
				} else if row.Shape == "bool" {
					value = &node{shape: scalar, text: "true", tag: "!!bool"}
				} else if strings.HasPrefix(row.Shape, "strings") {
					value = &node{shape: list, items: []*node{value}}
				} else if row.Shape == "map" {
					value = &node{shape: mapping, fields: []field{{name: "k", value: value}}}
				}
				if row.Verdict == Named && value.shape == mapping && len(value.fields) == 0 {
					continue
				}
				n := &node{shape: mapping, fields: []field{{name: row.Field, value: value}}}
				judge{schema: skaffoldSchema, version: version, of: prefix + version, report: r}.mapping(typ.Name, n, "", false)
				want := map[Verdict]Severity{Named: Warning, Refused: Error, Harmless: Note}[row.Verdict]
				if !row.span.has(version) {
					if star := typ.row("*", version); star != nil && star.Field == "*" && typ.row(row.Field, version).span.has(version) {
						continue
					}
					want = Error
				}
				switch {
				case want == "" && len(r.findings) > 0:
					t.Errorf("%s: %s.%s: got %v, want nothing", version, typ.Name, row.Field, r.findings)
				case want != "" && (len(r.findings) != 1 || r.findings[0].Severity != want || r.findings[0].Cause == ""):
					t.Errorf("%s: %s.%s: got %v, want one of severity %s", version, typ.Name, row.Field, r.findings, want)
				}
			}
		}
	}
}

func TestCompatibilityPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(page), Page()) {
		t.Error("docs/compatibility.md is not what the table of fields has; run make generate")
	}
	for _, typ := range skaffoldSchema {
		if titles[typ.Name] == "" {
			t.Errorf("the page has no title for %s", typ.Name)
		}
	}
}

func TestSchemasThatAreNone(t *testing.T) {
	for _, text := range []string{"field | string", "# T\nfield", "# T\na | string | | perhaps", "# T\na | string | v9-", "# T\na | string | v3", "# T\na | string | v3-v1", "# T\n.. | Other", "# T\na|b|c|d|e|f|g|h"} {
		if s, err := readSchema(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, s)
		}
	}
}

func TestVersions(t *testing.T) {
	if versions[0] != "v1beta11" || newest != "v4beta14" || len(versions) != 7+1+4+29+2+14 {
		t.Errorf("got %v", versions)
	}
	for _, c := range []struct{ span, want, in, out string }{
		{"", "all", "v1beta11", ""}, {"v3-", "since v3", "v3", "v3alpha1"}, {"-v3", "until v3", "v3", "v4beta1"}, {"v2beta1-v3", "v2beta1 to v3", "v2beta29", "v2alpha4"},
	} {
		s, err := parseSpan(c.span)
		if err != nil || s.String() != c.want || !s.has(c.in) || c.out != "" && s.has(c.out) {
			t.Errorf("%q: got %s and %v, want %s with %s and without %s", c.span, s, err, c.want, c.in, c.out)
		}
	}
}

func TestTemplates(t *testing.T) {
	env := map[string]string{"A": "Shop", "B": "x-y-z", "EMPTY": ""}
	long := strings.Repeat("x", 60000)
	for _, c := range []struct{ text, want, err string }{
		{"plain", "plain", ""},
		{"{{.A}}-{{.B}}", "Shop-x-y-z", ""},
		{"{{ .NO }}", "", "variable NO not set"},
		{`{{.NO | default "d"}}{{default "e" .NO}}{{default "f" .A}}`, "deShop", ""},
		{`{{default "d" (lower .NO)}}`, "d", ""},
		{`{{coalesce .NO .EMPTY .A}}{{coalesce .NO}}`, "Shop", ""},
		{`{{if .NO}}a{{else}}b{{end}}{{if .A}}c{{end}}{{with .A}}{{.}}{{end}}{{with .NO}}x{{end}}`, "bcShop", ""},
		{`{{if eq .A "Shop"}}yes{{end}}{{/* a comment */}}`, "yes", ""},
		{`{{empty .NO}} {{empty .A}} {{ternary "a" "b" (eq .A "Shop")}}{{ternary "a" "b" false}}`, "true false ab", ""},
		{`{{lower .A}} {{upper .A}} {{trim " a "}} {{trimPrefix "x-" .B}} {{trimSuffix "-z" .B}} {{trimAll "xz-" .B}}`, "shop SHOP a y-z x-y y", ""},
		{`{{contains "ho" .A}} {{hasPrefix "Sh" .A}} {{hasSuffix "x" .A}} {{replace "-" "." .B}}`, "true true false x.y.z", ""},
		{`{{trunc 2 .A}} {{trunc -2 .A}} {{trunc 9 .A}} {{trunc -9 .A}} {{trunc 4 .A}} {{trunc -4 .A}} {{trunc 0 .A}}`, "Sh op Shop Shop Shop Shop ", ""},
		{`{{quote .A}} {{squote .A}} {{b64enc .A}} {{toString 1}} {{print .A 1}} {{printf "%s-%05d" .A 1}} {{println .A}}`, "\"Shop\" 'Shop' U2hvcA== 1 Shop1 Shop-00001 Shop\n", ""},
		{`{{sha256sum "x" | trunc 8}} {{html "<"}} {{urlquery "a b"}} {{js "'"}}`, `2d711642 &lt; a+b \'`, ""},
		{"{{.A", "", "unclosed action"},
		{"{{cmd .A}}", "", `function "cmd" not defined`},
		{"{{range .A}}{{end}}", "", "is not carried out"},
		{"{{define \"x\"}}{{end}}", "", "define is not carried out"},
		{"{{template \"x\"}}", "", "is not carried out"},
		{"{{$x := .A}}", "", "variables are not carried out"},
		{"{{if true}}{{range .A}}{{end}}{{end}}", "", "is not carried out"},
		{"{{if true}}{{else}}{{$x := 1}}{{end}}", "", "variables are not carried out"},
		{"{{default (print ($x := 1)) .A}}", "", "variables are not carried out"},
		{`{{printf "%9999d" 1}}`, "", "printf with such a width is not carried out"},
		{`{{printf "%*d" 9 1}}`, "", "printf with such a width is not carried out"},
		{"{{.A}}" + strings.Repeat(" ", maxTemplate), "", "more than the limit of 4096"},
	} {
		got, err := expand(c.text, env)
		if c.err == "" && (err != nil || got != c.want) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "template:")) {
			t.Errorf("%.60s: got %q and %v, want %q and %s", c.text, got, err, c.want, c.err)
		}
	}
	if _, set := env["NO"]; set {
		t.Error("the environment was changed")
	}
	for _, text := range []string{`{{.L}}{{.L}}`, `{{quote .L | quote | quote}}{{print .L .L}}`, `{{print .L .L}}`, `{{println .L .L}}`, `{{printf "%s%s" .L .L}}`, `{{replace "x" "yy" .L}}`, `{{squote .L | squote | printf "%s%s" .L}}`, `{{js .Q}}`, `{{html .Q}}`, `{{urlquery .Q}}`, `{{b64enc .L}}`, `{{quote .Q}}`} {
		if got, err := expand(text, map[string]string{"L": long, "Q": strings.Repeat(`"`, 60000)}); err == nil || !strings.Contains(err.Error(), "makes more than 65536 bytes") {
			t.Errorf("%s: got %d bytes and %v, want an error", text, len(got), err)
		}
	}
	if got, err := expand("{{.L}}", map[string]string{"L": strings.Repeat("x", maxExpanded)}); err != nil || len(got) != maxExpanded {
		t.Errorf("at the limit: got %d bytes and %v", len(got), err)
	}
	if got, err := expand("{{.A}}"+strings.Repeat(" ", maxTemplate-6), env); err != nil || len(got) != maxTemplate-2 {
		t.Errorf("a template at the limit: got %d bytes and %v", len(got), err)
	}
}

func TestTags(t *testing.T) {
	facts := Facts{
		Image: "shop/web", Tags: "v1/2+x", Commit: "c0ffee", AbbrevCommit: "c0f", Tree: "7ree", AbbrevTree: "7r", Dirty: true, Digest: "d1", Now: time.Date(2026, 2, 3, 23, 5, 6, 0, time.FixedZone("x", -3600)),
		Zone: func(name string) (*time.Location, error) { return time.FixedZone(name, 3600), nil }, Env: map[string]string{"RELEASE": "r1"},
	}
	for _, c := range []struct {
		rule string
		t    Tagger
		f    func(*Facts)
		want string
		err  string
	}{
		{"git", Tagger{Policy: GitCommit, Variant: "Tags"}, nil, "v1_2_x-dirty", ""},
		{"git without changes", Tagger{Policy: GitCommit, Variant: "Tags", Prefix: "p-"}, func(f *Facts) { f.Dirty = false }, "p-v1_2_x", ""},
		{"git that ignores changes", Tagger{Policy: GitCommit, Variant: "CommitSha", IgnoreChanges: true}, nil, "c0ffee", ""},
		{"short commit", Tagger{Policy: GitCommit, Variant: "AbbrevCommitSha", IgnoreChanges: true}, nil, "c0f", ""},
		{"tree", Tagger{Policy: GitCommit, Variant: "TreeSha", IgnoreChanges: true}, nil, "7ree", ""},
		{"short tree", Tagger{Policy: GitCommit, Variant: "AbbrevTreeSha", IgnoreChanges: true}, nil, "7r", ""},
		{"no git", Tagger{Policy: GitCommit, Variant: "Tags"}, func(f *Facts) { f.Tags = "" }, "", "gitCommit: not known of this folder"},
		{"sha256", Tagger{Policy: SHA256}, nil, "latest", ""},
		{"digest", Tagger{Policy: InputDigest}, nil, "d1", ""},
		{"no digest", Tagger{Policy: InputDigest}, func(f *Facts) { f.Digest = "" }, "", "inputDigest: not known of this folder"},
		{"date", Tagger{Policy: DateTime, Format: "2006-01-02_15", Timezone: "CET"}, nil, "2026-02-04_01", ""},
		{"date without a zone", Tagger{Policy: DateTime, Format: "15 MST"}, nil, "00 UTC", ""},
		{"date without zones", Tagger{Policy: DateTime, Format: "15 MST", Timezone: "CET"}, func(f *Facts) { f.Zone = nil }, "00 UTC", ""},
		{"zone that is unknown", Tagger{Policy: DateTime, Format: "15", Timezone: "X"}, func(f *Facts) { f.Zone = time.LoadLocation }, "", "timezone X: unknown time zone X"},
		{"template", Tagger{Policy: EnvTemplate, Template: "{{.RELEASE}}-{{.IMAGE_NAME}}"}, nil, "r1-shop/web", ""},
		{"template without an environment", Tagger{Policy: EnvTemplate, Template: "{{.IMAGE_NAME}}"}, func(f *Facts) { f.Env = nil }, "shop/web", ""},
		{"template without a variable", Tagger{Policy: EnvTemplate, Template: "{{.NO}}"}, nil, "", "variable NO not set"},
		{"components", Tagger{Policy: CustomTemplate, Template: "{{.A}}_{{.B}}", Components: map[string]Tagger{"A": {Policy: SHA256}, "B": {Policy: InputDigest}}}, nil, "latest_d1", ""},
		{"components that fail", Tagger{Policy: CustomTemplate, Template: "{{.A}}", Components: map[string]Tagger{"A": {Policy: InputDigest}}}, func(f *Facts) { f.Digest = "" }, "", "component A: inputDigest: not known of this folder"},
	} {
		f := facts
		if c.f != nil {
			c.f(&f)
		}
		got, err := c.t.Tag(f)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: got %q and %v, want %q and %s", c.rule, got, err, c.want, c.err)
		}
	}
}

func TestPatches(t *testing.T) {
	docs, _ := documents("x", []byte(`{"a": {"b": [1, 2, 3], "c/d": {"~e": x}}, "n": null}`))
	value := func(text string) *node {
		v, _ := documents("x", []byte(text))
		return v[0]
	}
	for _, c := range []struct {
		rule      string
		o         operation
		want, err string
	}{
		{"replace", operation{"replace", "/a/b/1", "", value("9")}, `{"a": {"b": [1, 9, 3], "c/d": {"~e": x}}, "n": null}`, ""},
		{"replace by default", operation{"", "/a/c~1d/~0e", "", value("y")}, `{"a": {"b": [1, 2, 3], "c/d": {"~e": y}}, "n": null}`, ""},
		{"replace what is not there", operation{"replace", "/a/x", "", value("9")}, "", "x not found, so there is nothing to replace"},
		{"replace without a value", operation{"replace", "/a/b", "", nil}, "", "has no value"},
		{"replace an element that is not there", operation{"replace", "/a/b/3", "", value("9")}, "", "element 3 not found among 3"},
		{"replace the element after the last", operation{"replace", "/a/b/-", "", value("9")}, "", "element - not found among 3"},
		{"add a field", operation{"add", "/a/x", "", value("9")}, `{"a": {"b": [1, 2, 3], "c/d": {"~e": x}, "x": 9}, "n": null}`, ""},
		{"add over a field", operation{"add", "/n", "", value("9")}, `{"a": {"b": [1, 2, 3], "c/d": {"~e": x}}, "n": 9}`, ""},
		{"add an element", operation{"add", "/a/b/0", "", value("9")}, `{"a": {"b": [9, 1, 2, 3], "c/d": {"~e": x}}, "n": null}`, ""},
		{"add an element at the end", operation{"add", "/a/b/-", "", value("9")}, `{"a": {"b": [1, 2, 3, 9], "c/d": {"~e": x}}, "n": null}`, ""},
		{"add an element by the number of all", operation{"add", "/a/b/3", "", value("9")}, `{"a": {"b": [1, 2, 3, 9], "c/d": {"~e": x}}, "n": null}`, ""},
		{"add an element too far", operation{"add", "/a/b/4", "", value("9")}, "", "element 4 not found among 3"},
		{"add an element before the first", operation{"add", "/a/b/-1", "", value("9")}, "", "element -1 not found among 3"},
		{"add below nothing", operation{"add", "/x/y", "", value("9")}, "", "x not found"},
		{"add below one value", operation{"add", "/a/b/0/y", "", value("9")}, "", "y not found in one value"},
		{"add within an element", operation{"add", "/a/b/-/y", "", value("9")}, "", "element - not found among 3"},
		{"remove a field", operation{"remove", "/a/c~1d", "", nil}, `{"a": {"b": [1, 2, 3]}, "n": null}`, ""},
		{"remove an element", operation{"remove", "/a/b/0", "", nil}, `{"a": {"b": [2, 3], "c/d": {"~e": x}}, "n": null}`, ""},
		{"remove what is not there", operation{"remove", "/a/x", "", nil}, "", "x not found"},
		{"test", operation{"test", "/a", "", value(`{"c/d": {"~e": x}, "b": [1, 2, 3]}`)}, `{"a": {"b": [1, 2, 3], "c/d": {"~e": x}}, "n": null}`, ""},
		{"test another list", operation{"test", "/a/b", "", value("[1, 2, 4]")}, "", "has another value than the one that is tested for"},
		{"test a shorter list", operation{"test", "/a/b", "", value("[1, 2]")}, "", "has another value than the one that is tested for"},
		{"test another field", operation{"test", "/a/c~1d", "", value("{x: x}")}, "", "has another value than the one that is tested for"},
		{"test fewer fields", operation{"test", "/a/c~1d", "", value("{}")}, "", "has another value than the one that is tested for"},
		{"test for nothing", operation{"test", "/a", "", nil}, "", "has another value than the one that is tested for"},
		{"test what is not there", operation{"test", "/x", "", value("1")}, "", "x not found"},
		{"copy", operation{"copy", "/x", "/a/b/2", nil}, `{"a": {"b": [1, 2, 3], "c/d": {"~e": x}}, "n": null, "x": 3}`, ""},
		{"move", operation{"move", "/a/b/0", "/a/b/2", nil}, `{"a": {"b": [3, 1, 2], "c/d": {"~e": x}}, "n": null}`, ""},
		{"move from nowhere", operation{"move", "/x", "", nil}, "", "has no from that begins with /"},
		{"copy from without a slash", operation{"copy", "/x", "a", nil}, "", "has no from that begins with /"},
		{"copy from what is not there", operation{"copy", "/x", "/y", nil}, "", "y not found"},
		{"an operation that is none", operation{"put", "/x", "", value("1")}, "", `op "put" unknown`},
		{"the whole file", operation{"remove", "", "", nil}, "", "names the whole file"},
		{"no slash", operation{"remove", "x", "", nil}, "", "does not begin with /"},
	} {
		got, err := c.o.apply(docs[0])
		switch {
		case c.err != "" && (err == nil || err.Error() != c.err):
			t.Errorf("%s: got %v, want %s", c.rule, err, c.err)
		case c.err == "" && (err != nil || !same(got, value(c.want))):
			t.Errorf("%s: got %v, want %s", c.rule, err, c.want)
		}
	}
	if again := value(`{"a": {"b": [1, 2, 3], "c/d": {"~e": x}}, "n": null}`); !same(docs[0], again) {
		t.Error("what was patched has changed")
	}
}

func TestPathsOfOlderPatches(t *testing.T) {
	for from, want := range map[string]string{
		"/deploy/kubectl/manifests/0": "/manifests/rawYaml/0", "/deploy/kubectl/manifests": "/manifests/rawYaml", "/deploy/kustomize/paths/1": "/manifests/kustomize/paths/1", "/deploy/kustomize/path": "/manifests/kustomize/paths/0",
		"/deploy/kustomize/buildArgs": "/manifests/kustomize/buildArgs", "/deploy/kustomize/flags/apply": "/deploy/kubectl/flags/apply", "/deploy/kustomize/hooks": "/deploy/kubectl/hooks",
		"/deploy/kustomize/defaultNamespace": "/deploy/kubectl/defaultNamespace", "/deploy/kustomize": "/manifests/kustomize", "/deploy/kubectl/manifestsX": "/deploy/kubectl/manifestsX", "/build": "/build", "": "",
	} {
		if got := upgradePath(from, "v2beta29"); got != want {
			t.Errorf("%s: got %s, want %s", from, got, want)
		}
		if got := upgradePath(from, "v3alpha1"); got != from {
			t.Errorf("%s of v3alpha1: got %s, want it as it is", from, got)
		}
	}
}

func TestRepository(t *testing.T) {
	for _, c := range []struct{ repo, image, want string }{
		{"", "shop/web", "shop/web"},
		{"localhost:5000", "shop/web.app", "localhost:5000/shop_web_app"},
		{"localhost:5000/", "a:1@x", "localhost:5000/a_1_x"},
		{"localhost:5000", "localhost:5000/web", "localhost:5000/web"},
		{"gcr.io/team", "gcr.io/team/web", "gcr.io/team/web"},
		{"gcr.io/team", "gcr.io/other/web", "gcr.io/team/other/web"},
		{"eu.gcr.io/team/a", "eu.gcr.io/team/b/web", "eu.gcr.io/team/a/b/web"},
		{"eu.gcr.io/team/a", "eu.gcr.io/team", "eu.gcr.io/team/a/team"},
		{"eu-docker.pkg.dev/p/r", "shop/web", "eu-docker.pkg.dev/p/r/shop/web"},
		{"r.example", strings.Repeat("x", 300), "r.example/" + strings.Repeat("x", 245)},
		{"", "ko://example.com/Shop/cmd/web", "example.com/shop/cmd/web"},
		{"r.example", "ko://example.com/Shop/cmd/web", "r.example/example_com_shop_cmd_web"},
	} {
		if got := Repository(c.repo, c.image); got != c.want {
			t.Errorf("%s below %s: got %s, want %s", c.image, c.repo, got, c.want)
		}
	}
}

func TestDockerfileFromContext(t *testing.T) {
	for _, c := range []struct{ context, file, want string }{
		{".", "Dockerfile", "Dockerfile"}, {".", "web/Dockerfile", "web/Dockerfile"}, {"web", "web/docker/Dockerfile", "docker/Dockerfile"}, {"web", "Dockerfile", "../Dockerfile"},
		{"a/b", "shared/Dockerfile", "../../shared/Dockerfile"}, {"web", "website/Dockerfile", "../website/Dockerfile"}, {"./web/", "./web/Dockerfile", "Dockerfile"},
	} {
		if got := (Artifact{Context: c.context, Docker: &Docker{Dockerfile: c.file}}).DockerfileFromContext(); got != c.want {
			t.Errorf("%s from %s: got %s, want %s", c.file, c.context, got, c.want)
		}
	}
}

func TestInRegistry(t *testing.T) {
	for image, want := range map[string]string{
		"Shop/web.app": "localhost:5000/shop/web.app", "a:1@x": "localhost:5000/a_1_x", "localhost:5000/web": "localhost:5000/web", "localhost:5000web": "localhost:5000/localhost_5000web",
		strings.Repeat("x", 300): "localhost:5000/" + strings.Repeat("x", 240), "ko://example.com/Shop/cmd/web": "localhost:5000/example.com/shop/cmd/web",
	} {
		if got := InRegistry("localhost:5000", image); got != want {
			t.Errorf("%s: got %s, want %s", image, got, want)
		}
	}
}

func TestFilesOfPatterns(t *testing.T) {
	tree := fstest.MapFS{"k8s/b.yaml": {}, "k8s/a.yaml": {}, "k8s/sub/c.yml": {}, "k8s/d.txt": {}, "[x].yaml": {}}
	for pattern, want := range map[string]string{
		"k8s/*.yaml": "k8s/a.yaml k8s/b.yaml", "k8s": "k8s/a.yaml k8s/b.yaml k8s/d.txt k8s/sub/c.yml", "k8s/*": "k8s/a.yaml k8s/b.yaml k8s/d.txt k8s/sub/c.yml", "[x].yaml": "[x].yaml", "none/*": "", "[": "",
	} {
		if got := strings.Join(Raw{Pattern: pattern}.Files(tree), " "); got != want {
			t.Errorf("%s: got %q, want %q", pattern, got, want)
		}
	}
	for name, want := range map[string]bool{"a.yaml": true, "a.YML": true, "a.json": true, "a.txt": false, "yaml": false} {
		if isManifest(name) != want {
			t.Errorf("%s: got %t", name, !want)
		}
	}
	many := fstest.MapFS{}
	for i := range maxFound + 100 {
		many["d/"+strings.Repeat("x", i%100+1)+time.Duration(i).String()] = &fstest.MapFile{}
	}
	if got := len(globbed(many, "d")); got != maxFound+1 {
		t.Errorf("got %d files, want no more than %d", got, maxFound+1)
	}
}

func TestTheExampleIsFound(t *testing.T) {
	result, err := Check(os.DirFS("../../examples/request-counter"), "", Options{Folder: "request-counter", Command: "dev"})
	if err != nil || len(Errors(result.Findings)) > 0 || len(result.Project.Artifacts) != 2 || len(result.Project.Manifests.Kustomize) != 1 {
		t.Errorf("got %+v, %v, %v; want two images and a kustomization", result.Project, result.Findings, err)
	}
}

// The cyan.yaml that the guide shows is one.
func TestTheGuideShowsAWholeFile(t *testing.T) {
	guide, err := os.ReadFile("../../docs/skaffold.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(guide), "```yaml\n")
	file, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("the guide shows no file")
	}
	tree := fstest.MapFS{
		"cyan.yaml": {Data: []byte(file)}, "web/Dockerfile": {}, "base/Dockerfile": {}, "k8s/overlays/local/kustomization.yaml": {Data: []byte("resources: [pod.yaml]\n")},
		"k8s/overlays/local/pod.yaml": {Data: []byte("spec: {containers: [{image: shop/web}, {image: shop/api}]}\n")},
	}
	result, err := Check(tree, "", Options{Command: "dev"})
	if err != nil || len(result.Findings) > 0 || len(result.Project.Artifacts) != 3 || result.Project.Artifacts[1].DependsOn[0].Alias != "SHOP_BASE" {
		t.Errorf("got %+v, %v, %v", result.Project, result.Findings, err)
	}
}

func TestHooksAndRules(t *testing.T) {
	one := []Hook{{Command: []string{"x"}}}
	for _, c := range []struct {
		hooks Hooks
		want  bool
	}{{Hooks{}, false}, {Hooks{Before: one}, true}, {Hooks{After: one}, true}, {Hooks{Before: one, After: one}, true}} {
		if got := c.hooks.Any(); got != c.want {
			t.Errorf("%v: got %t", c.hooks, got)
		}
	}
	for _, c := range []struct {
		sync Sync
		want bool
	}{{Sync{}, false}, {Sync{Manual: []SyncRule{{}}}, true}, {Sync{Infer: []string{"x"}}, true}, {Sync{Manual: []SyncRule{{}}, Infer: []string{"x"}}, true}} {
		if got := c.sync.Any(); got != c.want {
			t.Errorf("%v: got %t", c.sync, got)
		}
	}
}

// An empty value of a profile leaves what it is laid over.
func TestEmptyValues(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "null": true, "{}": true, "{a: b}": false, "[]": true, "[a]": false, `""`: true, "x": false, "false": true, "true": false, "0": true, "1": false, `"0"`: false, `"false"`: false,
	} {
		docs, _ := documents("x", []byte("v: "+text))
		if got := docs[0].fields[0].value.empty(); got != want {
			t.Errorf("%s: got %t, want %t", text, got, want)
		}
	}
	if !(*node)(nil).empty() {
		t.Error("nothing is empty")
	}
}

func TestLimitsAreReached(t *testing.T) {
	at := func(data string) string {
		_, found := documents("x.yaml", []byte(data))
		if len(found) == 0 {
			return ""
		}
		return found[0].String()
	}
	for _, c := range []struct{ rule, data, want string }{
		{"bytes", "# " + strings.Repeat("x", maxBytes-2), ""},
		{"a byte more", "# " + strings.Repeat("x", maxBytes-1), "x.yaml: YAML: 1048577 bytes, which is more than the limit of 1048576; divide it"},
		{"values", "[" + strings.Repeat("x,", maxNodes-2) + "x]", ""},
		{"a value more", "[" + strings.Repeat("x,", maxNodes-1) + "x]", "x.yaml:1: YAML: more than 50000 values, or 64 within each other; write it with fewer aliases"},
		{"depth", strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1), ""},
		{"deeper", strings.Repeat("[", maxDepth+2) + strings.Repeat("]", maxDepth+2), "x.yaml:1: YAML: more than 50000 values, or 64 within each other; write it with fewer aliases"},
		{"depth of mappings", strings.Repeat("{a: ", maxDepth) + "x" + strings.Repeat("}", maxDepth), ""},
		{"deeper mappings", strings.Repeat("{a: ", maxDepth+1) + "x" + strings.Repeat("}", maxDepth+1), "x.yaml:1: YAML: more than 50000 values, or 64 within each other; write it with fewer aliases"},
		{"documents", strings.Repeat("--- a\n", maxDocuments), ""},
		{"a document more", strings.Repeat("--- a\n", maxDocuments+1), "x.yaml: YAML: more than 100 documents; divide it"},
		{"a tab", "a:\n  b: c\n \td: e\n", "x.yaml:3: YAML: tab in the indentation; indent it by spaces"},
	} {
		if got := at(c.data); got != c.want {
			t.Errorf("%s: got %q, want %q", c.rule, got, c.want)
		}
	}
	docs, found := documents("x.yaml", []byte("a: b\n---\nc: [\n"))
	if len(docs) != 1 || len(found) != 1 || found[0].File != "x.yaml" || found[0].Column != 0 {
		t.Errorf("got %v and %v, want the document before the broken one", docs, found)
	}
	if docs, found := documents("x.yaml", []byte("a: b\n--- ["+strings.Repeat("x,", maxNodes)+"]\n---\nc: d\n")); len(docs) != 2 || len(found) != 1 {
		t.Errorf("got %d documents and %v, want none behind the one that is too large", len(docs), found)
	}
	_, found = documents("x.yaml", []byte("a:\n \tb: c\n"))
	if len(found) != 1 || found[0].Line != 2 || found[0].Column != 2 {
		t.Errorf("got %v, want the place of the tab", found)
	}
}

func TestVersionsThatAreRead(t *testing.T) {
	for _, c := range []struct{ text, version, finding string }{
		{"skaffold/v4beta14", "v4beta14", ""}, {"skaffold/v1beta11", "v1beta11", ""}, {"skaffold/v1", "v1", ""},
		{"skaffold/v4beta15", "v4beta14", "v4beta15 is newer than what is known"},
		{"other/v4beta15", "", `"other/v4beta15" unknown; write one from`}, {"skaffold/v4betax", "", `"skaffold/v4betax" unknown; did you mean skaffold/v4beta`},
		{"skaffold/v1beta10", "", `"skaffold/v1beta10" unknown; write one from`}, {"skaffold/v1alpha1", "", `"skaffold/v1alpha1" unknown; write one from`},
		{"skaffold/v1beta18", "", `"skaffold/v1beta18" unknown; did you mean skaffold/v1beta1`},
	} {
		r := &report{}
		docs, _ := documents("x", []byte("apiVersion: "+c.text))
		got, ok := readVersion(docs[0], r)
		said := ""
		if len(r.findings) > 0 {
			said = r.findings[0].String()
		}
		if got != c.version || ok != (c.version != "") || c.finding == "" && said != "" || !strings.Contains(said, c.finding) {
			t.Errorf("%s: got %q, %t, %s", c.text, got, ok, said)
		}
	}
	for _, text := range []string{"v9-", "-v9", "v3-v1", "v3", "v3-v9"} {
		if s, err := parseSpan(text); err == nil {
			t.Errorf("%s: got %v", text, s)
		}
	}
}

// A finding of usage ends a command as a wrong line does.
func TestFindingsAreErrors(t *testing.T) {
	f := Finding{Position: Position{"f", 3, 4}, Object: "o", Cause: "c", Remedy: "r"}
	if p := f.Problem(); p.Kind != problem.Usage || p.Error() != "f:3: o: c; r" {
		t.Errorf("got %v of kind %v", p, p.Kind)
	}
	again := sorted([]Finding{{Position: Position{"b", 1, 1}}, {Position: Position{"a", 2, 1}}, {Position: Position{"a", 1, 2}}, {Position: Position{"a", 1, 1}, Object: "z"}, {Position: Position{"a", 1, 1}, Object: "y"}, {Position: Position{"a", 1, 1}, Object: "y", Cause: "c"}, {Position: Position{"a", 1, 1}, Object: "y"}})
	var got []string
	for _, f := range again {
		got = append(got, f.File+f.Object+f.Cause)
	}
	if strings.Join(got, " ") != "ay ayc az a a b" {
		t.Errorf("got %v", got)
	}
}
