package devloop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
)

// watched is a folder that is watched.
type watched struct {
	*testing.T
	dir   string
	w     *watcher
	notes []string
	// taken counts how often there were changes.
	taken int
}

func watchFolder(t *testing.T, files map[string]string, prepare ...func(*watcher)) *watched {
	t.Helper()
	f := &watched{T: t, dir: t.TempDir()}
	for name, text := range files {
		f.write(name, text)
	}
	var err error
	if f.w, err = watch(f.dir, leaveOut, func(text string) { f.notes = append(f.notes, text) }); err != nil {
		t.Fatal(err)
	}
	for _, p := range prepare {
		p(f.w)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { f.w.run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return f
}

func (f *watched) write(name, text string) {
	f.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.Fatal(err)
	}
}

// touch writes the first letter of a file again, so that nobody ever reads anything else than before.
func (f *watched) touch(name string) {
	f.Helper()
	file, err := os.OpenFile(filepath.Join(f.dir, name), os.O_RDWR, 0)
	if err != nil {
		f.Fatal(err)
	}
	defer file.Close()
	first := make([]byte, 1)
	if _, err := file.ReadAt(first, 0); err != nil {
		f.Fatal(err)
	}
	if _, err := file.WriteAt(first, 0); err != nil {
		f.Fatal(err)
	}
}

// await collects changes until all that are wanted were seen, and returns what was seen besides.
func (f *watched) await(want ...decide.Change) (others []decide.Change) {
	f.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for len(want) > 0 {
		select {
		case <-f.w.some:
		case <-late.C:
			f.Fatalf("not seen within a minute: %v", want)
		}
		changes, _ := f.w.take()
		f.taken++
		for _, c := range changes {
			c.At = time.Time{}
			if at := slices.Index(want, c); at >= 0 {
				want = slices.Delete(want, at, at+1)
				continue
			}
			others = append(others, c)
		}
	}
	return others
}

func changed(path string) decide.Change { return decide.Change{Path: path} }

func TestWatch(t *testing.T) {
	f := watchFolder(t, map[string]string{"a.go": "1", "b.go": "1", "sub/c.go": "1", ".git/HEAD": "x", "node_modules/x/y.js": "1"})

	f.write("a.go", "2")
	f.await(changed("a.go"))

	// A save that changes nothing is none, and neither are an editor's files and what is left out.
	f.write("b.go", "1")
	f.write(".b.go.swp", "x")
	f.write(".git/HEAD", "y")
	f.write("node_modules/x/y.js", "2")
	f.write("sub/c.go", "2")
	if others := f.await(changed("sub/c.go")); len(others) > 0 {
		t.Errorf("got %v as well, want only what has other contents", others)
	}

	// Folders that are new are watched, whatever was in them by then.
	f.write("new/deep/d.go", "1")
	f.await(changed("new/deep/d.go"))
	f.write("new/deep/d.go", "2")
	f.await(changed("new/deep/d.go"))

	// Editors write beside a file, and move that in its place.
	f.write("a.go.new", "3")
	if err := os.Rename(filepath.Join(f.dir, "a.go.new"), filepath.Join(f.dir, "a.go")); err != nil {
		t.Fatal(err)
	}
	f.await(changed("a.go"))

	if err := os.RemoveAll(filepath.Join(f.dir, "new")); err != nil {
		t.Fatal(err)
	}
	f.await(decide.Change{Path: "new/deep/d.go", Gone: true})
	if err := os.Rename(filepath.Join(f.dir, "sub"), filepath.Join(f.dir, "moved")); err != nil {
		t.Fatal(err)
	}
	f.await(decide.Change{Path: "sub/c.go", Gone: true}, changed("moved/c.go"))
	f.write("moved/c.go", "5")
	f.await(changed("moved/c.go"))

	// A file that may be run from now on is another one.
	if err := os.Chmod(filepath.Join(f.dir, "b.go"), 0o700); err != nil {
		t.Fatal(err)
	}
	f.await(changed("b.go"))
}

// A checkout of another branch touches everything, and changes a part of it: that is one change, however long it takes.
func TestWatchManyFiles(t *testing.T) {
	files := map[string]string{".git/HEAD": "x"}
	for i := range 10_000 {
		files[fmt.Sprintf("d%d/f%d.txt", i%100, i)] = "same"
	}
	f := watchFolder(t, files)
	f.write(".git/index.lock", "")
	// However long this machine takes: git is at work as long as files change.
	long := time.Now().Add(-2 * longestLock)
	if err := os.Chtimes(filepath.Join(f.dir, ".git/index.lock"), long, long); err != nil {
		t.Fatal(err)
	}
	var want []decide.Change
	for name := range files {
		switch {
		case strings.HasPrefix(name, ".git/"):
		case strings.HasSuffix(name, "7.txt"):
			want = append(want, changed(name))
			f.write(name, "other")
		default:
			f.touch(name)
		}
	}
	select {
	case <-f.w.some:
		t.Error("there were changes before git was done")
	default:
	}
	if err := os.Remove(filepath.Join(f.dir, ".git/index.lock")); err != nil {
		t.Fatal(err)
	}
	if others := f.await(want...); len(others) > 0 || f.taken != 1 {
		t.Errorf("got %d others as well, in %d parts; want all at once", len(others), f.taken)
	}
}

// silent is a watcher of a folder of which the test has the system say what it says.
func silent(f *watched) *watcher {
	w := &watcher{tree: newTree(f.dir, leaveOut), lock: filepath.Join(f.dir, ".git/index.lock"), pending: map[string]decide.Change{}, some: make(chan struct{}, 1)}
	w.events = &fsnotify.Watcher{Events: make(chan fsnotify.Event), Errors: make(chan error)}
	w.tree.scan(nil)
	return w
}

// Where more happens than the system keeps, everything is looked at: no save is lost.
func TestEventsThatAreLost(t *testing.T) {
	f := watchFolder(t, map[string]string{"a.go": "1", "sub/b.go": "1"}, func(w *watcher) {
		for _, folder := range w.events.WatchList() {
			if err := w.events.Remove(folder); err != nil {
				t.Fatal(err)
			}
		}
	})
	f.write("a.go", "2")
	f.write("sub/b.go", "2")
	f.w.events.Errors <- fsnotify.ErrEventOverflow
	if others := f.await(changed("a.go"), changed("sub/b.go")); len(others) > 0 {
		t.Errorf("got %v as well", others)
	}
	if changes, _ := f.w.take(); len(changes) != 0 {
		t.Errorf("got %v again, which was taken", changes)
	}
}

// Files that change all the time are told of all the same, after a while.
func TestChangesWithoutQuiet(t *testing.T) {
	f := &watched{T: t, dir: t.TempDir()}
	f.write("a.go", "1")
	synctest.Test(t, func(t *testing.T) {
		w := silent(f)
		go w.runWatching(t.Context())
		f.write("a.go", "2")
		started := time.Now()
		for len(w.some) == 0 && time.Since(started) <= 2*longestQuiet {
			w.events.Events <- fsnotify.Event{Name: filepath.Join(f.dir, "a.go"), Op: fsnotify.Write}
			time.Sleep(quiet / 2) //nolint:forbidigo // the time is that of the test
			synctest.Wait()
		}
		if changes, since := w.take(); len(changes) != 1 || !since.Equal(started) || time.Since(started) > longestQuiet+quiet {
			t.Errorf("after %s: got %v since %s; want the change within %s", time.Since(started), changes, since, longestQuiet)
		}
	})
}

// Where files are looked at instead of watched, git is waited for no less.
func TestGitIsWaitedForByPolling(t *testing.T) {
	f := &watched{T: t, dir: t.TempDir()}
	f.write("a.go", "1")
	synctest.Test(t, func(t *testing.T) {
		w := silent(f)
		f.write(".git/index.lock", "")
		if err := os.Chtimes(w.lock, time.Now(), time.Now()); err != nil {
			t.Fatal(err)
		}
		f.write("a.go", "22")
		go w.runPolling(t.Context())
		time.Sleep(3 * pollEvery) //nolint:forbidigo // the time is that of the test
		synctest.Wait()
		if changes, _ := w.take(); len(changes) != 0 {
			t.Errorf("while git is at work: got %v", changes)
		}
		if err := os.Remove(w.lock); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * pollEvery) //nolint:forbidigo // the time is that of the test
		synctest.Wait()
		if changes, _ := w.take(); len(changes) != 1 {
			t.Errorf("once git is done: got %v, want the change", changes)
		}
	})
}

// What git changes waits until git is done, and for what has crashed as long as that is likely to be still at work.
func TestGitIsWaitedFor(t *testing.T) {
	for _, c := range []struct {
		rule   string
		locked time.Duration
		want   bool
	}{
		{"no lock", 0, true}, {"a lock", longestLock - time.Second, false}, {"a lock that was left", longestLock + time.Second, true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			f := &watched{T: t, dir: t.TempDir()}
			f.write("a.go", "1")
			file, lock := filepath.Join(f.dir, "a.go"), filepath.Join(f.dir, ".git/index.lock")
			synctest.Test(t, func(t *testing.T) {
				w := silent(f)
				go w.runWatching(t.Context())
				f.write("a.go", "2")
				if c.locked > 0 {
					f.write(".git/index.lock", "")
					if err := os.Chtimes(lock, time.Now(), time.Now()); err != nil {
						t.Fatal(err)
					}
				}
				w.events.Events <- fsnotify.Event{Name: file, Op: fsnotify.Write}
				time.Sleep(max(c.locked, longestQuiet)) //nolint:forbidigo // the time is that of the test
				synctest.Wait()
				changes, _ := w.take()
				if got := len(changes) == 1 && changes[0].Path == "a.go"; got != c.want {
					t.Fatalf("the change was told: %t, want %t", got, c.want)
				}
				if c.want {
					return
				}
				if err := os.Remove(lock); err != nil {
					t.Fatal(err)
				}
				time.Sleep(longestQuiet) //nolint:forbidigo // the time is that of the test
				synctest.Wait()
				if changes, _ := w.take(); len(changes) != 1 {
					t.Errorf("once git is done: %v, want the change", changes)
				}
			})
		})
	}
}

// Where git keeps its lock, and when that counts.
func TestGitLock(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a/.git/HEAD": "x", "a/sub/x": "1", "b/.git": "gitdir: /elsewhere/worktrees/b\n", "c/.git": "gitdir: ../a/.git/modules/c\n", "d/.git": "nonsense",
	} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700), os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for root, want := range map[string]string{
		"a": filepath.Join(dir, "a/.git/index.lock"), "a/sub": filepath.Join(dir, "a/.git/index.lock"), "b": "/elsewhere/worktrees/b/index.lock",
		"c": filepath.Join(dir, "a/.git/modules/c/index.lock"), "d": "",
	} {
		if got := gitLock(filepath.Join(dir, root)); got != want {
			t.Errorf("%s: got %q, want %q", root, got, want)
		}
	}
	lock := filepath.Join(dir, "lock")
	if never := (time.Time{}); holds("", never) || holds(lock, time.Now()) {
		t.Error("got a lock without a file")
	}
	if err := os.WriteFile(lock, nil, 0o600); err != nil || !holds(lock, time.Time{}) {
		t.Errorf("got no lock with a file; %v", err)
	}
	old := time.Now().Add(-2 * longestLock)
	if err := os.Chtimes(lock, old, old); err != nil || holds(lock, time.Time{}) || holds(lock, old) {
		t.Errorf("got a lock that a crash has left; %v", err)
	}
	// A checkout that takes long is at work for as long as it changes files.
	if !holds(lock, time.Now()) {
		t.Error("got no lock while files change")
	}
}

// Where the system has no room for watches, files are looked at, and that is said.
func TestWatchByPolling(t *testing.T) {
	f := watchFolder(t, map[string]string{"a.go": "1"}, func(w *watcher) { w.poll(syscall.ENOSPC) })
	if len(f.notes) != 1 || !strings.Contains(f.notes[0], "fs.inotify.max_user_watches") {
		t.Errorf("notes: got %q, want one that names the setting", f.notes)
	}
	f.write("a.go", "22")
	f.await(changed("a.go"))
	f.write("sub/b.go", "1")
	f.await(changed("sub/b.go"))
}

// inNamespace is set where the test runs itself with a limit of its own.
const inNamespace = "CYAN_TEST_FEW_WATCHES"

// isLimited runs the test anew in a namespace of users where a limit of the kernel is set, and reports whether it is
// the one that runs there.
func isLimited(t *testing.T, limit, to string) bool {
	t.Helper()
	if os.Getenv(inNamespace) != "" {
		if err := os.WriteFile("/proc/sys/user/"+limit, []byte(to), 0o600); err != nil {
			t.Skip("the limit cannot be set here:", err)
		}
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = fewRights()
	if cmd.SysProcAttr == nil {
		t.Skip("limits for some processes alone are Linux's")
	}
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Skip("namespaces of users cannot be made here:", err)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "--- SKIP") {
		t.Skipf("%s", out)
	}
	return false
}

// Where the system has no room for one more process that watches, the loop begins all the same.
func TestWatchWithoutInstances(t *testing.T) {
	if !isLimited(t, "max_inotify_instances", "0") {
		return
	}
	f := watchFolder(t, map[string]string{"a.go": "1"})
	if len(f.notes) != 1 || !strings.Contains(f.notes[0], "fs.inotify.max_user_instances") {
		t.Errorf("notes: got %q, want one that names the setting", f.notes)
	}
	f.write("a.go", "22")
	f.await(changed("a.go"))
}

// The kernel's limit itself: in a namespace of users there are fewer watches than folders.
func TestWatchWithFewWatches(t *testing.T) {
	if !isLimited(t, "max_inotify_watches", "8") {
		return
	}
	files := map[string]string{"a.go": "1"}
	for i := range 20 {
		files[fmt.Sprintf("d%d/b.go", i)] = "1"
	}
	f := watchFolder(t, files)
	if len(f.notes) != 1 || !strings.Contains(f.notes[0], "fs.inotify.max_user_watches") {
		t.Errorf("notes: got %q, want one that names the setting", f.notes)
	}
	f.write("a.go", "22")
	f.write("d19/b.go", "22")
	f.await(changed("a.go"), changed("d19/b.go"))
}

// Saves without end are seen all the same, and nothing piles up.
func TestWatchWithoutQuiet(t *testing.T) {
	f := watchFolder(t, map[string]string{"a.go": "0", "b.go": "0"})
	stop := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				_ = os.WriteFile(filepath.Join(f.dir, "a.go"), fmt.Append(nil, i), 0o600)
			}
		}
	})
	for range 3 {
		f.await(changed("a.go"))
	}
	f.w.mu.Lock()
	if n := len(f.w.pending); n > 2 {
		t.Errorf("%d changes are kept of 2 files", n)
	}
	f.w.mu.Unlock()
	close(stop)
	writing.Wait()
}
