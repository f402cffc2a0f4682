package dev

import (
	"bytes"
	"testing"

	"github.com/cyan-cd/cyan/internal/devloop"
)

// A line of a log begins as deploy.logs.prefix has it.
func TestLinesOfLogs(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	for prefix, want := range map[string]string{
		"": "web abcde │ hello\n", "auto": "web abcde │ hello\n", "container": "web │ hello\n", "podAndContainer": "shop-1-abcde web │ hello\n", "none": "hello\n",
	} {
		for _, old := range []bool{false, true} {
			var out bytes.Buffer
			newLines(&out, t.TempDir()).see(devloop.Event{Kind: devloop.Log, Pod: "shop-1-abcde", Container: "web", Text: "\x1b[31mhello\x1b[0m", Prefix: prefix, Old: old})
			if out.String() != want {
				t.Errorf("prefix %q, old %t: got %q, want %q", prefix, old, out.String(), want)
			}
		}
	}
}
