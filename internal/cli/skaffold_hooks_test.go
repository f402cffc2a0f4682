package cli_test

import (
	"os"
	"strings"
	"testing"
)

// hooksTree is a project of a Go program with commands around its build.
func hooksTree() map[string]string {
	return map[string]string{
		"go.mod":  "module example.com/web\n\ngo 1.24\n",
		"main.go": "package main\n\nvar version = \"none\"\n\nfunc main() { println(version) }\n",
		"skaffold.yaml": `apiVersion: skaffold/v4beta11
kind: Config
build:
  artifacts:
    - image: web
      ko:
        ldflags: ["-s -w -X main.version={{.VERSION}}"]
        flags: [-trimpath]
        env: [GOAMD64=v2]
      hooks:
        before:
          - command: [sh, -c, "echo $SKAFFOLD_IMAGE > before"]
          - command: [false]
            os: [plan9]
        after:
          - command: [sh, -c, "echo built >> after; echo said by a hook"]
`,
	}
}

// Commands of a file are run on this machine with consent alone, and what is run is shown.
func TestSkaffoldHooksNeedConsent(t *testing.T) {
	const line = "skaffold build --push=false -t v1"
	t.Setenv("VERSION", "v7")
	exists := func(name string) bool {
		_, err := os.Stat(name)
		return err == nil
	}
	t.Run("without", func(t *testing.T) {
		inTree(t, hooksTree())
		code, _, note := called(t, line)
		if code == 0 || !strings.Contains(note, "skaffold.yaml:12: runs sh -c echo $SKAFFOLD_IMAGE > before") || !strings.Contains(note, "give --trust-hooks to agree, or --trust-hooks=false to go on without") || strings.Contains(note, "plan9") {
			t.Errorf("got %d, %s; want the commands named", code, note)
		}
		if exists("before") {
			t.Error("a command was run")
		}
	})
	t.Run("with", func(t *testing.T) {
		inTree(t, hooksTree())
		code, _, note := called(t, line+" --trust-hooks")
		before, _ := os.ReadFile("before")
		if code != 0 || string(before) != "web:v1\n" || !exists("after") || !strings.Contains(note, "said by a hook") || !strings.Contains(note, "note: skaffold.yaml:12: runs sh -c echo") {
			t.Errorf("got %d, %q, %s; want the commands run and shown", code, before, note)
		}
	})
	t.Run("left out", func(t *testing.T) {
		inTree(t, hooksTree())
		code, out, note := called(t, line+" --trust-hooks=false")
		if code != 0 || !strings.Contains(out, "web -> web:v1") || exists("before") || !strings.Contains(note, "warning: left out: skaffold.yaml:12: runs sh -c") {
			t.Errorf("got %d, %s%s; want it built without", code, out, note)
		}
	})
	t.Run("nothing is asked of a dry run", func(t *testing.T) {
		inTree(t, hooksTree())
		if code, _, note := called(t, line+" --dry-run"); code != 0 || exists("before") {
			t.Errorf("got %d, %s", code, note)
		}
	})
	t.Run("a command that fails", func(t *testing.T) {
		tree := hooksTree()
		tree["skaffold.yaml"] = strings.Replace(tree["skaffold.yaml"], "echo $SKAFFOLD_IMAGE > before", "exit 3", 1)
		inTree(t, tree)
		code, out, note := called(t, line+" --trust-hooks")
		if code == 0 || out != "" || !strings.Contains(note, "skaffold.yaml:12: hook sh -c exit 3: exit status 3; correct the command") || exists("after") {
			t.Errorf("got %d, %s%s; want the build ended", code, out, note)
		}
	})
	t.Run("a flag that would run a program", func(t *testing.T) {
		tree := hooksTree()
		tree["skaffold.yaml"] = strings.Replace(tree["skaffold.yaml"], "[-trimpath]", "[-toolexec=touch]", 1)
		inTree(t, tree)
		if code, _, note := called(t, line+" --trust-hooks"); code == 0 || !strings.Contains(note, "-toolexec=touch") {
			t.Errorf("got %d, %s; want the flag refused", code, note)
		}
	})
}
