package term

import (
	"fmt"
	"io"
	"strings"
)

// Control sequences, as ECMA-48 and the terminals' private modes have them.
const (
	hideCursor  = "\x1b[?25l"
	showCursor  = "\x1b[?25h"
	beginUpdate = "\x1b[?2026h" // A terminal that knows it shows nothing until endUpdate.
	endUpdate   = "\x1b[?2026l"
	clearRight  = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// Live is a block of lines at the bottom of a terminal that is drawn again in place. Each frame is one write, so that
// nothing flickers.
type Live struct {
	out   io.Writer
	size  func() (width, height int)
	lines int
	drawn string
}

// NewLive draws on a terminal of the given size, which is asked for each frame. Close must be called.
func NewLive(out io.Writer, size func() (width, height int)) *Live {
	return &Live{out: Raw(out), size: size}
}

// Draw replaces the block. What does not fit the screen is left out, and the last line then counts it.
func (l *Live) Draw(frame string) error {
	width, height := l.size()
	lines := strings.Split(strings.TrimRight(frame, "\n"), "\n")
	if most := max(height-1, 1); len(lines) > most {
		left := len(lines) - most + 1
		lines = append(lines[:most-1:most-1], fmt.Sprintf("… %d more lines: make the window taller", left))
	}
	for i, line := range lines {
		lines[i] = withColours(Fit(line, width)) + clearRight
	}
	body := strings.Join(lines, "\r\n") + "\r\n"
	if body == l.drawn {
		return nil
	}
	start := hideCursor
	if l.lines > 0 {
		start = fmt.Sprintf("\x1b[%dA\r", l.lines)
	}
	l.lines, l.drawn = len(lines), body
	_, err := io.WriteString(l.out, beginUpdate+start+body+clearBelow+endUpdate)
	return err
}

// Above writes text over the block, where it stays; the next Draw comes below it.
func (l *Live) Above(text string) error {
	start := ""
	if l.lines > 0 {
		start = fmt.Sprintf("\x1b[%dA\r", l.lines)
	}
	l.lines, l.drawn = 0, ""
	_, err := io.WriteString(l.out, start+clearBelow+strings.ReplaceAll(withColours(text), "\n", "\r\n"))
	return err
}

// Close leaves the last frame where it is and shows the cursor again.
func (l *Live) Close() error {
	if l.drawn == "" && l.lines == 0 {
		return nil
	}
	_, err := io.WriteString(l.out, showCursor)
	return err
}
