package delivery

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/deliver"
)

// progress shows the stages of a run: a line for each that is done, and on a terminal the one that runs.
type progress struct {
	out   io.Writer
	theme term.Theme
	live  *term.Live
}

func newProgress(out io.Writer) *progress {
	t := term.Detect(out, os.Getenv)
	p := &progress{out: out, theme: t.Theme}
	if t.CanRedraw() {
		p.live = term.NewLive(out, t.Size)
	}
	return p
}

func (p *progress) see(e deliver.Event) {
	if e.Took == 0 {
		if p.live != nil {
			_ = p.live.Draw(p.theme.Busy("…") + " " + fmt.Sprintf("%-8s", e.Step) + " " + e.Text)
		}
		return
	}
	line := p.theme.Good("✓") + " " + fmt.Sprintf("%-8s", e.Step) + " " + p.theme.Quiet(fmt.Sprintf("%6.2fs", e.Took.Round(10*time.Millisecond).Seconds())) + "  " + e.Text + "\n"
	if p.live != nil {
		_ = p.live.Above(line)
		return
	}
	fmt.Fprint(p.out, line)
}

func (p *progress) close() {
	if p.live != nil {
		_ = p.live.Above("")
		_ = p.live.Close()
	}
}
