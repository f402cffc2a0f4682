package devloop

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
)

const (
	// quiet is how long nothing may have changed until changes count: an editor writes a file in several steps.
	quiet = 60 * time.Millisecond
	// longestQuiet is how long changes wait where there is no quiet.
	longestQuiet = 400 * time.Millisecond
	// longestLock is how long changes wait for git while it changes nothing: its file was left by one that has crashed.
	longestLock = 30 * time.Second
	// mostNamed is from how many names on everything is looked at instead.
	mostNamed = 2000
	// pollEvery is how often everything is looked at where the system does not say what has changed.
	pollEvery = time.Second
)

// watcher watches the files below a root.
type watcher struct {
	tree   *tree
	events *fsnotify.Watcher
	// note gets what a person should know.
	note func(string)
	// polling is set where the system has no room for watches.
	polling bool
	// lock is the file that there is while git changes files.
	lock string

	mu      sync.Mutex
	pending map[string]decide.Change
	// since is when the first of them was noticed.
	since time.Time
	// some is signalled when there are changes.
	some chan struct{}
}

// watch begins to watch. What is there by then is known, and no change.
func watch(root string, skip func(string) bool, note func(string)) (*watcher, error) {
	w := &watcher{tree: newTree(root, skip), note: note, lock: gitLock(root), pending: map[string]decide.Change{}, some: make(chan struct{}, 1)}
	var err error
	if w.events, err = fsnotify.NewWatcher(); err != nil {
		if !outOfWatches(err) {
			return nil, fmt.Errorf("watching %s: %w", root, err)
		}
		w.poll(err)
	}
	w.tree.scan(w.add)
	return w, nil
}

// add watches a folder.
func (w *watcher) add(folder string) {
	if w.polling {
		return
	}
	if err := w.events.Add(w.tree.path(folder)); err != nil && outOfWatches(err) {
		w.poll(err)
	}
}

// poll goes over to looking at everything once in a while.
func (w *watcher) poll(why error) {
	w.polling = true
	if w.events != nil {
		_ = w.events.Close()
		w.events = nil
	}
	w.note(fmt.Sprintf("files are looked at every %s instead of watched: %v; raise fs.inotify.max_user_watches or fs.inotify.max_user_instances with sysctl to have saves noticed at once", pollEvery, why))
}

// outOfWatches reports whether an error means that the system has no room for watches left.
func outOfWatches(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// run watches until ctx ends.
func (w *watcher) run(ctx context.Context) {
	for ctx.Err() == nil {
		if w.polling {
			w.runPolling(ctx)
			return
		}
		w.runWatching(ctx)
	}
	if w.events != nil {
		_ = w.events.Close()
	}
}

func (w *watcher) runPolling(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if !holds(w.lock, time.Time{}) {
				w.keep(w.tree.scan(nil), time.Now())
			}
		}
	}
}

// runWatching collects what the system says until there is quiet, and until git is done where it is at work: what it
// changes is one change. It returns when it has gone over to polling.
func (w *watcher) runWatching(ctx context.Context) {
	named, all := map[string]bool{}, false
	var first, latest time.Time
	due := time.NewTimer(time.Hour)
	defer due.Stop()
	for !w.polling {
		select {
		case <-ctx.Done():
			return
		case event, ok := <-w.events.Events:
			if !ok {
				return
			}
			name := w.tree.name(event.Name)
			if decide.IsScratch(name) || event.Op == fsnotify.Chmod && !w.tree.hasOtherMode(name) {
				continue
			}
			named[name] = true
		case _, ok := <-w.events.Errors:
			if !ok {
				return
			}
			// Some of what has happened is lost.
			all = true
		case <-due.C:
			if holds(w.lock, latest) {
				due.Reset(quiet)
				continue
			}
			w.collect(slices.Sorted(maps.Keys(named)), all || len(named) > mostNamed, first)
			named, all, first = map[string]bool{}, false, time.Time{}
			continue
		}
		latest = time.Now()
		if first.IsZero() {
			first = latest
		}
		due.Reset(min(quiet, max(time.Until(first.Add(longestQuiet)), 0)))
	}
}

// collect looks at what is named, or at everything where that is too much or not known.
func (w *watcher) collect(named []string, all bool, since time.Time) {
	if all {
		w.keep(w.tree.scan(w.add), since)
		return
	}
	w.keep(w.tree.update(named, w.add), since)
}

// keep adds changes to those that nobody has taken yet.
func (w *watcher) keep(changes []decide.Change, since time.Time) {
	if len(changes) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pending) == 0 {
		w.since = since
	}
	for _, c := range changes {
		w.pending[c.Path] = c
	}
	select {
	case w.some <- struct{}{}:
	default:
	}
}

// take returns the changes since it was called last, in the order of their paths, and when the first was noticed.
func (w *watcher) take() (changes []decide.Change, since time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	changes = make([]decide.Change, 0, len(w.pending))
	for _, name := range slices.Sorted(maps.Keys(w.pending)) {
		changes = append(changes, w.pending[name])
	}
	clear(w.pending)
	return changes, w.since
}

// leaveOut are folders that nobody edits, whatever the project.
func leaveOut(folder string) bool {
	switch path.Base(folder) {
	case ".git", "node_modules", ".hg", ".svn":
		return folder != "."
	}
	return false
}
