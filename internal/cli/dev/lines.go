package dev

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/internal/cli/dev/dashboard"
	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/devloop"
)

// lines shows a loop as lines, each of which stays.
type lines struct {
	out   io.Writer
	theme term.Theme
	links fileLinks
	// shades are the numbers of containers, in the order in which they were first heard of.
	shades map[string]int
	// slow is how long builds had taken when it was said last how far they are.
	slow map[string]time.Duration
}

func newLines(out io.Writer, root string) *lines {
	return &lines{out: out, theme: term.Detect(out, os.Getenv).Theme, links: newFileLinks(root), shades: map[string]int{}, slow: map[string]time.Duration{}}
}

// Lines returns what shows the events of a loop in a folder as lines, each of which stays.
func Lines(out io.Writer, root string) func(devloop.Event) { return newLines(out, root).see }

// see shows an event.
func (l *lines) see(e devloop.Event) {
	if text := l.line(e); text != "" {
		fmt.Fprintln(l.out, text)
	}
}

// line is what an event comes to; "" for one that is not shown.
func (l *lines) line(e devloop.Event) string {
	if e.Err != nil {
		return l.problem(e)
	}
	t := l.theme
	switch e.Kind {
	case devloop.Changed:
		if e.Text == "" {
			return ""
		}
		return t.Strong("● " + e.Text)
	case devloop.Building:
		return l.building(e)
	case devloop.Built:
		return l.step(t.Good("✓"), "built", e.Took, e.Artifact+"  "+t.Quiet(e.Text+part("compiled", e.Compiled)+part("pushed", e.Pushed)))
	case devloop.Deployed:
		return l.step(t.Good("✓"), "deployed", e.Took, t.Quiet(e.Text))
	case devloop.Synced:
		return l.step(t.Good("✓"), "synced", e.Took, e.Text)
	case devloop.Ready:
		after := "the save"
		if e.Round == 1 {
			after = "the start"
		}
		return l.step(t.Good("✓"), "ready", e.Took, t.Strong(seconds(e.Total)+" after "+after))
	case devloop.Debugging:
		return t.Good("→") + " " + t.Strong(e.Address) + "  " + t.Quiet("debugger of "+e.Artifact) + "\n" + indent(e.Text)
	case devloop.Forwarded:
		return t.Good("→") + " " + t.Strong(e.Address) + "  " + t.Quiet(e.Text)
	case devloop.Began, devloop.Note, devloop.Removed:
		return t.Quiet("· " + e.Text)
	case devloop.Output:
		return t.Quiet("  " + term.Unstyled(e.Text))
	case devloop.Log:
		return l.log(e)
	}
	return ""
}

// buildingEvery is how often it is said how far a build is.
const buildingEvery = 10 * time.Second

// building is a line about a build that goes on, once in a while; none about one that begins.
func (l *lines) building(e devloop.Event) string {
	if e.Text == "" {
		delete(l.slow, e.Artifact)
		return ""
	}
	if before, said := l.slow[e.Artifact]; said && e.Took-before < buildingEvery {
		return ""
	}
	l.slow[e.Artifact] = e.Took
	return l.step(l.theme.Quiet("·"), "building", e.Took, e.Artifact+"  "+l.theme.Quiet(e.Text))
}

// log is a line of a container, with the end of its pod's name, by which two of one kind are told apart.
func (l *lines) log(e devloop.Event) string {
	shade, known := l.shades[e.Container]
	if !known {
		shade = len(l.shades)
		l.shades[e.Container] = shade
	}
	label, text := labelOf(e), term.Unstyled(e.Text)
	switch {
	case e.Old:
		return l.theme.Quiet(label + text)
	case label == "":
		return text
	}
	return l.theme.Shade(shade, strings.TrimSuffix(label, " ")) + " " + text
}

// labelOf is what a line of a container begins with; "" for nothing.
func labelOf(e devloop.Event) string {
	switch e.Prefix {
	case "none":
		return ""
	case "container":
		return e.Container + " │ "
	case "podAndContainer":
		return e.Pod + " " + e.Container + " │ "
	}
	return e.Container + " " + e.Pod[strings.LastIndex(e.Pod, "-")+1:] + " │ "
}

// problem is a line about what has failed, with why below it.
func (l *lines) problem(e devloop.Event) string {
	mark := l.theme.Bad("✗")
	e.Text = dashboard.Linked(l.theme, e.Text, l.links.in(e))
	switch e.Kind {
	case devloop.BuildFailed:
		return l.step(mark, "build", e.Took, e.Artifact) + "\n" + indent(e.Text)
	case devloop.DeployFailed:
		return l.step(mark, "deploy", e.Took, "") + "\n" + indent(e.Text)
	case devloop.SyncFailed:
		return l.step(mark, "sync", e.Took, "") + "\n" + indent(e.Text)
	case devloop.NotReady:
		return mark + " not ready\n" + indent(e.Text)
	}
	return mark + " " + strings.TrimPrefix(indent(e.Text), "  ")
}

func (l *lines) step(mark, what string, took time.Duration, rest string) string {
	return strings.TrimRight(fmt.Sprintf("%s %-8s %s  %s", mark, what, l.theme.Quiet(fmt.Sprintf("%6s", seconds(took))), rest), " ")
}

func seconds(d time.Duration) string {
	return fmt.Sprintf("%.2fs", d.Round(10*time.Millisecond).Seconds())
}

// part names a part of a step, and what it took; "" where that is not known.
func part(what string, d time.Duration) string {
	if d == 0 {
		return ""
	}
	return ", " + what + " in " + seconds(d)
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }
