package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/problem"
)

const (
	// mostReaders bounds the streams that are open at a time, and mostReadersOfOne those of an account, of all kinds.
	mostReaders, mostReadersOfOne = 1000, 300
	// overviewEvery is the least time between two overviews of a stream.
	overviewEvery = 2 * time.Second
	// patience bounds how long a reader may take for what he is sent at a time: longer, and he has to come again.
	patience = 30 * time.Second
)

// Pace is how often a stream does what. The zero value is the usual pace.
type Pace struct {
	// Batch is the least time between two sendings: what changes meanwhile is sent once.
	Batch time.Duration
	// Look is the time between two looks at whether the reader still may read.
	Look time.Duration
	// Ping is the time between two signs of life.
	Ping time.Duration
}

func (p Pace) orUsual() Pace {
	for _, part := range []struct {
		have  *time.Duration
		usual time.Duration
	}{{&p.Batch, 200 * time.Millisecond}, {&p.Look, 5 * time.Second}, {&p.Ping, 15 * time.Second}} {
		if *part.have == 0 {
			*part.have = part.usual
		}
	}
	return p
}

type streamInput struct {
	Topics      []string `query:"topics" maxItems:"64" doc:"applications, overview, application:NAMESPACE/NAME or application:NAMESPACE/NAME@VERSION, rollout:NAMESPACE/NAME"`
	After       string   `query:"after" maxLength:"100" doc:"the id to go on from; now when empty"`
	LastEventID string   `header:"Last-Event-ID" maxLength:"100" doc:"the same, as browsers send it"`
}

// topics are what a stream is about.
type topics struct {
	rows, overview bool
	subjects       []subject
	// has are the versions that the page has of Applications.
	has map[subject]string
}

func topicsOf(written []string) (topics, error) {
	t := topics{has: map[subject]string{}}
	for _, text := range written {
		kind, object, named := strings.Cut(text, ":")
		namespace, name, whole := strings.Cut(object, "/")
		switch {
		case text == "applications":
			t.rows = true
		case text == "overview":
			t.overview = true
		case kind == "application" && named && whole:
			name, version, _ := strings.Cut(name, "@")
			of := subject{ofApplication, namespace, name}
			if !slices.Contains(t.subjects, of) {
				t.subjects = append(t.subjects, of)
			}
			t.has[of] = version
		case kind == "rollout" && named && whole:
			t.subjects = append(t.subjects, subject{ofRollout, namespace, name})
		default:
			return t, &problem.Error{Kind: problem.Usage, Object: "topics", Cause: fmt.Sprintf("unknown topic %q", text), Remedy: "use applications, overview, application:NAMESPACE/NAME or rollout:NAMESPACE/NAME"}
		}
	}
	return t, nil
}

// readers counts the streams that are open, of all kinds.
type readers struct {
	mu  sync.Mutex
	all int
	of  map[string]int
}

// enter counts one more of a name, unless there are too many, until it is left.
func (r *readers) enter(name string) (leave func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.of[name] >= mostReadersOfOne:
		return nil, newError(http.StatusTooManyRequests, codeResourceExhausted, fmt.Sprintf("account %s: %d streams are open, and an account may have no more; close some, and try again", strconv.Quote(name), mostReadersOfOne))
	case r.all >= mostReaders:
		return nil, newError(http.StatusTooManyRequests, codeResourceExhausted, fmt.Sprintf("server: %d streams are open, and there can be no more; try again later", mostReaders))
	}
	r.all++
	r.of[name]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all--
		if r.of[name]--; r.of[name] == 0 {
			delete(r.of, name)
		}
	}, nil
}

// streams is the call by which a page learns what changes.
type streams struct {
	viewed
	memo      *rowMemo
	overviews *overviews
}

func (s streams) register() {
	register(s.service, huma.Operation{
		OperationID: "viewStream", Method: http.MethodGet, Path: "/api/v1/view/stream", Tags: viewTags,
		Summary:     "What changes of what who asks may see, as server-sent events",
		Description: "Events: row, gone, application, rollout, which is the whole Rollout at first and then what has changed since the event before, rolloutGone, overview, cluster; reset where changes are lost and lists have to be read again; end where the session has ended.",
		Responses:   map[string]*huma.Response{"200": {Description: "events, each with an id to go on from", Content: map[string]*huma.MediaType{"text/event-stream": {}}}},
	}, s.open)
}

func (s streams) open(_ context.Context, c *caller, in *streamInput) (*huma.StreamResponse, error) {
	if _, err := c.mayAll(); err != nil {
		return nil, err
	}
	t, err := topicsOf(in.Topics)
	if err != nil {
		return nil, err
	}
	leave, err := s.readers.enter(c.Name)
	if err != nil {
		return nil, err
	}
	after := in.LastEventID
	if after == "" {
		after = in.After
	}
	return &huma.StreamResponse{Body: func(h huma.Context) {
		defer leave()
		_, w := humago.Unwrap(h)
		for _, header := range [][2]string{{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}} {
			h.SetHeader(header[0], header[1])
		}
		h.SetStatus(http.StatusOK)
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Time{}) // where that is not supported, there is none
		r := &reader{streams: s, topics: t, who: c, rights: rightsOf(c.rights, c.options), out: outlet{w: w, control: control, log: s.log, feed: s.Feed, version: c.version}, pace: s.Feed.Pace.orUsual(), seen: s.snapshots.subscriptions(t.has), shown: shownRollouts{}}
		r.read(h.Context(), after)
	}}, nil
}

// reader is one page that reads the stream. What it costs while it does not read is its place.
type reader struct {
	streams
	topics topics
	who    *caller
	rights rowRights
	pace   Pace

	out      outlet
	overview time.Time
	seen     subscriptions
	// shown are the Rollouts among the topics that the reader was shown.
	shown shownRollouts
	// before are the rights that the reader had until this batch.
	before rowRights
	// awaits is set where an overview is due that was held back.
	awaits bool
}

// errEnded is why a stream ends that the server ends.
var errEnded = errors.New("the stream has ended")

// read sends what changes until the reader leaves, the session ends, or the server does.
func (r *reader) read(ctx context.Context, after string) {
	added, leave := r.Feed.wait()
	defer leave()
	defer r.seen.endAll()
	if err := r.begin(ctx, after); err != nil {
		return
	}
	look, ping := time.NewTicker(r.pace.Look), time.NewTicker(r.pace.Ping)
	defer look.Stop()
	defer ping.Stop()
	for {
		var due <-chan time.Time
		if r.awaits {
			due = time.After(overviewEvery - time.Since(r.overview))
		}
		select {
		case <-ctx.Done():
			return
		case <-r.Feed.ended:
			return
		case <-due:
		case <-ping.C:
			r.out.batch.WriteString(":\n\n")
		case <-look.C:
		case <-added:
		case <-r.seen.moved:
		}
		if err := r.next(ctx); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(r.pace.Batch):
		}
	}
}

// begin finds the place to begin at, and sends what the topics that name an object show now: since the page has read
// that, it may have changed.
func (r *reader) begin(ctx context.Context, after string) error {
	at, version, known := r.Feed.find(after)
	anew := false
	switch {
	case after == "":
		r.out.at = r.Feed.lastNumber()
	case known && version == r.who.version:
		r.out.at = at
	default:
		anew = true
		r.out.at = r.Feed.lastNumber()
		r.out.put("reset", struct{}{})
	}
	if cluster := r.Feed.Cluster(); anew || !cluster.Reachable {
		// Who was told before, by another run, that it does not answer is told that it does.
		r.out.put("cluster", cluster)
	}
	r.out.batch.WriteString("retry: 2000\n:\n\n")
	if err := r.show(ctx, r.topics.subjects); err != nil {
		return err
	}
	return r.out.flush(r.out.at)
}

// show puts what topics that name an object show now. Their rows have not changed for that.
func (r *reader) show(ctx context.Context, subjects []subject) error {
	rows := r.topics.rows
	r.topics.rows = false
	defer func() { r.topics.rows = rows }()
	for _, s := range subjects {
		if err := r.tell(ctx, changed{subject: s}); err != nil {
			return err
		}
	}
	return nil
}

// next sends what has changed, to whom the reader is by now.
func (r *reader) next(ctx context.Context) error {
	r.before = r.rights
	if err := r.lookAgain(ctx); err != nil {
		return err
	}
	changes, last, whole := r.Feed.since(r.out.at)
	if !whole {
		r.out.put("reset", struct{}{})
		return r.out.flush(last)
	}
	if err := r.show(ctx, r.seen.changed(r.topics.subjects)); err != nil {
		return err
	}
	for _, c := range latest(changes) {
		if err := r.tell(ctx, c); err != nil {
			return err
		}
	}
	r.awaits = r.awaits || len(changes) > 0 && r.topics.overview
	if r.awaits && time.Since(r.overview) >= overviewEvery {
		if err := r.putOverview(ctx, last); err != nil {
			return err
		}
	}
	return r.out.flush(last)
}

// latest returns one change of each subject, in the order of the last ones, with all projects it was in before.
func latest(changes []change) []changed {
	at := map[subject]int{}
	var all []changed
	for _, c := range changes {
		i, known := at[c.subject]
		if !known {
			i = len(all)
			at[c.subject] = i
			all = append(all, changed{subject: c.subject})
		}
		if c.project != "" && !slices.Contains(all[i].projects, c.project) {
			all[i].projects = append(all[i].projects, c.project)
		}
	}
	return all
}

// changed is a subject that has changed, and the projects that it was in.
type changed struct {
	subject
	projects []string
}

// lookAgain finds out who the reader is by now. Where the rights have changed, so have all rows.
func (r *reader) lookAgain(ctx context.Context) error {
	c := r.identify(r.who.request)
	if c.unknown != nil || c.Name != r.who.Name || c.LoggedIn() != r.who.LoggedIn() {
		reason := auth.ErrNoSession.Error()
		if c.unknown != nil {
			reason = shown(c.unknown).Text
		}
		r.out.put("end", map[string]string{"reason": reason})
		_ = r.out.flush(r.out.at)
		return errEnded
	}
	if c.version == r.who.version {
		return nil
	}
	r.who, r.rights, r.out.version = c, rightsOf(c.rights, c.options), c.version
	r.awaits = r.topics.overview
	return r.compare(ctx)
}

// versionOf returns a short name of a policy's rights for a subject.
func versionOf(policy string, of access.Subject) string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{policy, of.Name}, of.Groups...), "\x00")))
	return hex.EncodeToString(sum[:6])
}
