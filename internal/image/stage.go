package image

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/cyan-cd/cyan/internal/image/dockerfile"
)

// stage is the file system that the Dockerfile of a plan compiles in. For a plan that is built again and again it is
// kept, and only what has changed is copied.
type stage struct {
	mu     sync.Mutex
	folder *stageFolder
}

// filled returns the folder with what the steps copy by now.
func (s *stage) filled(r *Request, steps []dockerfile.Step) (*stageFolder, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, err := os.OpenRoot(r.Dir)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", r.Dir, err)
	}
	defer func() { _ = from.Close() }()
	files, err := openContext(from, r)
	if err != nil {
		return nil, err
	}
	if s.folder != nil && files.fill(s.folder, steps) == nil {
		return s.folder, nil
	}
	// A folder where a file was and the like: from nothing, only what is wrong with the files themselves goes wrong.
	if err := s.remove(); err != nil {
		return nil, err
	}
	if s.folder, err = newStageFolder(); err != nil {
		return nil, err
	}
	if err := files.fill(s.folder, steps); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s.folder, nil
}

// last returns the folder as it was filled last; nil when it was not.
func (s *stage) last() *stageFolder {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.folder
}

// close removes the folder.
func (s *stage) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remove()
}

func (s *stage) remove() error {
	if s.folder == nil {
		return nil
	}
	err := errors.Join(s.folder.root.Close(), s.folder.owned.Remove())
	s.folder = nil
	return err
}

// stageFolder is a folder that stands for the file system of a stage.
type stageFolder struct {
	owned *WorkFolder
	root  *os.Root
	// links counts those that were copied.
	links int
	// files and folders are what was copied into it and is there, and wanted those of them that this filling has come by.
	files   map[string]copied
	folders map[string]bool
	wanted  map[string]bool
}

// copied is the file that was copied, as it was then.
type copied struct {
	from     string
	size     int64
	mode     fs.FileMode
	modified time.Time
	changed  time.Time
	// settled is set when the file had not been changed for a while: one that is changed at the very time at which it is
	// copied can look the same afterwards.
	settled bool
}

// settledAfter is longer than what two changes of a file may be apart without its times showing that.
const settledAfter = 2 * time.Second

func newStageFolder() (*stageFolder, error) {
	owned, err := newWorkFolder(stageFolders)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(owned.Path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making a folder to build in: %w", err), owned.Remove())
	}
	return &stageFolder{owned: owned, root: root, files: map[string]copied{}, folders: map[string]bool{}, wanted: map[string]bool{}}, nil
}

// begin begins to fill the folder.
func (s *stageFolder) begin() {
	s.links = 0
	clear(s.wanted)
}

// end removes what was copied before and is not wanted any more.
func (s *stageFolder) end() error {
	var errs []error
	for name := range s.files {
		if !s.wanted[name] {
			errs = append(errs, s.root.Remove(name))
			delete(s.files, name)
		}
	}
	// What is in a folder comes behind it.
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(s.folders))) {
		if !s.wanted[name] {
			errs = append(errs, s.root.Remove(name))
			delete(s.folders, name)
		}
	}
	return errors.Join(errs...)
}

// makeFolder makes a folder, with those that it is in.
func (s *stageFolder) makeFolder(name string) error {
	there := s.folders[name] || name == "."
	for at := name; at != "." && !s.wanted[at]; at = path.Dir(at) {
		if _, was := s.files[at]; was {
			return fmt.Errorf("%s was a file", at)
		}
		s.wanted[at], s.folders[at] = true, true
	}
	if there {
		return nil
	}
	return s.root.MkdirAll(name, 0o755)
}

// put copies a file, unless it is there as it is.
func (s *stageFolder) put(tree fs.FS, name, dest string, info fs.FileInfo) error {
	if err := s.makeFolder(path.Dir(dest)); err != nil {
		return err
	}
	s.wanted[dest] = true
	now := copied{from: name, size: info.Size(), mode: info.Mode(), modified: info.ModTime(), changed: ChangedAt(info)}
	before, there := s.files[dest]
	now.settled = true
	if there && before == now {
		return nil
	}
	if there {
		// What reads the old one goes on reading it, and the new one has its own mode.
		if err := s.root.Remove(dest); err != nil {
			return err
		}
	}
	delete(s.files, dest)
	now.settled = time.Since(now.changed) > settledAfter && time.Since(now.modified) > settledAfter
	if err := s.write(tree, name, dest, info.Mode().Perm()|0o600); err != nil {
		return err
	}
	s.files[dest] = now
	return nil
}

func (s *stageFolder) write(tree fs.FS, name, dest string, mode fs.FileMode) (err error) {
	in, err := tree.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := s.root.OpenFile(dest, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

// link makes a link.
func (s *stageFolder) link(target, dest string) error {
	s.links++
	if err := s.makeFolder(path.Dir(dest)); err != nil {
		return err
	}
	s.wanted[dest] = true
	now := copied{from: "link to " + target, mode: fs.ModeSymlink, settled: true}
	before, there := s.files[dest]
	if there && before == now {
		return nil
	}
	if there {
		if err := s.root.Remove(dest); err != nil {
			return err
		}
	}
	s.files[dest] = now
	return s.root.Symlink(target, dest)
}
