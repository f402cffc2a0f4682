package devloop

import (
	"crypto/sha256"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
	"github.com/cyan-cd/cyan/internal/image"
)

// largestHashed is the size up to which a file's contents are looked at. What is larger has changed when its time has.
const largestHashed = 16 << 20

// tree is what is known of the files below a root. It serves one goroutine.
type tree struct {
	root string
	// skip reports whether a folder is left out, by its slash-separated path.
	skip  func(folder string) bool
	files map[string]known
}

// known is what a file was when it was looked at last. Of a symbolic link, that is where it leads, and what the file
// was that is there.
type known struct {
	mode     fs.FileMode
	link     string
	size     int64
	modified int64
	sum      [16]byte
}

// is reports whether a file is what it was: the time alone makes no other one.
func (k known) is(before known) bool {
	k.modified, before.modified = 0, 0
	return k == before
}

func newTree(root string, skip func(string) bool) *tree {
	return &tree{root: root, skip: skip, files: map[string]known{}}
}

// scan looks at every file, and returns what has changed. found is called for each folder; it may be nil.
func (t *tree) scan(found func(folder string)) []decide.Change {
	seen := make(map[string]bool, len(t.files))
	changes := t.walk(".", found, seen)
	for file := range t.files {
		if !seen[file] {
			delete(t.files, file)
			changes = append(changes, decide.Change{Path: file, Gone: true})
		}
	}
	return changes
}

// walk looks at the files in a folder and below it.
func (t *tree) walk(folder string, found func(string), seen map[string]bool) []decide.Change {
	var changes []decide.Change
	_ = filepath.WalkDir(t.path(folder), func(at string, entry fs.DirEntry, err error) error {
		name := t.name(at)
		if err != nil {
			// What goes away while it is looked at is gone, or is looked at again.
			return nil //nolint:nilerr // see above
		}
		if entry.IsDir() {
			if t.skip(name) {
				return fs.SkipDir
			}
			if found != nil {
				found(name)
			}
			return nil
		}
		if seen != nil {
			seen[name] = true
		}
		if change, is := t.look(name); is {
			changes = append(changes, change)
		}
		return nil
	})
	return changes
}

func (t *tree) path(name string) string { return filepath.Join(t.root, filepath.FromSlash(name)) }

func (t *tree) name(at string) string {
	name, err := filepath.Rel(t.root, at)
	if err != nil {
		return "."
	}
	return filepath.ToSlash(name)
}

// look notes what a file is now, and returns its change if it is another one than before.
func (t *tree) look(name string) (change decide.Change, is bool) {
	if decide.IsScratch(name) {
		return change, false
	}
	before, was := t.files[name]
	now, info := t.stat(name)
	if info == nil {
		delete(t.files, name)
		return decide.Change{Path: name, Gone: true}, was
	}
	now.sum = before.sum
	if was && before == now {
		return change, false
	}
	if now.size <= largestHashed {
		now.sum = t.sum(name)
	}
	t.files[name] = now
	change = decide.Change{Path: name, Link: now.link != "", At: image.ChangedAt(info)}
	return change, !was || !now.is(before) || now.size > largestHashed
}

// stat returns what a file is now, but for its contents; no info where there is no file. A link to what is no file is
// one by itself.
func (t *tree) stat(name string) (now known, info fs.FileInfo) {
	info, err := os.Lstat(t.path(name))
	if err != nil {
		return now, nil
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		if now.link, err = os.Readlink(t.path(name)); err != nil {
			return now, nil
		}
		to, err := os.Stat(t.path(name))
		if err != nil || !to.Mode().IsRegular() {
			now.mode = info.Mode()
			return now, info
		}
		info = to
	}
	if !info.Mode().IsRegular() {
		return now, nil
	}
	now.mode, now.size, now.modified = info.Mode(), info.Size(), info.ModTime().UnixNano()
	return now, info
}

// hasOtherMode reports whether a file has another mode than when it was looked at last. Programs that index files have
// the system say that of many that have not.
func (t *tree) hasOtherMode(name string) bool {
	before, was := t.files[name]
	now, info := t.stat(name)
	return was && info != nil && now.mode != before.mode
}

// sum is a hash of a file's contents; zero for one that cannot be read, and for a link to none.
func (t *tree) sum(name string) (sum [16]byte) {
	f, err := os.Open(t.path(name))
	if err != nil {
		return sum
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, largestHashed)); err == nil {
		copy(sum[:], h.Sum(nil))
	}
	return sum
}

// update looks at what may have changed. found is called for each folder that is new.
func (t *tree) update(names []string, found func(folder string)) []decide.Change {
	var changes []decide.Change
	for _, name := range names {
		info, err := os.Lstat(t.path(name))
		switch {
		case err != nil:
			changes = append(changes, t.forget(name)...)
		case info.IsDir():
			if _, was := t.files[name]; was {
				changes = append(changes, t.forget(name)...)
			}
			if !t.skipped(name) {
				changes = append(changes, t.walk(name, found, nil)...)
			}
		case !t.skipped(path.Dir(name)):
			if _, was := t.files[name]; !was {
				// A folder may have been there.
				changes = append(changes, t.forget(name)...)
			}
			if change, is := t.look(name); is {
				changes = append(changes, change)
			}
		}
	}
	slices.SortFunc(changes, func(a, b decide.Change) int { return strings.Compare(a.Path, b.Path) })
	return slices.Compact(changes)
}

// skipped reports whether a folder, or one above it, is left out.
func (t *tree) skipped(folder string) bool {
	for ; folder != "."; folder = path.Dir(folder) {
		if t.skip(folder) {
			return true
		}
	}
	return false
}

// forget drops a file, or all that was in a folder.
func (t *tree) forget(name string) []decide.Change {
	if _, was := t.files[name]; was {
		delete(t.files, name)
		return []decide.Change{{Path: name, Gone: true}}
	}
	var gone []decide.Change
	for file := range t.files {
		if strings.HasPrefix(file, name+"/") {
			delete(t.files, file)
			gone = append(gone, decide.Change{Path: file, Gone: true})
		}
	}
	return gone
}
