// Command buildprogress runs `go build` and shows how far it is, and how long it will take, when there is much to
// compile. What the compiler prints is passed on as it comes, and its exit code is this program's.
//
//	buildprogress [-dir FOLDER] [-then TEXT] go build ARGUMENTS
//
// A build that finds everything in Go's cache is not looked into, and takes as long as without this.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// worthAPlan is how long a build compiles before it is found out how much there is to compile.
	worthAPlan = 2 * time.Second
	// lineEvery is how often a line is printed where nobody can rewrite one; redrawEvery is for terminals.
	lineEvery   = 12 * time.Second
	redrawEvery = 500 * time.Millisecond
)

func main() {
	dir := flag.String("dir", ".", "folder to build in")
	then := flag.String("then", "", "what comes after the build, for who has to wait for it")
	flag.Parse()
	code, err := run(*dir, *then, flag.Args(), os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "buildprogress:", err)
		code = 2
	}
	os.Exit(code)
}

// run returns the exit code of the build.
func run(dir, then string, command []string, out io.Writer) (int, error) {
	if len(command) < 2 || command[1] != "build" {
		return 0, errors.New("usage: buildprogress [-dir FOLDER] [-then TEXT] go build ARGUMENTS")
	}
	build := exec.Command(command[0], slices.Insert(slices.Clone(command[1:]), 1, "-v")...)
	build.Dir, build.Stdout = dir, os.Stdout
	printed, err := build.StderrPipe()
	if err == nil {
		err = build.Start()
	}
	if err != nil {
		return 0, fmt.Errorf("starting %s: %w", strings.Join(command, " "), err)
	}
	// Ctrl-C reaches the build as well, and when that has ended this ends.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)

	s := &show{out: out, terminal: isTerminal(out), then: then, began: time.Now(), processors: runtime.NumCPU()}
	follow(s, printed, func() (plan, error) { return makePlan(dir, command) })
	err = build.Wait()
	s.clear()
	var exit *exec.ExitError
	switch {
	case err == nil:
		s.finished(time.Now())
		return 0, nil
	case errors.As(err, &exit) && exit.Exited():
		// Where the packages cannot be listed, none is known, and everything is printed.
		all, _ := sizes(dir, command)
		s.failed(all)
		return exit.ExitCode(), nil
	case errors.As(err, &exit):
		return 128 + int(exit.Sys().(syscall.WaitStatus).Signal()), nil
	}
	return 0, err
}

// follow passes on what a build prints until it ends, and shows how far it is.
func follow(s *show, printed io.Reader, makePlan func() (plan, error)) {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewReader(printed); ; {
			line, err := in.ReadString('\n')
			if line != "" {
				lines <- line
			}
			if err != nil {
				return
			}
		}
	}()
	every := lineEvery
	if s.terminal {
		every = redrawEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var compiling <-chan time.Time
	plans := make(chan plan, 1)
	for {
		select {
		case line, more := <-lines:
			if !more {
				return
			}
			s.line(line)
			if compiling == nil && s.started() > 0 {
				compiling = time.After(worthAPlan)
			}
		case <-compiling:
			go func() {
				// Without a plan the packages are counted, and nobody knows of how many.
				if p, err := makePlan(); err == nil {
					plans <- p
				}
			}()
		case p := <-plans:
			s.planned(p)
		case <-tick.C:
			s.tick(time.Now())
		}
	}
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
