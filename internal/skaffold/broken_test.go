package skaffold_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/internal/skaffold"
)

// whole is a file in which nothing is wrong; each row of the tests below breaks it in one way.
const whole = `apiVersion: skaffold/v4beta11
kind: Config
metadata:
  name: shop
build:
  artifacts:
    - image: shop/web
      context: web
      docker:
        dockerfile: Dockerfile
  tagPolicy:
    gitCommit:
      variant: Tags
manifests:
  rawYaml:
    - k8s/web.yaml
deploy:
  statusCheck: true
portForward:
  - resourceType: service
    resourceName: web
    port: 80
profiles:
  - name: local
    patches:
      - op: add
        path: /build/local
        value: {}
`

func treeOf(file string) fstest.MapFS {
	return fstest.MapFS{
		".git/HEAD":                             {},
		"skaffold.yaml":                         {Data: []byte(file)},
		"web/Dockerfile":                        {Data: []byte("FROM scratch\n")},
		"k8s/web.yaml":                          {Data: []byte("kind: Pod\nspec: {containers: [{image: shop/web}]}\n")},
		"other/x":                               {},
		"k8s/overlays/local/kustomization.yaml": {Data: []byte("resources: [../../web.yaml]\n")},
	}
}

// Where there is no repository, a path leads out of the working directory.
func TestAPathThatLeadsOut(t *testing.T) {
	for git, want := range map[bool]string{true: "the repository", false: "the working directory, which is outside of git"} {
		tree := treeOf(strings.Replace(whole, "context: web", "context: ../web", 1))
		if !git {
			delete(tree, ".git/HEAD")
		}
		_, findings, err := skaffold.Read(tree, "", skaffold.Options{Command: "dev", Folder: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		line := `skaffold.yaml:8: build.artifacts[0].context: "../web" leads out of ` + want + "; give a path within it"
		if !slices.ContainsFunc(findings, func(f skaffold.Finding) bool { return f.String() == line }) {
			t.Errorf("in a repository %t: got %v, want %s", git, findings, line)
		}
	}
}

// TestBrokenFiles: each way in which a file is broken has a line, a cause and a remedy.
func TestBrokenFiles(t *testing.T) {
	for _, c := range []struct{ rule, old, new, want string }{
		{"sound", "", "", ""},
		{"tab", "  name: shop", "\tname: shop", "skaffold.yaml:4: YAML: tab in the indentation; indent it by spaces"},
		{"indentation", "  name: shop", "  name: shop\n   labels: x", "skaffold.yaml:5: YAML: mapping values are not allowed in this context; indent it as the lines around it are, and quote values with : or # in them"},
		{"unquoted template", "context: web", "context: {{.DIR}}", "skaffold.yaml:8: YAML: mapping in the place of a name; quote a value that begins with {{"},
		{"unknown anchor", "context: web", "context: *web", "skaffold.yaml: YAML: unknown anchor 'web' referenced; define the anchor with & before its alias with *"},
		{"key given twice", "      context: web", "      context: web\n      context: web", "skaffold.yaml:9: context: given twice in one mapping; keep one"},
		{"misspelt field", "dockerfile: Dockerfile", "dockerFiles: Dockerfile", "skaffold.yaml:10: build.artifacts[0].docker.dockerFiles: unknown field of skaffold/v4beta11; did you mean \"dockerfile\"?"},
		{"field not indented enough", "      docker:\n        dockerfile: Dockerfile", "      dockerfile: Dockerfile", "skaffold.yaml:9: build.artifacts[0].dockerfile: unknown field of skaffold/v4beta11; write it below docker, indented"},
		{"field like no other", "kind: Config", "kind: Config\nzzzzzzzzzzzz: 1", "skaffold.yaml:3: zzzzzzzzzzzz: unknown field of skaffold/v4beta11; remove it; known are apiVersion, kind, metadata, requires, build, test, manifests, deploy, portForward, resourceSelector, verify, customActions, …"},
		{"no version", "apiVersion: skaffold/v4beta11\n", "", "skaffold.yaml:1: apiVersion: missing; write apiVersion: skaffold/v4beta14"},
		{"unknown version", "v4beta11", "v4betta11", `skaffold.yaml:1: apiVersion: "skaffold/v4betta11" unknown; did you mean skaffold/v4beta11?`},
		{"version that is too old", "v4beta11", "v1beta2", `skaffold.yaml:1: apiVersion: "skaffold/v1beta2" unknown; write one from skaffold/v1beta11 to skaffold/v4beta14`},
		{"version of another program", "skaffold/v4beta11", "apps/v1", `skaffold.yaml:1: apiVersion: "apps/v1" unknown; write one from skaffold/v1beta11 to skaffold/v4beta14`},
		{"another kind", "kind: Config", "kind: Konfig", "skaffold.yaml:2: kind: not Config; write kind: Config"},
		{"field that came later", "v4beta11", "v2beta10", "skaffold.yaml:14: manifests: unknown in skaffold/v2beta10; known since v3alpha1; write apiVersion: skaffold/v4beta14"},
		{"field that came later and is refused", "apiVersion:", "apiVersion: skaffold/v2beta29\nkind: Config\ndeploy: {cloudrun: {}}\n---\napiVersion:", "skaffold.yaml:3: deploy.cloudrun: unknown in skaffold/v2beta29; known since v3alpha1, and refused: containers are run in Kubernetes alone; give manifests"},
		{"field that is elsewhere now", "deploy:\n", "deploy:\n  kustomize: {paths: [x]}\n", "skaffold.yaml:18: deploy.kustomize: unknown in skaffold/v4beta11; known until v2beta29; give manifests.kustomize"},
		{"list that is none", "  artifacts:\n    - image: shop/web", "  artifacts:\n      image: shop/web", "skaffold.yaml:7: build.artifacts: not a list; write its elements below it, each after -"},
		{"list of strings that is none", "  rawYaml:\n    - k8s/web.yaml", "  rawYaml: k8s/web.yaml", "skaffold.yaml:15: manifests.rawYaml: not a list; write its elements below it, each after -"},
		{"mapping that is none", "  tagPolicy:\n    gitCommit:\n      variant: Tags", "  tagPolicy: sha256", "skaffold.yaml:11: build.tagPolicy: not a mapping; write its fields below it: gitCommit, sha256, envTemplate, dateTime, customTemplate, inputDigest"},
		{"value that is none", "context: web", "context: [web]", "skaffold.yaml:8: build.artifacts[0].context: not one value; write one value after it"},
		{"boolean that is none", "statusCheck: true", "statusCheck: yes please", `skaffold.yaml:18: deploy.statusCheck: "yes please" is neither true nor false; write true or false, without quotes`},
		{"number that is none", "statusCheck: true", "statusCheckDeadlineSeconds: 5m", `skaffold.yaml:18: deploy.statusCheckDeadlineSeconds: "5m" is not a number; write a number, without quotes`},
		{"port that is none", "port: 80", "port: 70000", "skaffold.yaml:22: portForward[0].port: 70000 is not a port; write a number from 1 to 65535, or the name of a port"},
		{"local port that is none", "port: 80", "port: 80\n    localPort: 70000", "skaffold.yaml:20: portForward[0].localPort: 70000 is not a port; write a number from 1 to 65535"},
		{"kind that has no ports", "resourceType: service", "resourceType: servise", `skaffold.yaml:20: portForward[0].resourceType: "servise" unknown; did you mean service?`},
		{"kind like no other", "resourceType: service", "resourceType: x", `skaffold.yaml:20: portForward[0].resourceType: "x" unknown; choose one of service, pod, `},
		{"no name of what is forwarded", "    resourceName: web\n", "", "skaffold.yaml:20: portForward[0].resourceName: missing; write it"},
		{"two of which there is one", "        dockerfile: Dockerfile", "        dockerfile: Dockerfile\n      ko: {}", "skaffold.yaml:11: build.artifacts[0].ko: given beside docker, of which there can be only one; keep one of them"},
		{"no image", "image: shop/web\n      context", "context", "skaffold.yaml:7: build.artifacts[0].image: missing; give the name by which the manifests call the image"},
		{"image in capitals", "image: shop/web", "image: Shop/web app", `skaffold.yaml:7: build.artifacts[0].image: "Shop/web app" is not a name of an image; write it in small letters, as registry/name`},
		{"import path without a module", "image: shop/web\n      context: web\n      docker:\n        dockerfile: Dockerfile", "image: ko://example.com/web\n      context: web\n      ko: {}", "skaffold.yaml:7: build.artifacts[0].image: ko://example.com/web: no go.mod in web or above it; give the folder of the module as ko.dir"},
		{"image built twice", "  tagPolicy:", "    - {image: shop/web, context: web}\n  tagPolicy:", "skaffold.yaml:11: image shop/web: built already at skaffold.yaml:7; remove one of them, or choose a module with -m"},
		{"image that nothing uses", "image: shop/web", "image: shop/wbe", "skaffold.yaml:7: image shop/wbe: built, and nothing deployed has it; k8s/web.yaml:2 has shop/web; did you mean shop/web? Write the same name in both places"},
		{"image like no other", "image: shop/web", "image: another", "skaffold.yaml:7: image another: built, and nothing deployed has it; build one of those that are deployed: shop/web"},
		{"folder that is not there", "context: web", "context: wbe", `skaffold.yaml:8: build.artifacts[0].context: folder "wbe" not found; did you mean web?`},
		{"folder that is a file", "context: web", "context: k8s/web.yaml", `skaffold.yaml:8: build.artifacts[0].context: folder "k8s/web.yaml" not found; did you mean k8s/web.yaml?`},
		{"folder outside", "context: web", "context: ../web", `skaffold.yaml:8: build.artifacts[0].context: "../web" leads out of the repository; give a path within it`},
		{"absolute folder", "context: web", "context: /web", `skaffold.yaml:8: build.artifacts[0].context: "/web" is not a relative path with slashes; write it relative to the working directory, with /`},
		{"Dockerfile that is not there", "dockerfile: Dockerfile", "dockerfile: Dokerfile", `skaffold.yaml:10: build.artifacts[0].docker.dockerfile: "web/Dokerfile" not found; did you mean web/Dockerfile?`},
		{"no Dockerfile at all", "context: web", "context: other", `skaffold.yaml:10: build.artifacts[0].docker.dockerfile: "other/Dockerfile" not found; Dockerfiles are relative to the context; correct it, or write one`},
		{"pattern that is none", "- k8s/web.yaml", "- k8s/web[.yaml", `skaffold.yaml:16: manifests.rawYaml[0]: "k8s/web[.yaml" is not a pattern of files; close its brackets, or write \ before them`},
		{"pattern of nothing", "- k8s/web.yaml", "- k8s/wbe.yaml", `warning: skaffold.yaml:16: manifests.rawYaml[0]: "k8s/wbe.yaml" matches no file; did you mean k8s/web.yaml?`},
		{"manifest elsewhere", "- k8s/web.yaml", "- https://example.com/web.yaml", "skaffold.yaml:16: manifests.rawYaml[0]: https://example.com/web.yaml: manifests elsewhere are not fetched; copy the file into the repository, and give its path"},
		{"kustomization elsewhere", "  rawYaml:\n    - k8s/web.yaml", "  kustomize: {paths: [\"https://example.com/web\"]}", "skaffold.yaml:15: manifests.kustomize.paths[0]: https://example.com/web: kustomizations elsewhere are not fetched; copy it into the repository, and give its folder"},
		{"folder without a kustomization", "  rawYaml:\n    - k8s/web.yaml", "  kustomize: {paths: [k8s]}", `skaffold.yaml:15: manifests.kustomize.paths[0]: folder "k8s" has no kustomization.yaml; give one of k8s/overlays/local`},
		{"folder without any below", "  rawYaml:\n    - k8s/web.yaml", "  kustomize: {paths: [web]}", `skaffold.yaml:15: manifests.kustomize.paths[0]: folder "web" has no kustomization.yaml; give the folder of an overlay`},
		{"chart", "  rawYaml:", "  helm: {releases: [{name: redis, chartPath: x}]}\n  rawYaml:", "skaffold.yaml:15: manifests.helm (release redis): charts are not rendered yet; commit what `helm template` makes, and name it in rawYaml"},
		{"builder that is not served", "      docker:\n        dockerfile: Dockerfile", "      jib: {type: maven}", "skaffold.yaml:9: build.artifacts[0].jib: not built by Jib; write a Dockerfile, and give docker, or give its command as custom.buildCommand"},
		{"field that is passed over", "        dockerfile: Dockerfile", "        squash: true", "warning: skaffold.yaml:10: build.artifacts[0].docker.squash: layers are not squashed; remove it"},
		{"repository that is required", "build:\n", "requires:\n  - git: {repo: x}\nbuild:\n", "skaffold.yaml:6: requires[0].git: another repository is not fetched; clone it into this repository, as a submodule or a copy, and give its path"},
		{"file that is required and not there", "build:\n", "requires:\n  - path: ./back\nbuild:\n", "skaffold.yaml:6: requires back: file not found; correct the path, which is relative to the folder of the file that it stands in"},
		{"module that is required and not there", "build:\n", "requires:\n  - configs: [shpo]\nbuild:\n", "skaffold.yaml:6: module shpo: not found in skaffold.yaml; did you mean shop?"},
		{"module twice", "kind: Config", "kind: Config\nmetadata: {name: shop}\n---\napiVersion: skaffold/v4beta11\nkind: Config", "skaffold.yaml:8: module shop: there twice in one file; rename one of them"},
		{"image that is required and not built", "      docker:", "      requires: [{image: shop/wep}]\n      docker:", "skaffold.yaml:7: image shop/web: requires shop/wep, which no artifact builds; did you mean shop/web?"},
		{"image that requires itself", "      docker:", "      requires: [{image: shop/web}]\n      docker:", "skaffold.yaml:7: image shop/web: requires shop/web, which requires it in turn; break the circle"},
		{"image without a name that is required", "      docker:", "      requires: [{alias: X}]\n      docker:", "skaffold.yaml:9: build.artifacts[0].requires[0].image: missing; write it"},
		{"variant that is none", "variant: Tags", "variant: Tag", `skaffold.yaml:13: build.tagPolicy.gitCommit.variant: "Tag" unknown; did you mean Tags?`},
		{"variant like no other", "variant: Tags", "variant: Moon", `skaffold.yaml:13: build.tagPolicy.gitCommit.variant: "Moon" unknown; choose one of Tags, CommitSha, AbbrevCommitSha, TreeSha, AbbrevTreeSha`},
		{"template that is none", "    gitCommit:\n      variant: Tags", "    envTemplate:\n      template: \"{{.X\"", "skaffold.yaml:13: build.tagPolicy.envTemplate.template: \"{{.X\": unclosed action; write variables as {{.NAME}}, in quotes"},
		{"no template", "    gitCommit:\n      variant: Tags", "    envTemplate: {}", "skaffold.yaml:12: build.tagPolicy.envTemplate.template: missing; give the template of the tag, such as \"{{.RELEASE}}\""},
		{"component without a name", "    gitCommit:\n      variant: Tags", "    customTemplate:\n      template: x\n      components:\n        - sha256: {}", `skaffold.yaml:15: build.tagPolicy.customTemplate.components[0].name: "" missing, or given twice; give each component a name, which the template uses`},
		{"template within a template", "    gitCommit:\n      variant: Tags", "    customTemplate:\n      template: x\n      components:\n        - name: A\n          customTemplate: {template: y}", "skaffold.yaml:16: build.tagPolicy.customTemplate.components[0].customTemplate: given within another customTemplate; write its components where it is"},
		{"variable that is not set", "        dockerfile: Dockerfile", "        buildArgs: {A: \"{{.NOT_SET}}\"}", "skaffold.yaml:10: build.artifacts[0].docker.buildArgs.A: variable NOT_SET not set; set it in the environment or in skaffold.env, or give it a value with {{default \"…\" .NAME}}"},
		{"patch that leads nowhere", "/build/local", "/build/artifacts/1/image", "skaffold.yaml:27: profile local: patches[0]: path \"/build/artifacts/1/image\" element 1 not found among 1; write the path of a field that the file has, such as /build/artifacts/0/docker/dockerfile"},
		{"patch without a slash", "/build/local", "build", "skaffold.yaml:27: profile local: patches[0]: path \"build\" does not begin with /; write the path of a field that the file has, such as /build/artifacts/0/docker/dockerfile"},
		{"profile without a name", "  - name: local", "  - name:", "skaffold.yaml:24: profiles[].name: missing; give the profile a name, by which -p finds it"},
		{"profile twice", "profiles:\n", "profiles:\n  - name: local\n", "skaffold.yaml:25: profile local: defined twice in one module; rename one of them"},
		{"activation that is none", "    patches:", "    activation: [{env: CI}]\n    patches:", `skaffold.yaml:25: activation env: "CI" is not KEY=pattern; write it as KEY=pattern; an empty pattern is for a variable that is not set`},
		{"activation by a broken pattern", "    patches:", "    activation: [{command: \"(\"}]\n    patches:", `skaffold.yaml:25: activation: "(" is not a regular expression; write one as Go has them, with \ before what is meant as itself`},
		{"prefix of logs that is none", "statusCheck: true", "logs: {prefix: pod}", `skaffold.yaml:18: deploy.logs.prefix: "pod" unknown; choose one of container, podAndContainer, auto, none`},
		{"hook without a command", "      docker:", "      hooks: {before: [{dir: web}]}\n      docker:", "skaffold.yaml:9: build.artifacts[0].hooks.before[0].command: missing; write it as a list of words"},
		{"hook that runs nowhere", "statusCheck: true", "kubectl: {hooks: {after: [{}]}}", "skaffold.yaml:18: deploy.kubectl.hooks.after[0]: names neither host nor container; write the command below one of them"},
		{"sync without a destination", "      docker:", "      sync: {manual: [{src: x}]}\n      docker:", "skaffold.yaml:9: build.artifacts[0].sync.manual[0].dest: missing; write it"},
		{"sync by a broken pattern", "      docker:", "      sync: {infer: [\"a[\"]}\n      docker:", `skaffold.yaml:9: build.artifacts[0].sync.infer[0]: "a[" is not a pattern of files; close its brackets, or write \ before them`},
		{"sync without a Dockerfile", "      docker:\n        dockerfile: Dockerfile", "      ko: {}\n      sync: {infer: [x]}", "warning: skaffold.yaml:10: build.artifacts[0].sync: destinations follow from a Dockerfile, which this image has not got; give manual, with a destination"},
		{"newer version", "v4beta11", "v4beta99", "warning: skaffold.yaml:1: apiVersion: skaffold/v4beta99 is newer than what is known; the file is read as skaffold/v4beta14, and fields that came later are unknown"},
		{"anchors at the top", "kind: Config", "kind: Config\n.x: {y: z}", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			file := strings.Replace(whole, c.old, c.new, 1)
			if c.old != "" && file == whole {
				t.Fatalf("%q is not in the file", c.old)
			}
			_, findings, err := skaffold.Read(treeOf(file), "", skaffold.Options{Command: "dev", Profiles: []string{"local"}, Folder: "shop"})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				switch f.Severity {
				case skaffold.Error:
					got = append(got, f.String())
				case skaffold.Warning:
					got = append(got, "warning: "+f.String())
				}
				if f.Line > 0 && f.Column == 0 && f.Rule != "yaml" || f.Cause == "" || f.Rule == "" || f.Severity != skaffold.Note && f.Remedy == "" {
					t.Errorf("a finding lacks its place, its cause or its remedy: %+v", f)
				}
			}
			if c.want == "" && len(skaffold.Errors(findings)) > 0 || c.want != "" && !contains(got, c.want) {
				t.Errorf("got %s\nwant %s", strings.Join(got, "\n"), c.want)
			}
		})
	}
}

func contains(lines []string, want string) bool {
	for _, line := range lines {
		if strings.HasPrefix(line, want) {
			return true
		}
	}
	return false
}

// What is in a file has bounds.
func TestBoundsOfFiles(t *testing.T) {
	aliases := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 9; i++ {
		aliases += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	required := fstest.MapFS{}
	for i := range 150 {
		required[fmt.Sprintf("s%d.yaml", i)] = &fstest.MapFile{Data: []byte(fmt.Sprintf("apiVersion: skaffold/v3\nkind: Config\nrequires: [{path: s%d.yaml}]\n", i+1))}
	}
	for name, c := range map[string]struct {
		tree fstest.MapFS
		file string
		want string
	}{
		"bytes":     {treeOf(whole + "# " + strings.Repeat("x", 1<<20)), "skaffold.yaml", "more than the limit of 1048576"},
		"aliases":   {treeOf(aliases), "skaffold.yaml", "more than 50000 values, or 64 within each other"},
		"depth":     {treeOf("x: " + strings.Repeat("[", 100) + strings.Repeat("]", 100)), "skaffold.yaml", "more than 50000 values, or 64 within each other"},
		"itself":    {treeOf("x: &x [*x]\n"), "skaffold.yaml", "more than 50000 values, or 64 within each other"},
		"documents": {treeOf(strings.Repeat("---\na: b\n", 101)), "skaffold.yaml", "more than 100 documents"},
		"files":     {required, "s0.yaml", "more than 100 files"},
	} {
		_, findings, err := skaffold.Read(c.tree, c.file, skaffold.Options{})
		if err != nil || !strings.Contains(fmt.Sprint(skaffold.Errors(findings)), c.want) {
			t.Errorf("%s: got %v and %v, want %s", name, skaffold.Errors(findings), err, c.want)
		}
	}
	_, findings, err := skaffold.Read(treeOf(strings.Repeat("---\n"+whole, 3)), "", skaffold.Options{})
	if err != nil || strings.Contains(fmt.Sprint(findings), "documents") {
		t.Errorf("three documents: got %v and %v", findings, err)
	}
}

func TestErrors(t *testing.T) {
	all := []skaffold.Finding{{Severity: skaffold.Note}, {Severity: skaffold.Error, Rule: "x"}, {Severity: skaffold.Warning}}
	if got := skaffold.Errors(all); len(got) != 1 || got[0].Rule != "x" || len(all) != 3 || all[0].Severity != skaffold.Note {
		t.Errorf("got %v of %v", got, all)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(whole, "local", "web.yaml")
	f.Add(strings.Replace(whole, "v4beta11", "v2beta10", 1), "-local", "dev")
	f.Add("apiVersion: skaffold/v3\nkind: Config\nrequires: [{path: .}, {configs: [x]}]\nprofiles: [{name: a, patches: [{op: copy, from: /kind, path: /x}]}]\n", "a", "")
	f.Add("images: [{image: x, package: ., sync: [{src: x, dest: y}]}]\nmanifests: k8s\nforwards: [{service: x, port: 1}]\n", "", "")
	f.Fuzz(func(t *testing.T, file, profile, variable string) {
		tree := treeOf(file)
		tree["cyan.yaml"] = tree["skaffold.yaml"]
		for _, name := range []string{"skaffold.yaml", "cyan.yaml"} {
			result, err := skaffold.Check(tree, name, skaffold.Options{Command: "dev", Profiles: []string{profile}, Env: map[string]string{"X": variable}})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, a := range result.Project.Artifacts {
				if a.Image == "" || strings.HasPrefix(a.Context, "..") || strings.HasPrefix(a.Context, "/") {
					t.Errorf("artifact %+v", a)
				}
				if _, err := a.Tagger.Tag(skaffold.Facts{Env: map[string]string{"X": variable}}); err != nil && err.Error() == "" {
					t.Error("an empty error")
				}
			}
			for _, finding := range result.Findings {
				if finding.Cause == "" {
					t.Errorf("finding %+v", finding)
				}
			}
		}
	})
}
