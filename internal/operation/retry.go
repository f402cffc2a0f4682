package operation

import (
	"fmt"
	"strconv"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// The defaults of a retry.
const (
	defaultRetryLimit  = 5
	defaultRetryWait   = 5 * time.Second
	defaultRetryFactor = 2
	defaultRetryMax    = 3 * time.Minute
)

// retry begins a failed operation again when its time has come. What it had done before is done anew, hooks included.
func retry(app *v1alpha1.Application, seen Observation) Decision {
	state := app.Status.OperationState
	at := nextTry(state, seen.Now)
	if seen.Now.Before(at) {
		return Decision{App: app, RequeueAfter: until(at, seen.Now)}
	}
	state.FinishedAt = nil
	state.StartedAt = startedAt(seen.Now)
	state.Message = fmt.Sprintf("retry %d", state.RetryCount) + otherSource(app)
	state.SyncResult.Resources = nil
	return Decision{App: app, RequeueAfter: RequeueNow}
}

// nextTry returns when an operation that waits for its next try is tried.
func nextTry(state *v1alpha1.OperationState, now time.Time) time.Time {
	return endOf(state, now).Add(Backoff(&state.Operation.Retry, state.RetryCount))
}

// LooksAtGit reports whether git is asked anew before an operation goes on: it was asked for and is not begun, or is
// about to be tried again with what is newest.
func LooksAtGit(app *v1alpha1.Application, now time.Time) bool {
	if IsAsked(app) {
		return true
	}
	state := app.Status.OperationState
	return app.Operation != nil && state.Operation.Retry.Refresh && state.FinishedAt != nil && !now.Before(nextTry(state, now))
}

// clockSkew is how far the clocks of those that write an Application may be apart.
const clockSkew = time.Minute

// endOf returns when an operation, or a try of it, ended, for what is to wait from then on. An end that lies ahead is
// none: what waited for that would wait for as long as whoever wrote it likes.
func endOf(state *v1alpha1.OperationState, now time.Time) time.Time {
	if state.FinishedAt.After(now.Add(clockSkew)) {
		return time.Time{}
	}
	return state.FinishedAt.Time
}

// retryAt returns when an operation that has failed is tried again, and whether it is. A limit below zero is none.
func retryAt(retry v1alpha1.RetryStrategy, tried int64, failed time.Time) (at time.Time, again bool) {
	if retry.Limit == 0 || (retry.Limit > 0 && tried >= retry.Limit) {
		return time.Time{}, false
	}
	return failed.Add(Backoff(&retry, tried+1)), true
}

// Backoff is the wait before try number n, counted from 1. It never exceeds the longest wait, whatever the numbers are.
func Backoff(retry *v1alpha1.RetryStrategy, n int64) time.Duration {
	wait, factor, most := defaultRetryWait, int64(defaultRetryFactor), defaultRetryMax
	if retry != nil && retry.Backoff != nil {
		b := retry.Backoff
		wait, most = waitOf(b.Duration, wait), waitOf(b.MaxDuration, most)
		if b.Factor != nil && *b.Factor > 0 {
			factor = *b.Factor
		}
	}
	if factor == 1 {
		return min(wait, most)
	}
	for ; n > 1 && wait < most; n-- {
		if int64(wait) > int64(most)/factor {
			return most
		}
		wait *= time.Duration(factor)
	}
	return min(wait, most)
}

// waitOf reads a wait such as 1m30s; a number alone is in seconds. One that is none is the usual one.
func waitOf(text string, usual time.Duration) time.Duration {
	d, err := time.ParseDuration(text)
	if seconds, number := strconv.ParseInt(text, 10, 32); number == nil {
		d, err = time.Duration(seconds)*time.Second, nil
	}
	if err != nil || d <= 0 {
		return usual
	}
	return d
}

// CheckRetry names the waits of a spec that are none; the usual ones are taken for them.
func CheckRetry(retry *v1alpha1.RetryStrategy) []string {
	if retry == nil || retry.Backoff == nil {
		return nil
	}
	var all []string
	for _, wait := range []struct {
		field, text string
		usual       time.Duration
	}{{"duration", retry.Backoff.Duration, defaultRetryWait}, {"maxDuration", retry.Backoff.MaxDuration, defaultRetryMax}} {
		if wait.text != "" && waitOf(wait.text, 0) == 0 {
			all = append(all, fmt.Sprintf("spec.syncPolicy.retry.backoff.%s: %.40q is not a time, %s is taken; write one such as 30s", wait.field, wait.text, wait.usual))
		}
	}
	return all
}

// retryWriteAfter is the wait before a write that came to nothing by chance is done again: the longer, the longer the
// operation runs, so that what does not pass is not asked for without end.
func retryWriteAfter(running time.Duration) time.Duration {
	const part = 8
	return min(max(running/part, retryWriteFirst), retryWriteMost)
}
