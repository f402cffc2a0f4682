package source

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cyan-cd/cyan/internal/problem"
)

// RefPollerOptions of NewTips.
type RefPollerOptions struct {
	// Every is the time between two looks at a repository, give or take a tenth. Zero: 15 s, or what SetInterval says.
	Every time.Duration
	// Parallel bounds the looks that run at once; 8 when zero.
	Parallel int
	// MaxBackoff bounds the time between looks at a repository that cannot be reached; 5 min when zero.
	MaxBackoff time.Duration
	// Log may be nil.
	Log *slog.Logger
}

// RefPoller follows the branches and tags of many repositories, by one ls-remote each per interval however many follow
// them.
type RefPoller struct {
	mirrors *Mirrors
	opts    RefPollerOptions
	changed chan string
	wake    chan struct{}

	mu       sync.Mutex
	followed map[string]*followedRepo
	// every is the time between two looks, and jitter what is added to it by chance; fixed when nothing changes them.
	fixed         bool
	every, jitter time.Duration
	// news are the repositories that changed and were not yet told of, in order.
	news []string
}

type followedRepo struct {
	repo  Repository
	count int
	// due is when to poll next; looking while a poll is on, and again when PollNow was called meanwhile.
	due     time.Time
	looking bool
	again   bool
	// asked is when the last look began: a storm of webhooks makes no more than one look in pollGap.
	asked time.Time
	// sum names the last answer; seen after the first.
	sum      [32]byte
	seen     bool
	failures int
	err      error
}

// NewRefPoller follows nothing yet.
func NewRefPoller(m *Mirrors, opts RefPollerOptions) *RefPoller {
	fixed := opts.Every > 0
	defaultTo(&opts.Every, 15*time.Second)
	defaultTo(&opts.MaxBackoff, 5*time.Minute)
	if opts.Parallel <= 0 {
		opts.Parallel = 8
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &RefPoller{mirrors: m, opts: opts, changed: make(chan string), wake: make(chan struct{}, 1), followed: map[string]*followedRepo{}, fixed: fixed, every: opts.Every}
}

// Follow looks at a repository until release, beginning at once. The newest credentials count.
func (t *RefPoller) Follow(repo Repository) (release func()) {
	key := repo.Identity()
	t.mu.Lock()
	defer t.mu.Unlock()
	f, ok := t.followed[key]
	if !ok {
		f = &followedRepo{}
		t.followed[key] = f
	}
	if f.repo != repo && ok {
		f.due, f.failures = time.Time{}, 0
	}
	f.repo = repo
	f.count++
	t.wakeUp()
	return sync.OnceFunc(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if f.count--; f.count == 0 && t.followed[key] == f {
			delete(t.followed, key)
		}
	})
}

// SetInterval changes the time between two looks at a repository, and by how much it may be longer. Zero for every
// stands for the default. A RefPoller that was made with a time of its own keeps it.
func (t *RefPoller) SetInterval(every, jitter time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defaultTo(&every, t.opts.Every)
	if t.fixed || every == t.every && jitter == t.jitter {
		return
	}
	t.every, t.jitter = every, jitter
	latest := time.Now().Add(every + jitter)
	for _, f := range t.followed {
		if f.due.After(latest) {
			f.due = latest
		}
	}
	t.wakeUp()
}

// Changed returns the identity of each repository that has other tips than before, once after its first look, and
// once when it is reachable again. It is for one receiver.
func (t *RefPoller) Changed() <-chan string { return t.changed }

// PollNow looks at a repository now, as a webhook asks for, by whatever transport and with whatever credentials it is
// followed. Repositories that nobody follows are left alone.
func (t *RefPoller) PollNow(url string) {
	u, err := parseURL(url)
	if err != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.followed {
		if there, err := parseURL(f.repo.URL); err == nil && there.SamePlace(u) {
			f.due = f.asked.Add(pollGap)
			f.again = f.looking
		}
	}
	t.wakeUp()
}

// pollGap is the shortest time between two looks at a repository, however often somebody asks for one.
const pollGap = 250 * time.Millisecond

// Err returns what the last look at a repository ended with.
func (t *RefPoller) Err(repo Repository) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f, ok := t.followed[repo.Identity()]; ok {
		return f.err
	}
	return nil
}

func (t *RefPoller) wakeUp() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Run looks until ctx ends, and returns nil then.
func (t *RefPoller) Run(ctx context.Context) error {
	var looks sync.WaitGroup
	defer looks.Wait()
	room := make(chan struct{}, t.opts.Parallel)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		for key := t.next(now); key != ""; key = t.next(now) {
			looks.Go(func() {
				select {
				case room <- struct{}{}:
					t.poll(ctx, key)
					<-room
				case <-ctx.Done():
				}
			})
		}
		timer.Reset(t.untilNext(now))
		tell, news := t.firstChange()
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-t.wake:
		case tell <- news:
			t.sent()
		}
	}
}

// next takes a repository that is due.
func (t *RefPoller) next(now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, f := range t.followed {
		if !f.looking && !f.due.After(now) {
			f.looking, f.again, f.asked = true, false, now
			return key
		}
	}
	return ""
}

func (t *RefPoller) untilNext(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	wait := time.Minute
	for _, f := range t.followed {
		if !f.looking {
			wait = min(wait, max(f.due.Sub(now), time.Millisecond))
		}
	}
	return wait
}

func (t *RefPoller) poll(ctx context.Context, key string) {
	t.mu.Lock()
	f, ok := t.followed[key]
	if !ok {
		t.mu.Unlock()
		return
	}
	repo := f.repo
	t.mu.Unlock()

	found, err := t.mirrors.poll(ctx, repo, 2*t.opts.Every)
	if ctx.Err() != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.wakeUp()
	f.looking = false
	if err != nil {
		t.pollFailed(f, err)
		return
	}
	if !f.seen || f.sum != found.sum || f.err != nil {
		t.addChange(key)
	}
	f.seen, f.sum, f.err, f.failures = true, found.sum, nil, 0
	f.due = time.Now().Add(withJitter(t.every) + rand.N(t.jitter+1))
	if f.again {
		f.due = f.asked.Add(pollGap)
	}
}

func (t *RefPoller) pollFailed(f *followedRepo, err error) {
	if f.err == nil || !sameKind(f.err, err) {
		t.opts.Log.Warn("repository cannot be read", "repository", f.repo.String(), "err", err)
	}
	f.err = err
	f.failures++
	wait := t.opts.Every << min(f.failures-1, 16)
	if wait <= 0 || wait > t.opts.MaxBackoff {
		wait = max(t.opts.MaxBackoff, t.opts.Every)
	}
	f.due = time.Now().Add(withJitter(wait))
	if f.again {
		f.due = f.asked.Add(pollGap)
	}
}

// sameKind reports whether two failures have one of the errors of this package in common.
func sameKind(a, b error) bool {
	x := problem.Of(a)
	return x != nil && x.Err != nil && errors.Is(b, x.Err)
}

// withJitter spreads what would otherwise come at once.
func withJitter(d time.Duration) time.Duration {
	return d*9/10 + rand.N(d/5+1)
}

func (t *RefPoller) addChange(key string) {
	for _, n := range t.news {
		if n == key {
			return
		}
	}
	t.news = append(t.news, key)
}

// firstChange returns what to send, and a nil channel when there is nothing.
func (t *RefPoller) firstChange() (chan<- string, string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.news) == 0 {
		return nil, ""
	}
	return t.changed, t.news[0]
}

func (t *RefPoller) sent() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.news = t.news[1:]
}
