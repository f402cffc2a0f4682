package image

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/cyan-cd/cyan/internal/problem"
)

// Progress is how far a compiler is, in packages. All is 0 as long as it is not known.
type Progress struct{ Done, All int }

// worthACount is how long a program is compiled before it is found out how many packages there are to compile.
const worthACount = 2 * time.Second

var (
	// importPath is what `go build -v` prints of a package that it compiles. No line of an error is one: these have a
	// colon or a space.
	importPath = regexp.MustCompile(`^[A-Za-z0-9_.~+/-]+\n$`)
	// compiles finds the package in a command that compiles it.
	compiles = regexp.MustCompile(`/compile(?:\.exe)? -o .* -p (\S+) `)
)

// packageCount counts the packages that the toolchain compiles, by the names that it prints of them, and passes on
// whatever else it prints.
type packageCount struct {
	rest io.Writer
	tell func(Progress)

	mu      sync.Mutex
	line    []byte
	seen    map[string]bool
	pending []string
}

// Write takes what the toolchain prints.
func (c *packageCount) Write(text []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line = append(c.line, text...)
	for {
		end := bytes.IndexByte(c.line, '\n')
		if end < 0 {
			return len(text), nil
		}
		line := c.line[:end+1]
		c.line = c.line[end+1:]
		if importPath.Match(line) {
			c.seen[string(line[:end])] = true
			c.say()
		} else if _, err := c.rest.Write(line); err != nil {
			return len(text), err
		}
	}
}

// flush passes on a line without an end.
func (c *packageCount) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.rest.Write(c.line)
	c.line = nil
	return err
}

// planned takes the packages that are to be compiled from now on.
func (c *packageCount) planned(pending []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = pending
	c.say()
}

func (c *packageCount) say() {
	said := Progress{Done: len(c.seen)}
	if c.pending != nil {
		said.All = said.Done
		for _, name := range c.pending {
			if !c.seen[name] {
				said.All++
			}
		}
	}
	c.tell(said)
}

// plannedBy returns the packages that the commands of `go build -n` compile.
func plannedBy(commands []byte) []string {
	all := []string{}
	for line := range bytes.Lines(commands) {
		if found := compiles.FindSubmatch(line); found != nil && string(found[1]) != "main" {
			all = append(all, string(found[1]))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// counting runs go build, and tells how many packages it has compiled, and of how many once it has taken a while.
func (c goCommand) counting(ctx context.Context, tell func(Progress), out io.Writer, args ...string) error {
	counts := &packageCount{tell: tell, seen: map[string]bool{}}
	planningFor, end := context.WithCancel(ctx)
	var planning sync.WaitGroup
	planning.Go(func() {
		// Without a plan the packages are counted, and nobody knows of how many.
		_ = problem.Guard(func() error { return counts.plan(planningFor, c, args) })()
	})
	defer planning.Wait()
	defer end()
	c.counts = counts
	return c.run(ctx, out, slices.Insert(slices.Clone(args), 1, "-v")...)
}

// plan finds out what there is to compile, once a build has taken a while.
func (c *packageCount) plan(ctx context.Context, command goCommand, args []string) error {
	late := time.NewTimer(worthACount)
	defer late.Stop()
	select {
	case <-ctx.Done():
		return nil
	case <-late.C:
	}
	var commands bytes.Buffer
	command.output = &commands
	err := command.run(ctx, io.Discard, slices.Insert(slices.Clone(args), 1, "-n")...)
	if err == nil {
		c.planned(plannedBy(commands.Bytes()))
	}
	return err
}
