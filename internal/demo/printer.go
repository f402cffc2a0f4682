package demo

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/cyan-cd/cyan/internal/cli/term"
)

// printer prints what happens: lines that stay, and, on a terminal, one below them with what is going on now.
type printer struct {
	mu    sync.Mutex
	out   io.Writer
	theme term.Theme
	live  *term.Live
	doing string
	since time.Time
}

func newPrinter(out io.Writer, t term.Terminal) *printer {
	p := &printer{out: out, theme: t.Theme}
	if t.CanRedraw() {
		p.live = term.NewLive(out, t.Size)
	}
	return p
}

// line writes a line that stays.
func (p *printer) line(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live == nil {
		fmt.Fprintln(p.out, text)
		return
	}
	_ = p.live.Above(text + "\n") // A terminal that is gone ends the program by its signal.
	p.draw()
}

// status shows what is going on. It is seen on a terminal alone.
func (p *printer) status(doing string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if doing != p.doing {
		p.doing, p.since = doing, time.Now()
	}
	p.draw()
}

// redraw shows the time that has gone by.
func (p *printer) redraw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draw()
}

// keepRedrawing redraws until ctx ends.
func (p *printer) keepRedrawing(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			p.redraw()
		}
	}
}

func (p *printer) draw() {
	if p.live == nil || p.doing == "" {
		return
	}
	_ = p.live.Draw("  " + p.theme.Busy("…") + " " + p.doing + p.theme.Quiet("  "+seconds(time.Since(p.since))))
}

// close removes the line below.
func (p *printer) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doing = ""
	if p.live != nil {
		_ = p.live.Above("")
		_ = p.live.Close()
	}
}

func (p *printer) title(text string) { p.line(p.theme.Strong(text)) }

// done prints something that is there now: its name, what is to be known of it, and how long it took.
func (p *printer) done(name, about string, took time.Duration) {
	line := "  " + p.theme.Good("✓") + " " + pad(name, 16) + about
	if took >= 100*time.Millisecond {
		line += p.theme.Quiet("  " + seconds(took))
	}
	p.line(line)
}

// command shows what somebody would type for what happens next.
func (p *printer) command(args ...string) {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = a
		if strings.ContainsAny(a, " $'\"") {
			quoted[i] = "'" + a + "'"
		}
	}
	p.line("  " + p.theme.Quiet("$ ") + strings.Join(quoted, " "))
}

// step prints a numbered step, and how long after the push it was reached.
func (p *printer) step(number int, after time.Duration, text string) {
	when := strings.Repeat(" ", 8)
	if number > 1 {
		when = fmt.Sprintf("%7.2fs", after.Seconds())
	}
	p.line("  " + p.theme.Strong(fmt.Sprint(number)) + "  " + p.theme.Quiet(when) + "  " + text)
}

// detail belongs to the step above it.
func (p *printer) detail(text string) {
	p.line(strings.Repeat(" ", 15) + p.theme.Quiet(text))
}

func (p *printer) warn(text string) { p.line("  " + p.theme.Wait("!") + " " + text) }

func seconds(d time.Duration) string {
	if d >= 10*time.Second {
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(1, width-len([]rune(s))))
}
