package devloop

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
)

const (
	// mostWindows bounds how many times of commands are remembered.
	mostWindows = 64
	// mostEdited bounds how many files are remembered as somebody's. Beyond that all are forgotten: each counts again
	// once it is saved while no command runs.
	mostEdited = 1 << 17
)

// commands remembers when commands of the project ran on this machine, and what was changed while none did.
type commands struct {
	mu     sync.Mutex
	ran    []decide.Window
	edited map[string]bool
	// deployed is how often manifests were deployed for what commands may have written, and read how often the project
	// was read for that.
	deployed, read decide.Again
}

// ended notes a command that has ended.
func (c *commands) ended(began time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ran = append(c.ran, window(began))
	c.ran = c.ran[max(len(c.ran)-mostWindows, 0):]
}

// known is what changes are judged by.
func (c *commands) known() decide.Commands {
	c.mu.Lock()
	defer c.mu.Unlock()
	return decide.Commands{Ran: slices.Clone(c.ran), Edited: maps.Clone(c.edited)}
}

// changed notes what nobody but a person has changed.
func (c *commands) changed(by decide.Commands, changes []decide.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.edited == nil || len(c.edited)+len(changes) > mostEdited {
		c.edited = map[string]bool{}
	}
	for _, change := range changes {
		if !change.Gone && !by.Wrote(change) {
			c.edited[change.Path] = true
		}
	}
}

// judged decides what changes ask for, remembers what follows for the next ones, and names what is passed over.
func judged(l *loop, changes []decide.Change) decide.Work {
	project, running := l.observe()
	work := decide.Next(project, running, changes)
	l.commands.changed(project.Commands, changes)
	for of, again := range work.Again {
		switch of {
		case decide.OfManifests:
			l.commands.deployed = again
		case decide.OfDefinition:
			l.commands.read = again
		default:
			l.builds.artifacts[of].again = again
		}
	}
	for _, of := range slices.Sorted(maps.Keys(work.Spared)) {
		files := describeFiles(work.Spared[of])
		switch of {
		case decide.OfManifests:
			l.note(fmt.Sprintf("manifests are not deployed again for %s, which a command of the project writes each time; have it write elsewhere", files))
		case decide.OfDefinition:
			l.note(fmt.Sprintf("the project is not read again for %s, which a command of it writes each time; have it write elsewhere", files))
		default:
			l.note(fmt.Sprintf("image %s is not built again for %s, which a command of the project writes each time; leave that out of what it is built of, in dependencies of custom or in .dockerignore", of, files))
		}
	}
	return work
}

// describeFiles names files, as far as a line has room.
func describeFiles(names []string) string {
	const most = 3
	if len(names) > most {
		return fmt.Sprintf("%s and %d more files", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
