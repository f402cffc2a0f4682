package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/cyan-cd/cyan/internal/cli/term"
)

// narrator tells what happens: lines that stay, and, on a terminal, one below them that says what is going on now.
type narrator struct {
	mu    sync.Mutex
	out   io.Writer
	theme term.Theme
	live  *term.Live
	doing string
	since time.Time
}

func newNarrator(out io.Writer, t term.Terminal) *narrator {
	n := &narrator{out: out, theme: t.Theme}
	if t.CanRedraw() {
		n.live = term.NewLive(out, t.Size)
	}
	return n
}

// line writes a line that stays.
func (n *narrator) line(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.live == nil {
		fmt.Fprintln(n.out, text)
		return
	}
	_ = n.live.Above(text + "\n") // A terminal that is gone ends the program by its signal.
	n.draw()
}

// now says what is going on. It is seen on a terminal alone.
func (n *narrator) now(doing string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if doing != n.doing {
		n.doing, n.since = doing, time.Now()
	}
	n.draw()
}

// tick shows the time that goes by.
func (n *narrator) tick() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.draw()
}

func (n *narrator) draw() {
	if n.live == nil || n.doing == "" {
		return
	}
	_ = n.live.Draw("  " + n.theme.Busy("…") + " " + n.doing + n.theme.Quiet("  "+seconds(time.Since(n.since))))
}

// quiet ends the line below.
func (n *narrator) quiet() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.doing = ""
	if n.live != nil {
		_ = n.live.Above("")
		_ = n.live.Close()
	}
}

func (n *narrator) title(text string) { n.line(n.theme.Strong(text)) }

// have tells of something that is there: what it is called, and what is to be known of it.
func (n *narrator) have(name, about string, took time.Duration) {
	line := "  " + n.theme.Good("✓") + " " + pad(name, 16) + about
	if took >= 100*time.Millisecond {
		line += n.theme.Quiet("  " + seconds(took))
	}
	n.line(line)
}

// command shows what somebody would type for what happens next.
func (n *narrator) command(args ...string) {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = a
		if strings.ContainsAny(a, " $'\"") {
			quoted[i] = "'" + a + "'"
		}
	}
	n.line("  " + n.theme.Quiet("$ ") + strings.Join(quoted, " "))
}

// step tells a step of the story, and when after the push it came.
func (n *narrator) step(number int, after time.Duration, text string) {
	when := strings.Repeat(" ", 8)
	if number > 1 {
		when = fmt.Sprintf("%7.2fs", after.Seconds())
	}
	n.line("  " + n.theme.Strong(fmt.Sprint(number)) + "  " + n.theme.Quiet(when) + "  " + text)
}

// detail belongs to the step above it.
func (n *narrator) detail(text string) {
	n.line(strings.Repeat(" ", 15) + n.theme.Quiet(text))
}

func (n *narrator) warn(text string) { n.line("  " + n.theme.Wait("!") + " " + text) }

func seconds(d time.Duration) string {
	if d >= 10*time.Second {
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(1, width-len([]rune(s))))
}
