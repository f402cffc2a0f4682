package devloop

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// A build that takes its time says why, and how far it is whenever that has changed; one that ends soon says nothing.
func TestABuildThatTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []string
		b := newBuilds(newReporter(func(e Event) {
			if e.Kind == Building && e.Text != "" {
				said = append(said, e.Took.String()+" "+e.Text)
			}
		}), &Options{})
		b.take([]skaffold.Artifact{{Image: "web", Context: ".", Go: &skaffold.Go{Dir: "."}}})
		b.make = func(_ context.Context, a *artifact, _ bool, _ map[string]string) (image.Built, error) {
			r, err := a.request(b.options, nil)
			time.Sleep(3500 * time.Millisecond) //nolint:forbidigo // the time is that of the test
			for i, p := range []image.Progress{{}, {Done: 1}, {Done: 7}, {Done: 9, All: 40}, {Done: 9, All: 40}, {Done: 40, All: 40}} {
				if i > 0 {
					r.Progress(p)
				}
				time.Sleep(time.Second) //nolint:forbidigo // the time is that of the test
			}
			return image.Built{Digest: "sha256:1"}, err
		}
		b.build(t.Context(), 1, time.Now(), decide.Work{Build: []string{"web"}})
		const first = " still building: the first time, everything that it stands on is as well"
		want := []string{
			"4s" + first, "5s" + first + "; 1 package compiled", "6s" + first + "; 7 packages compiled", "7s" + first + "; 9 of 40 packages compiled",
			"9s" + first + "; all 40 packages compiled, linking",
		}
		if !slices.Equal(said, want) {
			t.Errorf("said %q, want %q", said, want)
		}
		said = nil
		b.make = func(context.Context, *artifact, bool, map[string]string) (image.Built, error) {
			time.Sleep(3 * time.Second) //nolint:forbidigo // the time is that of the test
			return image.Built{Digest: "sha256:2"}, nil
		}
		b.build(t.Context(), 2, time.Now(), decide.Work{Build: []string{"web"}})
		if len(said) > 0 {
			t.Errorf("a build of 3 s said %q", said)
		}
	})
}
