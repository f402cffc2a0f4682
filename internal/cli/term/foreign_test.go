package term_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"github.com/cyan-cd/cyan/internal/cli/term"
)

// TestForeignTextIsShown: whatever steers a terminal, or hides and turns what is read, is written so that it is read.
func TestForeignTextIsShown(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain text", "Deployment default/web ✔ naïve 日本 👩‍🚀", "Deployment default/web ✔ naïve 日本 👩‍🚀"},
		{"lines and columns", "a\tb\nc", "a\tb\nc"},
		{"lines as git's remotes end them", "a\r\nb", "a\nb"},
		{"a colour", "\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		{"the window's title", "\x1b]0;title\x07", `\x1b]0;title\x07`},
		{"a link", "\x1b]8;;http://evil\x1b\\text", `\x1b]8;;http://evil\x1b\text`},
		{"a sequence in one byte", "\u009b2J", `\x9b2J`},
		{"that byte alone", "\x9b2J", `\x9b2J`},
		{"back to the start of the line", "bad\rgood", `bad\x0dgood`},
		{"rubbed out", "bad\b\b\x7f", `bad\x08\x08\x7f`},
		{"nothing", "\x00", `\x00`},
		{"turned round", "a\u202egnp.exe", `a\u202egnp.exe`},
		{"isolated", "\u2066x\u2069", `\u2066x\u2069`},
		{"a mark of direction", "\u200f", `\u200f`},
		{"unseen", "ad\u200bmin\ufeff", `ad\u200bmin\ufeff`},
		{"a soft hyphen", "a\u00adb", `a\xadb`},
		{"a line of Unicode's own", "a\u2028b", `a\u2028b`},
		{"a tag", "a\U000e0041", `a\ue0041`},
		{"half a character", "a\xc3", `a\xc3`},
	} {
		if got := term.Shown(c.text); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		var out bytes.Buffer
		if n, err := term.NewWriter(&out).Write([]byte(c.text)); err != nil || n != len(c.text) || out.String() != c.want {
			t.Errorf("%s: a Writer wrote %q, %d, %v; want %q", c.name, out.String(), n, err, c.want)
		}
	}
}

// TestOnlyOurColoursPass: a Writer shows the colours of a Theme, and none that foreign text brings, within ours or not.
func TestOnlyOurColoursPass(t *testing.T) {
	const foreign = "\x1b[32mevil\x1b[0m"
	theme := term.Colours()
	for _, c := range []struct{ name, text, want string }{
		{"ours", theme.Good("ok") + theme.Strong("!"), "\x1b[32mok\x1b[0m\x1b[1m!\x1b[0m"},
		{"foreign", foreign, `\x1b[32mevil\x1b[0m`},
		{"foreign in ours", theme.Bad(foreign), "\x1b[31m" + `\x1b[32mevil\x1b[0m` + "\x1b[0m"},
		{"foreign beside ours", theme.Bad("x") + foreign, "\x1b[31mx\x1b[0m" + `\x1b[32mevil\x1b[0m`},
		{"over two lines", theme.Bad("a\nb"), "\x1b[31ma\x1b[0m\n\x1b[31mb\x1b[0m"},
		{"ours of nothing", theme.Bad(""), ""},
		{"a guess at ours", "\x1b[1234567890;32mx", `\x1b[1234567890;32mx`},
	} {
		var out bytes.Buffer
		_, _ = term.NewWriter(term.NewWriter(&out)).Write([]byte(c.text))
		if out.String() != c.want {
			t.Errorf("%s: got %q, want %q", c.name, out.String(), c.want)
		}
		live := term.NewLive(term.NewWriter(&out), func() (int, int) { return 80, 24 })
		out.Reset()
		_ = live.Above(c.text)
		if got := strings.ReplaceAll(strings.TrimPrefix(out.String(), "\x1b[J"), "\r\n", "\n"); got != c.want {
			t.Errorf("%s: above a block: got %q, want %q", c.name, got, c.want)
		}
		out.Reset()
		_ = live.Draw(c.text)
		for _, line := range strings.Split(c.want, "\n") {
			if !strings.Contains(out.String(), line+"\x1b[K") {
				t.Errorf("%s: in a block: got %q, want %q", c.name, out.String(), line)
			}
		}
	}
}

// TestLinks: a link leads where it is meant to, takes no room, and is text alone where there is no terminal.
func TestLinks(t *testing.T) {
	theme := term.Colours().Linked()
	for _, c := range []struct {
		name, text, want string
	}{
		{"a file", theme.Link("file://host/a%20b.go#3", "a b.go:3"), "\x1b]8;;file://host/a%20b.go#3\x1b\\a b.go:3\x1b]8;;\x1b\\"},
		{"in a colour", theme.Bad("x") + theme.Link("file:///a", theme.Strong("a")), "\x1b[31mx\x1b[0m\x1b]8;;file:///a\x1b\\\x1b[1ma\x1b[0m\x1b]8;;\x1b\\"},
		{"an address that ends the link", theme.Link("http://a\x1b\\\x07\n b", "a"), "\x1b]8;;http://a\\b\x1b\\a\x1b]8;;\x1b\\"},
		{"foreign text in it", theme.Link("http://a", "\x1b[2J"), "\x1b]8;;http://a\x1b\\" + `\x1b[2J` + "\x1b]8;;\x1b\\"},
		{"of nothing", theme.Link("http://a", "") + theme.Link("", "b"), "b"},
		{"without a terminal", term.Colours().Link("http://a", "b") + term.Plain().Link("http://a", "c"), "bc"},
	} {
		if got := term.Frame(c.text); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if got := term.Frame(term.Fit(theme.Link("http://a.b/c/d/e", "0123456789"), 5)); ansi.Strip(got) != "0123…" || !strings.HasSuffix(got, "\x1b]8;;\x1b\\") {
		t.Errorf("cut to 5: got %q", got)
	}
}

// TestUnstyled: a line of a log has no colours of its own, and nothing that steers.
func TestUnstyled(t *testing.T) {
	for line, want := range map[string]string{
		"plain": "plain", "\x1b[32mINFO\x1b[0m up": "INFO up", "10%\r20%\r100%": "100%", "end\r": "end", "\x1b]0;title\x07x": "x", "a\x1b": "a", "\x1b[2Jgone\x00": `gone\x00`, "日本 ✔\ttab": "日本 ✔\ttab", "a\u202eb": `a\u202eb`,
	} {
		if got := term.Unstyled(line); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

// TestCellsStayInTheirPlace: a cell with a line feed or an escape is measured as it is shown.
func TestCellsStayInTheirPlace(t *testing.T) {
	theme := term.Colours()
	got := term.Columns([][]string{{"NAME", "KIND"}, {"a\nb\x1b[2J", theme.Good("x")}, {"c", "y"}}, 0)
	var out bytes.Buffer
	_, _ = term.NewWriter(&out).Write([]byte(got))
	want := "NAME         KIND\n" + `a\nb\x1b[2J  ` + "x\n" + "c            y\n"
	if ansi.Strip(out.String()) != want {
		t.Errorf("got\n%q\nwant\n%q", ansi.Strip(out.String()), want)
	}
}

func FuzzShown(f *testing.F) {
	f.Add("\x1b[31mx\r\n\u202e\xff")
	f.Fuzz(func(t *testing.T, text string) {
		shown := term.Shown(text)
		if !utf8.ValidString(shown) || strings.ContainsAny(shown, "\x1b\r\x00\x07\x08\x7f\u009b\u202e") {
			t.Errorf("%q is shown as %q", text, shown)
		}
		if plain := term.Unstyled(text); strings.ContainsAny(plain, "\x1b\r\x00\x07\x08\x7f\u009b\u202e") {
			t.Errorf("%q is shown without style as %q", text, plain)
		}
		if again := term.Shown(shown); again != shown {
			t.Errorf("%q is shown as %q, and that as %q", text, shown, again)
		}
	})
}
