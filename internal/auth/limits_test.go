package auth

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/cyan-cd/cyan/internal/access"
)

// fails has an address fail to log in, and returns how long it has to wait now.
func (w *world) fails(address, account string) time.Duration {
	w.t.Helper()
	_, err := w.Login(request(from(address)), Credentials{account, "wrong"})
	var soon *TooSoonError
	switch {
	case errors.As(err, &soon):
		return soon.Wait
	case !errors.Is(err, ErrCredentials):
		w.t.Fatal(err)
	}
	return 0
}

// settled is a world whose buckets are full: it has been running for a while.
func settled(t *testing.T) *world {
	w := newWorld(t)
	w.pass(10 * time.Minute)
	return w
}

// TestTheClassOfBruteForce: delays grow with failures, for an address on an account and for an address on all.
func TestTheClassOfBruteForce(t *testing.T) {
	w := settled(t)
	for i := range freeFailures {
		if wait := w.fails("192.0.2.1", "admin"); wait != 0 {
			t.Fatalf("failure %d: has to wait %s", i, wait)
		}
	}
	for i, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, time.Minute, time.Minute} {
		if got := w.fails("192.0.2.1", "admin"); got != want {
			t.Errorf("failure %d: has to wait %s, want %s", i+freeFailures, got, want)
		}
		w.pass(want - time.Millisecond)
		if got := w.fails("192.0.2.1", "admin"); got != time.Millisecond {
			t.Errorf("failure %d, just before: has to wait %s", i+freeFailures, got)
		}
		w.pass(time.Millisecond)
		if got := w.fails("192.0.2.1", "admin"); got != 0 {
			t.Errorf("failure %d, after waiting: has to wait %s", i+freeFailures, got)
		}
	}
	if _, err := w.Login(request(from("192.0.2.1")), Credentials{"admin", adminPassword}); err == nil {
		t.Error("the right password counts before the wait is over")
	}
	w.pass(time.Minute)
	if _, err := w.Login(request(from("192.0.2.1")), Credentials{"admin", adminPassword}); err != nil {
		t.Errorf("the right password after the wait: %v", err)
	}
	if wait := w.fails("192.0.2.1", "admin"); wait != 0 {
		t.Errorf("a success forgets failures: has to wait %s", wait)
	}
	for i := range addressRate.burst {
		if wait := w.fails("192.0.2.2", fmt.Sprint("name", i)); wait != 0 {
			t.Fatalf("name %d: has to wait %s", i, wait)
		}
	}
	if wait := w.fails("192.0.2.2", "another"); wait != addressRate.interval {
		t.Errorf("an address that tries many names: has to wait %s, want %s", wait, addressRate.interval)
	}
	if wait := w.fails("192.0.2.3", "another"); wait != 0 {
		t.Errorf("another address: has to wait %s", wait)
	}
	w.pass(forgotten + time.Second)
	if wait := w.fails("192.0.2.1", "admin"); wait != 0 {
		t.Errorf("after a quarter of an hour: has to wait %s", wait)
	}
}

// TestNobodyLocksAdminOut: whatever strangers try from however many addresses, admin gets in, from a new address and
// from a browser that was in before.
func TestNobodyLocksAdminOut(t *testing.T) {
	w := settled(t)
	before := w.login("admin", adminPassword)
	refused := 0
	for i := range 400 {
		address := fmt.Sprintf("198.51.%d.%d", i/2/250, i/2%250)
		if w.fails(address, "admin") > 0 {
			refused++
		}
	}
	if refused < 100 {
		t.Errorf("%d of 400 attempts were held up, want that many addresses together are", refused)
	}
	if _, err := w.Login(request(from("203.0.113.9")), Credentials{"admin", adminPassword}); err != nil {
		t.Errorf("from a new address: %v", err)
	}
	w.fails("192.0.2.7", "admin")
	if _, err := w.Login(request(from("192.0.2.7")), Credentials{"admin", adminPassword}); err == nil {
		t.Error("a second attempt of a stranger is not held up with the others")
	}
	known := request(from("192.0.2.7"), withCookies(before.Cookies))
	if _, err := w.Login(known, Credentials{"admin", adminPassword}); err != nil {
		t.Errorf("from a browser that was in before: %v", err)
	}
	// Such a browser is not let try for ever either, nor on another account.
	var soon *TooSoonError
	for range knownRate.burst {
		_, err := w.Login(known, Credentials{"admin", "wrong"})
		if !errors.Is(err, ErrCredentials) {
			t.Fatal(err)
		}
	}
	if _, err := w.Login(known, Credentials{"admin", adminPassword}); !errors.As(err, &soon) || soon.Error() != "too many failed log-ins; try again in 6s" {
		t.Errorf("got %v", err)
	}
	if _, is := w.deviceOf(known, w.secrets[SecretName].Data[signingKey], "alice"); is {
		t.Error("a browser is known for an account that it was not in")
	}
	key := w.secrets[SecretName].Data[signingKey]
	old, err := sign(key, ownClaims(LocalIssuer, "admin", access.Token{ID: "x", IssuedAt: w.now.Unix(), ExpiresAt: w.now.Add(time.Hour).Unix()}))
	if err != nil {
		t.Fatal(err)
	}
	for what, session := range map[string]string{"a session": before.Token, "a session without a capability, as old ones are": old} {
		if _, is := w.deviceOf(request(withCookies([]*http.Cookie{{Name: deviceCookie, Value: session}})), key, "admin"); is {
			t.Errorf("%s passes for the mark of a browser", what)
		}
	}
}

// TestARestartGivesNoAttempts: what crashes the server would not make guessing faster.
func TestARestartGivesNoAttempts(t *testing.T) {
	w := settled(t)
	for range 3 {
		w.restart()
		tried := 0
		for i := range 20 {
			if w.fails("192.0.2.1", fmt.Sprint("name", i)) == 0 {
				tried++
			}
		}
		if tried != atStart {
			t.Errorf("%d attempts after a start, want %d", tried, atStart)
		}
	}
}

// TestAttemptsThatSucceedCountForNothing: a pipeline may log in as often as it wants.
func TestAttemptsThatSucceedCountForNothing(t *testing.T) {
	w := settled(t)
	for i := range 3 * addressRate.burst {
		if _, err := w.Login(request(), Credentials{"alice", alicePassword}); err != nil {
			t.Fatalf("log-in %d: %v", i, err)
		}
	}
}

// TestMemoryOfLimits: it is fixed, whatever is tried.
func TestMemoryOfLimits(t *testing.T) {
	size := 3*unsafe.Sizeof(sketch[time.Duration]{}) + unsafe.Sizeof(sketch[failure]{})
	if size > 1<<20 {
		t.Errorf("limits take %d bytes", size)
	}
	l := newLimits(time.Unix(0, 0))
	now := time.Unix(1000, 0)
	for i := range 100_000 {
		l.begin(attempt{address: fmt.Sprint(i), account: "admin"}, now)
		if i%100 == 0 {
			now = now.Add(time.Second)
		}
	}
	if wait := l.begin(attempt{address: "new", account: "new"}, now); wait != 0 {
		t.Errorf("after 100 000 addresses, a new one has to wait %s", wait)
	}
}

func TestAddresses(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1", "192.0.2.1": "192.0.2.1", "[::ffff:192.0.2.1]:80": "192.0.2.1", "[2001:db8:1:2:3:4:5:6]:80": "2001:db8:1:2::/64", "[fe80::1%eth0]:80": "fe80::/64", "@": "@", "": "",
	} {
		if got := AddressOf(remote); got != want {
			t.Errorf("%q: got %q, want %q", remote, got, want)
		}
	}
}

// TestPasswordsThatAreCheckedAtOneTime: no more than there are slots, and no more than a queue wait.
func TestPasswordsThatAreCheckedAtOneTime(t *testing.T) {
	l := lane{slots: make(chan struct{}, 2), queue: 5}
	var running, most, busy atomic.Int64
	hold, started := make(chan struct{}), make(chan struct{}, 10)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			err := l.do(t.Context(), func() {
				most.Store(max(most.Load(), running.Add(1)))
				started <- struct{}{}
				<-hold
				running.Add(-1)
			})
			if errors.Is(err, ErrBusy) {
				busy.Add(1)
				started <- struct{}{}
			}
		})
	}
	// Two run, three wait, five are sent away.
	for range 7 {
		<-started
	}
	close(hold)
	all.Wait()
	if most.Load() > 2 || busy.Load() != 5 || l.waiting.Load() != 0 {
		t.Errorf("%d at one time, %d sent away, %d still waiting; want 2, 5, 0", most.Load(), busy.Load(), l.waiting.Load())
	}
}

// TestAnAttemptThatWasNotMade counts for nothing.
func TestAnAttemptThatWasNotMade(t *testing.T) {
	w := settled(t)
	w.checks.strangers.queue = 0
	for range 50 {
		if _, err := w.Login(request(), Credentials{"alice", "wrong"}); !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
	}
	w.checks.strangers.queue = queueOfStrangers
	if _, err := w.Login(request(), Credentials{"alice", alicePassword}); err != nil {
		t.Errorf("got %v", err)
	}
}

// TestBucketsRefill: an attempt is earned after each interval, and given back when it was none.
func TestBucketsRefill(t *testing.T) {
	start := time.Unix(0, 0)
	b := newBuckets(rate{burst: 4, interval: time.Second}, start)
	now := start.Add(time.Hour)
	for i := range 4 {
		if wait := b.take("a", now); wait != 0 {
			t.Fatalf("attempt %d has to wait %s", i, wait)
		}
	}
	if wait := b.take("a", now); wait != time.Second {
		t.Errorf("has to wait %s", wait)
	}
	if wait := b.take("b", now); wait != 0 {
		t.Errorf("another key has to wait %s", wait)
	}
	b.giveBack("a")
	if wait := b.take("a", now); wait != 0 {
		t.Errorf("after one was given back: has to wait %s", wait)
	}
	if wait := b.take("a", now.Add(500*time.Millisecond)); wait != 500*time.Millisecond {
		t.Errorf("half a second later: has to wait %s", wait)
	}
	if wait := b.take("a", now.Add(time.Second)); wait != 0 {
		t.Errorf("a second later: has to wait %s", wait)
	}
}
