package skaffold_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/internal/skaffold"
)

// A command that builds an image is told by variables what it is called, and what it stands on.
func TestCustomEnvironment(t *testing.T) {
	a := skaffold.Artifact{DependsOn: []skaffold.Dependency{{Image: "base", Alias: "BASE"}}}
	got := a.Env("r.example/team/web", "v1", "linux/arm64", "/src/web", true, map[string]string{"base": "r.example/base@sha256:1"})
	want := map[string]string{
		"IMAGE": "r.example/team/web:v1", "PUSH_IMAGE": "true", "BUILD_CONTEXT": "/src/web", "PLATFORMS": "linux/arm64", "SKIP_TEST": "false", "BASE": "r.example/base@sha256:1",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := a.Env("web", "v1", "", "", false, nil)["PUSH_IMAGE"]; got != "false" {
		t.Errorf("PUSH_IMAGE is %q where nothing is pushed", got)
	}
}

func TestCustomIgnored(t *testing.T) {
	for _, c := range []struct {
		rule string
		of   skaffold.Custom
		want string
	}{
		{"all files count", skaffold.Custom{}, ""},
		{"but some", skaffold.Custom{Ignore: []string{"*.md"}}, "*.md"},
		{"only some", skaffold.Custom{Paths: []string{"src/", "./go.mod"}, Ignore: []string{"src/x"}}, "** !src !src/** !go.mod !go.mod/** src/x"},
		{"the folder", skaffold.Custom{Paths: []string{"."}, Ignore: []string{"x"}}, "** !** !**/** x"},
	} {
		if got := strings.Join(c.of.Ignored(), " "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.rule, got, c.want)
		}
	}
}

// A template asks for what an image is called once that is known.
func TestBuildArgsOfTheImage(t *testing.T) {
	tree := fstest.MapFS{
		"k8s/pod.yaml":  {Data: []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: web}]}\n")},
		"Dockerfile":    {Data: []byte("FROM scratch\n")},
		"skaffold.yaml": {Data: []byte("apiVersion: skaffold/v4beta11\nkind: Config\nbuild: {artifacts: [{image: web, docker: {buildArgs: {A: '{{.IMAGE_REPO}} {{.IMAGE_NAME}} {{.IMAGE_TAG}} {{.FOO}}', B: '{{.FOO}}', C: IMAGE_TAG}}}]}\n")},
	}
	p, findings, err := skaffold.Read(tree, "", skaffold.Options{Env: map[string]string{"FOO": "foo"}})
	if err != nil || len(skaffold.Errors(findings)) > 0 {
		t.Fatal(err, findings)
	}
	for repository, want := range map[string]string{"localhost:5000/team/web": "localhost:5000/team web v1 foo", "web": " web v1 foo"} {
		if got := p.Artifacts[0].Docker.Args(repository, "v1"); !maps.Equal(got, map[string]string{"A": want, "B": "foo", "C": "IMAGE_TAG"}) {
			t.Errorf("of %s: got %v, want A as %q", repository, got, want)
		}
	}
}

// A command that builds is asked for, and one without consent is never run.
func TestCustomNeedsConsent(t *testing.T) {
	p := skaffold.Project{Artifacts: []skaffold.Artifact{{Image: "web", Context: "web", Custom: &skaffold.Custom{Command: "make"}, Position: skaffold.Position{File: "skaffold.yaml", Line: 3}}}}
	var asked []string
	for _, c := range p.Consents("linux") {
		asked = append(asked, c.String())
	}
	if want := []string{"skaffold.yaml:3: builds web by make in web"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
	if without := p.WithoutConsent(); !without.Artifacts[0].Custom.Refused || p.Artifacts[0].Custom.Refused {
		t.Error("without consent the command is not refused, or that of the project itself is")
	}
}
