package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// A command that panics has failed in words, with where it was for a report.
func TestACommandThatPanics(t *testing.T) {
	root := &cobra.Command{RunE: func(*cobra.Command, []string) error { panic("boom") }}
	root.SetArgs(nil)
	var printed bytes.Buffer
	err := run(t.Context(), root, &printed)
	if got, want := kit.Message(err), "Error: the program has failed: boom; report it"; got != want || kit.ExitCode(err) == 0 {
		t.Errorf("got %q, exit code %d, want %q", got, kit.ExitCode(err), want)
	}
	if !strings.Contains(printed.String(), "panic_test.go") {
		t.Errorf("printed %q, want where it was", printed.String())
	}
}
