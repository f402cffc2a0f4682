// Package term knows the terminal: its size, its colours, columns that line up, and a few lines that are redrawn in
// place.
package term

import (
	"io"
	"os"

	xterm "golang.org/x/term"
)

// fallbackWidth and fallbackHeight are for a terminal whose size is unknown.
const (
	fallbackWidth  = 80
	fallbackHeight = 24
)

// Terminal is where output goes. When it is a file or a pipe it has no width, and no colours.
type Terminal struct {
	Theme Theme
	file  *os.File
	live  bool
}

// Detect returns what a writer and the environment allow: NO_COLOR and TERM=dumb are honoured.
func Detect(out io.Writer, getenv func(string) string) Terminal {
	file, ok := Raw(out).(*os.File)
	if !ok || !xterm.IsTerminal(int(file.Fd())) {
		return Terminal{Theme: Plain()}
	}
	dumb := getenv("TERM") == "dumb"
	t := Terminal{file: file, live: !dumb, Theme: Plain()}
	if !dumb && getenv("NO_COLOR") == "" {
		t.Theme = Colours()
	}
	if !dumb {
		t.Theme = t.Theme.Linked()
	}
	return t
}

// IsTerminal reports whether output goes to a person, and not to a file or another program.
func (t Terminal) IsTerminal() bool { return t.file != nil }

// CanRedraw reports whether lines can be drawn again in place.
func (t Terminal) CanRedraw() bool { return t.live }

// Size is the width and height in cells; 0, 0 when it is a file or a pipe.
func (t Terminal) Size() (width, height int) {
	if t.file == nil {
		return 0, 0
	}
	width, height, err := xterm.GetSize(int(t.file.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return fallbackWidth, fallbackHeight
	}
	return width, height
}

// Width is the width in cells; 0, for no limit, when it is a file or a pipe.
func (t Terminal) Width() int {
	width, _ := t.Size()
	return width
}

// InputIsTerminal reports whether someone can answer a question.
func InputIsTerminal(in io.Reader) bool {
	file, ok := in.(*os.File)
	return ok && xterm.IsTerminal(int(file.Fd()))
}
