package source

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Intent is a change that somebody wants on a branch, whatever the branch's tip is by then. It is never merged as text: on each new tip, Apply says anew what to change.
type Intent struct {
	// Author is who the commit is by; its Time is now when zero.
	Author Person
	// Apply says what to change on a tip. An error ends this intent and no other. It may be called again, for another tip.
	Apply func(ctx context.Context, tip Tip) (Change, error)
	// Ticket gives the intent its place among those of its line; see Announce. It may be nil.
	Ticket *Ticket
}

// Tip is the end of a branch as it is, or as it will be once the intents before are pushed with this one.
type Tip struct {
	Commit Commit
	Tree   *Tree
	// Newest finds the newest commit, of which match says yes, among those that carry the trailer.
	Newest func(ctx context.Context, trailer string, match func(Commit) bool) (Commit, bool, error)
}

// Change is what an intent comes to on one tip.
type Change struct {
	// Files are paths → new content. When there are none, or all are so already, there is nothing to commit.
	Files map[string][]byte
	// Message is the commit's.
	Message string
}

// Landed is how an intent ended.
type Landed struct {
	// Commit is the new commit; its SHA is "" when there was nothing to commit.
	Commit Commit
	// Tip is the branch's end on which the intent was judged last.
	Tip string
	// Attempts is the number of tips that were tried, and Batch the number of commits that were pushed together.
	Attempts int
	Batch    int
}

// queue is the line of intents for one branch. Who finds nobody at work takes all that wait and pushes them at once.
type queue struct {
	mu      sync.Mutex
	waiting []*pending
	busy    bool
}

type pending struct {
	ctx    context.Context // Apply is called on behalf of the one who waits
	repo   Repository
	intent Intent
	done   chan struct{}

	landed Landed
	err    error
	ended  bool
}

func (p *pending) end(err error) {
	if !p.ended {
		p.err, p.ended = err, true
	}
}

// maxAttempts bounds how often a push may lose against others: with jittered pauses of up to 2 s that is minutes.
const maxAttempts = 100

// maxBroken bounds the tries at a host that takes the connection and breaks off.
const maxBroken = 4

// CommitBack brings a change onto a branch and pushes it, fast-forward only. Intents for one branch are pushed together, in the order of their tickets; a push that lost a race is
// replayed on the new tip after a jittered pause. Nothing is checked out: it all happens in the mirror, on an index of its own.
func (m *Mirrors) CommitBack(ctx context.Context, repo Repository, branch string, intent Intent) (Landed, error) {
	r, err := m.mirror(repo)
	if err != nil {
		return Landed{}, err
	}
	if err := checkRevision(r.name, branch); err != nil || branch == "" || branch == "HEAD" || strings.HasPrefix(branch, "refs/") {
		return Landed{}, errors.Join(err, &Error{Kind: ErrRefused, Repository: r.name, Problem: fmt.Sprintf("%q is no branch to commit to", branch), Remedy: "give the name of a branch"})
	}
	if err := intent.Ticket.turn(ctx); err != nil {
		return Landed{}, err
	}
	p := &pending{ctx: ctx, repo: repo, intent: intent, done: make(chan struct{})}
	q := m.queue(r, branch)
	q.mu.Lock()
	q.waiting = append(q.waiting, p)
	intent.Ticket.queued()
	lead := !q.busy
	q.busy = true
	q.mu.Unlock()
	if lead {
		// The leader works for others too, so its own end must not be theirs.
		go m.work(r, branch, q)
	}
	<-p.done
	return p.landed, p.err
}

func (m *Mirrors) queue(r *mirror, branch string) *queue {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := r.dir + "\x00" + branch
	if m.queues[key] == nil {
		m.queues[key] = &queue{}
	}
	return m.queues[key]
}

func (m *Mirrors) work(r *mirror, branch string, q *queue) {
	for {
		q.mu.Lock()
		batch := q.waiting
		q.waiting = nil
		if len(batch) == 0 {
			q.busy = false
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		ctx, cancel := context.WithTimeoutCause(m.life, m.opts.FetchTimeout, ErrUnreachable)
		err := m.land(ctx, r, branch, batch)
		cancel()
		for _, p := range batch {
			p.end(err)
			close(p.done)
		}
	}
}

// land brings a batch onto the branch. The error is for those of the batch that have not ended by themselves.
func (m *Mirrors) land(ctx context.Context, r *mirror, branch string, batch []*pending) error {
	sum := sha256.Sum256([]byte(branch))
	unlock, err := lockFile(ctx, r.dir+".push-"+hex.EncodeToString(sum[:6])+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	batch, err = inOrder(ctx, batch)
	if err != nil {
		return err
	}
	repo := batch[len(batch)-1].repo
	a, err := m.access(repo)
	if err != nil {
		return err
	}
	defer a.done()
	for attempt := 1; ; attempt++ {
		tip, err := m.tip(ctx, r, repo, a, branch)
		if err != nil {
			return err
		}
		end, err := m.replay(ctx, r, tip, batch, attempt)
		if err != nil || end == tip {
			return err
		}
		err = m.pushOnce(ctx, r, a, branch, end)
		again := errors.Is(err, ErrBusy) && attempt < maxAttempts || errors.Is(err, ErrUnreachable) && !errors.Is(err, ErrUncertain) && attempt < maxBroken
		if !again {
			// What ls-remote said before is no longer so.
			r.set(func() { r.refs.until = time.Time{} })
			return err
		}
		longest := min(25*time.Millisecond<<min(attempt, 8), 2*time.Second)
		if err := pause(ctx, rand.N(longest)); err != nil {
			return err
		}
	}
}

// tip fetches the branch and gives its end.
func (m *Mirrors) tip(ctx context.Context, r *mirror, repo Repository, a *access, branch string) (string, error) {
	err := m.fetchBranch(ctx, r, a, branch)
	if err != nil && !errors.Is(err, ErrNoRevision) && blamesMirror(err) {
		if err = m.fetch(ctx, r, repo, "", ""); err == nil {
			err = m.fetchBranch(ctx, r, a, branch)
		}
	}
	if err != nil {
		return "", err
	}
	info, err := r.objects.info(ctx, "refs/heads/"+branch+"^{commit}")
	if err != nil {
		return "", r.damage("refs/heads/"+branch, err)
	}
	return info.name, nil
}

func (m *Mirrors) fetchBranch(ctx context.Context, r *mirror, a *access, branch string) error {
	if err := hold(ctx, r.fetching); err != nil {
		return err
	}
	defer func() { <-r.fetching }()
	unlock, err := lockFile(ctx, r.dir+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if err := m.prepare(ctx, r); err != nil {
		return err
	}
	ref := "refs/heads/" + branch
	args := append(append([]string{}, fetchFlags...), "--", a.url, "+"+ref+":"+ref)
	_, err = m.git.run(ctx, a.call(call{dir: r.dir, args: args, timeout: m.opts.FetchTimeout}))
	var exit *exitError
	if errors.As(err, &exit) && strings.Contains(exit.stderr, "couldn't find remote ref") {
		return &Error{Kind: ErrNoRevision, Repository: r.name, Problem: fmt.Sprintf("it has no branch %q", branch), Remedy: "create and push it first"}
	}
	if err != nil {
		removeLeftovers(r.dir)
		return a.explain("fetching the branch "+branch, err)
	}
	return nil
}

// replay makes a commit for each intent on top of the one before, and gives the last. Intents that fail end here.
func (m *Mirrors) replay(ctx context.Context, r *mirror, tip string, batch []*pending, attempt int) (string, error) {
	index, err := m.newIndex(ctx, r, tip)
	if err != nil {
		return "", err
	}
	defer index.remove()
	end := tip
	var made []*pending
	for _, p := range batch {
		if p.ended {
			continue
		}
		p.landed = Landed{Attempts: attempt}
		if err := p.ctx.Err(); err != nil {
			p.end(context.Cause(p.ctx))
			continue
		}
		commit, err := m.replayOne(ctx, r, index, end, p)
		if err != nil {
			p.end(err)
			continue
		}
		p.landed.Tip = end
		if commit.SHA != "" {
			p.landed.Commit = commit
			made = append(made, p)
			end = commit.SHA
		}
	}
	for _, p := range made {
		p.landed.Batch = len(made)
	}
	return end, nil
}

func (m *Mirrors) replayOne(ctx context.Context, r *mirror, index *index, parent string, p *pending) (Commit, error) {
	commit, err := r.commit(ctx, parent)
	if err != nil {
		return Commit{}, err
	}
	tree, err := m.treeOf(ctx, r, parent)
	if err != nil {
		return Commit{}, err
	}
	newest := func(ctx context.Context, trailer string, match func(Commit) bool) (Commit, bool, error) {
		return m.newest(ctx, r, parent, trailer, match)
	}
	change, err := p.intent.Apply(p.ctx, Tip{Commit: commit, Tree: tree, Newest: newest})
	if err != nil {
		return Commit{}, err
	}
	hash, err := index.write(ctx, tree, change.Files)
	if err != nil || hash == commit.Tree {
		return Commit{}, err
	}
	return m.commitTree(ctx, r, hash, parent, p.intent.Author, change.Message)
}

// Newest finds the newest commit, of which match says yes, among those that a commit stands on and that carry the trailer.
func (m *Mirrors) Newest(ctx context.Context, repo Repository, from, trailer string, match func(Commit) bool) (Commit, bool, error) {
	r, err := m.mirror(repo)
	if err == nil {
		from, err = m.ensureCommit(ctx, r, repo, from, "")
	}
	if err != nil {
		return Commit{}, false, err
	}
	return m.newest(ctx, r, from, trailer, match)
}

// newest walks back from a commit, the newest first.
func (m *Mirrors) newest(ctx context.Context, r *mirror, from, trailer string, match func(Commit) bool) (Commit, bool, error) {
	if !isTrailerKey(trailer) {
		return Commit{}, false, fmt.Errorf("%q is no trailer", trailer)
	}
	const page = 50
	for skip := 0; ; skip += page {
		out, err := m.git.run(ctx, call{dir: r.dir, args: []string{"rev-list", "--extended-regexp", "--grep=^" + trailer + ":", "--max-count=" + strconv.Itoa(page), "--skip=" + strconv.Itoa(skip), from}})
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

// index is a temporary index of the mirror.
type index struct {
	git  *git
	r    *mirror
	file string
}

func (m *Mirrors) newIndex(ctx context.Context, r *mirror, commit string) (*index, error) {
	dir, err := os.MkdirTemp(m.secretsDir(), "index-")
	if err != nil {
		return nil, fmt.Errorf("making an index: %w", err)
	}
	i := &index{git: m.git, r: r, file: filepath.Join(dir, "index")}
	if _, err := i.run(ctx, nil, "read-tree", commit); err != nil {
		i.remove()
		return nil, r.damage(commit, err)
	}
	return i, nil
}

func (i *index) remove() { _ = os.RemoveAll(filepath.Dir(i.file)) }

func (i *index) run(ctx context.Context, stdin []byte, args ...string) (string, error) {
	out, err := i.git.run(ctx, call{dir: i.r.dir, args: args, env: []string{"GIT_INDEX_FILE=" + i.file}, stdin: bytes.NewReader(stdin)})
	if err != nil {
		return "", fmt.Errorf("repository %s: git %s: %w", i.r.name, args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

// write puts files into the index, on top of what the intents before left there, and gives the tree. Modes stay; a link is never written through.
func (i *index) write(ctx context.Context, tree *Tree, files map[string][]byte) (string, error) {
	var lines bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		mode := "100644"
		switch info, err := tree.Lstat(name); {
		case errors.Is(err, fs.ErrInvalid) || strings.ContainsRune(name, 0) || slices.Contains(strings.Split(strings.ToLower(name), "/"), ".git"):
			return "", &Error{Kind: ErrRefused, Repository: i.r.name, Problem: fmt.Sprintf("%q is no path in a repository", name), Remedy: "give a path below the repository's root"}
		case err == nil && !info.Mode().IsRegular():
			return "", &Error{Kind: ErrRefused, Repository: i.r.name, Problem: name + " is no regular file", Remedy: "give the file itself, not a link or a folder"}
		case err == nil && info.Mode()&0o100 != 0:
			mode = "100755"
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
		hash, err := i.run(ctx, files[name], "hash-object", "-w", "-t", "blob", "--stdin")
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&lines, "%s %s\t%s\x00", mode, hash, name)
	}
	if lines.Len() > 0 {
		if _, err := i.run(ctx, lines.Bytes(), "update-index", "-z", "--add", "--replace", "--index-info"); err != nil {
			return "", err
		}
	}
	return i.run(ctx, nil, "write-tree")
}

func (m *Mirrors) commitTree(ctx context.Context, r *mirror, tree, parent string, by Person, message string) (Commit, error) {
	if by.Time.IsZero() {
		by.Time = time.Now()
	}
	when := strconv.FormatInt(by.Time.Unix(), 10) + by.Time.Format(" -0700")
	clean := strings.NewReplacer("\n", " ", "<", "", ">", "", "\x00", "")
	name, email := clean.Replace(by.Name), clean.Replace(by.Email)
	env := []string{"GIT_AUTHOR_NAME=" + name, "GIT_AUTHOR_EMAIL=" + email, "GIT_AUTHOR_DATE=" + when, "GIT_COMMITTER_NAME=" + name, "GIT_COMMITTER_EMAIL=" + email, "GIT_COMMITTER_DATE=" + when}
	out, err := m.git.run(ctx, call{dir: r.dir, env: env, args: []string{"commit-tree", "--no-gpg-sign", "-p", parent, "-F", "-", tree}, stdin: strings.NewReader(message)})
	if err != nil {
		return Commit{}, fmt.Errorf("repository %s: committing: %w", r.name, err)
	}
	return r.commit(ctx, strings.TrimSpace(string(out)))
}

// pushOnce finds out what became of a push whose answer was lost.
func (m *Mirrors) pushOnce(ctx context.Context, r *mirror, a *access, branch, commit string) error {
	err := m.push(ctx, r, a, branch, commit)
	if err == nil || !errors.Is(err, ErrUnreachable) {
		return err
	}
	arrived, lookErr := m.arrived(ctx, r, a, branch, commit)
	switch {
	case lookErr != nil:
		return fmt.Errorf("%w; %w", err, ErrUncertain)
	case arrived:
		return nil
	}
	return err
}

// arrived says whether a branch on the host holds a commit.
func (m *Mirrors) arrived(ctx context.Context, r *mirror, a *access, branch, commit string) (bool, error) {
	if err := m.fetchBranch(ctx, r, a, branch); err != nil {
		return false, err
	}
	_, err := m.git.run(ctx, call{dir: r.dir, args: []string{"merge-base", "--is-ancestor", commit, "refs/heads/" + branch}})
	var exit *exitError
	if errors.As(err, &exit) && exit.code == 1 {
		return false, nil
	}
	return err == nil, err
}

// lostRace are git's and the hosts' words for a branch that has moved meanwhile.
var lostRace = []string{"fetch first", "non-fast-forward", "failed to update ref", "cannot lock ref", "incorrect old value", "stale info", "reference already exists", "unable to lock", "failed to lock"}

// push gives ErrBusy when the branch has moved, and ErrPushRefused when the host does not want the commit.
func (m *Mirrors) push(ctx context.Context, r *mirror, a *access, branch, commit string) error {
	args := []string{"push", "--porcelain", "--no-verify", "--no-signed", "--recurse-submodules=no", "--", a.url, commit + ":refs/heads/" + branch}
	_, err := m.git.run(ctx, a.call(call{dir: r.dir, args: args, timeout: m.opts.FetchTimeout}))
	var exit *exitError
	if !errors.As(err, &exit) {
		if err != nil {
			return a.explain("pushing to "+branch, err)
		}
		return nil
	}
	status := rejection(exit.stdout)
	switch {
	case status == "":
		return a.explain("pushing to "+branch, err)
	case containsAny(strings.ToLower(status), lostRace):
		return &Error{Kind: ErrBusy, Repository: r.name, Problem: fmt.Sprintf("the branch %s moved at every attempt to push: %s", branch, redact(status, a.secrets)), Remedy: "it is tried again"}
	}
	said := essence(redact(exit.stderr, a.secrets))
	return &Error{Kind: ErrPushRefused, Repository: r.name, Problem: fmt.Sprintf("it refused the push to %s: %s: %s", branch, status, said),
		Remedy: "let the credentials push to this branch, or name a branch that they may push to"}
}

// rejection finds the line of a refused ref in what push --porcelain prints: "!", the refs and the reason, with tabs between.
func rejection(stdout string) string {
	for line := range strings.Lines(stdout) {
		if fields := strings.Split(strings.TrimSpace(line), "\t"); len(fields) == 3 && fields[0] == "!" {
			return fields[2]
		}
	}
	return ""
}
