package image

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/image/dockerfile"
)

// What go build gets for a debugger: nothing is optimized, symbols stay, and sources are named by where they are.
func TestFlagsForADebugger(t *testing.T) {
	for _, row := range []struct {
		rule  string
		debug bool
		quick bool
		flags []string
		want  string
	}{
		{"without one", false, false, []string{"-ldflags=-s -w", "-tags=a"}, "-trimpath|-buildvcs=false|-ldflags=-s -w|-tags=a"},
		{"with one", true, false, nil, "-buildvcs=false|-gcflags=all=-N -l|-gcflags=example.com/app/...=-N -l '-trimpath=/stage=>/home/ann'"},
		{"symbols stay, and what is linked in", true, false, []string{"-trimpath", "-ldflags=-s -w -X main.version=1", "-tags=a"}, "-buildvcs=false|-ldflags=-X main.version=1|-tags=a|-gcflags=all=-N -l|-gcflags=example.com/app/...=-N -l '-trimpath=/stage=>/home/ann'"},
		{"also in a hurry", true, true, []string{"-ldflags=-w"}, "-buildvcs=false|-ldflags=|-gcflags=all=-N -l|-gcflags=example.com/app/...=-N -l '-trimpath=/stage=>/home/ann'"},
	} {
		p := &Plan{request: Request{Quick: row.quick}, gomain: &goMain{Image: dockerfile.Image{Program: dockerfile.Program{Flags: row.flags}}}}
		if row.debug {
			p.request.Debug = &Debug{Delve: "/dlv"}
		}
		if got := strings.Join(goFlags(p, map[string]string{"example.com/app": "/stage=>/home/ann"}), "|"); got != row.want {
			t.Errorf("%s: got  %s\nwant %s", row.rule, got, row.want)
		}
	}
}

func TestModuleName(t *testing.T) {
	for text, want := range map[string]string{"module a.b/c\n": "a.b/c", "// x\n\nmodule \"a b\"\ngo 1.26\n": "a b", "\tmodule x\r\n": "x", "go 1.26\n": "command-line-arguments"} {
		if got := moduleName(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// The program of an image for a debugger names its sources by their paths on this machine; the debugger is beside it.
func TestImageForADebugger(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/app\n\ngo 1.26\n", "main.go": "package main\n\nfunc main() { println(1) }\n", "dlv": "a debugger",
		"Dockerfile": "FROM golang AS build\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -ldflags='-s -w' -o /app .\nFROM scratch\nCOPY --from=build /app /app\nENTRYPOINT [\"/app\"]\nCMD [\"x\"]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plan, err := Prepare(context.Background(), Request{Dir: dir, Dockerfile: "Dockerfile", Repository: "registry.example/app", Tag: "dev", Keep: true, Debug: &Debug{Delve: filepath.Join(dir, "dlv")}})
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "program")
	if _, err := compile(t.Context(), plan, binary); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(data); !strings.Contains(text, filepath.Join(dir, "main.go")) || strings.Contains(text, "/src/main.go") {
		t.Error("the program does not name its sources by where they are on this machine")
	}
	built, err := plan.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p := built.Program; p == nil || p.Path != "/app" || strings.Join(p.Entrypoint, " ") != "/app" || strings.Join(p.Cmd, " ") != "x" {
		t.Errorf("got the program %+v", p)
	}
	one, err := delveLayer(plan, tree{})
	if err != nil || one == nil {
		t.Fatal(err)
	}
	if again, err := delveLayer(plan, tree{}); err != nil || again != one {
		t.Errorf("the debugger is packed again: %v", err)
	}
}
