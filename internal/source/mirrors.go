package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Mirrors is a folder of bare mirrors, one per repository and credential. It may be shared by processes, be deleted
// while nothing runs, and be damaged: it is made anew.
type Mirrors struct {
	mirrorSet
	queues  branchQueues
	tickets ticketSet
}

// mirrorSet is the mirrors themselves: they are made when they are asked for, and removed when nobody asks any more.
type mirrorSet struct {
	store *mirrorStore

	mu    sync.Mutex
	byKey map[string]*bareMirror
}

// Open prepares a folder of mirrors.
func Open(dir string, opts Options) (*Mirrors, error) {
	s, err := openMirrorStore(dir, opts)
	if err != nil {
		return nil, err
	}
	return &Mirrors{mirrorSet: mirrorSet{store: s, byKey: map[string]*bareMirror{}}}, nil
}

// Close ends the processes that read objects. Trees cannot be read afterwards.
func (m *mirrorSet) Close() error {
	m.store.end()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.byKey {
		r.objects.close()
	}
	return nil
}

// key returns what the mirror of a repository is called, or why the repository is not served.
func (m *mirrorSet) key(repo Repository) (string, error) {
	u, c, err := repo.split()
	if err != nil {
		return "", err
	}
	if u.Scheme() == "file" {
		if _, err := m.store.local(u); err != nil {
			return "", err
		}
	}
	return u.Identity() + " " + c.fingerprint(m.store.key), nil
}

// remote returns a repository as it is reached through its mirror.
func (m *mirrorSet) remote(repo Repository) (hostedRepo, error) {
	key, err := m.key(repo)
	if err != nil {
		return hostedRepo{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.byKey[key]
	if !ok {
		r = newMirror(m.store, key, repo.String())
		m.byKey[key] = r
	}
	r.touch(time.Now())
	return hostedRepo{r, repo}, nil
}

// Resolve returns the commit that a revision names: "" and HEAD the default branch's, else a branch, a tag, or a SHA.
// It fetches only when the commit is not in the mirror yet; a full SHA that is there asks nobody.
func (m *Mirrors) Resolve(ctx context.Context, repo Repository, revision string) (string, error) {
	r, err := m.remote(repo)
	if err != nil {
		return "", err
	}
	return r.resolve(ctx, revision)
}

// Refresh asks the host for its refs now, so that the next Resolve knows what was pushed until this moment.
func (m *Mirrors) Refresh(ctx context.Context, repo Repository) error {
	r, err := m.remote(repo)
	if err != nil {
		return err
	}
	_, err = r.listRefs(ctx, askedSince(time.Now()))
	return err
}

// Reach asks the host of a repository for its refs now, and keeps nothing of it: neither a mirror nor what opens it.
func (m *mirrorSet) Reach(ctx context.Context, repo Repository) error {
	key, err := m.key(repo)
	if err != nil {
		return err
	}
	_, err = hostedRepo{newMirror(m.store, key, repo.String()), repo}.listRefs(ctx, askedSince(time.Now()))
	return err
}

// poll asks for the refs, and has Resolve believe them for so long.
func (m *Mirrors) poll(ctx context.Context, repo Repository, trust time.Duration) (hostRefs, error) {
	r, err := m.remote(repo)
	if err != nil {
		return hostRefs{}, err
	}
	found, err := r.listRefs(ctx, askedSince(time.Now()))
	if err != nil {
		return hostRefs{}, err
	}
	r.set(func() {
		if r.refs.asked.Equal(found.asked) {
			r.refs.until = found.asked.Add(trust)
		}
	})
	return found, nil
}

// Commit reads a commit, which is fetched when it is not in the mirror yet.
func (m *Mirrors) Commit(ctx context.Context, repo Repository, sha string) (Commit, error) {
	r, err := m.remote(repo)
	if err != nil {
		return Commit{}, err
	}
	if !objectName.MatchString(sha) {
		return Commit{}, newError(ErrRefused, r.name, fmt.Sprintf("%.100q is not a full commit SHA", sha), "resolve the revision first")
	}
	return retryCorrupt(func() (Commit, error) {
		found, err := r.ensureCommit(ctx, sha, "")
		if err != nil {
			return Commit{}, err
		}
		return r.commit(ctx, found)
	})
}

// Log returns up to limit commits that end with sha, the newest first, along first parents.
func (m *Mirrors) Log(ctx context.Context, repo Repository, sha string, limit int) ([]Commit, error) {
	var log []Commit
	for len(log) < limit {
		c, err := m.Commit(ctx, repo, sha)
		if err != nil {
			return nil, err
		}
		log = append(log, c)
		if len(c.Parents) == 0 {
			break
		}
		sha = c.Parents[0]
	}
	return log, nil
}

// Tree returns the files of a commit, which is fetched when it is not in the mirror yet.
func (m *Mirrors) Tree(ctx context.Context, repo Repository, sha string) (*Tree, error) {
	r, err := m.remote(repo)
	if err != nil {
		return nil, err
	}
	if !objectName.MatchString(sha) {
		return nil, newError(ErrRefused, r.name, fmt.Sprintf("%.100q is not a full commit SHA", sha), "resolve the revision first")
	}
	return retryCorrupt(func() (*Tree, error) {
		if _, err := r.ensureCommit(ctx, sha, ""); err != nil {
			return nil, err
		}
		return newTree(ctx, r.bareMirror, sha)
	})
}

// Newest finds the newest commit, of which match says yes, among those that a commit stands on and that carry the
// trailer.
func (m *Mirrors) Newest(ctx context.Context, repo Repository, from, trailer string, match func(Commit) bool) (Commit, bool, error) {
	r, err := m.remote(repo)
	if err == nil {
		from, err = r.ensureCommit(ctx, from, "")
	}
	if err != nil {
		return Commit{}, false, err
	}
	return r.newest(ctx, from, trailer, match)
}

// History is that of a repository, whose commits are fetched when they are asked for.
func (m *Mirrors) History(repo Repository) (*History, error) {
	r, err := m.remote(repo)
	if err != nil {
		return nil, err
	}
	return &History{git: m.store.git, dir: r.dir, name: r.name, ensure: func(ctx context.Context, sha string) error {
		_, err := r.ensureCommit(ctx, sha, "")
		return err
	}}, nil
}

// IsAncestor reports whether the commit a is b or an ancestor of b. The error is ErrNoRevision for a commit that the
// repository does not have.
func (m *Mirrors) IsAncestor(ctx context.Context, repo Repository, a, b string) (bool, error) {
	h, err := m.History(repo)
	if err != nil {
		return false, err
	}
	return h.IsAncestor(ctx, a, b)
}

// Checkout makes the mirror's copy of a revision usable as a working copy: nothing is checked out until Export. It
// gives the commit too. "" and HEAD are the default branch.
func (m *Mirrors) Checkout(ctx context.Context, repo Repository, revision string) (*Checkout, string, error) {
	r, err := m.remote(repo)
	if err != nil {
		return nil, "", err
	}
	sha, err := r.resolve(ctx, revision)
	if err != nil {
		return nil, "", err
	}
	known := r.knownRefs()
	c := &Checkout{git: m.store.git, Dir: r.dir, of: &repo}
	if revision == "" || revision == "HEAD" {
		c.branch = strings.TrimPrefix(known.head, "refs/heads/")
	} else if name, _, ok := known.find(revision); ok && strings.HasPrefix(name, "refs/heads/") {
		c.branch = strings.TrimPrefix(name, "refs/heads/")
	}
	return c, sha, nil
}

// CommitBack brings a change onto a branch and pushes it, fast-forward only. Intents for one branch are pushed
// together, in the order of their tickets; a push that lost a race is replayed on the new tip after a jittered pause.
// Nothing is checked out: it all happens in the mirror, on an index of its own.
func (m *Mirrors) CommitBack(ctx context.Context, repo Repository, branch string, intent Intent) (Landed, error) {
	r, err := m.remote(repo)
	if err != nil {
		return Landed{}, err
	}
	if err := checkRevision(r.name, branch); err != nil || branch == "" || branch == "HEAD" || strings.HasPrefix(branch, "refs/") {
		return Landed{}, errors.Join(err, newError(ErrRefused, r.name, fmt.Sprintf("%q is not a branch to commit to", branch), "give the name of a branch"))
	}
	if err := intent.Ticket.turn(ctx); err != nil {
		return Landed{}, err
	}
	return m.queues.of(r.bareMirror, branch).land(r, branch, &pendingIntent{ctx: ctx, repo: repo, intent: intent, done: make(chan struct{})})
}

// Announce takes a ticket for a branch. The caller releases it when the intent has landed, or never will.
func (m *Mirrors) Announce(ctx context.Context, repo Repository, branch string, line Line) (*Ticket, error) {
	r, err := m.remote(repo)
	if err != nil {
		return nil, err
	}
	return m.tickets.take(ctx, r.bareMirror, branch, line)
}
