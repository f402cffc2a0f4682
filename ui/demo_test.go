package ui_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/testkit"
)

// shown is what a program prints, for others to look at while it does.
type shown struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shown) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(text)
}

func (s *shown) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await waits until what was printed matches, and returns the last match of the part in parentheses.
func (s *shown) await(t *testing.T, pattern string) string {
	t.Helper()
	var found string
	testkit.Eventually(t, 10*time.Minute, "the demo prints "+pattern, func() error {
		all := regexp.MustCompile(pattern).FindAllStringSubmatch(s.String(), -1)
		if len(all) == 0 {
			return errors.New(s.String())
		}
		found = all[len(all)-1][1]
		return nil
	})
	return found
}

// TestDemoOnThePage has a browser log in with what the demo prints, and watch a commit there on its way to the traffic.
func TestDemoOnThePage(t *testing.T) {
	needPage(t)
	home := t.TempDir()
	dir := filepath.Join(home, "cluster")
	local := func(args ...string) { runProgram(t, append(append([]string{"local"}, args...), "--dir", dir)...) }
	t.Cleanup(func() { local("down", "--delete") })
	demo := exec.Command(program(), "demo", "--no-browser", "--dir", dir)
	demo.Dir, demo.Env = testkit.Root(), append(os.Environ(), "XDG_DATA_HOME="+home)
	var out shown
	demo.Stdout, demo.Stderr = &out, &out
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = demo.Process.Signal(os.Interrupt)
		if err := demo.Wait(); err != nil || t.Failed() {
			t.Errorf("%v\n%s", err, out.String())
		}
	})
	password := out.await(t, `(?m)^ *password +(\S+)$`)
	address := out.await(t, `(?m)^ *page +(http://127\.0\.0\.1:\d+)/$`)
	hooks := http.NewServeMux()
	hooks.HandleFunc("POST /told", func(http.ResponseWriter, *http.Request) { out.await(t, `(?m)^ +change (.+), commit and push:`) })
	hooks.HandleFunc("POST /push", func(w http.ResponseWriter, _ *http.Request) {
		if err := pushAsDeveloper(out.await(t, `(?m)^ +change (.+), commit and push:`)); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	beside := httptest.NewServer(hooks)
	t.Cleanup(beside.Close)
	runNode(t, filepath.Join("test", "demo.test.mjs"), "PAGE="+address, "PASSWORD="+password, "HOOKS="+beside.URL)
}

// runProgram runs the program that was built.
func runProgram(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(program(), args...).CombinedOutput(); err != nil {
		t.Errorf("cyan %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// pushAsDeveloper changes the code of a clone as the demo asks for, and pushes it.
func pushAsDeveloper(clone string) error {
	file := filepath.Join(clone, "cmd", "app", "version.go")
	if err := os.WriteFile(file, []byte("package main\n\nconst version = \"v40\"\n"), 0o644); err != nil {
		return err
	}
	for _, args := range [][]string{{"pull", "--quiet", "--rebase", "--autostash", "origin", "main"}, {"commit", "--quiet", "--all", "--message", "Answer as version 40"}, {"push", "--quiet", "origin", "HEAD:main"}} {
		git := exec.Command("git", args...)
		git.Dir = clone
		git.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
		if out, err := git.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", args[0], err, out)
		}
	}
	return nil
}
