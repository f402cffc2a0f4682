package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// attemptsEach is the time between two attempts to log in: ten thousand a minute.
	attemptsEach = time.Minute / 10_000
	// callsEach is the time between two calls of others, and callsFor how long they are made for.
	callsEach = 20 * time.Millisecond
	callsFor  = 30 * time.Second
	// attemptTimeout bounds one attempt, and mostAttempts those that go on at a time.
	attemptTimeout = 10 * time.Second
	mostAttempts   = 1000
	// accountsTried are the names that strangers try, of which one is there.
	accountsTried = 100
)

// logIns has strangers try passwords, from many addresses, while others go on.
func logIns(ctx context.Context, w *world) error {
	v, err := visit(ctx, w)
	if err != nil {
		return err
	}
	without, err := v.callOn(ctx)
	if err != nil {
		return err
	}
	flood, end := context.WithCancel(ctx)
	defer end()
	f := &attempts{url: "http://" + w.server.api + "/api/v1/session", answers: map[int]int{}}
	var trying sync.WaitGroup
	trying.Go(func() { f.run(flood) })
	with, err := v.callOn(ctx)
	end()
	trying.Wait()
	if err != nil {
		return err
	}
	w.sheet.add(figure{what: "attempts to log in a minute", measured: []amount{number(float64(f.number()) / callsFor.Minutes())}, limit: f.text()})
	w.sheet.add(figure{what: "calls of others meanwhile: p50, p99", measured: spread(with), limit: joined(spread(without), "") + ", without them", targets: []amount{lasting(2 * quantile(without, 0.5)), lasting(2 * quantile(without, 0.99))}})
	return nil
}

// callOn makes calls as somebody who has logged in does, each at its time whatever became of the ones before, and
// returns how long they take.
func (w visitors) callOn(ctx context.Context) ([]time.Duration, error) {
	paths := []string{"/api/v1/view/me", "/api/v1/view/applications?limit=20", "/api/v1/view/applications/" + control + "/" + appName(0)}
	took := make([]time.Duration, callsFor/callsEach)
	group, ctx := errgroup.WithContext(ctx)
	tick := time.NewTicker(callsEach)
	defer tick.Stop()
	for k := range took {
		select {
		case <-ctx.Done():
			return nil, group.Wait()
		case <-tick.C:
		}
		group.Go(func() error {
			began := time.Now()
			err := w.call(ctx, paths[k%len(paths)])
			took[k] = time.Since(began)
			return err
		})
	}
	return took, group.Wait()
}

// attempts are those of strangers to log in.
type attempts struct {
	url string
	mu  sync.Mutex
	// answers counts them by the status of the answer; 0 where there is none.
	answers map[int]int
}

// run makes attempts until ctx ends.
func (a *attempts) run(ctx context.Context) {
	tick := time.NewTicker(attemptsEach)
	defer tick.Stop()
	var group errgroup.Group
	group.SetLimit(mostAttempts)
	for k := 0; ; k++ {
		select {
		case <-ctx.Done():
			_ = group.Wait() // attempts do not fail
			return
		case <-tick.C:
			group.Go(func() error {
				status := a.once(ctx, k)
				a.mu.Lock()
				defer a.mu.Unlock()
				a.answers[status]++
				return nil
			})
		}
	}
}

// once tries a password from an address that has not tried one for a while.
func (a *attempts) once(ctx context.Context, k int) int {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	name := "admin"
	if of := k % accountsTried; of > 0 {
		name = fmt.Sprintf("stranger-%d", of)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, strings.NewReader(`{"username":"`+name+`","password":"not this one"}`))
	if err != nil {
		return 0
	}
	request.Header.Set("Content-Type", "application/json")
	from := &net.TCPAddr{IP: net.IPv4(127, byte(1+k>>16), byte(k>>8), byte(k))}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{LocalAddr: from}).DialContext}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func (a *attempts) number() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, count := range a.answers {
		n += count
	}
	return n
}

func (a *attempts) text() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var texts []string
	for status, count := range a.answers {
		texts = append(texts, fmt.Sprintf("%d × %d", count, status))
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}
