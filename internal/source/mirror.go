package source

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// bareMirror is one repository's bare mirror.
type bareMirror struct {
	store *mirrorStore
	name  string
	dir   string
	// looking and fetching are held by the one who asks the host; the others wait and take what was found.
	looking  chan struct{}
	fetching chan struct{}
	objects  *objectStore

	mirrorState
}

// mirrorState is what is known of a mirror until now.
type mirrorState struct {
	mu      sync.Mutex
	refs    hostRefs
	corrupt bool
	// corruptMark is the mark of the mirror that was found damaged.
	corruptMark string
	ready       bool
	// largeUntil is how long it is not fetched since it was too large, and touched when its use was last noted.
	largeUntil, touched time.Time
}

// newMirror returns the mirror with a key, which tells repositories and credentials apart. Nothing is made on disk.
func newMirror(s *mirrorStore, key, name string) *bareMirror {
	sum := sha256.Sum256([]byte(key))
	dir := filepath.Join(s.dir, hex.EncodeToString(sum[:12])+".git")
	r := &bareMirror{store: s, name: name, dir: dir, looking: make(chan struct{}, 1), fetching: make(chan struct{}, 1)}
	r.objects = &objectStore{life: s.life, git: s.git, dir: dir, name: name}
	return r
}

// readyMark is in every mirror that was finished, and no two mirrors have the same in it.
const readyMark = "cyan-mirror"

// prepare makes the mirror where it is missing or damaged. The caller holds fetching and the file lock. Others may be
// reading: they see the old one or the new one, and nothing in between.
func (r *bareMirror) prepare(ctx context.Context) error {
	r.mu.Lock()
	corrupt, corruptMark, ready := r.corrupt, r.corruptMark, r.ready
	r.mu.Unlock()
	mark := r.mark()
	switch {
	case mark != "" && corrupt && mark != corruptMark:
		// Another process has made it anew.
		r.objects.close()
		r.set(func() { r.corrupt, r.ready = false, true })
		return nil
	case mark != "" && !corrupt:
		if !ready {
			removeLeftovers(r.dir)
			r.set(func() { r.ready = true })
		}
		return nil
	}
	if err := r.replace(ctx); err != nil {
		return fmt.Errorf("making the mirror of %s: %w", r.name, err)
	}
	r.objects.close()
	r.set(func() { r.corrupt, r.ready = false, true })
	return nil
}

// replace puts an empty mirror in the place of whatever is there.
func (r *bareMirror) replace(ctx context.Context) error {
	fresh, old := r.dir+".new", r.dir+".old"
	if err := errors.Join(os.RemoveAll(fresh), os.RemoveAll(old)); err != nil {
		return err
	}
	if err := os.MkdirAll(fresh, 0o700); err != nil {
		return err
	}
	if _, err := r.store.git.run(ctx, gitCall{args: []string{"init", "--quiet", "--bare", "--template=", "--object-format=sha1", "--", fresh}}); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(fresh, readyMark), []byte(r.name+"\n"+rand.Text()+"\n"), 0o600); err != nil {
		return err
	}
	if err := os.Rename(r.dir, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return errors.Join(os.Rename(fresh, r.dir), os.RemoveAll(old))
}

// mark identifies this mirror among those that were or will be in its place; it is "" when there is none, or an
// unfinished one.
func (r *bareMirror) mark() string {
	mark, err := os.ReadFile(filepath.Join(r.dir, readyMark))
	if err != nil {
		return ""
	}
	return string(mark)
}

// markCorrupt has the mirror made anew by the next fetch, unless another process is quicker.
func (r *bareMirror) markCorrupt() {
	mark := r.mark()
	r.set(func() {
		if !r.corrupt {
			r.corrupt, r.corruptMark = true, mark
		}
	})
}

func (s *mirrorState) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *mirrorState) isCorrupt() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.corrupt
}

// knownRefs returns what the host said last.
func (s *mirrorState) knownRefs() hostRefs {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refs
}

// checkCorrupt makes an error of an object that must be there: when it is not, the mirror is damaged and will be made
// anew.
func (r *bareMirror) checkCorrupt(object string, err error) error {
	if errors.Is(err, errMissing) {
		err = newError(ErrCorrupt, r.name, "mirror lacks the object "+object, "the mirror is made anew")
	}
	if errors.Is(err, ErrCorrupt) {
		r.markCorrupt()
	}
	return err
}

func (r *bareMirror) commit(ctx context.Context, sha string) (Commit, error) {
	const largest = 4 << 20
	info, data, err := r.objects.contents(ctx, sha, largest)
	if err != nil {
		return Commit{}, r.checkCorrupt(sha, err)
	}
	if info.kind != "commit" {
		return Commit{}, fmt.Errorf("repository %s: %s is a %s, not a commit", r.name, sha, info.kind)
	}
	c, err := parseCommit(data)
	if err != nil {
		return Commit{}, fmt.Errorf("repository %s: reading commit %s: %w", r.name, sha, err)
	}
	c.SHA = sha
	return c, nil
}

// commitOf peels tags. It gives errMissing when the object is not in the mirror.
func (r *bareMirror) commitOf(ctx context.Context, object string) (string, error) {
	info, err := r.objects.info(ctx, object+"^{commit}")
	if err == nil {
		return info.name, nil
	}
	if !errors.Is(err, errMissing) {
		return "", err
	}
	if other, err := r.objects.info(ctx, object); err == nil && other.kind != "commit" && other.kind != "tag" {
		return "", newError(ErrNoRevision, r.name, fmt.Sprintf("%s is a %s, not a commit", object, other.kind), "give a commit")
	}
	return "", errMissing
}

// newest walks back from a commit, the newest first.
func (r *bareMirror) newest(ctx context.Context, from, trailer string, match func(Commit) bool) (Commit, bool, error) {
	if !isTrailerKey(trailer) {
		return Commit{}, false, fmt.Errorf("%q is not a trailer", trailer)
	}
	const page = 50
	for skip := 0; ; skip += page {
		out, err := r.store.git.run(ctx, gitCall{dir: r.dir, args: []string{"rev-list", "--extended-regexp", "--grep=^" + trailer + ":", "--max-count=" + strconv.Itoa(page), "--skip=" + strconv.Itoa(skip), from}})
		if err != nil {
			return Commit{}, false, fmt.Errorf("repository %s: looking for commits with %s: %w", r.name, trailer, err)
		}
		found := strings.Fields(string(out))
		for _, sha := range found {
			commit, err := r.commit(ctx, sha)
			if err != nil {
				return Commit{}, false, err
			}
			if match(commit) {
				return commit, true, nil
			}
		}
		if len(found) < page {
			return Commit{}, false, nil
		}
	}
}

// repack packs what many fetches left, when it has become much: small packs into larger ones, and loose objects, of
// which only commits that were pushed back make some, with the rest.
func (r *bareMirror) repack(ctx context.Context) error {
	packs, _ := filepath.Glob(filepath.Join(r.dir, "objects", "pack", "*.pack"))
	loose, _ := filepath.Glob(filepath.Join(r.dir, "objects", "17", "*"))
	const manyPacks, manyLoose = 40, 24 // of 256 folders: about 6000 loose objects
	var args []string
	switch {
	case len(loose) >= manyLoose:
		args = []string{"gc", "--quiet"}
	case len(packs) >= manyPacks:
		args = []string{"repack", "--quiet", "-d", "--geometric=2"}
	default:
		return nil
	}
	if _, err := r.store.git.run(ctx, gitCall{dir: r.dir, args: args, timeout: r.store.opts.FetchTimeout}); err != nil {
		r.markCorrupt()
		return newError(ErrCorrupt, r.name, "packing its mirror: "+err.Error(), "the mirror is made anew")
	}
	return nil
}

// readSettled reads what must be there again when it is missing, once nobody is at work on the mirror any more: another
// process may be making it anew.
func readSettled[T any](ctx context.Context, r *bareMirror, read func() (T, error)) (T, error) {
	got, err := read()
	if !errors.Is(err, errMissing) && !errors.Is(err, ErrCorrupt) {
		return got, err
	}
	if err := acquire(ctx, r.fetching); err != nil {
		return got, err
	}
	defer func() { <-r.fetching }()
	unlock, err := lockFile(ctx, r.dir+".lock")
	if err != nil {
		return got, err
	}
	defer unlock()
	// Those who read know the mirror that was.
	r.objects.close()
	return read()
}

// retryCorrupt reads again, from a mirror that is made anew, what could not be read from a damaged one.
func retryCorrupt[T any](read func() (T, error)) (T, error) {
	got, err := read()
	if errors.Is(err, ErrCorrupt) {
		return read()
	}
	return got, err
}

// removeLeftovers deletes what a killed git left: lock files and half a pack. The caller holds the file lock, so no
// other git writes here.
func removeLeftovers(dir string) {
	_ = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return nil // what is gone needs no removal
		}
		base := entry.Name()
		if entry.IsDir() {
			if len(base) == 2 && filepath.Base(filepath.Dir(path)) == "objects" {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(base) == ".lock" || (len(base) > 4 && base[:4] == "tmp_") || (len(base) > 5 && base[:5] == ".tmp-") {
			_ = os.Remove(path)
		}
		return nil
	})
}
