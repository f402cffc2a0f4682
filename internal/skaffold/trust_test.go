package skaffold_test

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/cyan-cd/cyan/internal/skaffold"
)

// trusting is a project that asks for everything that its owner is asked about.
func trusting(t *testing.T) skaffold.Project {
	t.Helper()
	tree := fstest.MapFS{
		"k8s/pod.yaml":      {Data: []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: web}]}\n")},
		"web/Dockerfile":    {Data: []byte("FROM scratch\n")},
		"web/skaffold.yaml": {Data: []byte("apiVersion: skaffold/v4beta11\nkind: Config\nbuild: {hooks: {before: [{command: [in, web]}]}}\n")},
		"skaffold.yaml": {Data: []byte(`apiVersion: skaffold/v4beta11
kind: Config
requires: [{path: web}]
build:
  hooks:
    before: [{command: [build, before]}, {command: [only, there], os: [plan9]}]
    after: [{command: [build, after], os: [linux, darwin]}]
  artifacts:
    - image: web
      context: web
      hooks:
        before: [{command: [image, before], dir: web}]
        after: [{command: [image, after]}]
      sync:
        manual: [{src: x, dest: /}]
        hooks: {before: [{host: {command: [sync, before]}}], after: [{container: {command: [in, container]}}]}
      docker:
        secrets: [{id: token, env: TOKEN}, {id: file, src: secrets/file}, {id: plain}]
        ssh: default
        cliFlags: [--network, host]
manifests:
  rawYaml: [k8s/pod.yaml]
  hooks: {before: [{host: {command: [manifests, before]}}], after: [{host: {command: [manifests, after]}}]}
deploy:
  kubectl:
    hooks: {before: [{host: {command: [deploy, before]}}, {container: {command: [in, container]}}], after: [{host: {command: [deploy, after]}}]}
`)},
	}
	p, findings, err := skaffold.Read(tree, "", skaffold.Options{})
	if err != nil || len(skaffold.Errors(findings)) > 0 {
		t.Fatal(err, findings)
	}
	return p
}

// Who has a file carried out is asked for all that it does on the machine, in the order of the file, and for nothing
// that runs elsewhere.
func TestConsents(t *testing.T) {
	asked := func(p skaffold.Project, os string) (all []string) {
		for _, c := range p.Consents(os) {
			all = append(all, c.String())
		}
		return all
	}
	p := trusting(t)
	want := []string{
		"skaffold.yaml:6: runs build before",
		"skaffold.yaml:7: runs build after",
		"skaffold.yaml:9: gives the builder of web the secret token, of the variable TOKEN",
		"skaffold.yaml:9: gives the builder of web the secret file, of secrets/file",
		"skaffold.yaml:9: gives the builder of web the secret plain",
		"skaffold.yaml:9: gives the builder of web the SSH agent default",
		"skaffold.yaml:9: gives the builder of web the flags --network host",
		"skaffold.yaml:12: runs image before in web",
		"skaffold.yaml:13: runs image after",
		"skaffold.yaml:16: runs sync before",
		"skaffold.yaml:23: runs manifests before",
		"skaffold.yaml:23: runs manifests after",
		"skaffold.yaml:26: runs deploy before",
		"skaffold.yaml:26: runs deploy after",
		"web/skaffold.yaml:3: runs in web in web",
	}
	if got := asked(p, "linux"); !slices.Equal(got, want) {
		t.Errorf("asked for\n%q\nwant\n%q", got, want)
	}
	want = slices.Replace(want, 1, 2, "skaffold.yaml:6: runs only there")
	if got := asked(p, "plan9"); !slices.Equal(got, want) {
		t.Errorf("on another system asked for\n%q\nwant\n%q", got, want)
	}
}

// What somebody agrees to is shown whole, and steers no terminal.
func TestShown(t *testing.T) {
	for command, want := range map[string][2]string{
		"make all":                  {"make all", "make all"},
		"set -e\nmake\n\nmake x\n":  {"set -e\n      make\n      \n      make x", "set -e … (3 more lines)"},
		"make\r\nmake x\r\n":        {"make\n      make x", "make … (1 more lines)"},
		"rm -rf /\x1b[2K\rmake all": {`rm -rf /\x1b[2K\rmake all`, `rm -rf /\x1b[2K\rmake all`},
		"make \u202e all\tx":        {`make \u202e all` + "\tx", `make \u202e all` + "\tx"},
		"作る":                        {"作る", "作る"},
	} {
		if got := skaffold.Shown(command); got != want[0] {
			t.Errorf("%q: got %q, want %q", command, got, want[0])
		}
		if got := skaffold.Shortened(command); got != want[1] {
			t.Errorf("%q in a line: got %q, want %q", command, got, want[1])
		}
	}
}

// Without consent nothing of that is done, and what runs in containers is.
func TestWithoutConsent(t *testing.T) {
	p := trusting(t)
	before := len(p.Consents("linux"))
	without := p.WithoutConsent()
	if left := without.Consents("linux"); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
	if len(p.Consents("linux")) != before {
		t.Error("the project itself was changed")
	}
	containers := func(hooks skaffold.Hooks) []skaffold.Hook { return slices.Concat(hooks.Before, hooks.After) }
	for name, hooks := range map[string][]skaffold.Hook{"deploy": containers(without.Deploy.Hooks), "sync": containers(without.Artifacts[0].Sync.Hooks)} {
		if len(hooks) != 1 || !hooks[0].Container {
			t.Errorf("of %s are left %v, want the command in containers", name, hooks)
		}
	}
	if d := without.Artifacts[0].Docker; d == nil || d.Dockerfile != "web/Dockerfile" || d.Secrets != nil || d.SSH != "" || d.Flags != nil {
		t.Errorf("left is %+v, want the Dockerfile without what it is given", d)
	}
}
