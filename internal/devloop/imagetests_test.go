package devloop

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// An image is tested once it is built, once for what it is; one that does not pass is not deployed, and tested again
// when it is built again.
func TestImagesAreTested(t *testing.T) {
	var events []Event
	root := t.TempDir()
	b := newBuilds(newReporter(func(e Event) { events = append(events, e) }), &Options{Root: root, Repository: func(name string) string { return "r.example/" + name }})
	b.take([]skaffold.Artifact{{Image: "web", Context: ".", Tests: []skaffold.Test{{Command: "echo got $IMAGE in $TEST_CONTEXT", Dir: "."}, {Command: "test ! -e broken", Dir: ".", Position: skaffold.Position{File: "skaffold.yaml", Line: 9}}}}})
	digest := "sha256:1"
	b.make = b.tested(func(context.Context, *artifact, bool, map[string]string) (image.Built, error) {
		return image.Built{Repository: "r.example/web", Tag: "dev", Digest: digest}, nil
	})
	a := b.artifacts["web"]
	for _, c := range []struct {
		when, digest, command string
		said, kind            string
		tests                 int
	}{
		{"built", "sha256:1", "true", "got r.example/web:dev@sha256:1 in " + root, "built", 2},
		{"the same again", "sha256:1", "true", "", "built", 0},
		{"another that does not pass", "sha256:2", "exit 3", "", "build failed", 2},
		{"again", "sha256:2", "exit 3", "", "build failed", 2},
		{"corrected", "sha256:2", "true", "", "built", 2},
		{"one without an end", "sha256:3", "exec sleep 60", "", "build failed", 2},
	} {
		events, digest = nil, c.digest
		a.Tests[1].Command = c.command
		if a.Tests[1].Seconds = 0; strings.Contains(c.command, "sleep") {
			a.Tests[1].Seconds = 1
		}
		b.build(t.Context(), 1, time.Now(), decide.Work{Build: []string{"web"}})
		tests, said, last := 0, "", events[len(events)-1]
		for _, e := range events {
			if e.Kind == Output && strings.HasPrefix(e.Text, "tests web by ") {
				tests++
			}
			said += e.Text + "\n"
		}
		if tests != c.tests || !strings.Contains(said, c.said) || string(last.Kind) != c.kind {
			t.Errorf("%s: %d tests, want %d; %s, want %s; said %q, want %q", c.when, tests, c.tests, last.Kind, c.kind, said, c.said)
		}
		if c.kind == "build failed" && (!strings.Contains(last.Text, "skaffold.yaml:9: image web: its test failed: "+c.command) || !a.state.Failed) {
			t.Errorf("%s: %q, failed: %t", c.when, last.Text, a.state.Failed)
		}
	}
}
