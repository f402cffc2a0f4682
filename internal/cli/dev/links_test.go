package dev

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/devloop"
)

// Files of the project that are named with a line are links; whatever else looks like one is text.
func TestFileLinks(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"cmd/app/main.go", "k8s/a b.yaml", "Dockerfile", "skaffold.yaml"} {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(root), "outside.go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	links := fileLinks{root, "here"}
	for text, want := range map[string]string{
		"# x\ncmd/app/main.go:3:17: undefined: missing": "cmd/app/main.go:3 file://here" + root + "/cmd/app/main.go#3",
		"./cmd/app/main.go:3: bad":                      "./cmd/app/main.go:3 file://here" + root + "/cmd/app/main.go#3",
		"vet: " + root + "/cmd/app/main.go:12:1: x":     root + "/cmd/app/main.go:12 file://here" + root + "/cmd/app/main.go#12",
		"Dockerfile:2: unknown; skaffold.yaml:9: x":     "Dockerfile:2 file://here" + root + "/Dockerfile#2|skaffold.yaml:9 file://here" + root + "/skaffold.yaml#9",
		"none.go:3: x":                        "",
		"../outside.go:3: x":                  "",
		"/etc/passwd.x:3 and http://a.b:80/x": "",
		"cmd/app:3: a folder":                 "",
	} {
		var got []string
		for _, l := range links.in(devloop.Event{Text: text, Err: errors.New("x")}) {
			got = append(got, text[l.From:l.To]+" "+l.Address)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := links.in(devloop.Event{Kind: devloop.Log, Text: "cmd/app/main.go:3: a log"}); got != nil {
		t.Errorf("a log: got %v, want no links", got)
	}
	if got := links.in(devloop.Event{Text: strings.Repeat("Dockerfile:1\n", 1000), Err: errors.New("x")}); len(got) != mostLinks {
		t.Errorf("got %d links, want at most %d", len(got), mostLinks)
	}
}
