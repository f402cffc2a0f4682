package devloop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/cyan-cd/cyan/internal/apply"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/problem"
)

// RunNote is what a loop leaves on this machine while it runs, so that what it made is found after a crash.
type RunNote struct {
	// Host is the API server, and Context that of the kubeconfig.
	Host, Context string
	Namespace     string
	// Loop is the name of the loop, which its objects are marked with.
	Loop string
	// Own is set when the namespace was made by the loop.
	Own bool
	// Application is the one that a loop in place has the objects of, as NAMESPACE/NAME, and Lease the UID of its hold.
	Application, Lease string
	// Root is the folder of the project.
	Root    string
	PID     int
	Started time.Time
	// Holder is who the loop is in Leases.
	Holder string
	// Made are the objects that the loop has made, beside those in a namespace of its own.
	Made []Made

	path string
	// locked is the file that this process holds for as long as it runs.
	locked *os.File
}

// Made is an object that a loop has made.
type Made struct {
	Group, Version, Kind, Namespace, Name string
	UID                                   string
}

func madeOf(ref apply.Ref, uid string) Made {
	return Made{Group: ref.Kind.Group, Version: ref.Kind.Version, Kind: ref.Kind.Kind, Namespace: ref.Namespace, Name: ref.Name, UID: uid}
}

func (m Made) ref() apply.Ref {
	return apply.Ref{Kind: schema.GroupVersionKind{Group: m.Group, Version: m.Version, Kind: m.Kind}, Namespace: m.Namespace, Name: m.Name}
}

// Alive reports whether the loop still runs on this machine. By then another process may have the number that it had.
func (n RunNote) Alive() bool {
	if n.PID <= 0 || n.PID == os.Getpid() {
		return false
	}
	lock, err := os.Open(n.lockFile())
	if err != nil {
		return isRunning(n.PID)
	}
	defer lock.Close()
	free, err := image.TryLock(lock)
	if errors.Is(err, errors.ErrUnsupported) {
		return isRunning(n.PID)
	}
	return !free
}

// isRunning reports whether there is a process, whoever's it is.
func isRunning(pid int) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	err = process.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, fs.ErrPermission)
}

// lockFile is locked for as long as the process of a note runs.
func (n RunNote) lockFile() string { return n.path + ".lock" }

// lockedWithin bounds the wait for others that look whether a loop still runs.
const lockedWithin = time.Second

// lock has the note be that of a process that runs, until that ends, however it does.
func (n *RunNote) lock(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(n.path), 0o700); err != nil {
		return fmt.Errorf("noting that the loop runs: %w", err)
	}
	err := wait.PollUntilContextTimeout(ctx, 10*time.Millisecond, lockedWithin, true, func(context.Context) (taken bool, err error) {
		if n.locked, err = os.OpenFile(n.lockFile(), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
			return false, err
		}
		taken, err = image.TryLock(n.locked)
		// One that a loop has removed at its end is nobody's.
		if taken = taken && isSame(n.locked, n.lockFile()); taken || errors.Is(err, errors.ErrUnsupported) {
			return true, nil
		}
		return false, errors.Join(err, n.locked.Close())
	})
	if wait.Interrupted(err) {
		return &problem.Error{Kind: problem.Refused, Object: "dev loop", Cause: "another one holds " + n.lockFile(), Remedy: "end that one"}
	}
	if err != nil {
		return fmt.Errorf("noting that the loop runs: %w", err)
	}
	return nil
}

// isSame reports whether an open file is still the one that has a name.
func isSame(file *os.File, name string) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(name)
	return err == nil && os.SameFile(open, named)
}

// Notes are those of all loops whose end nobody has seen to, in a folder.
func Notes(folder string) ([]RunNote, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("reading the notes of dev loops in %s: %w", folder, err)
	}
	var all []RunNote
	for _, file := range files {
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		note := RunNote{path: file}
		if err == nil {
			err = json.Unmarshal(data, &note)
		}
		if err != nil {
			return all, fmt.Errorf("reading the note of a dev loop in %s: %w", file, err)
		}
		all = append(all, note)
	}
	return all, nil
}

// write keeps the note, whole or not at all.
func (n RunNote) write() error {
	data, err := json.MarshalIndent(n, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(n.path), 0o700)
	}
	if err == nil {
		err = os.WriteFile(n.path+".new", data, 0o600)
	}
	if err == nil {
		err = os.Rename(n.path+".new", n.path)
	}
	if err != nil {
		return fmt.Errorf("noting what the loop makes: %w", err)
	}
	return nil
}

func (n RunNote) remove() error {
	if err := os.Remove(n.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the note of the loop: %w", err)
	}
	return n.unlock()
}

// unlock has the note be that of no process.
func (n RunNote) unlock() error {
	if err := os.Remove(n.lockFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the lock of a note: %w", err)
	}
	if n.locked != nil {
		return n.locked.Close()
	}
	return nil
}
