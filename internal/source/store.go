package source

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// Options of Open. The zero value suits a controller.
type Options struct {
	// TrustRefs is how long what ls-remote said is believed by Resolve before it asks again; 3 s when zero. What
	// RefPoller polls is believed until its next poll is overdue.
	TrustRefs time.Duration
	// LookTimeout bounds one ls-remote (60 s when zero), FetchTimeout one fetch or push (15 min when zero).
	LookTimeout  time.Duration
	FetchTimeout time.Duration
	// MaxFileSize is the largest file that a Tree reads, in bytes; 64 MiB when zero.
	MaxFileSize int64
	// MaxRefs bounds the list of refs of one repository, in bytes as ls-remote prints them; 48 MiB when zero, which is
	// more than half a million. MaxRepositorySize bounds the mirror of one repository on disk, in bytes; 8 GiB when
	// zero.
	MaxRefs           int64
	MaxRepositorySize int64
	// MaxDisk bounds all mirrors together, in bytes: Clean removes those first that were not used for the longest; 64
	// GiB when zero. KeepUnused is how long a mirror stays that nobody uses; a day when zero.
	MaxDisk    int64
	KeepUnused time.Duration
	// CacheSize bounds the memory for tree objects and small files, shared by all repositories, in bytes; 64 MiB when
	// zero.
	CacheSize int64
	// LocalDirectories are those in which, and below which, repositories on this machine may be; none by default. Whoever
	// writes there decides what is read.
	LocalDirectories []string
	// DenyNetworks are not connected to, nor are those for addresses that hold in one network segment alone.
	DenyNetworks []netip.Prefix
	// Asked is called after each question to a host, ls-remote or fetch; it may be nil.
	Asked func(Asked)
	// OwnConfiguration lets git use the configuration, credential helpers and SSH agent of the user who runs this
	// program, as in a CI job, and go where they lead. A server leaves it off.
	OwnConfiguration bool
}

// Asked is a question to a repository's host, and how it went.
type Asked struct {
	// Repository is its URL, without credentials.
	Repository string
	// Operation is ls-remote or fetch.
	Operation string
	Took      time.Duration
	Failed    bool
}

// mirrorStore is what all mirrors of a folder have in common. It is not changed after Open.
type mirrorStore struct {
	dir   string
	opts  Options
	git   *gitProgram
	cache *objectCache
	// watchEvery is the time between two looks at the size of a mirror that is being fetched.
	watchEvery time.Duration
	// apps are the tokens of GitHub Apps.
	apps *appTokens
	// networks are those that may be connected to.
	networks networks
	// key is what names of mirrors are made with, so that they give no credential away.
	key []byte

	// life ends with Close: processes that read objects end with it.
	life context.Context // a Tree is an fs.FS, whose methods take no context
	end  context.CancelFunc
}

// openMirrorStore prepares a folder of mirrors.
func openMirrorStore(dir string, opts Options) (*mirrorStore, error) {
	g, err := newGitProgram(opts.OwnConfiguration)
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
	defaultTo(&opts.MaxRefs, 48<<20)
	defaultTo(&opts.MaxRepositorySize, 8<<30)
	defaultTo(&opts.MaxDisk, 64<<30)
	defaultTo(&opts.KeepUnused, 24*time.Hour)
	s := &mirrorStore{dir: dir, opts: opts, git: g, cache: newObjectCache(opts.CacheSize), apps: newAppTokens(), networks: networks{opts.DenyNetworks}, watchEvery: time.Second}
	if err := os.MkdirAll(s.secretsDir(), 0o700); err != nil {
		return nil, fmt.Errorf("opening the mirrors in %s: %w", dir, err)
	}
	if s.key, err = readKey(filepath.Join(s.secretsDir(), "key")); err != nil {
		return nil, fmt.Errorf("opening the mirrors in %s: %w", dir, err)
	}
	s.life, s.end = context.WithCancel(context.Background())
	return s, nil
}

// readKey reads a file of random bytes, which is made when it is missing. Processes that make it at once agree.
func readKey(file string) ([]byte, error) {
	key, err := os.ReadFile(file)
	if err == nil && len(key) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	fresh := file + "-" + rand.Text()
	if err := os.WriteFile(fresh, []byte(rand.Text()), 0o600); err != nil {
		return nil, err
	}
	defer os.Remove(fresh)
	if err := os.Link(fresh, file); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(file)
}

func defaultTo[T time.Duration | int64](v *T, value T) {
	if *v <= 0 {
		*v = value
	}
}

// secretsDir is where files are put that only this user may read.
func (s *mirrorStore) secretsDir() string { return filepath.Join(s.dir, "access") }
