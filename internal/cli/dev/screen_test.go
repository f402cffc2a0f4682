package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	xterm "golang.org/x/term"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/devloop"
)

// loopVariable has the test's own program show a loop that only pretends, rather than run tests.
const loopVariable = "CYAN_TEST_LOOP"

func TestMain(m *testing.M) {
	if how := os.Getenv(loopVariable); how != "" {
		os.Exit(pretend(how))
	}
	os.Exit(m.Run())
}

// pretend shows a loop that does what its name says.
func pretend(how string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e := &kit.Env{Streams: kit.Standard().Shown()}
	root, err := os.Getwd()
	if err == nil {
		err = show(ctx, e, devloop.Options{Root: root}, Display{Plain: how == "plain"}, func(ctx context.Context, o devloop.Options) error {
			return pretended(ctx, o, how)
		})
	}
	if err != nil {
		fmt.Println("error:", strings.SplitN(err.Error(), "\n", 2)[0])
		return 1
	}
	return 0
}

func pretended(ctx context.Context, o devloop.Options, how string) error {
	o.Report(devloop.Event{Kind: devloop.Began, Text: "shop in namespace dev-ann-shop of cyan"})
	o.Report(devloop.Event{Kind: devloop.Changed, Round: 1})
	o.Report(devloop.Event{Kind: devloop.Built, Round: 1, Artifact: "shop", Took: 920 * time.Millisecond, Pushed: 40 * time.Millisecond, Text: "sha256:1 with go"})
	o.Report(devloop.Event{Kind: devloop.Log, Pod: "shop-1-abcde", Container: "shop", Text: "\x1b[31mserving\x1b[0m \x1b[2J\x1b]0;evil\x07"})
	o.Report(devloop.Event{Kind: devloop.BuildFailed, Round: 1, Artifact: "shop", Text: "links.go:3:1: undefined: x", Err: errors.New("x")})
	fmt.Fprintln(os.Stderr, "a library speaks")
	switch how {
	case "panic":
		panic("on purpose")
	case "fail":
		return errors.New("no cluster")
	case "flood":
		for i := range 200_000 {
			o.Report(devloop.Event{Kind: devloop.Log, Pod: "shop-1-abcde", Container: "shop", Text: fmt.Sprint("line ", i)})
		}
		o.Report(devloop.Event{Kind: devloop.Note, Text: "flooded"})
	}
	for {
		select {
		case <-ctx.Done():
			if how == "slow" {
				select {}
			}
			o.Report(devloop.Event{Kind: devloop.Removed, Text: "namespace dev-ann-shop is removed"})
			return nil
		case c := <-o.Commands:
			o.Report(devloop.Event{Kind: devloop.Note, Text: "asked for " + string(c)})
		}
	}
}

// terminal is a program on a terminal, and the screen that it draws.
type terminal struct {
	t   *testing.T
	pty *os.File
	cmd *exec.Cmd

	mu     sync.Mutex
	screen *vt.Emulator
	alt    bool
	raw    strings.Builder
}

// onTerminal starts a shell command on a terminal of its own.
func onTerminal(t *testing.T, width, height int, env []string, args ...string) *terminal {
	t.Helper()
	s := &terminal{t: t, screen: vt.NewEmulator(width, height), cmd: exec.Command(args[0], args[1:]...)}
	s.screen.SetCallbacks(vt.Callbacks{AltScreen: func(on bool) { s.alt = on }})
	s.cmd.Env = append(os.Environ(), append([]string{"TERM=xterm-256color"}, env...)...)
	var err error
	if s.pty, err = pty.StartWithSize(s.cmd, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(s.pty, s.screen) }()
	go func() { _, _ = io.Copy(s, s.pty) }()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		_ = s.pty.Close()
		_ = s.screen.Close()
	})
	return s
}

// Write draws what the program prints.
func (s *terminal) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw.Write(p)
	return s.screen.Write(p)
}

// see returns the screen, and whether it is one of a program that takes all of it.
func (s *terminal) see() (text string, alt bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screen.String(), s.alt
}

// await waits until the screen is as it should be.
func (s *terminal) await(what string, so func(text string, alt bool) bool) {
	s.t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		text, alt := s.see()
		if so(text, alt) {
			return
		}
		select {
		case <-deadline.C:
			s.t.Fatalf("%s: the screen (alternate: %v) is\n%s", what, alt, text)
		case <-tick.C:
		}
	}
}

func (s *terminal) awaitText(parts ...string) {
	s.t.Helper()
	s.await(fmt.Sprintf("%q is shown", parts), func(text string, _ bool) bool {
		for _, p := range parts {
			if !strings.Contains(text, p) {
				return false
			}
		}
		return true
	})
}

func (s *terminal) press(keys string) {
	s.t.Helper()
	if _, err := s.pty.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

func (s *terminal) resize(width, height int) {
	s.t.Helper()
	s.mu.Lock()
	s.screen.Resize(width, height)
	s.mu.Unlock()
	if err := pty.Setsize(s.pty, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		s.t.Fatal(err)
	}
}

// loopOn starts the pretended loop on a terminal.
func loopOn(t *testing.T, how string, width, height int, env ...string) *terminal {
	t.Helper()
	return onTerminal(t, width, height, append([]string{loopVariable + "=" + how}, env...), os.Args[0])
}

// awaitGivenBack waits until the program has ended, and the terminal is as it was before.
func (s *terminal) awaitGivenBack(before *xterm.State, parts ...string) {
	s.t.Helper()
	s.await("the terminal is given back", func(text string, alt bool) bool {
		for _, p := range parts {
			if !strings.Contains(text, p) {
				return false
			}
		}
		return !alt
	})
	_ = s.cmd.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.screen.CursorHidden() {
		s.t.Error("the cursor is still hidden")
	}
	if after, err := xterm.GetState(int(s.pty.Fd())); err == nil && before != nil && fmt.Sprint(*after) != fmt.Sprint(*before) {
		s.t.Errorf("the terminal is in another mode than before: %v, want %v", *after, *before)
	}
}

// state is the mode of the terminal, before a program has changed it.
func modeOf(t *testing.T) *xterm.State {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	state, err := xterm.GetState(int(master.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// The dashboard shows what happens, keys ask for what they say, it follows the size of the terminal, and gives that
// back at the end with the lines that stay.
func TestDashboardOnTerminal(t *testing.T) {
	s := loopOn(t, "well", 90, 20)
	s.awaitText("shop in namespace dev-ann-shop", "✗ does not build", "undefined: x", "shop abcde │ serving", "· a library speaks", "r rebuild")
	if _, alt := s.see(); !alt {
		t.Error("the dashboard does not draw on a screen of its own")
	}
	s.press("r")
	s.awaitText("asked for rebuild")
	s.press("R")
	s.awaitText("asked for restart")
	s.press("/SERV")
	s.awaitText(`filter "SERV"`, "no line has this text")
	s.press("\x1b")
	s.awaitText("asked for restart")
	s.resize(60, 10)
	s.await("the screen has ten rows of sixty", func(text string, _ bool) bool {
		lines := strings.Split(text, "\n")
		return len(lines) == 10 && strings.Contains(lines[9], "q quit")
	})
	if !strings.Contains(s.raw.String(), "\x1b]8;") || !strings.Contains(s.raw.String(), "/links.go#3") {
		t.Error("the file of the error is no link")
	}
	s.press("q")
	s.awaitGivenBack(modeOf(t), "namespace dev-ann-shop is removed")
	if text, _ := s.see(); strings.Contains(text, "rebuild") || strings.Contains(s.raw.String(), "evil") {
		t.Errorf("what stays is\n%s", text)
	}
}

// However it ends, the terminal is given back.
func TestTerminalIsGivenBack(t *testing.T) {
	for _, row := range []struct {
		rule, how string
		end       func(s *terminal)
		want      string
	}{
		{"ctrl-c", "well", func(s *terminal) { s.press("\x03") }, "is removed"},
		{"SIGTERM", "well", func(s *terminal) { _ = s.cmd.Process.Signal(syscall.SIGTERM) }, "is removed"},
		{"SIGINT", "well", func(s *terminal) { _ = s.cmd.Process.Signal(syscall.SIGINT) }, "is removed"},
		{"ctrl-c twice, while the end takes long", "slow", func(s *terminal) {
			s.press("\x03")
			s.awaitText("Ending…")
			s.press("\x03")
		}, "error: dev loop: ended before what it made was removed"},
		{"a panic", "panic", func(*terminal) {}, "error: panic: on purpose"},
		{"an error", "fail", func(*terminal) {}, "error: no cluster"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			s := loopOn(t, row.how, 80, 16)
			if row.how != "panic" && row.how != "fail" {
				s.awaitText("✗ does not build")
			}
			row.end(s)
			s.awaitGivenBack(modeOf(t), row.want)
		})
	}
}

// Ctrl-Z goes to the shell, fg comes back.
func TestDashboardIsSuspended(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip(err)
	}
	s := onTerminal(t, 80, 16, []string{loopVariable + "=well", "PS1=shell> ", "HISTFILE=/dev/null"}, "bash", "--norc", "--noprofile", "-i")
	s.awaitText("shell>")
	s.press(os.Args[0] + "\n")
	s.awaitText("✗ does not build")
	s.press("\x1a")
	s.await("the shell is back", func(text string, alt bool) bool { return !alt && strings.Contains(text, "Stopped") })
	s.press("fg\n")
	s.await("the dashboard is back", func(text string, alt bool) bool { return alt && strings.Contains(text, "✗ does not build") })
	s.press("q")
	s.await("the shell is back", func(text string, alt bool) bool { return !alt && strings.Contains(text, "is removed") })
}

// Without colours, with lines asked for, and on a terminal that cannot draw.
func TestDashboardWithoutColours(t *testing.T) {
	s := loopOn(t, "well", 80, 16, "NO_COLOR=1")
	s.awaitText("✗ does not build")
	s.press("q")
	s.awaitGivenBack(modeOf(t), "is removed")
	for _, colour := range []string{"\x1b[31m", "\x1b[32m", "\x1b[90m", ";31m"} {
		if strings.Contains(s.raw.String(), colour) {
			t.Errorf("with NO_COLOR there is %q", colour)
		}
	}
	for how, env := range map[string]string{"plain": "X=", "well": "TERM=dumb"} {
		s := loopOn(t, how, 80, 16, env)
		s.awaitText("✓ built", "✗ build", "serving")
		if _, alt := s.see(); alt {
			t.Errorf("%s, %s: it draws a dashboard", how, env)
		}
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		s.awaitText("namespace dev-ann-shop is removed")
	}
}

// Logs that come faster than they can be drawn keep nothing back.
func TestDashboardIsFlooded(t *testing.T) {
	s := loopOn(t, "flood", 80, 16)
	s.awaitText("line 199999", "· flooded")
	s.press("q")
	s.awaitGivenBack(modeOf(t), "is removed")
}
