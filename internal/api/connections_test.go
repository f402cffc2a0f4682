package api

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyan-cd/cyan/internal/problem"
)

// An answer is believed for a while; who asks as of now has one of now, and nobody asks twice at a time.
func TestConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, fails := 0, error(nil)
		c := newConnections(func(context.Context, string, string) error {
			asked++
			<-time.After(time.Second)
			return fails
		})
		if got := c.known("a"); got.Status != "Unknown" || asked != 0 {
			t.Errorf("before anybody has asked: %+v, asked %d times", got, asked)
		}
		began := time.Now()
		for _, step := range []struct {
			name    string
			later   time.Duration
			holds   time.Duration
			fails   error
			asked   int
			status  string
			message string
		}{
			{"asked first", 0, lookHolds, nil, 1, "Successful", ""},
			{"believed", lookHolds - time.Second, lookHolds, errors.New("x"), 1, "Successful", ""},
			{"asked again", time.Second, lookHolds, &problem.Error{Object: "repository", Cause: "gone"}, 2, "Failed", "repository: gone"},
			{"as of now", nowHolds, nowHolds, nil, 3, "Successful", ""},
			{"a moment ago is now", nowHolds - time.Millisecond, nowHolds, errors.New("x"), 3, "Successful", ""},
			{"what nothing is known of", nowHolds, nowHolds, errors.New("password hunter2"), 4, "Failed", "something went wrong, which the server's log has; try again"},
			{"too slow", nowHolds, nowHolds, context.DeadlineExceeded, 5, "Failed", "no answer in 20s"},
		} {
			<-time.After(step.later)
			fails = step.fails
			got := c.ask(t.Context(), "a", "shop", "url", step.holds)
			if got.Status != step.status || got.Message != step.message || asked != step.asked || got.AttemptedAt == nil || got.AttemptedAt.Before(began) {
				t.Errorf("%s: got %+v, asked %d times; want %s %q, %d times", step.name, got, asked, step.status, step.message, step.asked)
			}
		}
		done := make(chan connectionState)
		for range 10 {
			go func() { done <- c.ask(t.Context(), "b", "shop", "url", nowHolds) }()
		}
		for range 10 {
			<-done
		}
		if asked != 6 {
			t.Errorf("ten at a time have asked %d times, want once", asked-5)
		}
	})
}

// Who does not insist is not kept waiting by a host that does not answer: the answer comes later. No more are asked at
// a time than a bound.
func TestConnectionsThatTakeLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		c := newConnections(func(ctx context.Context, _, _ string) error {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			<-ctx.Done()
			return ctx.Err()
		})
		began := time.Now()
		for i := range 3 * looksAtOnce {
			ctx, leave := context.WithTimeout(t.Context(), time.Millisecond)
			if got := c.ask(ctx, strconv.Itoa(i), "shop", "url", lookHolds); got.Status != "Unknown" || got.Message == "" {
				t.Errorf("while nothing is known: %+v", got)
			}
			leave()
		}
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("waited %s", waited)
		}
		<-time.After(3*lookTimeout + time.Second)
		if got := c.known(strconv.Itoa(3*looksAtOnce - 1)); got.Status != "Failed" || got.Message != "no answer in 20s" {
			t.Errorf("afterwards: %+v", got)
		}
		if most.Load() != looksAtOnce {
			t.Errorf("%d were asked at a time, want %d", most.Load(), looksAtOnce)
		}
	})
}
