package deliver

import (
	"fmt"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/internal/delivery"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/problem"
)

// Event is something that a run has reached, for a reader.
type Event struct {
	Step delivery.Step
	// Took is how long the step took; zero while it goes on.
	Took time.Duration
	Text string
}

// stage times a step and reports it.
func (r *run) stage(step delivery.Step, doing string, do func() (string, error)) error {
	r.report(Event{Step: step, Text: doing})
	start := time.Now()
	done, err := do()
	took := time.Since(start)
	if took <= 0 {
		took = time.Nanosecond // An event without a duration is one that goes on.
	}
	r.result.Timeline = r.result.Timeline.With(delivery.Stage{Step: step, Started: start, Took: took})
	if err != nil {
		return err
	}
	r.report(Event{Step: step, Took: took, Text: done})
	return nil
}

// withCommit names the files in an error by their commit, as git does: where they were written for the build is gone
// by now.
func withCommit(err error, dir, sha string) error {
	e := problem.Of(err)
	if dir == "" || e == nil {
		return err
	}
	short := sha[:min(len(sha), 12)]
	for _, text := range []*string{&e.Object, &e.Cause} {
		*text = strings.ReplaceAll(*text, dir+"/", short+":")
		*text = strings.ReplaceAll(*text, dir, "commit "+short)
	}
	return err
}

// pushedText is what became of an image.
func pushedText(built image.Built, push bool) string {
	if !push {
		return fmt.Sprintf("%s:%s, not pushed", built.Repository, built.Tag)
	}
	return "pushed " + built.Ref()
}
