package skaffold_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/skaffold"
)

// What is refused matters where it is applied, and to those who do what it is for.
func TestRefusedWhereItHasAnEffect(t *testing.T) {
	const file = `apiVersion: skaffold/v4beta11
kind: Config
build:
  artifacts:
    - image: web
      jib: {}
manifests: {rawYaml: [k8s/*.yaml]}
profiles:
  - name: docker
    build: {artifacts: [{image: web, docker: {}}]}
  - name: chart
    deploy: {helm: {releases: [{name: web}]}}
  - name: bazel
    build: {artifacts: [{image: web, bazel: {}}]}
`
	const jib, helm, bazel = "build.artifacts[0].jib", "profiles[1].deploy.helm (release web)", "profiles[2].build.artifacts[0].bazel"
	for _, c := range []struct {
		rule, command string
		profiles      []string
		want          map[string]skaffold.Severity
	}{
		{"profiles that are not applied", "dev", nil, map[string]skaffold.Severity{jib: skaffold.Error, helm: skaffold.Note, bazel: skaffold.Note}},
		{"what a profile replaces", "dev", []string{"docker"}, map[string]skaffold.Severity{jib: skaffold.Note, helm: skaffold.Note, bazel: skaffold.Note}},
		{"profiles that are applied", "dev", []string{"docker", "chart"}, map[string]skaffold.Severity{jib: skaffold.Note, helm: skaffold.Error, bazel: skaffold.Note}},
		{"a chart where nothing is deployed", "build", []string{"docker", "chart"}, map[string]skaffold.Severity{jib: skaffold.Note, helm: skaffold.Warning, bazel: skaffold.Note}},
		{"a builder where nothing is deployed", "build", []string{"bazel"}, map[string]skaffold.Severity{jib: skaffold.Note, helm: skaffold.Note, bazel: skaffold.Error}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			tree := treeOf(file)
			tree["k8s/web.yaml"] = treeOf("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: web}]}\n")["skaffold.yaml"]
			tree["Dockerfile"] = treeOf("FROM scratch\n")["skaffold.yaml"]
			_, findings, err := skaffold.Read(tree, "", skaffold.Options{Command: c.command, Profiles: c.profiles})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]skaffold.Severity{}
			for _, f := range findings {
				if f.Rule == "not-honoured" {
					got[f.Object] = f.Severity
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// Fields are those of the file's version, in the older spellings too.
func TestFieldsOfVersions(t *testing.T) {
	for _, c := range []struct{ version, field, want string }{
		{"v1beta13", "build: {artifacts: [{image: a, jibMaven: {}}]}", "not built by Jib"},
		{"v2beta4", "build: {artifacts: [{image: a, buildpack: {}}]}", "not built by buildpacks"},
		{"v2beta5", "build: {artifacts: [{image: a, buildpack: {}}]}", "unknown in skaffold/v2beta5"},
		{"v3", "manifests: {hooks: {before: [{host: {command: [x]}}]}, rawYaml: [x]}", ""},
		{"v4beta9", "manifests: {hooks: {after: [{host: {command: [x], withChange: true}}]}, rawYaml: [x]}", "the manifests that a command prints are not taken"},
		{"v2beta1", "deploy: {kustomize: {path: x}}", "unknown in skaffold/v2beta1"},
	} {
		_, findings, err := skaffold.Read(treeOf("apiVersion: skaffold/"+c.version+"\nkind: Config\n"+c.field+"\n"), "", skaffold.Options{Command: "dev"})
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(skaffold.Errors(findings))
		if c.want == "" && strings.Contains(got, "unknown") || c.want != "" && !strings.Contains(got, c.want) {
			t.Errorf("%s: %s: got %s, want %q", c.version, c.field, got, c.want)
		}
	}
}
