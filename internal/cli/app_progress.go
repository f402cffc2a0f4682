package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/cli/term"
)

// unnoticedAfter is how long an operation may lie before a word is said about it.
const unnoticedAfter = 10 * time.Second

// finish waits for a running operation, showing how it goes on, and gives its outcome.
func (a *apps) finish(ctx context.Context, c client.WithWatch, app *v1alpha1.Application, within time.Duration, out *format) error {
	ctx, cancel := limited(ctx, within)
	defer cancel()
	progress := a.newProgress(out.machine())
	app, err := progress.run(ctx, func(ctx context.Context, seen func(*v1alpha1.Application)) (*v1alpha1.Application, error) {
		return a.until(ctx, c, app, func(app *v1alpha1.Application) (bool, error) {
			seen(app)
			return operationOver(app), nil
		})
	})
	switch {
	case errors.Is(err, errGone):
		return &Trouble{Problem: fmt.Sprintf("Application %q was deleted during its sync", app.Name), Code: codeMissing}
	case errors.Is(err, context.DeadlineExceeded):
		return a.lateSync(app, within)
	case err != nil:
		return err
	}
	if out.value != "" {
		if err := a.showApp(app, out.value, false, false); err != nil {
			return err
		}
	}
	state := app.Status.OperationState
	if state.Phase == v1alpha1.OperationSucceeded {
		return nil
	}
	return &Trouble{
		Problem: fmt.Sprintf("the sync of Application %q ended with %s: %s", app.Name, state.Phase, orWords(state.Message, "no reason was given")),
		Remedy:  "`" + a.program + " app get " + app.Name + "` shows every object", Code: codeNo,
	}
}

// operationOver says that there is no operation and that the last one's state is there. It was taken away when the operation was asked for.
func operationOver(app *v1alpha1.Application) bool {
	state := app.Status.OperationState
	return app.Operation == nil && state != nil && state.FinishedAt != nil && over(state.Phase)
}

func over(phase v1alpha1.OperationPhase) bool {
	return phase == v1alpha1.OperationSucceeded || phase == v1alpha1.OperationFailed || phase == v1alpha1.OperationError
}

func (a *apps) lateSync(app *v1alpha1.Application, within time.Duration) error {
	t := &Trouble{Problem: fmt.Sprintf("the sync of Application %q is not done after %s", app.Name, within), Code: codeNo, cause: context.DeadlineExceeded}
	if app.Status.OperationState == nil {
		t.Problem += ": nobody has begun it"
		t.Remedy = "see whether `cyan server` runs against this cluster"
		return t
	}
	if m := app.Status.OperationState.Message; m != "" {
		t.Problem += ": " + m
	}
	t.Remedy = "it goes on; `" + a.program + " app wait " + app.Name + "` waits for it"
	return t
}

func orWords(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// limited is ctx with a timeout; zero is none.
func limited(ctx context.Context, within time.Duration) (context.Context, context.CancelFunc) {
	if within <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, within)
}

// progress shows a sync: in place on a terminal, line by line elsewhere.
type progress struct {
	*apps
	live *term.Live
	// told are the lines that were printed already.
	told map[string]bool
	mute bool
}

func (a *apps) newProgress(mute bool) *progress {
	p := &progress{apps: a, told: map[string]bool{}, mute: mute}
	if t := a.terminal(); t.CanRedraw() && !mute {
		p.live = term.NewLive(a.Out, t.Size)
	}
	return p
}

// run draws what is seen, and again each second so that the time goes on, until follow returns.
func (p *progress) run(ctx context.Context, follow func(context.Context, func(*v1alpha1.Application)) (*v1alpha1.Application, error)) (*v1alpha1.Application, error) {
	type outcome struct {
		app *v1alpha1.Application
		err error
	}
	seen, ended := make(chan *v1alpha1.Application), make(chan outcome, 1)
	go func() {
		app, err := follow(ctx, func(app *v1alpha1.Application) {
			select {
			case seen <- app:
			case <-ctx.Done():
			}
		})
		ended <- outcome{app, err}
	}()
	if p.live != nil {
		defer func() { _ = p.live.Close() }()
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	unnoticed := time.NewTimer(unnoticedAfter)
	defer unnoticed.Stop()
	var last *v1alpha1.Application
	for {
		select {
		case last = <-seen:
			p.draw(last)
		case <-tick.C:
			if p.live != nil && last != nil {
				p.draw(last)
			}
		case <-unnoticed.C:
			if last != nil && last.Operation != nil && last.Status.OperationState == nil {
				p.hint("nobody has begun this for " + unnoticedAfter.String() + ": does `cyan server` run against this cluster?")
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
	p.note("%s", text)
}

func (p *progress) draw(app *v1alpha1.Application) {
	if p.mute {
		return
	}
	page := p.page()
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
	if state.Message != "" {
		line += ": " + state.Message
	}
	p.once(line + "\n")
}

func (p *progress) once(line string) {
	if !p.told[line] {
		p.told[line] = true
		_ = p.show(line)
	}
}
