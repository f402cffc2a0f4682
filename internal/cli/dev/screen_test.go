package dev

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/devloop"
	"github.com/cyan-cd/cyan/internal/testkit/terminal"
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
	o.Report(devloop.Event{Kind: devloop.Forwarded, Address: "http://127.0.0.1:8080", Text: "Service shop, port 80"})
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

// loopOn starts the pretended loop on a terminal.
func loopOn(t *testing.T, how string, width, height int, env ...string) *terminal.Terminal {
	t.Helper()
	return terminal.Start(t, width, height, append([]string{loopVariable + "=" + how}, env...), os.Args[0])
}

// The dashboard shows what happens, keys ask for what they say, it follows the size of the terminal, and gives that
// back at the end with the lines that stay.
func TestDashboardOnTerminal(t *testing.T) {
	s := loopOn(t, "well", 90, 20)
	s.AwaitText("shop in namespace dev-ann-shop", "✗ does not build", "undefined: x", "shop abcde │ serving", "· a library speaks", "r rebuild")
	if _, alt := s.See(); !alt {
		t.Error("the dashboard does not draw on a screen of its own")
	}
	s.Press("r")
	s.AwaitText("asked for rebuild")
	s.Press("R")
	s.AwaitText("asked for restart")
	s.Press("/SERV")
	s.AwaitText(`filter "SERV"`, "no line has this text")
	s.Press("\x1b")
	s.AwaitText("asked for restart")
	s.Resize(60, 10)
	s.Await("the screen has ten rows of sixty", func(text string, _ bool) bool {
		lines := strings.Split(text, "\n")
		return len(lines) == 10 && strings.Contains(lines[9], "q quit")
	})
	if !strings.Contains(s.Raw(), "\x1b]8;") || !strings.Contains(s.Raw(), "/links.go#3") {
		t.Error("the file of the error is no link")
	}
	s.Press("q")
	s.AwaitGivenBack(terminal.ModeOf(t), "namespace dev-ann-shop is removed")
	if text, _ := s.See(); strings.Contains(text, "rebuild") || strings.Contains(s.Raw(), "evil") {
		t.Errorf("what stays is\n%s", text)
	}
}

// A port is opened by what the machine has for that; where it has nothing, the address is for a person to open.
func TestPortsAreOpened(t *testing.T) {
	s := loopOn(t, "well", 160, 24, "PATH="+t.TempDir(), "BROWSER=")
	s.AwaitText("1 http://127.0.0.1:8080")
	s.Press("o")
	s.AwaitText("http://127.0.0.1:8080: no browser found, since ", "open the address yourself")
	s.Press("q")
	s.AwaitGivenBack(terminal.ModeOf(t), "is removed")

	opened := filepath.Join(t.TempDir(), "opened")
	browser := filepath.Join(t.TempDir(), "browser")
	if err := os.WriteFile(browser, []byte("#!/bin/sh\necho \"$1\" >"+opened+"\nexit 3\n"), 0o700); err != nil { //nolint:gosec // it is a program
		t.Fatal(err)
	}
	s = loopOn(t, "well", 160, 24, "PATH="+t.TempDir(), "BROWSER="+browser)
	s.AwaitText("1 http://127.0.0.1:8080")
	s.Press("1")
	s.AwaitText("browser: exit status 3; open the address yourself")
	if got, err := os.ReadFile(opened); err != nil || string(got) != "http://127.0.0.1:8080\n" {
		t.Errorf("opened %q, %v", got, err)
	}
	s.Press("q")
	s.AwaitGivenBack(terminal.ModeOf(t), "is removed")
}

// However it ends, the terminal is given back.
func TestTerminalIsGivenBack(t *testing.T) {
	for _, row := range []struct {
		rule, how string
		end       func(s *terminal.Terminal)
		want      string
	}{
		{"ctrl-c", "well", func(s *terminal.Terminal) { s.Press("\x03") }, "is removed"},
		{"SIGTERM", "well", func(s *terminal.Terminal) { _ = s.Cmd.Process.Signal(syscall.SIGTERM) }, "is removed"},
		{"SIGINT", "well", func(s *terminal.Terminal) { _ = s.Cmd.Process.Signal(syscall.SIGINT) }, "is removed"},
		{"ctrl-c twice, while the end takes long", "slow", func(s *terminal.Terminal) {
			s.Press("\x03")
			s.AwaitText("Ending…")
			s.Press("\x03")
		}, "error: dev loop: ended before what it made was removed"},
		{"a panic", "panic", func(*terminal.Terminal) {}, "error: panic: on purpose"},
		{"an error", "fail", func(*terminal.Terminal) {}, "error: no cluster"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			s := loopOn(t, row.how, 80, 16)
			if row.how != "panic" && row.how != "fail" {
				s.AwaitText("✗ does not build")
			}
			row.end(s)
			s.AwaitGivenBack(terminal.ModeOf(t), row.want)
		})
	}
}

// Ctrl-Z goes to the shell, fg comes back.
func TestDashboardIsSuspended(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip(err)
	}
	s := terminal.Start(t, 80, 16, []string{loopVariable + "=well", "PS1=shell> ", "HISTFILE=/dev/null"}, "bash", "--norc", "--noprofile", "-i")
	s.AwaitText("shell>")
	s.Press(os.Args[0] + "\n")
	s.AwaitText("✗ does not build")
	s.Press("\x1a")
	s.Await("the shell is back", func(text string, alt bool) bool { return !alt && strings.Contains(text, "Stopped") })
	s.Press("fg\n")
	s.Await("the dashboard is back", func(text string, alt bool) bool { return alt && strings.Contains(text, "✗ does not build") })
	s.Press("q")
	s.Await("the shell is back", func(text string, alt bool) bool { return !alt && strings.Contains(text, "is removed") })
}

// Without colours, with lines asked for, and on a terminal that cannot draw.
func TestDashboardWithoutColours(t *testing.T) {
	s := loopOn(t, "well", 80, 16, "NO_COLOR=1")
	s.AwaitText("✗ does not build")
	s.Press("q")
	s.AwaitGivenBack(terminal.ModeOf(t), "is removed")
	for _, colour := range []string{"\x1b[31m", "\x1b[32m", "\x1b[90m", ";31m"} {
		if strings.Contains(s.Raw(), colour) {
			t.Errorf("with NO_COLOR there is %q", colour)
		}
	}
	for how, env := range map[string]string{"plain": "X=", "well": "TERM=dumb"} {
		s := loopOn(t, how, 80, 16, env)
		s.AwaitText("✓ built", "✗ build", "serving")
		if _, alt := s.See(); alt {
			t.Errorf("%s, %s: it draws a dashboard", how, env)
		}
		_ = s.Cmd.Process.Signal(syscall.SIGTERM)
		s.AwaitText("namespace dev-ann-shop is removed")
	}
}

// Logs that come faster than they can be drawn keep nothing back.
func TestDashboardIsFlooded(t *testing.T) {
	s := loopOn(t, "flood", 80, 16)
	s.AwaitText("line 199999", "· flooded")
	s.Press("q")
	s.AwaitGivenBack(terminal.ModeOf(t), "is removed")
}
