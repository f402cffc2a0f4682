package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/informer"
	"github.com/cyan-cd/cyan/internal/view"
)

const (
	// keepSnapshot is how long a snapshot is kept after the last one has looked: a page reads it, and then opens its
	// stream.
	keepSnapshot = 30 * time.Second
	// snapshotHolds is how long a snapshot is taken for the truth while nothing changes: sync windows and what needs
	// somebody depend on the time.
	snapshotHolds = time.Minute
	// largestKept bounds the text of a change that is kept for other readers.
	largestKept = 512 << 10
)

// snapshots are the details of the Applications that somebody looks at: there is one of each Application at most, made
// once for all who look, and who has an older version is told what has changed since. A reader costs his place alone.
type snapshots struct {
	viewed
	mu sync.Mutex
	of map[subject]*snapshot
}

// snapshot is the detail of an Application, without the rights of anybody.
type snapshot struct {
	in *snapshots
	of subject
	// run distinguishes the versions of this snapshot from those of others of the Application.
	run string
	// turn has a value while somebody makes it anew, who alone uses the fields up to mu.
	turn chan struct{}
	now  view.Tracked
	key  string
	made time.Time
	// madeAt is the generation of the objects that it was made at.
	madeAt uint64
	// texts are those of the last version, by the version that they go on from.
	texts map[int64]updateText
	// unlook ends the look at the objects.
	unlook context.CancelFunc

	mu sync.Mutex
	// generation counts the changes of the objects, and changed is when the last was counted.
	generation uint64
	changed    time.Time
	readers    map[chan struct{}]struct{}
	users      int
	idle       *time.Timer
}

// updateText is what has changed, as it is sent: the row, nil where it has not, and the rest.
type updateText struct{ row, rest []byte }

// open returns the snapshot of an Application, which has to be closed. Changed gets a value when its objects change,
// and may be nil.
func (s *snapshots) open(of subject, changed chan struct{}) *snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.of[of]
	if p == nil {
		p = &snapshot{in: s, of: of, run: rand.Text()[:8], turn: make(chan struct{}, 1), readers: map[chan struct{}]struct{}{}}
		s.of[of] = p
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users++
	if p.idle != nil {
		p.idle.Stop()
		p.idle = nil
	}
	if changed != nil {
		p.readers[changed] = struct{}{}
	}
	return p
}

// close ends what open has begun.
func (p *snapshot) close(changed chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.readers, changed)
	if p.users--; p.users == 0 {
		p.idle = time.AfterFunc(keepSnapshot, p.forget)
	}
}

// forget ends a snapshot that nobody has looked at for a while.
func (p *snapshot) forget() {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users > 0 || p.in.of[p.of] != p {
		return
	}
	delete(p.in.of, p.of)
	// Nobody makes it anew: nobody has it.
	if p.unlook != nil {
		p.unlook()
	}
}

// isOld reports whether a snapshot that was made at a generation, and a time, is to be made anew.
func (p *snapshot) isOld(generation uint64, made, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.generation != generation || now.Sub(made) >= snapshotHolds
}

// pictured is what a snapshot shows at a time.
type pictured struct {
	view.Tracked
	run        string
	generation uint64
	made       time.Time
}

// version is what a page names what it has by.
func (p pictured) version() string { return p.run + "." + strconv.FormatInt(p.Version, 10) }

// numbered returns the number of a version of a snapshot; 0 for one of another.
func numbered(version, run string) int64 {
	of, number, _ := strings.Cut(version, ".")
	n, err := strconv.ParseInt(number, 10, 64)
	if of != run || err != nil {
		return 0
	}
	return n
}

// current returns what the snapshot shows of an Application as it is now.
func (p *snapshot) current(ctx context.Context, app *v1alpha1.Application) (pictured, error) {
	leave, err := p.take(ctx)
	if err != nil {
		return pictured{}, err
	}
	defer leave()
	return p.refreshed(ctx, app)
}

// take waits until nobody else makes the snapshot anew.
func (p *snapshot) take(ctx context.Context) (leave func(), err error) {
	select {
	case p.turn <- struct{}{}:
		return func() { <-p.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// refreshed returns what the snapshot shows now. Whoever asks has the turn.
func (p *snapshot) refreshed(ctx context.Context, app *v1alpha1.Application) (pictured, error) {
	key, err := p.in.keyOf(ctx, app)
	if err != nil {
		return pictured{}, err
	}
	now := time.Now()
	if key != p.key || p.isOld(p.madeAt, p.made, now) {
		if err := p.make(ctx, app, now); err != nil {
			return pictured{}, err
		}
		p.key = key
	}
	return pictured{p.now, p.run, p.madeAt, p.made}, nil
}

// keyOf returns what distinguishes an Application, and the settings that decide what is shown of it, from those before.
func (s *snapshots) keyOf(ctx context.Context, app *v1alpha1.Application) (string, error) {
	rollouts, err := s.rolloutsOf(ctx, app)
	if err != nil {
		return "", err
	}
	_, version, err := s.Policies.current(ctx)
	if err != nil {
		return "", err
	}
	versions := []string{version, string(app.UID), app.ResourceVersion}
	for _, ro := range rollouts {
		versions = append(versions, ro.ResourceVersion)
	}
	return strings.Join(versions, ","), nil
}

// make makes the snapshot anew.
func (p *snapshot) make(ctx context.Context, app *v1alpha1.Application, now time.Time) error {
	p.mu.Lock()
	generation := p.generation
	p.mu.Unlock()
	d, look, err := p.in.detail(ctx, app)
	if err != nil {
		return err
	}
	p.follow(look)
	next, err := view.Track(p.now, d)
	if err != nil {
		return err
	}
	if next.Version != p.now.Version {
		p.texts = map[int64]updateText{}
	}
	p.now, p.made, p.madeAt = next, now, generation
	return nil
}

// follow has readers know of what changes, in place of the look before: as often as streams send it at most.
func (p *snapshot) follow(look *informer.Look) {
	if p.unlook != nil {
		p.unlook()
		p.unlook = nil
	}
	if look == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background()) //nolint:gosec // ended by unlook
	p.unlook = cancel
	go func() {
		defer look.Close()
		select {
		case <-ctx.Done():
			return
		case <-look.Changed:
		}
		p.mu.Lock()
		wait := time.Until(p.changed.Add(p.in.Feed.Pace.orUsual().Batch))
		p.mu.Unlock()
		if wait > 0 && !pause(ctx, wait) {
			return
		}
		p.notify()
		// The look goes on, so that the next one begins with what it has.
		<-ctx.Done()
	}()
}

// notify has readers know that the objects have changed.
func (p *snapshot) notify() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.generation++
	p.changed = time.Now()
	for changed := range p.readers {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}

// update returns what an Application shows by now, and what has changed of that since a version.
func (p *snapshot) update(ctx context.Context, app *v1alpha1.Application, since int64) (pictured, updateText, error) {
	leave, err := p.take(ctx)
	if err != nil {
		return pictured{}, updateText{}, err
	}
	defer leave()
	now, err := p.refreshed(ctx, app)
	if err != nil || now.Version == since {
		return now, updateText{}, err
	}
	if text, ok := p.texts[since]; ok {
		return now, text, nil
	}
	text, err := textOf(now, now.Since(since))
	if err == nil && len(text.row)+len(text.rest) <= largestKept && len(p.texts) < 4 {
		p.texts[since] = text
	}
	return now, text, err
}

// textOf returns an update as it is sent: the members behind the names of the Application, and the row apart.
func textOf(now pictured, u view.Update) (updateText, error) {
	members := map[string]any{"version": now.version()}
	for name, part := range u.Parts {
		if name != "row" {
			members[name] = part
		}
	}
	if u.Since > 0 {
		members["from"] = pictured{Tracked: view.Tracked{Version: u.Since}, run: now.run}.version()
	}
	if u.Since == 0 || len(u.Nodes) > 0 {
		members["nodes"] = u.Nodes
	}
	if len(u.Gone) > 0 {
		members["gone"] = u.Gone
	}
	if u.Results != nil {
		members["results"] = u.Results
	}
	text, err := json.Marshal(members)
	return updateText{u.Parts["row"], slices.Concat([]byte(","), bytes.TrimSuffix(bytes.TrimPrefix(text, []byte("{")), []byte("}")))}, err
}

// seen is a snapshot that a reader is told of.
type seen struct {
	*snapshot
	at pictured
	// sent is the version that the reader has, of this snapshot, and rights are those that he was told of with it.
	sent   int64
	rights []string
}

// subscriptions are the snapshots that a reader is told of.
type subscriptions struct {
	in *snapshots
	of map[subject]*seen
	// has are the versions that the page had before.
	has map[subject]string
	// moved has a value when objects have changed.
	moved chan struct{}
}

func (s *snapshots) subscriptions(has map[subject]string) subscriptions {
	return subscriptions{s, map[subject]*seen{}, has, make(chan struct{}, 1)}
}

// open returns what the reader has seen of an Application.
func (s subscriptions) open(of subject) *seen {
	known := s.of[of]
	if known == nil {
		known = &seen{snapshot: s.in.open(of, s.moved)}
		known.sent = numbered(s.has[of], known.run)
		s.of[of] = known
	}
	return known
}

// end ends what the reader is told of an Application; who sees it again is told everything.
func (s subscriptions) end(of subject) {
	if known := s.of[of]; known != nil {
		known.close(s.moved)
		delete(s.of, of)
		delete(s.has, of)
	}
}

func (s subscriptions) endAll() {
	for of := range s.of {
		s.end(of)
	}
}

// changed returns those Applications whose objects have changed since the reader was told of them.
func (s subscriptions) changed(of []subject) []subject {
	now := time.Now()
	return slices.DeleteFunc(slices.Clone(of), func(of subject) bool {
		known := s.of[of]
		return known == nil || !known.isOld(known.at.generation, known.at.made, now)
	})
}

// news returns what has changed of an Application since the reader was told of it; nothing where nothing has.
func (s *seen) news(ctx context.Context, app *v1alpha1.Application, rights []string) ([]byte, error) {
	now, text, err := s.update(ctx, app, s.sent)
	if err != nil {
		return nil, err
	}
	// A page that says what it has got that with rights which may have been others.
	other := s.rights == nil || !slices.Equal(rights, s.rights)
	s.at = now
	if now.Version == s.sent && !other {
		return nil, nil
	}
	if other {
		text.row = now.Part("row")
	}
	if text.rest == nil {
		// Only the rights have changed.
		text.rest = []byte(`,"version":"` + now.version() + `","from":"` + now.version() + `"`)
	}
	s.sent, s.rights = now.Version, rights
	return text.forReader(gone{app.Namespace, app.Name}, rights)
}

// forReader returns the update of an Application with the rights that its reader has.
func (t updateText) forReader(of gone, rights []string) ([]byte, error) {
	whole, err := json.Marshal(of)
	if err != nil {
		return nil, err
	}
	whole = append(bytes.TrimSuffix(whole, []byte("}")), t.rest...)
	if t.row != nil {
		names, err := json.Marshal(rights)
		if err != nil {
			return nil, err
		}
		whole = slices.Concat(whole, []byte(`,"row":`), bytes.TrimSuffix(t.row, []byte("[]}")), names, []byte("}"))
	}
	return append(whole, '}'), nil
}
