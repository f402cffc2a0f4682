package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Line is the order of intents among themselves: of those with one Name, by the commits that they come from.
type Line struct {
	// Name is the same for all that set the same thing.
	Name string
	// Commit is where the intent comes from; History knows what it stands on.
	Commit  string
	History *History
	// Timeout is how long to let those with older commits go first; 10 min when zero.
	Timeout time.Duration
}

// Ticket is a place in the line for a branch, taken before the work begins, so that an older commit whose build takes
// longer still lands before a newer one. It is seen by every process that shares the mirrors, and ends with the process
// that holds it.
type Ticket struct {
	line Line
	dir  string
	file *os.File
	// all are the tickets of this process.
	all *ticketSet

	mu      sync.Mutex
	inQueue bool
}

// ticketNote is what a ticket's file says.
type ticketNote struct {
	Line   string `json:"line"`
	Commit string `json:"commit"`
}

// ticketSet are those of this process, by file. The zero value is empty.
type ticketSet struct {
	mu     sync.Mutex
	byFile map[string]*Ticket
}

// take makes a ticket for a branch of a mirror.
func (all *ticketSet) take(ctx context.Context, r *bareMirror, branch string, line Line) (*Ticket, error) {
	defaultTo(&line.Timeout, 10*time.Minute)
	sum := sha256.Sum256([]byte(branch))
	dir := r.dir + ".line-" + hex.EncodeToString(sum[:6])
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("queueing for %s: %w", branch, err)
	}
	f, err := os.CreateTemp(dir, ".new-")
	if err != nil {
		return nil, fmt.Errorf("queueing for %s: %w", branch, err)
	}
	t := &Ticket{line: line, dir: dir, file: f, all: all}
	body, err := json.Marshal(ticketNote{line.Name, line.Commit})
	if err == nil {
		_, err = f.Write(body)
	}
	if err == nil {
		_, err = tryLock(f)
	}
	if err == nil {
		err = os.Rename(f.Name(), t.path())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("queueing for %s: %w", branch, err), f.Close(), os.Remove(f.Name()))
	}
	all.add(t)
	return t, ctx.Err()
}

func (all *ticketSet) add(t *Ticket) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.byFile == nil {
		all.byFile = map[string]*Ticket{}
	}
	all.byFile[t.path()] = t
}

func (all *ticketSet) remove(t *Ticket) {
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.byFile, t.path())
}

// isQueued reports whether the ticket in a file belongs to this process and has reached the queue.
func (all *ticketSet) isQueued(name string) bool {
	all.mu.Lock()
	t := all.byFile[name]
	all.mu.Unlock()
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.inQueue
}

func (t *Ticket) path() string {
	return filepath.Join(t.dir, strings.TrimPrefix(filepath.Base(t.file.Name()), ".new-")+".ticket")
}

// Release lets the others go on. It may be called more than once, and on nil.
func (t *Ticket) Release() {
	if t == nil {
		return
	}
	t.all.remove(t)
	_ = os.Remove(t.path())
	_ = t.file.Close()
}

func (t *Ticket) queued() {
	if t != nil {
		t.mu.Lock()
		t.inQueue = true
		t.mu.Unlock()
	}
}

// turn waits until nobody with an older commit is still on the way to the queue. Those who are in it already are put in
// order there.
func (t *Ticket) turn(ctx context.Context) error {
	if t == nil {
		return nil
	}
	older := map[string]bool{}
	deadline := time.Now().Add(t.line.Timeout)
	for {
		wait, err := t.mustWait(ctx, older)
		if err != nil || !wait || time.Now().After(deadline) {
			return err
		}
		if err := waitFor(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// mustWait looks at the other tickets. older remembers what the history said of their commits.
func (t *Ticket) mustWait(ctx context.Context, older map[string]bool) (bool, error) {
	names, err := filepath.Glob(filepath.Join(t.dir, "*.ticket"))
	if err != nil {
		return false, err
	}
	for _, name := range names {
		if name == t.path() || t.all.isQueued(name) {
			continue
		}
		other, alive := readTicket(name)
		if !alive || other.Line != t.line.Name || other.Commit == t.line.Commit {
			continue
		}
		goesFirst, known := older[other.Commit]
		if !known {
			goesFirst, err = t.line.History.IsAncestor(ctx, other.Commit, t.line.Commit)
			if err != nil && !errors.Is(err, ErrNoRevision) {
				return false, err
			}
			older[other.Commit] = goesFirst
		}
		if goesFirst {
			return true, nil
		}
	}
	return false, nil
}

// readTicket reads another's ticket, and removes it when its holder is gone.
func readTicket(name string) (ticketNote, bool) {
	f, err := os.Open(name)
	if err != nil {
		return ticketNote{}, false
	}
	defer func() { _ = f.Close() }()
	if free, err := tryLock(f); err != nil || free {
		_ = os.Remove(name)
		return ticketNote{}, false
	}
	var n ticketNote
	if err := json.NewDecoder(f).Decode(&n); err != nil {
		return ticketNote{}, false
	}
	return n, true
}
