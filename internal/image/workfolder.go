package image

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// WorkFolder is a temporary folder that belongs to this process for as long as that runs: it is locked, and the next
// start removes those whose owner was killed.
type WorkFolder struct {
	// Path is where it is.
	Path string
	lock *os.File
}

// The kinds of work folders, by what their names begin with.
const (
	stageFolders = "cyan-stage-"
	buildFolders = "cyan-build-"
)

var removeAbandonedOnce sync.Once

// NewWorkFolder makes a folder for a build. The first one of a process removes those that others have left.
func NewWorkFolder() (*WorkFolder, error) { return newWorkFolder(buildFolders) }

func newWorkFolder(kind string) (*WorkFolder, error) {
	removeAbandonedOnce.Do(func() { removeAbandoned(os.TempDir()) })
	for {
		f, err := makeWorkFolder(kind)
		if err != nil || f != nil {
			return f, err
		}
	}
}

// makeWorkFolder returns nil when somebody has removed the folder before it was locked.
func makeWorkFolder(kind string) (*WorkFolder, error) {
	path, err := os.MkdirTemp("", kind)
	if err != nil {
		return nil, fmt.Errorf("making a folder to build in: %w", err)
	}
	f := &WorkFolder{Path: path}
	if f.lock, err = os.Open(path); err != nil {
		if os.IsNotExist(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("making a folder to build in: %w", err)
	}
	// Where folders cannot be locked, nobody can lock this one either, and it is left alone.
	_, _ = TryLock(f.lock)
	if !f.isThere() {
		_ = f.lock.Close()
		return nil, nil
	}
	return f, nil
}

// isThere reports whether the path still leads to the folder that is locked.
func (f *WorkFolder) isThere() bool {
	locked, err := f.lock.Stat()
	if err != nil {
		return false
	}
	now, err := os.Lstat(f.Path)
	return err == nil && os.SameFile(locked, now)
}

// Remove removes the folder.
func (f *WorkFolder) Remove() error {
	err := os.RemoveAll(f.Path)
	_ = f.lock.Close()
	if err != nil {
		return fmt.Errorf("removing %s: %w", f.Path, err)
	}
	return nil
}

// removeAbandoned removes the work folders of this user in a folder whose owner runs no more.
func removeAbandoned(in string) {
	entries, err := os.ReadDir(in)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if entry.IsDir() && (strings.HasPrefix(entry.Name(), stageFolders) || strings.HasPrefix(entry.Name(), buildFolders)) {
			removeIfAbandoned(filepath.Join(in, entry.Name()))
		}
	}
}

func removeIfAbandoned(path string) {
	folder, err := os.Open(path)
	if err != nil {
		return
	}
	defer folder.Close()
	info, err := folder.Stat()
	if err != nil {
		return
	}
	if uid, known := owner(info); !known || uid != os.Getuid() {
		return
	}
	f := &WorkFolder{Path: path, lock: folder}
	if locked, err := TryLock(folder); err != nil || !locked || !f.isThere() {
		return
	}
	_ = os.RemoveAll(path)
}
