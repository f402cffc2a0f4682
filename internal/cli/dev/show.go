package dev

import (
	"context"
	"fmt"
	"os"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/devloop"
)

// Display is how a loop is shown.
type Display struct {
	// Plain shows lines, each of which stays, also on a terminal.
	Plain bool
}

// Show runs a loop until ctx ends and shows it: as a dashboard where there is a terminal to draw and to type on, as
// lines anywhere else.
func Show(ctx context.Context, e *kit.Env, o devloop.Options, how Display) error {
	return show(ctx, e, o, how, devloop.Run)
}

// show is Show with the loop that is run.
func show(ctx context.Context, e *kit.Env, o devloop.Options, how Display, run func(context.Context, devloop.Options) error) error {
	terminal := e.Terminal()
	input, ok := e.In.(*os.File)
	if how.Plain || !terminal.CanRedraw() || !ok || !term.InputIsTerminal(input) {
		o.Report = newLines(e.Out, o.Root).see
		return run(ctx, o)
	}
	s := newScreen(terminal, o.Root)
	// What is noted while the dashboard is drawn would be written across it.
	before := e.Err
	e.Err = noteWriter{s}
	defer func() { e.Err = before }()
	left, err := s.run(ctx, input, term.Raw(e.Out), o, run)
	for _, line := range left {
		fmt.Fprintln(e.Out, line)
	}
	return err
}
