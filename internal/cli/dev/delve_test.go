package dev

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/problem"
)

// A debugger is put into images of any kind, so it must need no libraries.
func TestRunsAnywhere(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "dlv")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]bool{script: false, filepath.Join(dir, "none"): false, "/bin/bash": false} {
		if got := runsAnywhere(file); got != want {
			t.Errorf("%s: got %v, want %v", file, got, want)
		}
	}
}

// Where the debugger cannot be built, that says so with what helps, and nothing half is kept.
func TestDelveCannotBeBuilt(t *testing.T) {
	kept := filepath.Join(t.TempDir(), "cache", "dlv")
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
	err := buildDelve(t.Context(), kept)
	if e := problem.Of(err); e == nil || e.Object != "--debug" || !strings.Contains(e.Cause, delveVersion) || !strings.Contains(e.Remedy, "go install") {
		t.Errorf("got %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(kept))
	if err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	t.Setenv("PATH", t.TempDir())
	if e := problem.Of(buildDelve(t.Context(), kept)); e == nil || !strings.Contains(e.Remedy, "install Go") {
		t.Errorf("without Go: got %v", e)
	}
}
