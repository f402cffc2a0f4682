package term

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Shown returns text as it may be written to a terminal: what would steer the terminal, or show other text than is
// there, is written as an escape that can be read. Line feeds and tabs stay.
func Shown(text string) string {
	clean := true
	for i := 0; i < len(text) && clean; i++ {
		clean = text[i] >= ' ' && text[i] < 0x7f || text[i] == '\n' || text[i] == '\t'
	}
	if clean {
		return text
	}
	var b strings.Builder
	text = strings.ReplaceAll(text, "\r\n", "\n")
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case misleads(r) && r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case misleads(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// Unstyled returns a line of a log without the colours that its program gave it, as Shown has it. Of a line that was
// written over, as progress is, the last is left.
func Unstyled(line string) string {
	line = strings.TrimRight(ansi.Strip(line), "\r")
	return Shown(line[strings.LastIndexByte(line, '\r')+1:])
}

// joiner is needed within emoji and several scripts, where it neither moves nor hides what is round it.
const joiner = '\u200d'

// misleads reports whether a character controls the terminal (C0, C1, DEL), the direction of text, or is one that
// cannot be seen.
func misleads(r rune) bool {
	switch {
	case r == '\n' || r == '\t' || r == joiner:
		return false
	case r == '\u2028' || r == '\u2029' || r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf)
}

// Writer writes to what may be a terminal. Whatever is written is foreign, and goes through Shown; of escape
// sequences, only the colours of a Theme of this process pass.
type Writer struct{ to io.Writer }

// NewWriter returns a Writer; a Writer as it is.
func NewWriter(to io.Writer) io.Writer {
	if _, ok := to.(Writer); ok || to == nil {
		return to
	}
	return Writer{to}
}

// Raw returns what a Writer writes to, for an editor that takes the terminal over and for data that goes to a file.
func Raw(w io.Writer) io.Writer {
	if safe, ok := w.(Writer); ok {
		return safe.to
	}
	return w
}

// Write writes text as it may be shown.
func (w Writer) Write(text []byte) (int, error) {
	if _, err := io.WriteString(w.to, withColours(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Frame returns text as a Writer writes it, for a library that draws the screen itself.
func Frame(text string) string { return withColours(text) }

// withColours makes text fit to be shown, and puts real colours and links where a Theme has marked them.
func withColours(text string) string {
	return eachPart(text, func(code string) string {
		if strings.HasPrefix(code, link) {
			return "\x1b]8;;" + address(code) + "\x1b\\"
		}
		return "\x1b[" + code + "m"
	})
}

// marked makes text fit to be shown, for what measures it, and leaves the marks of a Theme for the Writer.
func marked(text string) string {
	return eachPart(text, func(code string) string { return mark() + code + "m" })
}

// markedInLine is marked for what has to stay in its line.
func markedInLine(text string) string { return strings.ReplaceAll(marked(text), "\n", `\n`) }

// eachPart shows what is between the marks of a Theme, and writes these as colour does.
func eachPart(text string, colour func(code string) string) string {
	if !strings.Contains(text, mark()) {
		return Shown(text)
	}
	parts := strings.Split(text, mark())
	for i, part := range parts {
		code, rest, ok := strings.Cut(part, "m")
		if i == 0 || !ok || strings.Trim(code, "0123456789") != "" {
			parts[i] = Shown(part)
			continue
		}
		parts[i] = colour(code) + Shown(rest)
	}
	return strings.Join(parts, "")
}
