package cli_test

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	ggcr "github.com/google/go-containerregistry/pkg/registry"

	"github.com/cyan-cd/cyan/internal/testkit"
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

func init() { testkit.PushWhereAsked() }

// An image is built by a command of the file with consent alone, and has to be pushed by it where it is deployed from.
func TestSkaffoldBuildsByACommand(t *testing.T) {
	registry := httptest.NewServer(ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(registry.Close)
	host := strings.TrimPrefix(registry.URL, "http://")
	tree := map[string]string{"web/x": "", "skaffold.yaml": `apiVersion: skaffold/v4beta11
kind: Config
build:
  artifacts:
    - image: web
      context: web
      custom:
        buildCommand: 'echo "$IMAGE $PUSH_IMAGE $BUILD_CONTEXT" > said; echo it builds; test ! -e broken || exit 1; if test -e pushes; then CYAN_TEST_PUSHES=$IMAGE ` + os.Args[0] + `; fi'
`}
	line := "skaffold build -t v1 -d " + host
	for _, c := range []struct {
		rule, more      string
		pushed          bool
		code            int
		said, out, note string
	}{
		{"without consent", "", false, 1, "", "", "skaffold.yaml:5: builds web by echo"},
		{"consent refused", " --trust-hooks=false", false, 1, "", "", "skaffold.yaml:5: image web: not built without consent to its command; give --trust-hooks to agree"},
		{"not pushed", " --trust-hooks", false, 1, host + "/web:v1-", "", "image web: its build command ended well, and what it was to push is not in the registry"},
		{"kept", " --trust-hooks --push=false", false, 0, host + "/web:v1 false ", "web -> " + host + "/web:v1\n", "  it builds\n"},
		{"pushed", " --trust-hooks", true, 0, host + "/web:v1-", "web -> " + host + "/web:v1@sha256:", ""},
		{"not pushed, where an older one is", " --trust-hooks", false, 1, host + "/web:v1-", "", "what it was to push is not in the registry"},
		{"failed", " --trust-hooks", true, 1, host + "/web:v1-", "", "image web: its build command failed: exit status 1"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			inTree(t, tree)
			if c.rule == "failed" {
				if err := os.WriteFile("web/broken", nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if c.pushed {
				if err := os.WriteFile("web/pushes", nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			code, out, note := called(t, line+c.more)
			said, _ := os.ReadFile("web/said")
			if (code == 0) != (c.code == 0) || !strings.Contains(out, c.out) || c.out == "" && out != "" || !strings.Contains(note, c.note) || !strings.HasPrefix(string(said), c.said) || c.said == "" && len(said) > 0 {
				t.Errorf("got %d, %q, said %q:\n%s\nwant %d, %q, said %q:\n%s", code, out, said, note, c.code, c.out, c.said, c.note)
			}
		})
	}
}
