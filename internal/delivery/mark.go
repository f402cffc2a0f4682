// Package delivery decides about a commit's way from push to traffic: what marks the commits that Cyan makes, which
// runs start and which of them still count, and how long each stage took. Package deliver carries the decisions out.
package delivery

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// The trailers of the commits that Cyan makes.
const (
	// SourceCommit is the full SHA of the commit that was built.
	SourceCommit = "Source-Commit"
	// Image is repository@sha256:… of what was built.
	Image = "Image"
	// Target is what was set: the overlay's path, a space, and the image's name in it.
	Target = "Cyan-Delivery"
)

// Mark is what those trailers hold. The zero value is no mark.
type Mark struct {
	SourceCommit string
	Image        string
	Overlay      string
	Name         string
}

var (
	fullSHA = regexp.MustCompile(`^[0-9a-f]{40}$`)
	byName  = regexp.MustCompile(`^[^\s@]+@sha256:[0-9a-f]{64}$`)
)

// ReadMark reads a commit's trailers, of which trailer returns the value, or "". A commit that has only some of them,
// or others than Cyan writes, is not marked.
func ReadMark(trailer func(key string) string) (Mark, bool) {
	overlay, name, ok := cutLast(trailer(Target), " ")
	m := Mark{SourceCommit: trailer(SourceCommit), Image: trailer(Image), Overlay: overlay, Name: name}
	if !ok || name == "" || !fullSHA.MatchString(m.SourceCommit) || !byName.MatchString(m.Image) {
		return Mark{}, false
	}
	return m, true
}

// cutLast cuts at the last separator that has something before it.
func cutLast(s, separator string) (before, after string, ok bool) {
	i := strings.LastIndex(s, separator)
	if i <= 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

// SameTarget reports whether both set the same image of the same overlay.
func (m Mark) SameTarget(other Mark) bool { return m.Overlay == other.Overlay && m.Name == other.Name }

// Target is the value of the trailer of that name.
func (m Mark) Target() string { return m.Overlay + " " + m.Name }

// Message is the whole commit message: what was set, what was built (the subject of the source commit), and the
// trailers.
func (m Mark) Message(subject string) string {
	short := m.SourceCommit[:min(len(m.SourceCommit), 12)]
	// A subject could end in lines that look like trailers.
	subject = strings.Join(strings.Fields(subject), " ")
	return fmt.Sprintf("Deliver %s %s to %s\n\n%s\n\n%s: %s\n%s: %s\n%s: %s\n",
		path.Base(m.Name), short, m.Overlay, about(subject), SourceCommit, m.SourceCommit, Image, m.Image, Target, m.Target())
}

func about(subject string) string {
	if subject == "" {
		return "The source commit has no message."
	}
	return "Source: " + subject + "."
}

// KustomizationNames are the names that a kustomization's file may have.
func KustomizationNames() []string {
	return []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}
}

// Starts reports whether a commit starts a run, and why not. One that Cyan made and that changes nothing but what
// Cyan sets starts none; with anything else in it, it is somebody's work.
func Starts(mark Mark, marked bool, changed []string) (starts bool, reason string) {
	if !marked {
		return true, ""
	}
	for _, name := range changed {
		if path.Dir(name) != path.Clean(mark.Overlay) || !slices.Contains(KustomizationNames(), path.Base(name)) {
			return true, ""
		}
	}
	return false, fmt.Sprintf("the commit was made by Cyan: only image %s is set, to what was built from %s", mark.Name, mark.SourceCommit)
}
