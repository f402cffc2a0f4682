package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"time"
)

// Send makes one request, and returns the version that answered.
type Send func(ctx context.Context) (version string, err error)

// Load is a client that sends requests without pause, and counts how they end.
type Load struct {
	stop  context.CancelFunc
	ended sync.WaitGroup

	mu    sync.Mutex
	tally Tally
}

// Tally is how requests ended.
type Tally struct {
	Sent, Failed int
	// Versions are the answers by version.
	Versions map[string]int
	// First is when a version answered for the first time.
	First map[string]time.Time
	// Slowest is the longest that an answer took.
	Slowest time.Duration
	// Errors are the first few failures.
	Errors []string
}

const (
	// requestTimeout is how long an answer may take before it counts as lost.
	requestTimeout = 5 * time.Second
	// maxErrors failures are enough to see what went wrong.
	maxErrors = 5
)

// StartLoad sends with each sender in turn, every pause apart (or slower, if answers are), until Stop or the end of
// ctx. A request that is under way then is awaited.
func StartLoad(ctx context.Context, pause time.Duration, senders ...Send) *Load {
	ctx, stop := context.WithCancel(ctx)
	l := &Load{stop: stop, tally: Tally{Versions: map[string]int{}, First: map[string]time.Time{}}}
	for _, send := range senders {
		l.ended.Go(func() {
			tick := time.NewTicker(pause)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					l.one(context.WithoutCancel(ctx), send)
				}
			}
		})
	}
	return l
}

func (l *Load) one(ctx context.Context, send Send) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	start := time.Now()
	version, err := send(ctx)
	end := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tally.Sent++
	l.tally.Slowest = max(l.tally.Slowest, end.Sub(start))
	if err != nil {
		l.tally.Failed++
		if len(l.tally.Errors) < maxErrors {
			l.tally.Errors = append(l.tally.Errors, fmt.Sprintf("%s after %s: %v", end.Format("15:04:05.000"), end.Sub(start).Round(time.Millisecond), err))
		}
		return
	}
	l.tally.Versions[version]++
	if _, ok := l.tally.First[version]; !ok {
		l.tally.First[version] = end
	}
}

// Tally returns what has happened so far.
func (l *Load) Tally() Tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.tally
	t.Versions, t.First = make(map[string]int, len(l.tally.Versions)), make(map[string]time.Time, len(l.tally.First))
	for version, n := range l.tally.Versions {
		t.Versions[version], t.First[version] = n, l.tally.First[version]
	}
	return t
}

// Stop ends the client and returns all that has happened.
func (l *Load) Stop() Tally {
	l.stop()
	l.ended.Wait()
	return l.Tally()
}

// To sends GET requests to a URL that the example's app answers.
func To(client *http.Client, target string) Send {
	return func(ctx context.Context) (string, error) {
		reached := &progress{doing: "connecting"}
		request, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, reached.trace()), http.MethodGet, target, nil)
		if err != nil {
			return "", err
		}
		response, err := client.Do(request)
		if err != nil {
			if u := (*url.Error)(nil); errors.As(err, &u) {
				err = u.Err // the URL is the same for all
			}
			return "", fmt.Errorf("%s: %w", reached.get(), err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
		if err != nil {
			return "", fmt.Errorf("reading the answer: %w", err)
		}
		if response.StatusCode != http.StatusOK {
			return "", fmt.Errorf("status %d: %.200s", response.StatusCode, body)
		}
		var answer struct{ Version string }
		if err := json.Unmarshal(body, &answer); err != nil || answer.Version == "" {
			return "", fmt.Errorf("an answer without a version: %.200q", body)
		}
		return answer.Version, nil
	}
}

// progress is how far a request came.
type progress struct {
	mu    sync.Mutex
	doing string
}

func (p *progress) set(doing string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doing = doing
}

func (p *progress) get() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.doing
}

func (p *progress) trace() *httptrace.ClientTrace {
	on := ""
	return &httptrace.ClientTrace{
		GotConn: func(c httptrace.GotConnInfo) {
			on = " on a new connection"
			if c.Reused {
				on = " on a connection that was used before"
			}
			p.set("sending" + on)
		},
		WroteRequest:         func(httptrace.WroteRequestInfo) { p.set("waiting for an answer" + on) },
		GotFirstResponseByte: func() { p.set("reading the answer" + on) },
	}
}

// Clients are the kinds of client that a Service meets: one that keeps its connections, and one that makes a connection
// for every request.
func Clients(transport *http.Transport) (keeping, fresh *http.Client) {
	each := transport.Clone()
	each.DisableKeepAlives = true
	return &http.Client{Transport: transport}, &http.Client{Transport: each}
}
