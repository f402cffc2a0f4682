package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/cyan-cd/cyan/internal/cli/dev/dashboard"
	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/devloop"
	"github.com/cyan-cd/cyan/internal/problem"
)

const (
	// drawEvery is how often what has happened is drawn, and tickEvery how often the time that passes is.
	drawEvery = 50 * time.Millisecond
	tickEvery = 100 * time.Millisecond
	// mostWaiting bounds the events that wait to be drawn; of logs that come faster, the oldest are left out.
	mostWaiting = 5000
)

// screen shows a loop as a dashboard.
type screen struct {
	terminal term.Terminal
	links    fileLinks
	commands chan devloop.Command
	// wake is signalled when events wait.
	wake chan struct{}

	mu      sync.Mutex
	waiting []dashboard.Seen
	// removed is what the end of the loop has to say, which stays when the dashboard is gone.
	removed []string
}

func newScreen(terminal term.Terminal, root string) *screen {
	return &screen{terminal: terminal, links: newFileLinks(root), commands: make(chan devloop.Command, 1), wake: make(chan struct{}, 1)}
}

// run runs a loop and draws it. It returns the lines that stay, and how the loop has ended.
func (s *screen) run(ctx context.Context, in io.Reader, out io.Writer, o devloop.Options, run func(context.Context, devloop.Options) error) ([]string, error) {
	looping, end := context.WithCancel(ctx)
	defer end()
	o.Report, o.Commands, o.ShowBuild = s.see, s.commands, true
	width, height := s.terminal.Size()
	model := &drawn{screen: s, end: end, state: dashboard.New(s.terminal.Theme, width, height, time.Now())}
	// What ends the process ends the loop, and with that the dashboard, in this order.
	program := tea.NewProgram(model, tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler())
	restore := s.captureErrors()
	defer restore()
	ended := make(chan error, 1)
	go func() {
		err := guarded(func() error { return run(looping, o) })
		ended <- err
		program.Send(finished{})
	}()
	stopped := context.AfterFunc(ctx, func() { program.Send(dashboard.Ending{}) })
	defer stopped()
	drawing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	broken := make(chan error, 1)
	go func() {
		if err := guarded(func() error { s.pass(drawing, program); return nil }); err != nil {
			broken <- err
			program.Quit()
		}
	}()
	_, err := program.Run()
	select {
	case panicked := <-broken:
		err = panicked
	default:
	}
	switch {
	case model.abandoned:
		return s.lines(), &problem.Error{Kind: problem.Refused, Object: "dev loop", Cause: "ended before what it made was removed", Remedy: "`cyan dev --cleanup` removes it"}
	case err != nil:
		end()
		return s.lines(), errors.Join(fmt.Errorf("drawing the dashboard: %w", err), <-ended)
	}
	return s.lines(), <-ended
}

// guarded returns what a function has panicked with as its error, so that the terminal is given back first.
func guarded(do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicked(r)
		}
	}()
	return do()
}

// see keeps an event until it is drawn. It does not wait.
func (s *screen) see(e devloop.Event) {
	seen := dashboard.Seen{Event: e, At: time.Now(), Links: s.links.in(e)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Kind == devloop.Removed {
		s.removed = append(s.removed, e.Text)
	}
	if len(s.waiting) >= mostWaiting {
		s.waiting = withoutLogs(s.waiting)
	}
	s.waiting = append(s.waiting, seen)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// withoutLogs drops the older half of the logs that wait, so that what matters more is kept.
func withoutLogs(all []dashboard.Seen) []dashboard.Seen {
	kept := make([]dashboard.Seen, 0, mostWaiting)
	for i, m := range all {
		if i >= len(all)/2 || m.Event.Kind != devloop.Log && m.Event.Kind != devloop.Output {
			kept = append(kept, m)
		}
	}
	return kept
}

func (s *screen) take() []dashboard.Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.waiting
	s.waiting = nil
	return taken
}

func (s *screen) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.removed
}

// pass has what has happened drawn, many events at once when there are many.
func (s *screen) pass(ctx context.Context, program *tea.Program) {
	pause := time.NewTicker(drawEvery)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
			program.Send(batch(s.take()))
		}
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
	}
}

// captureErrors has what libraries write to the standard error shown in the dashboard, until restore is called.
func (s *screen) captureErrors() (restore func()) {
	read, write, err := os.Pipe()
	if err != nil {
		return func() {}
	}
	before := os.Stderr
	os.Stderr = write
	go func() {
		_ = guarded(func() error {
			eachErrorLine(read, func(line string) { s.see(devloop.Event{Kind: devloop.Note, Text: line}) })
			return nil
		})
	}()
	return func() {
		os.Stderr = before
		_ = write.Close()
	}
}

type (
	// batch is what has happened.
	batch []dashboard.Seen
	// finished is that the loop has ended.
	finished struct{}
	// passed is that time has.
	passed time.Time
)

// drawn is the dashboard as the library runs it.
type drawn struct {
	*screen
	state     dashboard.State
	end       func()
	ticking   bool
	abandoned bool
}

// Init does nothing.
func (d *drawn) Init() tea.Cmd { return nil }

// View returns the screen.
func (d *drawn) View() tea.View {
	v := tea.NewView(d.state.View())
	v.AltScreen = true
	return v
}

// Update passes a message on to the state, and carries out what that asks for.
func (d *drawn) Update(m tea.Msg) (tea.Model, tea.Cmd) {
	switch m := m.(type) {
	case finished:
		for _, seen := range d.take() {
			d.state, _ = d.state.Update(seen)
		}
		return d, tea.Quit
	case batch:
		for _, seen := range m {
			d.state, _ = d.state.Update(seen)
		}
	case passed:
		d.ticking = false
		d.state, _ = d.state.Update(dashboard.Tick(m))
	case tea.WindowSizeMsg:
		d.state, _ = d.state.Update(dashboard.Size{Width: m.Width, Height: m.Height})
	case tea.PasteMsg:
		return d, d.do(dashboard.Key{Name: "paste", Text: m.Content})
	case tea.KeyPressMsg:
		if cmd := d.do(dashboard.Key{Name: keyName(m), Text: m.Text}); cmd != nil {
			return d, cmd
		}
	case dashboard.Ending:
		d.state, _ = d.state.Update(m)
	}
	return d, d.tick()
}

// keyName is what the dashboard calls a key.
func keyName(k tea.KeyPressMsg) string {
	if k.Text != "" && k.Text != " " {
		return k.Text
	}
	return k.Keystroke()
}

// do has a key change the state, and carries out what it asks for.
func (d *drawn) do(k dashboard.Key) tea.Cmd {
	var effect dashboard.Effect
	d.state, effect = d.state.Update(k)
	switch effect.Do {
	case dashboard.Ask:
		select {
		case d.commands <- effect.Command:
		default: // One is asked for already.
		}
	case dashboard.Open:
		go func() {
			if err := guarded(func() error { return openInBrowser(effect.Address) }); err != nil {
				d.see(devloop.Event{Kind: devloop.Note, Text: err.Error()})
			}
		}()
	case dashboard.End:
		d.end()
	case dashboard.Abandon:
		d.abandoned = true
		return tea.Quit
	case dashboard.Suspend:
		return tea.Suspend
	}
	return nil
}

// tick has time pass while that is seen.
func (d *drawn) tick() tea.Cmd {
	if d.ticking || !d.state.Busy() {
		return nil
	}
	d.ticking = true
	return tea.Tick(tickEvery, func(now time.Time) tea.Msg { return passed(now) })
}
