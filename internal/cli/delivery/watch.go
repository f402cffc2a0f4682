package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/screens"
	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/view"
)

// lookEvery is the time between two looks of a watch.
const lookEvery = time.Second

// watch shows deliveries until ctx ends: drawn again in place on a terminal, else a line for each change. What does not
// answer for a while is waited for.
func watch(ctx context.Context, a *kit.Control, timeout time.Duration, look func(context.Context) ([]view.Delivery, error), draw func(screens.Page, []view.Delivery) string) error {
	ctx, cancel := kit.WithTimeout(ctx, timeout)
	defer cancel()
	seen, err := look(ctx)
	if err != nil {
		return ended(ctx, err)
	}
	show := lines(a)
	if t := a.Terminal(); t.CanRedraw() {
		live := term.NewLive(a.Out, t.Size)
		defer func() { _ = live.Close() }()
		show = func(all []view.Delivery, lost error) error {
			text := draw(pageOf(a), all)
			if lost != nil {
				text = t.Theme.Bad("✖ no answer, trying again: "+term.Shown(lost.Error())) + "\n" + text
			}
			return live.Draw(text)
		}
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var lost error
	for {
		if err := show(seen, lost); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			// Who watches ends it by Ctrl-C, or by a timeout: neither is an error.
			return nil
		case <-tick.C:
		}
		var now []view.Delivery
		if now, lost = look(ctx); lost == nil {
			seen = now
		} else if ctx.Err() == nil && problem.KindOf(lost) != problem.Unreachable {
			return lost
		}
	}
}

// ended returns nil for an error that is but the end of the watch.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return nil
	}
	return err
}

// lines has each change in a line of its own; that nothing answers is noted once.
func lines(a *kit.Control) func([]view.Delivery, error) error {
	var before []view.Delivery
	noted := false
	return func(all []view.Delivery, lost error) error {
		if lost != nil {
			if !noted {
				a.Note("no answer, trying again: %v", lost)
			}
			noted = true
			return nil
		}
		noted = false
		events := view.DeliveryEvents(before, all)
		before = all
		return a.SayAll(pageOf(a).DeliveryEvents(events))
	}
}
