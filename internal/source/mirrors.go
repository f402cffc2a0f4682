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
	"sync"
	"time"
)

// Options of Open. The zero value suits a controller.
type Options struct {
	// TrustRefs is how long what ls-remote said is believed by Resolve before it asks again; 3 s when zero. What Tips polls is believed until its next poll is overdue.
	TrustRefs time.Duration
	// LookTimeout bounds one ls-remote (60 s when zero), FetchTimeout one fetch or push (15 min when zero).
	LookTimeout  time.Duration
	FetchTimeout time.Duration
	// MaxFileSize is the largest file that a Tree reads, in bytes; 64 MiB when zero.
	MaxFileSize int64
	// CacheSize bounds the memory for tree objects and small files, shared by all repositories, in bytes; 64 MiB when zero.
	CacheSize int64
	// OwnConfiguration lets git use the configuration, credential helpers and SSH agent of the user who runs this program, as in a CI job. A server leaves it off.
	OwnConfiguration bool
}

// Mirrors is a folder of bare mirrors, one per repository. It may be shared by processes, be deleted while nothing runs, and be damaged: it is made anew.
type Mirrors struct {
	dir   string
	opts  Options
	git   *git
	cache *cache

	// life ends with Close: processes that read objects end with it.
	life context.Context // a Tree is an fs.FS, whose methods take no context
	end  context.CancelFunc

	mu     sync.Mutex
	byKey  map[string]*mirror
	queues map[string]*queue
	// tickets of this process, by file.
	tickets map[string]*Ticket
}

// Open prepares a folder of mirrors.
func Open(dir string, opts Options) (*Mirrors, error) {
	g, err := newGit(opts.OwnConfiguration)
	if err != nil {
		return nil, err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the mirrors: %w", err)
	}
	defaultTo(&opts.TrustRefs, 3*time.Second)
	defaultTo(&opts.LookTimeout, time.Minute)
	defaultTo(&opts.FetchTimeout, 15*time.Minute)
	defaultTo(&opts.MaxFileSize, 64<<20)
	defaultTo(&opts.CacheSize, 64<<20)
	m := &Mirrors{dir: dir, opts: opts, git: g, cache: newCache(opts.CacheSize), byKey: map[string]*mirror{}, queues: map[string]*queue{}, tickets: map[string]*Ticket{}}
	if err := os.MkdirAll(m.secretsDir(), 0o700); err != nil {
		return nil, fmt.Errorf("opening the mirrors in %s: %w", dir, err)
	}
	m.life, m.end = context.WithCancel(context.Background())
	return m, nil
}

func defaultTo[T time.Duration | int64](v *T, value T) {
	if *v <= 0 {
		*v = value
	}
}

// Close ends the processes that read objects. Trees cannot be read afterwards.
func (m *Mirrors) Close() error {
	m.end()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.byKey {
		r.objects.close()
	}
	return nil
}

func (m *Mirrors) secretsDir() string { return filepath.Join(m.dir, "access") }

// mirror is one repository's bare mirror.
type mirror struct {
	name string
	dir  string
	// looking and fetching are held by the one who asks the host; the others wait and take what was found.
	looking  chan struct{}
	fetching chan struct{}
	objects  *objects

	mu      sync.Mutex
	refs    refs
	damaged bool
	// blamed is the mark of the mirror that was found damaged.
	blamed string
	ready  bool
}

func (m *Mirrors) mirror(repo Repository) (*mirror, error) {
	if _, err := checkURL(repo.URL); err != nil {
		return nil, err
	}
	key := NormalizeURL(repo.URL)
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.byKey[key]; ok {
		return r, nil
	}
	sum := sha256.Sum256([]byte(key))
	dir := filepath.Join(m.dir, hex.EncodeToString(sum[:12])+".git")
	r := &mirror{name: repo.String(), dir: dir, looking: make(chan struct{}, 1), fetching: make(chan struct{}, 1)}
	r.objects = &objects{life: m.life, git: m.git, dir: dir, name: r.name}
	m.byKey[key] = r
	return r, nil
}

// hold takes a turn; the caller gives it back.
func hold(ctx context.Context, turn chan struct{}) error {
	select {
	case turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// lockFile takes a lock that other processes see too.
func lockFile(ctx context.Context, name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking: %w", err)
	}
	const every = 10 * time.Millisecond
	for {
		ok, err := tryLock(f)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("locking %s: %w", name, err), f.Close())
		}
		if ok {
			return func() { _ = f.Close() }, nil
		}
		if err := pause(ctx, every); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// readyMark is in every mirror that was finished, and no two mirrors have the same in it.
const readyMark = "cyan-mirror"

// prepare makes the mirror where it is missing or damaged. The caller holds fetching and the file lock. Others may be reading: they see the old one or the new one, and nothing in between.
func (m *Mirrors) prepare(ctx context.Context, r *mirror) error {
	r.mu.Lock()
	damaged, blamed, ready := r.damaged, r.blamed, r.ready
	r.mu.Unlock()
	mark := r.mark()
	switch {
	case mark != "" && damaged && mark != blamed:
		// Another process has made it anew.
		r.objects.close()
		r.set(func() { r.damaged, r.ready = false, true })
		return nil
	case mark != "" && !damaged:
		if !ready {
			removeLeftovers(r.dir)
			r.set(func() { r.ready = true })
		}
		return nil
	}
	if err := m.makeAnew(ctx, r); err != nil {
		return fmt.Errorf("making the mirror of %s: %w", r.name, err)
	}
	r.objects.close()
	r.set(func() { r.damaged, r.ready = false, true })
	return nil
}

// makeAnew puts an empty mirror in the place of whatever is there.
func (m *Mirrors) makeAnew(ctx context.Context, r *mirror) error {
	fresh, old := r.dir+".new", r.dir+".old"
	if err := errors.Join(os.RemoveAll(fresh), os.RemoveAll(old)); err != nil {
		return err
	}
	if err := os.MkdirAll(fresh, 0o700); err != nil {
		return err
	}
	if _, err := m.git.run(ctx, call{args: []string{"init", "--quiet", "--bare", "--template=", "--object-format=sha1", "--", fresh}}); err != nil {
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

// mark tells this mirror from those that were or will be in its place; "" when there is none, or an unfinished one.
func (r *mirror) mark() string {
	mark, err := os.ReadFile(filepath.Join(r.dir, readyMark))
	if err != nil {
		return ""
	}
	return string(mark)
}

// blame has the mirror made anew by the next fetch, unless another process is quicker.
func (r *mirror) blame() {
	mark := r.mark()
	r.set(func() {
		if !r.damaged {
			r.damaged, r.blamed = true, mark
		}
	})
}

func (r *mirror) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

func (r *mirror) isDamaged() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.damaged
}

// removeLeftovers deletes what a killed git left: lock files and half a pack. The caller holds the file lock, so no other git writes here.
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
