package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// line is one that the loop has printed.
type line struct {
	at   time.Time
	text string
}

// loop is `cyan dev` at work.
type loop struct {
	cmd       *exec.Cmd
	namespace string
	started   time.Time
	trace     bool

	mu    sync.Mutex
	lines []line
	read  sync.WaitGroup
}

// startLoop starts `cyan dev` in a folder whose project has the folder's name.
func (b *bench) startLoop(dir string) (*loop, error) {
	who, err := user.Current()
	if err != nil {
		return nil, err
	}
	l := &loop{cmd: exec.Command(filepath.Join(b.bin, "cyan"), "dev"), namespace: "dev-" + who.Username + "-" + filepath.Base(dir), trace: b.trace}
	l.cmd.Dir, l.cmd.Env = dir, b.environment()
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	l.cmd.Stderr = l.cmd.Stdout
	l.started = time.Now()
	if err := l.cmd.Start(); err != nil {
		return nil, err
	}
	l.read.Go(func() { l.collect(out) })
	return l, nil
}

// collect keeps what is printed, with the times at which it was.
func (l *loop) collect(out io.Reader) {
	for scan := bufio.NewScanner(out); scan.Scan(); {
		now := time.Now()
		if l.trace {
			fmt.Printf("    %7.3f %s\n", now.Sub(l.started).Seconds(), scan.Text())
		}
		l.mu.Lock()
		l.lines = append(l.lines, line{now, scan.Text()})
		l.mu.Unlock()
	}
}

// first returns the first line since a time that has a text.
func (l *loop) first(since time.Time, text string) (line, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range l.lines {
		if !one.at.Before(since) && strings.Contains(one.text, text) {
			return one, true
		}
	}
	return line{}, false
}

// await waits for a line.
func (l *loop) await(ctx context.Context, since time.Time, text string) (line, error) {
	var found line
	err := until(ctx, time.Millisecond, "the loop prints "+text, func() (bool, string) {
		one, ok := l.first(since, text)
		found = one
		return ok, l.last()
	})
	return found, err
}

// last returns the end of what was printed.
func (l *loop) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var texts []string
	for _, one := range l.lines[max(0, len(l.lines)-5):] {
		texts = append(texts, one.text)
	}
	return strings.Join(texts, "\n")
}

var forwardedTo = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// address waits for the port that is forwarded.
func (l *loop) address(ctx context.Context) (string, error) {
	found, err := l.await(ctx, l.started, "→ http://")
	return forwardedTo.FindString(found.text) + "/", err
}

// end has the loop end as Ctrl-C does, and waits until it has.
func (l *loop) end() error {
	err := l.cmd.Process.Signal(os.Interrupt)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	l.read.Wait()
	return errors.Join(err, l.cmd.Wait())
}

// took are the times that the line of a build has.
type took struct{ all, compiled, pushed time.Duration }

var (
	builtIn    = regexp.MustCompile(`✓ built +([0-9.]+)s`)
	compiledIn = regexp.MustCompile(`compiled in ([0-9.]+)s`)
	pushedIn   = regexp.MustCompile(`pushed in ([0-9.]+)s`)
)

// tookOf reads the line of a build.
func tookOf(text string) took {
	of := func(pattern *regexp.Regexp) time.Duration {
		found := pattern.FindStringSubmatch(text)
		if found == nil {
			return 0
		}
		d, err := time.ParseDuration(found[1] + "s")
		if err != nil {
			return 0
		}
		return d
	}
	return took{of(builtIn), of(compiledIn), of(pushedIn)}
}
