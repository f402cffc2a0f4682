package app

import (
	"context"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/problem"
)

// ignoredAfter is how long an operation may lie before a note asks whether a server runs.
const ignoredAfter = 10 * time.Second

// progress shows a sync: in place on a terminal, line by line elsewhere.
type progress struct {
	*kit.Control
	live *term.Live
	// printed are the lines that were printed already.
	printed map[string]bool
	mute    bool
}

func newProgress(a *kit.Control, mute bool) *progress {
	p := &progress{Control: a, printed: map[string]bool{}, mute: mute}
	if t := a.Terminal(); t.CanRedraw() && !mute {
		p.live = term.NewLive(a.Out, t.Size)
	}
	return p
}

// run draws what is seen, and again each second so that the time that is shown is current, until follow returns.
func (p *progress) run(ctx context.Context, follow func(context.Context, func(*v1alpha1.Application)) (*v1alpha1.Application, error)) (*v1alpha1.Application, error) {
	type outcome struct {
		app *v1alpha1.Application
		err error
	}
	seen, ended := make(chan *v1alpha1.Application), make(chan outcome, 1)
	go func() {
		var o outcome
		err := problem.Guard(func() (err error) {
			o.app, err = follow(ctx, func(app *v1alpha1.Application) {
				select {
				case seen <- app:
				case <-ctx.Done():
				}
			})
			return err
		})()
		ended <- outcome{o.app, err}
	}()
	if p.live != nil {
		defer func() { _ = p.live.Close() }()
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	ignored := time.NewTimer(ignoredAfter)
	defer ignored.Stop()
	var last *v1alpha1.Application
	for {
		select {
		case last = <-seen:
			p.draw(last)
		case <-tick.C:
			if p.live != nil && last != nil {
				p.draw(last)
			}
		case <-ignored.C:
			if last != nil && last.Operation != nil && last.Status.OperationState == nil {
				p.hint("the sync has not begun for " + ignoredAfter.String() + ": does `cyan server` run against this cluster?")
			}
		case o := <-ended:
			return o.app, o.err
		}
	}
}

func (p *progress) hint(text string) {
	if p.live != nil {
		_ = p.live.Above(text + "\n")
		return
	}
	p.Note("%s", text)
}

func (p *progress) draw(app *v1alpha1.Application) {
	if p.mute {
		return
	}
	page := p.Page()
	if p.live != nil {
		_ = p.live.Draw(page.Theme.Strong(app.Name) + "  " + page.Progress(app))
		return
	}
	p.lines(app, page)
}

// lines prints what is new, each thing once.
func (p *progress) lines(app *v1alpha1.Application, page screens.Page) {
	state := app.Status.OperationState
	if state == nil {
		return
	}
	if state.SyncResult != nil {
		for _, r := range state.SyncResult.Resources {
			p.once(page.ResultLine(r))
		}
	}
	line := "sync of " + app.Name + ": " + string(state.Phase)
	if state.SyncResult != nil && state.SyncResult.Revision != "" {
		line += " at " + screens.ShortRevision(state.SyncResult.Revision)
	}
	// How a sync failed is told by the error that ends the command.
	if state.Message != "" && (!over(state.Phase) || state.Phase == v1alpha1.OperationSucceeded) {
		line += ": " + state.Message
	}
	p.once(line + "\n")
}

func (p *progress) once(line string) {
	if !p.printed[line] {
		p.printed[line] = true
		_ = p.Show(line)
	}
}
