package dev

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/cli/term"
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

// Containers have a colour each, the same in every pod, and lines of pods that others have replaced have none.
func TestColoursOfLogs(t *testing.T) {
	l := newLines(&bytes.Buffer{}, t.TempDir())
	l.theme = term.Colours()
	log := func(pod, container string, old bool) string {
		return l.line(devloop.Event{Kind: devloop.Log, Pod: pod, Container: container, Text: "hello", Old: old})
	}
	for _, c := range []struct {
		rule, got, want string
	}{
		{"the first", log("shop-abcde", "web", false), l.theme.Shade(0, "web abcde │") + " hello"},
		{"another", log("shop-abcde", "api", false), l.theme.Shade(1, "api abcde │") + " hello"},
		{"the first in another pod", log("shop-fghij", "web", false), l.theme.Shade(0, "web fghij │") + " hello"},
		{"replaced", log("shop-abcde", "web", true), l.theme.Quiet("web abcde │ hello")},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.rule, c.got, c.want)
		}
	}
	if l.theme.Shade(0, "x") == l.theme.Shade(1, "x") || l.theme.Shade(0, "x") == "x" || l.theme.Quiet("x") == "x" {
		t.Error("colours are not told apart")
	}
}

// How far a slow build is has a line every ten seconds of it.
func TestLinesOfASlowBuild(t *testing.T) {
	var out bytes.Buffer
	l := newLines(&out, t.TempDir())
	for _, seconds := range []int{4, 5, 13, 14, 15, 24} {
		l.see(devloop.Event{Kind: devloop.Building, Artifact: "web", Text: "still building", Took: time.Duration(seconds) * time.Second})
	}
	if got := strings.Count(out.String(), "still building"); got != 3 || !strings.Contains(out.String(), "14.00s") {
		t.Errorf("got %d lines, want those of 4, 14 and 24 s:\n%s", got, out.String())
	}
}
