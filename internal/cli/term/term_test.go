package term_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/cyan-cd/cyan/internal/cli/term"
)

func TestColumnsLineUpWhateverTheColours(t *testing.T) {
	colours := term.Colours()
	rows := [][]string{{"NAME", "STATUS", "AGE"}, {"a", colours.Good("✔ Healthy"), "3m"}, {"longer", colours.Bad("✖ Bad"), "10s"}}
	got := ansi.Strip(term.Columns(rows, 0, 0))
	want := "NAME    STATUS     AGE\na       ✔ Healthy  3m\nlonger  ✖ Bad      10s\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestColumnsKeepToTheWidth(t *testing.T) {
	long := strings.Repeat("n", 100)
	rows := [][]string{{"NAME", "KIND", "INFO"}, {long, "Pod", "ready:1/1"}}
	for _, width := range []int{80, 40, 20, 5} {
		for _, line := range strings.Split(strings.TrimRight(term.Columns(rows, width, 0), "\n"), "\n") {
			if w := ansi.StringWidth(line); w > width {
				t.Errorf("at width %d a line has %d cells: %q", width, w, line)
			}
		}
	}
	if got := term.Columns(rows, 80, 0); !strings.Contains(got, "ready:1/1") {
		t.Errorf("at width 80 the last column is lost:\n%s", got)
	}
}

func TestPlainHasNoControlSequences(t *testing.T) {
	plain := term.Plain()
	if got := plain.Good("ok") + plain.Strong("title"); got != "oktitle" {
		t.Errorf("got %q", got)
	}
}

// screen plays what Live wrote: just enough of a terminal to see what is left on it.
func screen(t *testing.T, out string) []string {
	t.Helper()
	lines, row := []string{""}, 0
	for out != "" {
		switch {
		case strings.HasPrefix(out, "\x1b["):
			end := strings.IndexFunc(out[2:], func(r rune) bool { return r >= '@' && r <= '~' }) + 2
			switch argument := out[2:end]; out[end] {
			case 'A':
				for range atoi(argument) {
					row--
				}
			case 'J':
				lines = append(lines[:row:row], "")
			}
			out = out[end+1:]
		case out[0] == '\r':
			out = out[1:]
		case out[0] == '\n':
			row++
			if row == len(lines) {
				lines = append(lines, "")
			}
			out = out[1:]
		default:
			end := strings.IndexAny(out, "\x1b\r\n")
			lines[row], out = out[:end], out[end:]
		}
	}
	return lines
}

func atoi(s string) (n int) {
	for _, r := range s {
		n = n*10 + int(r-'0')
	}
	return n
}

func TestLiveRedrawsInPlace(t *testing.T) {
	var out bytes.Buffer
	live := term.NewLive(&out, func() (int, int) { return 80, 24 })
	for _, frame := range []string{"one\ntwo\nthree\n", "one\n2\n", "done\n"} {
		if err := live.Draw(frame); err != nil {
			t.Fatal(err)
		}
	}
	if err := live.Above("note\n"); err != nil {
		t.Fatal(err)
	}
	if err := live.Draw("end\n"); err != nil {
		t.Fatal(err)
	}
	if err := live.Close(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(screen(t, out.String()), "|"); got != "note|end|" {
		t.Errorf("the screen shows %q", got)
	}
	if !strings.HasSuffix(out.String(), "\x1b[?25h") {
		t.Error("the cursor is not given back")
	}
}

func TestLiveWritesNothingWhenNothingChanged(t *testing.T) {
	var out bytes.Buffer
	live := term.NewLive(&out, func() (int, int) { return 80, 24 })
	_ = live.Draw("same\n")
	before := out.Len()
	_ = live.Draw("same\n")
	if out.Len() != before {
		t.Error("an unchanged frame was written again")
	}
}

func TestLiveFitsTheScreen(t *testing.T) {
	var out bytes.Buffer
	live := term.NewLive(&out, func() (int, int) { return 10, 4 })
	_ = live.Draw("1\n2\n3\n4\n5\n6\n")
	got := screen(t, out.String())
	if strings.Join(got[:2], "|") != "1|2" || !strings.HasPrefix(got[2], "… 4 more") || len(got) != 4 {
		t.Errorf("the screen shows %q", got)
	}
}
