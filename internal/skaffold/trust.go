package skaffold

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Consent is something that a project does on this machine, or gives away of it, for which its owner is asked.
type Consent struct {
	Position
	// Text is for a reader.
	Text string
}

// String returns file:line: text.
func (c Consent) String() string { return fmt.Sprintf("%s:%d: %s", c.File, c.Line, c.Text) }

// Consents lists what a project does on a machine with an operating system by Go's name, in the order of the file.
func (p Project) Consents(os string) []Consent {
	var all []Consent
	for _, h := range p.hooks() {
		if !h.Container && h.RunsOn(os) {
			all = append(all, Consent{h.Position, "runs " + Shown(strings.Join(h.Command, " ")) + inFolderOf(h.Dir)})
		}
	}
	for _, a := range p.Artifacts {
		if a.Custom != nil {
			all = append(all, Consent{a.Position, "builds " + a.Image + " by " + Shown(a.Custom.Command) + inFolderOf(a.Context)})
		}
		for _, t := range a.Tests {
			all = append(all, Consent{t.Position, "tests " + a.Image + " by " + Shown(t.Command) + inFolderOf(t.Dir)})
		}
		if a.Docker == nil {
			continue
		}
		for _, s := range a.Docker.Secrets {
			all = append(all, Consent{a.Position, "gives the builder of " + a.Image + " the secret " + s.ID + s.from()})
		}
		if a.Docker.SSH != "" {
			all = append(all, Consent{a.Position, "gives the builder of " + a.Image + " the SSH agent " + a.Docker.SSH})
		}
		if len(a.Docker.Flags) > 0 {
			all = append(all, Consent{a.Position, "gives the builder of " + a.Image + " the flags " + Shown(strings.Join(a.Docker.Flags, " "))})
		}
	}
	slices.SortStableFunc(all, func(x, y Consent) int {
		if x.File != y.File {
			return strings.Compare(x.File, y.File)
		}
		return x.Line - y.Line
	})
	return all
}

// Shown is a command for a reader, all of it: lines behind the first are indented, and what would steer a terminal is
// written out.
func Shown(command string) string {
	var b strings.Builder
	for _, c := range strings.TrimSpace(strings.ReplaceAll(command, "\r\n", "\n")) {
		switch {
		case c == '\n':
			b.WriteString("\n      ")
		case c != '\t' && !strconv.IsPrint(c):
			b.WriteString(strings.Trim(strconv.QuoteRune(c), "'"))
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// Shortened is a command in one line: the first of it, and how many follow.
func Shortened(command string) string {
	first, rest, more := strings.Cut(Shown(command), "\n")
	if !more {
		return first
	}
	return fmt.Sprintf("%s … (%d more lines)", first, 1+strings.Count(rest, "\n"))
}

// hooks are the commands of all steps.
func (p Project) hooks() []Hook {
	all := slices.Concat(p.Hooks.Before, p.Hooks.After, p.Manifests.Hooks.Before, p.Manifests.Hooks.After, p.Deploy.Hooks.Before, p.Deploy.Hooks.After)
	for _, a := range p.Artifacts {
		all = slices.Concat(all, a.Hooks.Before, a.Hooks.After, a.Sync.Hooks.Before, a.Sync.Hooks.After)
	}
	return all
}

// RunsOn reports whether a command is for an operating system.
func (h Hook) RunsOn(os string) bool { return len(h.OS) == 0 || slices.Contains(h.OS, os) }

func inFolderOf(dir string) string {
	if dir == "" || dir == "." {
		return ""
	}
	return " in " + dir
}

func (s Secret) from() string {
	switch {
	case s.Env != "":
		return ", of the variable " + s.Env
	case s.Src != "":
		return ", of " + s.Src
	}
	return ""
}

// WithoutConsent returns the project without what is asked for.
func (p Project) WithoutConsent() Project {
	p.Hooks, p.Manifests.Hooks, p.Deploy.Hooks = p.Hooks.inContainers(), p.Manifests.Hooks.inContainers(), p.Deploy.Hooks.inContainers()
	p.Artifacts = slices.Clone(p.Artifacts)
	for i, a := range p.Artifacts {
		p.Artifacts[i].Hooks, p.Artifacts[i].Sync.Hooks = a.Hooks.inContainers(), a.Sync.Hooks.inContainers()
		p.Artifacts[i].Tests = nil
		if a.Custom != nil {
			custom := *a.Custom
			custom.Refused = true
			p.Artifacts[i].Custom = &custom
		}
		if a.Docker != nil {
			docker := *a.Docker
			docker.Secrets, docker.SSH, docker.Flags = nil, "", nil
			p.Artifacts[i].Docker = &docker
		}
	}
	return p
}

func (h Hooks) inContainers() Hooks {
	elsewhere := func(h Hook) bool { return !h.Container }
	return Hooks{Before: slices.DeleteFunc(slices.Clone(h.Before), elsewhere), After: slices.DeleteFunc(slices.Clone(h.After), elsewhere)}
}
