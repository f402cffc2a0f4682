// Package terminal runs programs on terminals of their own, and reads the screens that they draw.
package terminal

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	xterm "golang.org/x/term"
)

// Terminal is a program on a terminal, and the screen that it draws.
type Terminal struct {
	t   *testing.T
	pty *os.File
	// Cmd is the program.
	Cmd *exec.Cmd

	mu     sync.Mutex
	screen *vt.Emulator
	alt    bool
	raw    strings.Builder
}

// Start starts a shell command on a terminal of its own.
func Start(t *testing.T, width, height int, env []string, args ...string) *Terminal {
	t.Helper()
	s := &Terminal{t: t, screen: vt.NewEmulator(width, height), Cmd: exec.Command(args[0], args[1:]...)}
	s.screen.SetCallbacks(vt.Callbacks{AltScreen: func(on bool) { s.alt = on }})
	s.Cmd.Env = append(os.Environ(), append([]string{"TERM=xterm-256color"}, env...)...)
	var err error
	if s.pty, err = pty.StartWithSize(s.Cmd, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(s.pty, s.screen) }()
	go func() { _, _ = io.Copy(s, s.pty) }()
	t.Cleanup(func() {
		_ = s.Cmd.Process.Kill()
		_ = s.Cmd.Wait()
		_ = s.pty.Close()
		_ = s.screen.Close()
	})
	return s
}

// Write draws what the program prints.
func (s *Terminal) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw.Write(p)
	return s.screen.Write(p)
}

// See returns the screen, and whether it is one of a program that takes all of it.
func (s *Terminal) See() (text string, alt bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screen.String(), s.alt
}

// Await waits until the screen is as it should be.
func (s *Terminal) Await(what string, so func(text string, alt bool) bool) {
	s.t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		text, alt := s.See()
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

// Raw returns all that the program has printed.
func (s *Terminal) Raw() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.raw.String()
}

// AwaitText waits until all parts are on the screen.
func (s *Terminal) AwaitText(parts ...string) {
	s.t.Helper()
	s.Await(fmt.Sprintf("%q is shown", parts), func(text string, _ bool) bool {
		for _, p := range parts {
			if !strings.Contains(text, p) {
				return false
			}
		}
		return true
	})
}

// Press types keys.
func (s *Terminal) Press(keys string) {
	s.t.Helper()
	if _, err := s.pty.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// Resize has the terminal be of another size.
func (s *Terminal) Resize(width, height int) {
	s.t.Helper()
	s.mu.Lock()
	s.screen.Resize(width, height)
	s.mu.Unlock()
	if err := pty.Setsize(s.pty, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		s.t.Fatal(err)
	}
}

// AwaitGivenBack waits until the program has ended, and the terminal is as it was before.
func (s *Terminal) AwaitGivenBack(before *xterm.State, parts ...string) {
	s.t.Helper()
	s.Await("the terminal is given back", func(text string, alt bool) bool {
		for _, p := range parts {
			if !strings.Contains(text, p) {
				return false
			}
		}
		return !alt
	})
	_ = s.Cmd.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.screen.CursorHidden() {
		s.t.Error("the cursor is still hidden")
	}
	if after, err := xterm.GetState(int(s.pty.Fd())); err == nil && before != nil && fmt.Sprint(*after) != fmt.Sprint(*before) {
		s.t.Errorf("the terminal is in another mode than before: %v, want %v", *after, *before)
	}
}

// ModeOf returns the mode of the terminal, before a program has changed it.
func ModeOf(t *testing.T) *xterm.State {
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
