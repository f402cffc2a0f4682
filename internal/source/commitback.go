package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Intent is a change that somebody wants on a branch, whatever the branch's tip is by then. It is never merged as text:
// on each new tip, Apply says anew what to change.
type Intent struct {
	// Author is who the commit is by; its Time is now when zero.
	Author Person
	// Signing is how the commit is signed.
	Signing Signing
	// Apply returns what to change on a tip. An error ends this intent and no other. It may be called again, for
	// another tip.
	Apply func(ctx context.Context, tip Tip) (Change, error)
	// Ticket is the intent's place among those of its line; see Announce. It may be nil.
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

// branchQueues are the queues of all branches. The zero value is empty.
type branchQueues struct {
	mu       sync.Mutex
	byBranch map[string]*branchQueue
}

// of returns the queue for one branch of a mirror.
func (q *branchQueues) of(r *bareMirror, branch string) *branchQueue {
	q.mu.Lock()
	defer q.mu.Unlock()
	key := r.dir + "\x00" + branch
	if q.byBranch == nil {
		q.byBranch = map[string]*branchQueue{}
	}
	if q.byBranch[key] == nil {
		q.byBranch[key] = &branchQueue{}
	}
	return q.byBranch[key]
}

// branchQueue is the line of intents for one branch. Who finds nobody at work takes all that wait and pushes them at
// once.
type branchQueue struct {
	mu      sync.Mutex
	waiting []*pendingIntent
	busy    bool
}

type pendingIntent struct {
	ctx    context.Context // Apply is called on behalf of the one who waits
	repo   Repository
	intent Intent
	done   chan struct{}

	landed Landed
	err    error
	ended  bool
}

func (p *pendingIntent) end(err error) {
	if !p.ended {
		p.err, p.ended = err, true
	}
}

// land returns when an intent has ended.
func (q *branchQueue) land(r hostedRepo, branch string, p *pendingIntent) (Landed, error) {
	q.mu.Lock()
	q.waiting = append(q.waiting, p)
	p.intent.Ticket.queued()
	lead := !q.busy
	q.busy = true
	q.mu.Unlock()
	if lead {
		// The leader works for others too, so its own end must not be theirs.
		go q.work(r.bareMirror, branch)
	}
	<-p.done
	return p.landed, p.err
}

// work lands all that wait, until nobody does.
func (q *branchQueue) work(r *bareMirror, branch string) {
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
		ctx, cancel := context.WithTimeoutCause(r.store.life, r.store.opts.FetchTimeout, newError(ErrUnreachable, r.name, "commit did not land within "+r.store.opts.FetchTimeout.String(), "run again"))
		err := landBatch(ctx, r, branch, batch)
		cancel()
		for _, p := range batch {
			p.end(err)
			close(p.done)
		}
	}
}

// maxAttempts bounds how often a push may lose against others: with jittered pauses of up to 2 s that is minutes.
const maxAttempts = 100

// maxBroken bounds the tries at a host that takes the connection and breaks off.
const maxBroken = 4

// sortBatch puts a batch into the order of its commits, line by line; what has no ticket keeps its place.
func sortBatch(ctx context.Context, batch []*pendingIntent) ([]*pendingIntent, error) {
	places := map[string][]int{}
	for i, p := range batch {
		if t := p.intent.Ticket; t != nil {
			places[t.line.Name] = append(places[t.line.Name], i)
		}
	}
	sorted := slices.Clone(batch)
	for _, at := range places {
		if len(at) < 2 {
			continue
		}
		byCommit := map[string][]*pendingIntent{}
		var commits []string
		for _, i := range at {
			c := batch[i].intent.Ticket.line.Commit
			if byCommit[c] == nil {
				commits = append(commits, c)
			}
			byCommit[c] = append(byCommit[c], batch[i])
		}
		order, err := batch[at[0]].intent.Ticket.line.History.Sort(ctx, commits)
		if err != nil {
			return nil, err
		}
		n := 0
		for _, c := range order {
			for _, p := range byCommit[c] {
				sorted[at[n]] = p
				n++
			}
		}
	}
	return sorted, nil
}

// landBatch brings a batch onto the branch. The error is for those of the batch that have not ended by themselves.
func landBatch(ctx context.Context, r *bareMirror, branch string, batch []*pendingIntent) error {
	sum := sha256.Sum256([]byte(branch))
	unlock, err := lockFile(ctx, r.dir+".push-"+hex.EncodeToString(sum[:6])+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	batch, err = sortBatch(ctx, batch)
	if err != nil {
		return err
	}
	newest := hostedRepo{r, batch[len(batch)-1].repo}
	a, err := r.store.access(ctx, newest.repo)
	if err != nil {
		return err
	}
	defer a.done()
	l := branchPush{newest, a, branch}
	for attempt := 1; ; attempt++ {
		tip, err := l.tip(ctx)
		if err != nil {
			return err
		}
		end, err := replayBatch(ctx, r, tip, batch, attempt)
		if err != nil || end == tip {
			return err
		}
		err = l.pushOnce(ctx, end)
		again := errors.Is(err, ErrBusy) && attempt < maxAttempts || errors.Is(err, ErrUnreachable) && !errors.Is(err, ErrUncertain) && attempt < maxBroken
		if !again {
			// What ls-remote said before is no longer so.
			r.set(func() { r.refs.until = time.Time{} })
			return err
		}
		longest := min(25*time.Millisecond<<min(attempt, 8), 2*time.Second)
		if err := waitFor(ctx, rand.N(longest)); err != nil {
			return err
		}
	}
}

// replayBatch makes a commit for each intent on top of the one before, and gives the last. Intents that fail end here.
func replayBatch(ctx context.Context, r *bareMirror, tip string, batch []*pendingIntent, attempt int) (string, error) {
	index, err := newIndex(ctx, r, tip)
	if err != nil {
		return "", err
	}
	defer index.removeFiles()
	end := tip
	var made []*pendingIntent
	for _, p := range batch {
		if p.ended {
			continue
		}
		p.landed = Landed{Attempts: attempt}
		if err := p.ctx.Err(); err != nil {
			p.end(context.Cause(p.ctx))
			continue
		}
		commit, err := replayOne(ctx, r, index, end, p)
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

func replayOne(ctx context.Context, r *bareMirror, index *tempIndex, parent string, p *pendingIntent) (Commit, error) {
	commit, err := r.commit(ctx, parent)
	if err != nil {
		return Commit{}, err
	}
	tree, err := newTree(ctx, r, parent)
	if err != nil {
		return Commit{}, err
	}
	newest := func(ctx context.Context, trailer string, match func(Commit) bool) (Commit, bool, error) {
		return r.newest(ctx, parent, trailer, match)
	}
	change, err := p.intent.Apply(p.ctx, Tip{Commit: commit, Tree: tree, Newest: newest})
	if err != nil {
		return Commit{}, err
	}
	hash, err := index.write(ctx, tree, change.Files)
	if err != nil || hash == commit.Tree {
		return Commit{}, err
	}
	return commitTree(ctx, r, hash, parent, p.intent.Author, p.intent.Signing, change.Message)
}
